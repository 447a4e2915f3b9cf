# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about many repositories → rules of one repository each, and what stands in the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..._oci.errors import ImageOpsError, InputError, RegistryError
from ..._oci.image.reference import parse_repository, quoted
from ..decisions import Refusal
from ..rules.grammar import Destination
from ..rules.repository_patterns import Wildcard, target
from ..rules.rule import Rule
from ..rules.stages import circle
from ..vendors import Vendors
from ..work.stores import Stores
from ..work.workers import ask_all
from .image_task import ImageTask, refused_task

_MOST_NAMED = 5

_Listing = tuple[str, str]


@dataclass
class Expansion:
    """What rules about many repositories stand for.

    :ivar rules: of one repository each, in the order of the rules that they come from
    :ivar failures: rules whose repositories are not known, and why
    :ivar refusals: of destinations that nothing may be written to
    :ivar notes: sentences about what was left out
    """

    rules: list[Rule] = field(default_factory=list)
    failures: list[tuple[Rule, ImageOpsError]] = field(default_factory=list)
    refusals: list[ImageTask] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Discovery:
    """Finds repositories; each list is read once in a run, what failed is asked again.

    :param log: takes the traceback of an unexpected fault
    """

    def __init__(self, stores: Stores, vendors: Vendors, *, log: Callable[[str], None]) -> None:
        self._stores = stores
        self._vendors = vendors
        self._log = log
        self._listed: dict[_Listing, list[str]] = {}

    def expand(self, rules: Sequence[Rule]) -> Expansion:
        """Return a rule for each repository, and what stands in the way.

        :raises InputError: when rules copy in a circle
        """
        faults = self._list(rule.source.wildcard for rule in rules)
        result = Expansion()
        paths = self._paths(rules)
        for rule in rules:
            wildcard = rule.source.wildcard
            if wildcard is None:
                result.rules.append(rule)
                continue
            fault = faults.get(_listing(wildcard))
            found = sorted(paths.get(rule, ()))
            if fault is None and not found:
                fault = self._nothing(wildcard)
            if fault is None:
                self._expand(rule, wildcard, found, result)
            else:
                result.failures.append((rule, fault))
        result.refusals += _collisions(result.rules)
        return result

    def _paths(self, rules: Sequence[Rule]) -> Mapping[Rule, Collection[str]]:
        """Return the repositories of each rule about many: those that are listed, and those that other rules write.

        :raises InputError: when a rule would copy what is made, by way of others, of its own copies
        """
        found: dict[Rule, dict[str, None]] = {}
        written: deque[tuple[str, str, tuple[str, ...]]] = deque()
        for rule in rules:
            wildcard = rule.source.wildcard
            if wildcard is None:
                written.extend((each.registry, each.repository, (rule.origin,)) for each in rule.destinations)
            elif _listing(wildcard) in self._listed:
                found[rule] = dict.fromkeys(path for path in self._listed[_listing(wildcard)] if wildcard.covers(path))
                written.extend(step for path in found[rule] for step in _writes(rule, wildcard, path, ()))
        while written:
            registry, repository, origins = written.popleft()
            for rule, paths in found.items():
                wildcard = rule.source.wildcard
                if wildcard is None or wildcard.registry != registry or not wildcard.covers(repository):
                    continue
                if origins == (rule.origin,):
                    continue  # a rule that copies its own copies is refused with its template
                if rule.origin in origins:
                    raise circle(origins[origins.index(rule.origin) :])
                if repository not in paths:
                    paths[repository] = None
                    written.extend(_writes(rule, wildcard, repository, origins))
        return found

    def _list(self, wildcards: Iterable[Wildcard | None]) -> dict[_Listing, ImageOpsError]:
        """Read the lists that are not known yet. Return the errors of those that could not be read."""
        needed = {_listing(wildcard) for wildcard in wildcards if wildcard is not None}
        outcomes = ask_all(
            ((self._stores.queue(listing[0]), listing) for listing in sorted(needed - set(self._listed))),
            lambda listing: self._repositories(*listing),
            action="list the repositories of",
            log=self._log,
        )
        faults: dict[_Listing, ImageOpsError] = {}
        for listing, outcome in outcomes.items():
            if isinstance(outcome, ImageOpsError):
                faults[listing] = outcome
            else:
                self._listed[listing] = outcome
        return faults

    def _repositories(self, host: str, beginning: str) -> list[str]:
        """Return the repositories of a registry whose paths begin so, in the order of their names."""
        return sorted(self._vendors.ask(host).repositories(beginning))

    def _expand(self, rule: Rule, wildcard: Wildcard, found: Sequence[str], result: Expansion) -> None:
        below = (path for path in self._listed[_listing(wildcard)] if path.startswith(wildcard.beginning))
        deeper = sum(not wildcard.covers(path) for path in below)
        if deeper:
            result.notes.append(
                f"{rule.origin} takes the {len(found)} repositories directly in {wildcard}, not the {deeper} below "
                "them: /** takes both"
            )
        for path in found:
            source = replace(rule.source, repository=path, wildcard=None)
            one = replace(rule, source=source, destinations=(), brought_by=wildcard)
            destinations = []
            for destination in rule.destinations:
                filled = replace(destination, repository=target(destination.repository, wildcard, path))
                destinations.append(filled)
                fault = _misfit(filled, one, wildcard)
                if fault is not None:
                    result.refusals.append(refused_task(one, filled, Refusal.TEMPLATE, fault))
            result.rules.append(replace(one, destinations=tuple(destinations)))

    def _nothing(self, wildcard: Wildcard) -> ImageOpsError:
        below = [path for path in self._listed[_listing(wildcard)] if path.startswith(wildcard.beginning)]
        cause = f"{wildcard.registry} lists no repository there"
        hint = "check the spelling and the credentials: some registries hide what a login may not read"
        if below:
            cause = f"no repository is directly in it, and {len(below)} are below, such as {below[0]}"
            hint = "write /** to take them at any depth"
        return RegistryError(
            code="repository_not_found", action="find", subject=str(wildcard), cause=cause, hint=hint, status=404
        )


