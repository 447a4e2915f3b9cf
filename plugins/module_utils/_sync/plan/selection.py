# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of one repository each → the pairs of a source and a destination that they mean."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..._oci.errors import ImageOpsError, InputError, RegistryError
from ..._oci.image.reference import Reference
from ..decisions import Refusal
from ..rules.lock import Lock
from ..rules.rule_parser import Destination, Rule, destination_tag
from .earlier_stages import EarlierStages
from .image_task import WAITS, ImageTask, Pair, refused_task, unknown_task
from .sides.state import Survey

_NO_TAGS = "the source's tags are not known"
_NO_TIMES = "when the source's images were built is not known"
_MOST_NAMED = 5


@dataclass
class Selected:
    """What the rules of a stage mean.

    :ivar tasks: that stand for all images of a rule, where those are not known
    :ivar notes: sentences about what was left out
    """

    pairs: list[Pair] = field(default_factory=list)
    tasks: list[ImageTask] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Selection:
    """Selects tags.

    :param created: return when images were built, for rules that choose by that
    :param lock: whose tags are chosen from as well, and before those that are listed
    """

    def __init__(
        self,
        survey: Survey,
        created: Callable[[Iterable[Reference]], Mapping[Reference, datetime | ImageOpsError | None]],
        lock: Lock | None,
    ) -> None:
        self._survey = survey
        self._lock = lock or Lock()
        self._created = created

    def select(self, rules: Sequence[Rule], earlier: EarlierStages) -> Selected:
        """List tags on both sides where they are needed, and return what the rules mean.

        :param earlier: what is written before; its tags count as listed
        """
        selected = Selected()
        known = [rule for rule in rules if not earlier.is_unknown(rule)]
        for rule in rules:
            if earlier.is_unknown(rule):
                selected.tasks += [unknown_task(rule, destination, WAITS, None) for destination in rule.destinations]
        faults = self._list(known, earlier)
        created = self._read_created([rule for rule in known if rule.source.name not in faults], earlier)
        none_taken: dict[str, list[str]] = {}
        for rule in known:
            fault = faults.get(rule.source.name) if rule.source.selects_by_listing else None
            if fault is None and self._is_missing(rule, earlier):
                fault = _no_tags(rule)
            times = created.get(rule, {})
            if fault is not None:
                selected.tasks += [unknown_task(rule, each, _NO_TAGS, fault) for each in rule.destinations]
                continue
            if isinstance(times, ImageOpsError):
                selected.tasks += [unknown_task(rule, each, _NO_TIMES, times) for each in rule.destinations]
                continue
            try:
                pairs = list(self._pairs(rule, times, earlier))
            except InputError as error:
                named = [destination for destination in rule.destinations if destination.renames]
                selected.tasks += [refused_task(rule, each, Refusal.ONE_TAG, error) for each in named]
                continue
            selected.pairs += pairs
            if not pairs:
                none_taken.setdefault(rule.origin, []).append(rule.source.name)
        selected.notes += [self._none_taken(origin, names, earlier) for origin, names in none_taken.items()]
        return selected

    def _list(self, rules: Sequence[Rule], earlier: EarlierStages) -> dict[str, ImageOpsError]:
        """Read the tag lists that the rules need. Return the errors of those that could not be read, by repository."""
        needed: list[Reference] = []
        for rule in rules:
            if rule.source.selects_by_listing:
                needed.append(Reference(rule.source.registry, rule.source.repository))
                needed += _repositories(rule)
        faults = self._survey.list(needed)
        named = (rule for rule in rules if len(rule.source.tags or ()) > 1)
        self._survey.list_few(repository for rule in named for repository in _repositories(rule))
        known = {name for name in faults if earlier.tags(name) or self._lock.tags(name)}
        return {name: fault for name, fault in faults.items() if not (_hides(fault) and name in known)}

    def tags(self, name: str, earlier: EarlierStages) -> Collection[str]:
        """Return the tags of a repository that are listed, and those that earlier stages write."""
        listed = self._survey.tags(name) or {}
        return {**listed, **dict.fromkeys(earlier.tags(name))}

    def _is_missing(self, rule: Rule, earlier: EarlierStages) -> bool:
        """Return whether a repository that a rule names has no tag. One that was found may be empty meanwhile."""
        listed = rule.source.selects_by_listing and rule.brought_by is None
        return listed and not self.tags(rule.source.name, earlier) and not self._lock.tags(rule.source.name)

    def _read_created(
        self, rules: Sequence[Rule], earlier: EarlierStages
    ) -> Mapping[Rule, Mapping[str, datetime | None] | ImageOpsError]:
        """Read when the images were built that a rule chooses from by that, for all such rules at once."""
        candidates = {
            rule: {
                tag: _origin(Reference(rule.source.registry, rule.source.repository, tag), earlier)
                for tag in rule.choose(self.tags(rule.source.name, earlier)).taken
            }
            for rule in rules
            if rule.tags.needs_created
        }
        if not candidates:
            return {}
        times = self._created(dict.fromkeys(ref for by_tag in candidates.values() for ref in by_tag.values()))
        return {rule: _times_or_fault(by_tag, times) for rule, by_tag in candidates.items()}

    def _pairs(self, rule: Rule, created: Mapping[str, datetime | None], earlier: EarlierStages) -> Iterable[Pair]:
        source = Reference(rule.source.registry, rule.source.repository, digest=rule.source.digest)
        by_listing = rule.source.selects_by_listing
        listed = list(self.tags(rule.source.name, earlier)) if by_listing else rule.source.tags
        tags: Sequence[str | None] = [None] if listed is None else self._chosen(rule, listed, created)
        for tag in tags:
            for destination in rule.destinations:
                image = Reference(source.registry, source.repository, tag, source.digest)
                yield Pair(rule, image, _reference(rule, destination, tag))

    def _chosen(self, rule: Rule, listed: Sequence[str], created: Mapping[str, datetime | None]) -> Sequence[str]:
        """Return the tags that a rule takes. New tags do not push out those of the lock."""
        chosen = rule.select(listed, created)
        locked = self._lock.tags(rule.source.name) if rule.source.selects_by_listing else []
        return [*rule.select(locked, created), *(tag for tag in chosen if tag not in locked)] if locked else chosen

    def _none_taken(self, origin: str, names: Sequence[str], earlier: EarlierStages) -> str:
        shown = ", ".join(f"{name} ({len(self.tags(name, earlier))})" for name in names[:_MOST_NAMED])
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        return f"{origin} takes none of the tags of {shown}{more}"


