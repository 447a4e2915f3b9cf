# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options about bundles: layouts on disk as destinations, and the earlier ones that they build on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .._oci.errors import InputError
from .._oci.image.places import place_of
from .._oci.image.reference import quoted
from .._sync.rules.rule_parser import Rule

if TYPE_CHECKING:
    from .._oci.layout.inventory import Bases


def read_bases(params: Mapping[str, Any], rules: Iterable[Rule]) -> Bases | None:
    """Return the earlier bundles that are named by their inventories; None when none is.

    :raises ImageOpsError: when one cannot be read, or no destination is a bundle
    """
    paths = params["bundle_base"]
    if not paths:
        return None
    if not any(place_of(each.registry) for rule in rules for each in rule.destinations):
        raise InputError(
            subject="the option bundle_base",
            cause="no destination is a layout on disk",
            hint="write one as oci:/path or oci-archive:/path.tar",
        )
    from .._oci.layout.inventory import Bases, read_inventory  # only tasks with bundles pay for it

    inventories = []
    for path in paths:
        found = read_inventory(path)
        if found is None:
            raise InputError(
                subject=f"the inventory {quoted(path)} of bundle_base",
                cause="there is no such file",
                hint="name the .inventory.json that stands beside an earlier bundle",
            )
        inventories.append(found)
    return Bases(inventories)
