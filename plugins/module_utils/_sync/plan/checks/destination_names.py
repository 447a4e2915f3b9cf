# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destination names against what their registries take, before anything is contacted, and a template that would do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...._oci.errors import InputError
from ...._oci.image.reference import quoted
from ...decisions import Refusal
from ...product import Generic
from ...rules.grammar import Destination
from ...rules.repository_patterns import fill
from ...rules.rule import Rule
from ...vendors import Vendors
from ..image_task import ImageTask, refused_task

_STAND_IN = "mirror"
_TEMPLATES = ("{name}", "{path}", "{repository}", "{namespace}-{name}")


_Member = tuple[Rule, Destination]
"""A rule of one repository, and one of its destinations."""


def find_misnamed(rules: Iterable[Rule], vendors: Vendors) -> Iterable[ImageTask]:
    """Yield a refused task for every destination of these rules with a name that its registry does not take.

    :param rules: of one repository each
    """
    groups: dict[tuple[str, str], list[_Member]] = {}
    for rule in rules:
        for destination in rule.destinations:
            groups.setdefault((rule.origin, destination.text), []).append((rule, destination))
    for members in groups.values():
        vendor = vendors.known(members[0][1].registry)
        faults = {member: vendor.path_fault(member[1].repository) for member in members}
        hint = _better(members, vendor) if any(faults.values()) else ""
        for (rule, destination), fault in faults.items():
            if not fault:
                continue
            error = InputError(
                subject=f"the destination {quoted(destination.name)} of {rule.origin}",
                cause=f"{vendor.product} does not take that name: {fault}",
                hint=hint,
            )
            yield refused_task(rule, destination, Refusal.NAME, error)


def _better(members: Sequence[_Member], vendor: Generic) -> str:
    """Return a template by which every repository of one rule's destination gets a name of its own that is taken."""
    destination = members[0][1]
    namespaces = {each.repository.rpartition("/")[0].partition("/")[0] for _rule, each in members}
    base = namespaces.pop() if len(namespaces) == 1 else _STAND_IN
    if vendor.path_fault(f"{base}/{_STAND_IN}"):
        base = _STAND_IN
    sources = {rule.source.name for rule, _destination in members}
    for template in _TEMPLATES:
        renamed = {fill(f"{base}/{template}", rule.source.repository) for rule, _destination in members}
        if len(renamed) == len(sources) and not any(map(vendor.path_fault, renamed)):
            return f"write {destination.registry}/{base}/{template} as the destination, for one"
    return "give those repositories rules of their own, with other names"