def _listing(wildcard: Wildcard) -> _Listing:
    return wildcard.registry, wildcard.beginning


def _writes(
    rule: Rule, wildcard: Wildcard, path: str, origins: tuple[str, ...]
) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    """Yield the repositories that a rule writes of one of its sources, and the rules that lead there."""
    for destination in rule.destinations:
        yield destination.registry, target(destination.repository, wildcard, path), (*origins, rule.origin)


def _misfit(destination: Destination, rule: Rule, wildcard: Wildcard) -> InputError | None:
    """Return why nothing may be written where a template says; None when it may."""
    cause = ""
    try:
        parse_repository(destination.name)
    except InputError as fault:
        cause = fault.cause
    if destination.registry == wildcard.registry and wildcard.covers(destination.repository):
        cause = f"it is one of {wildcard} itself, so that each run would copy what the last one made"
    if not cause:
        return None
    return InputError(
        subject=f"the destination {quoted(destination.text)} of {rule.origin}",
        cause=f"for {rule.source.name} it is {quoted(destination.name)}: {cause}",
        hint="change the destination, or give that repository a rule of its own",
    )


def _collisions(rules: Iterable[Rule]) -> Iterable[ImageTask]:
    """Yield a refused task for each destination that several of the repositories that were found would share."""
    claims: dict[str, dict[str, list[tuple[Rule, Destination]]]] = {}
    for rule in rules:
        if rule.brought_by is not None:
            for destination in rule.destinations:
                claims.setdefault(destination.name, {}).setdefault(rule.source.name, []).append((rule, destination))
    for name, claimants in claims.items():
        if len(claimants) > 1:
            sources = sorted(claimants)
            more = f" and {len(sources) - _MOST_NAMED} more" if len(sources) > _MOST_NAMED else ""
            for rule, destination in (claim for claims_of_one in claimants.values() for claim in claims_of_one):
                error = ImageOpsError(
                    code="conflict",
                    action="write",
                    subject=name,
                    cause=f"{', '.join(sources[:_MOST_NAMED])}{more} would all go there",
                    hint="keep more of their paths: {repository} in the destination stands for all of it",
                )
                yield refused_task(rule, destination, Refusal.SHARED, error)
