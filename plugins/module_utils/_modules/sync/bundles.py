# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options about bundles: layouts on disk as destinations, the earlier ones that they build on, and parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..._oci.errors import InputError
from ..._oci.image.places import LAYOUT_ARCHIVE, place_of
from ..._oci.image.reference import quoted
from ..._sync.rules.rule_parser import Rule

if TYPE_CHECKING:
    from ..._oci.layout.inventory import Bases

_LEAST_PART = 1024 * 1024


def read_part_sizes(params: Mapping[str, Any], rules: Iterable[Rule]) -> dict[str, int]:
    """Return how many bytes a part has at most, by place, of all archives that are written in parts.

    :raises InputError: when no destination is an archive, or the size is too small
    """
    size = params["archive_size"]
    if size is None:
        return {}
    hosts = {each.registry for rule in rules for each in rule.destinations}
    places = [(host, place_of(host)) for host in sorted(hosts)]
    found = {host: size for host, place in places if place is not None and place.transport == LAYOUT_ARCHIVE}
    if not found:
        raise InputError(
            subject="the option archive_size",
            cause="no destination is a layout in a tar",
            hint="write one as oci-archive:/path.tar",
        )
    if size < _LEAST_PART:
        raise InputError(subject=f"archive_size {size}", cause="it is less than 1 MiB", hint="write it as in 4G")
    return found


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
    from ..._oci.layout.inventory import Bases, read_inventory  # only tasks with bundles pay for it

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
