# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destination names against the rules of ACR, before anything is contacted there, and the template that would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .._acr.names import path_fault
from .._oci.errors import InputError
from .._oci.reference import quoted
from .rule import Rule
from .sides import Destination
from .templates import fill

_STAND_IN = "mirror"
_TEMPLATES = ("{name}", "{path}", "{repository}", "{namespace}-{name}")


@dataclass(frozen=True)
class Misnamed:
    """A destination that its registry would not take."""

    rule: Rule
    destination: Destination
    error: InputError


def find_misnamed(rules: Sequence[Rule], is_acr: Callable[[str], bool]) -> list[Misnamed]:
    """Every destination of these rules with a name that its registry does not take.

    :param rules: of one repository each
    :param is_acr: whether a registry's host is that of an ACR instance
    """
    together: dict[tuple[str, str], list[tuple[Rule, Destination]]] = {}
    for rule in rules:
        for destination in rule.destinations:
            if is_acr(destination.registry):
                together.setdefault((rule.origin, destination.text), []).append((rule, destination))
    found: list[Misnamed] = []
    for members in together.values():
        faults = [(rule, place, path_fault(place.repository)) for rule, place in members]
        if any(fault for _rule, _place, fault in faults):
            hint = _better(members)
            found += [Misnamed(rule, place, _error(rule, place, fault, hint)) for rule, place, fault in faults if fault]
    return found


def _better(members: Sequence[tuple[Rule, Destination]]) -> str:
    """A template by which every repository of one rule's destination gets a name of its own that is taken."""
    place = members[0][1]
    namespaces = {place.repository.rpartition("/")[0].partition("/")[0] for _rule, place in members}
    base = namespaces.pop() if len(namespaces) == 1 else _STAND_IN
    if path_fault(f"{base}/{_STAND_IN}"):
        base = _STAND_IN
    for template in _TEMPLATES:
        renamed = {fill(f"{base}/{template}", rule.source.repository) for rule, _place in members}
        if len(renamed) == len({rule.source.name for rule, _place in members}) and not _any_fault(renamed):
            return f"write {place.registry}/{base}/{template} as the destination, for one"
    return "give those repositories rules of their own, with other names"


def _any_fault(paths: Iterable[str]) -> bool:
    return any(path_fault(path) for path in paths)


def _error(rule: Rule, place: Destination, fault: str, hint: str) -> InputError:
    return InputError(
        subject=f"the destination {quoted(place.name)} of {rule.origin}",
        cause=f"ACR does not take that name: {fault}",
        hint=hint,
    )
