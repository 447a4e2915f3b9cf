# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is deleted once everything is copied: the tags of destinations that their rules' sources do not have any more.

Nothing is deleted here. What speaks against any deletion in the whole run is an obstacle; more deletions than the rules
allow are errors of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...._oci.errors import ImageOpsError
from ...._oci.image.reference import Digest, Reference
from ...._oci.image.referrers import is_referrer_tag
from ...decisions import Action
from ...rules.grammar import Destination
from ...rules.prune import Prune, source_tag
from ...rules.rule_parser import Rule, destination_tag
from ...work.stores import Stores
from ..image_task import ImageTask, new_task
from ..sides.state import DestinationState, Survey
from .repository_deletions import RepositoryDeletions, check_number

_GONE = "the source does not have it any more"
_OUTDATED = "the source has it, and it is none of the newest"
_MOST_NAMED = 3

Listed = Callable[[str], Collection[str]]


@dataclass
class Deletions:
    """What a run is to delete after all else.

    :ivar tasks: one for each tag; with an error where a limit refuses all of them
    :ivar obstacles: sentences about why nothing at all may be deleted in this run
    :ivar repositories: what the tags of each whole repository name that is to go
    """

    tasks: list[ImageTask] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    repositories: Mapping[Reference, Mapping[str, Digest]] = field(default_factory=dict)


class DeletionPlan:
    """Finds what is to be deleted."""

    def __init__(self, stores: Stores, survey: Survey) -> None:
        self._stores = stores
        self._survey = survey

    def plan(
        self, rules: Sequence[Rule], tasks: Iterable[ImageTask], listed: Listed, whole: RepositoryDeletions
    ) -> Deletions:
        """Return what is to be deleted. Tags that are to go are asked for one by one, unless a limit refuses them.

        :param rules: of one repository each, all that the run has
        :param tasks: what is copied
        :param listed: gives every tag that a source has, those included that the run brings there
        :param whole: the repositories that are to go as a whole
        """
        found = Deletions(obstacles=list(whole.obstacles), repositories=whole.tags)
        pruning = [rule for rule in rules if rule.prune is not None]
        if not pruning and not whole.tasks:
            return found
        writes = _Writes(rules, tasks)
        candidates: dict[Reference, ImageTask] = {}
        for rule in pruning:
            fault = self._unread(rule)
            if fault:
                found.obstacles.append(fault)
                continue
            tags = listed(rule.source.name)
            for destination in rule.destinations:
                for task in self._candidates(rule, destination, tags, writes):
                    candidates.setdefault(task.destination, task)
        found.tasks = sorted(candidates.values(), key=lambda task: str(task.destination))
        refused = next((task.error for task in whole.tasks if task.error is not None), None)
        limit = refused or check_number(whole.tasks) or self._limit(found.tasks, whole, writes)
        if limit is None:
            found.tasks = [*self._asked(found), *whole.tasks]
        else:
            found.tasks = [replace(task, error=limit) for task in [*found.tasks, *whole.tasks]]
        return found

    def _unread(self, rule: Rule) -> str:
        """Return why a rule's lists are no ground for a deletion; empty when they are."""
        source = Reference(rule.source.registry, rule.source.repository)
        for place in [source, *(Reference(each.registry, each.repository) for each in rule.destinations)]:
            tags = self._survey.tags(place.name)
            if tags is None:
                return f"the tags of {place.name} could not be listed"
            if not tags and place is source:
                return f"the list of the tags of {place.name} is empty"
            if not self._stores.repository(place).tags_are_whole:
                return f"the list of the tags of {place.name} could be read only in part"
        return ""

    def _candidates(
        self, rule: Rule, destination: Destination, listed: Collection[str], writes: _Writes
    ) -> Iterable[ImageTask]:
        prune = rule.prune or Prune()
        for tag in self._survey.tags(destination.name) or ():
            ref = Reference(destination.registry, destination.repository, tag)
            before = source_tag(destination, tag)
            if before is None or not rule.could_take(before) or prune.keeps(tag):
                continue
            # What newest chooses is copied, and so wanted; the rest is still at the source.
            if before in listed and not (prune.outdated and rule.tags.newest is not None):
                continue
            if is_referrer_tag(tag) or rule.is_backup(tag) or writes.wants(ref, rule):
                continue
            source = Reference(rule.source.registry, rule.source.repository, before)
            reason = _OUTDATED if before in listed else _GONE
            yield replace(new_task(rule, source, ref), action=Action.DELETE, reason=reason)

    def _limit(self, tasks: Sequence[ImageTask], whole: RepositoryDeletions, writes: _Writes) -> ImageOpsError | None:
        """Return the error for all deletions when there are more than the rules allow."""
        every = [*tasks, *whole.tasks]
        total = min((task.rule.prune.max_total for task in every if task.rule.prune), default=0)
        number = len(tasks) + sum(map(len, whole.tags.values()))
        if number > total:
            return _too_many(every, f"{number} tags are to go and max_total is {total}", "max_total")
        groups: dict[str, list[ImageTask]] = {}
        for task in tasks:
            groups.setdefault(task.destination.name, []).append(task)
        for name, group in groups.items():
            there = {tag for tag in self._survey.tags(name) or () if not is_referrer_tag(tag)}
            added = len(writes.tags(name) - there)
            allowed = min(task.rule.prune.may_go(len(there), added) for task in group if task.rule.prune)
            if len(group) > allowed:
                cause = f"{len(group)} of the {len(there)} tags of {name} are to go and {allowed} may"
                return _too_many(group, cause, "max_share" if allowed else "")
        return None

    def _asked(self, found: Deletions) -> list[ImageTask]:
        """Ask what each tag names. One that is gone is no candidate, one that is not shown is an obstacle."""
        _images, there = self._survey.images([], [task.destination for task in found.tasks])
        tasks = []
        for task in found.tasks:
            state: DestinationState | ImageOpsError = there[task.destination]
            if isinstance(state, ImageOpsError):
                tasks.append(replace(task, error=state))
            elif state.descriptor is not None:
                tasks.append(replace(task, previous=state.descriptor.digest))
            elif state.unseen:
                found.obstacles.append(f"{task.destination}: {state.unseen}")
                tasks.append(task)
        return tasks


