# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the credentials that were given are those that the rules need: a wrong host name shows before any contact.

A login that cannot be used, since its environment variables are not set, is a fault only where an image needs it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...._oci.credentials.provider import CredentialProvider, Given, PrefixTable, without_credentials
from ...._oci.errors import InputError
from ...._oci.image.places import place_of
from ...._oci.image.reference import parse_prefix
from ..rule_parser import Rule

if TYPE_CHECKING:
    from .image_syncer import AuthEntry

_OPEN = re.compile(r"[*{}]")


def usable_logins(auth: Sequence[AuthEntry], rules: Sequence[Rule], *, warn: Callable[[str], None]) -> list[AuthEntry]:
    """Leave out, with a warning, the logins with a fault that no image needs.

    :param auth: the entries of a file
    :raises InputError: the fault of the first one that an image needs
    """
    table: PrefixTable[AuthEntry] = PrefixTable()
    for entry in auth:
        if entry.username or entry.fault is not None:
            table.put(*parse_prefix(entry.key), entry)
    names = _names(rules)
    needed = [found[1] for found in (table.find(name.registry, name.path) for name in names) if found]
    usable = []
    for entry in auth:
        if entry.fault is None:
            usable.append(entry)
        elif entry in needed or any(name.is_open and _any_below(name, [entry.key]) for name in names):
            raise entry.fault
        else:
            warn(f"The login for {entry.key} is left out, and no image uses it: {entry.fault.cause}")
    return usable


def _names(rules: Sequence[Rule]) -> set[_Known]:
    """Return the repositories of both sides."""
    sources = {_known(rule.source.registry, rule.source.repository) for rule in rules}
    return sources | {_known(place.registry, place.repository) for rule in rules for place in rule.destinations}


def check_use(
    rules: Sequence[Rule],
    *,
    from_task: Given,
    from_file: Given,
    credentials: CredentialProvider,
    described: Collection[str],
    warn: Callable[[str], None],
) -> None:
    """Look for credentials that no rule uses while a destination has none.

    Few registries let anyone write. So unused credentials in a file, which was written for these rules, are taken for a
    mistake. Those of a task may come from defaults that many tasks share, and are worth a warning.

    :param credentials: all of them, docker's included
    :param described: registries that the task says something about, and so means to use as they are
    :raises InputError: naming the registries without credentials and the credentials without use
    """
    sources = {_known(rule.source.registry, rule.source.repository) for rule in rules}
    written = (each for rule in rules for each in rule.destinations if place_of(each.registry) is None)
    destinations = {_known(each.registry, each.repository) for each in written}
    unused, unused_here = (_unused(given, sources | destinations) for given in (from_file, from_task))
    if not destinations or not (unused or unused_here):
        return
    below = [*from_file.unused(()), *from_task.unused(())]
    served = {name.registry for name in destinations if name.is_open and _any_below(name, below)}
    lacking = [
        host
        for host in without_credentials(credentials, [(place.registry, place.path) for place in destinations])
        if host not in described and host not in served
    ]
    if not lacking:
        return
    cause = "there are no credentials for {}, and those for {} are used by no image"
    hosts = ", ".join(lacking)
    if unused:
        raise InputError(
            action="copy to",
            subject=hosts,
            cause=cause.format("it" if len(lacking) == 1 else "them", ", ".join(unused)),
            hint="correct the host name where it is wrong: in the images or defaults, or in the credentials",
        )
    warn(cause.format(hosts, ", ".join(unused_here)))


class _Known(NamedTuple):
    """A repository, or as much of the path of many as is known."""

    registry: str
    path: str
    is_open: bool


def _known(registry: str, repository: str) -> _Known:
    parts = repository.split("/")
    known = list(itertools.takewhile(lambda part: not _OPEN.search(part), parts))
    return _Known(registry, "/".join(known), len(known) < len(parts))


def _unused(given: Given, names: Collection[_Known]) -> list[str]:
    """Return the keys that none of these names needs. One below what many begin with may be for some of them."""
    unused = given.unused((name.registry, name.path) for name in names)
    return [key for key in unused if not any(name.is_open and _any_below(name, [key]) for name in names)]


def _any_below(name: _Known, keys: Collection[str]) -> bool:
    beginning = f"{name.registry}/{name.path}".rstrip("/") + "/"
    return any(key.startswith(beginning) for key in keys)