def _repositories(rule: Rule) -> list[Reference]:
    return [Reference(each.registry, each.repository) for each in rule.destinations]


def _hides(fault: ImageOpsError) -> bool:
    """Return whether a registry may answer so for a repository that does not exist yet."""
    return isinstance(fault, RegistryError) and fault.status in (401, 403, 404)


def _origin(source: Reference, earlier: EarlierStages) -> Reference:
    maker = earlier.maker(source)
    return maker.origin if maker is not None else source


def _times_or_fault(
    by_tag: Mapping[str, Reference], times: Mapping[Reference, datetime | ImageOpsError | None]
) -> Mapping[str, datetime | None] | ImageOpsError:
    found: dict[str, datetime | None] = {}
    for tag, ref in by_tag.items():
        time = times[ref]
        if isinstance(time, ImageOpsError):
            return time
        found[tag] = time
    return found


def _reference(rule: Rule, destination: Destination, source_tag: str | None) -> Reference:
    tag = destination_tag(rule, destination, source_tag)
    digest = rule.source.digest if tag is None else None
    return Reference(destination.registry, destination.repository, tag, digest)


def _no_tags(rule: Rule) -> ImageOpsError:
    return RegistryError(
        code="repository_not_found",
        action="list the tags of",
        subject=rule.source.name,
        cause="the source has no such repository, or no tag in it",
        hint="check the spelling and the credentials: some registries hide what a login may not read",
        status=404,
    )