class _Writes:
    """What the rules of a run write, or could have written, by repository."""

    def __init__(self, rules: Sequence[Rule], tasks: Iterable[ImageTask]) -> None:
        self._tags: dict[str, set[str]] = {}
        for task in tasks:
            tags = self._tags.setdefault(task.destination.name, set())
            tags.update(tag for tag in (task.destination.tag, *(each.tag for each in task.referrers)) if tag)
        self._writers: dict[str, list[tuple[Rule, Destination]]] = {}
        self._named: set[Reference] = set()
        for rule in rules:
            for destination in rule.destinations:
                self._writers.setdefault(destination.name, []).append((rule, destination))
            for tag in rule.source.tags or ():
                self._named.add(Reference(rule.source.registry, rule.source.repository, tag))

    def tags(self, name: str) -> set[str]:
        """Return the tags that the run brings to a repository, or finds there as they are to be."""
        return self._tags.get(name, set())

    def wants(self, ref: Reference, pruning: Rule) -> bool:
        """Return whether the run writes or reads a tag, or another rule may have brought it."""
        tag = ref.tag or ""
        if tag in self.tags(ref.name) or ref in self._named:
            return True
        others = (pair for pair in self._writers.get(ref.name, ()) if pair[0] is not pruning)
        return any(self._could_bring(rule, destination, tag, pruning) for rule, destination in others)

    def _could_bring(self, rule: Rule, destination: Destination, tag: str, pruning: Rule) -> bool:
        if not rule.source.selects_by_listing:
            return tag in {destination_tag(rule, destination, each) for each in rule.source.tags or (None,)}
        if destination.tags is not None:
            return tag in destination.tags
        before = source_tag(destination, tag)
        if before is None or not rule.could_take(before):
            return False
        agrees = rule.prune is not None and not rule.prune.keeps(tag) and rule.source.name == pruning.source.name
        return not agrees


def _too_many(tasks: Sequence[ImageTask], cause: str, option: str) -> ImageOpsError:
    named = ", ".join(task.destination.tag or str(task.destination) for task in tasks[:_MOST_NAMED])
    more = f" and {len(tasks) - _MOST_NAMED} more" if len(tasks) > _MOST_NAMED else ""
    raised = f", then raise prune: {{{option}: ...}}" if option else "; the last tag of a repository is never deleted"
    return ImageOpsError(
        code="prune_limit",
        action="delete",
        subject=f"{named}{more}",
        cause=f"{cause}, so nothing is deleted in this run",
        hint=f"see that the source is whole and that each of them may really go{raised}",
    )
