# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules and the state of both sides → a list of image tasks, each with an action and the reason for it.

Nothing is written here. What was learnt is kept, so that planning again asks only what failed the first time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ..._oci.client.run import Run
from ..._oci.errors import ImageOpsError, InputError, RegistryError
from ..._oci.image.manifest import Descriptor
from ..._oci.image.reference import Reference
from ..decisions import Action, Overwrite, Refusal
from ..rules.rule_parser import Destination, Rule, destination_tag
from ..vendors import Vendors
from ..work.manifest_cache import ManifestCache
from ..work.stores import Stores
from ..work.workers import ask_all
from .artifacts import are_indexes, was_stripped
from .creation_times import CreationTimes
from .discover import Discovery
from .image_task import LEFT, ImageTask, Pair, differs, in_order, merged, new_task, refused_task, unknown_task
from .immutable_tags import split_immutable
from .names import find_misnamed
from .source_images import SourceImage, SourceImages
from .state import DestinationState, SourceKey, Survey

_UNLISTED = "the source's repositories are not known"
_NO_TAGS = "the source's tags are not known"
_STRIPPED = "the destination has it without the artifacts that it does not take"
_NO_TIMES = "when the source's images were built is not known"
_NOT_CREATED = "its repository cannot be created"
_MOST_NAMED = 5


class Planner:
    """Plans; can be asked again, and then repeats only the questions that had no answer.

    :param overwrite: what to do where a destination tag differs, for rules that do not say
    :param rewrite: put manifests again even where both sides are equal
    :param created: reads when images were built, for rules that choose by that
    :param compares_all: whether tags that never move are compared like others
    :param stripped: reads manifests to see whether a destination lacks only artifacts that it did not take; None when
        that is a difference like any other
    :ivar notes: sentences about what the rules leave behind
    """

    def __init__(
        self,
        stores: Stores,
        source_images: SourceImages,
        *,
        vendors: Vendors,
        overwrite: Overwrite,
        rewrite: bool,
        created: CreationTimes,
        compares_all: bool = False,
        run: Run,
        stripped: ManifestCache | None = None,
    ) -> None:
        self._stores = stores
        self._survey = Survey(stores, source_images, run.log)
        self._stripped = stripped
        self._vendors = vendors
        self._discovery = Discovery(stores, vendors, log=run.log)
        self._overwrite = overwrite
        self._rewrite = rewrite
        self._created = created
        self._compares_all = compares_all
        self._run = run
        self._untaken: dict[str, list[str]] = {}
        self._obstacles: dict[Reference, ImageOpsError | None] = {}
        self.notes: list[str] = []

    def plan(self, rules: Sequence[Rule]) -> list[ImageTask]:
        """Every image of the rules, those with one source digest next to each other, otherwise in the rules' order.

        Where a destination is refused only that is told, and nothing else is asked.
        """
        found = self._discovery.expand(rules)
        self.notes = [*_left_behind(rules), *found.notes]
        tasks = [
            unknown_task(rule, destination, _UNLISTED, fault)
            for rule, fault in found.failures
            for destination in rule.destinations
        ]
        refused = [*found.refusals, *find_misnamed(found.rules, self._vendors)]
        if refused:
            return refused + tasks
        failures = self._list(found.rules)
        created = self._read_created(found.rules)
        self._untaken.clear()
        pairs: list[Pair] = []
        for rule in found.rules:
            fault = self._unlisted(rule, failures)
            if fault is not None:
                tasks.extend(unknown_task(rule, destination, _NO_TAGS, fault) for destination in rule.destinations)
                continue
            times = created.get(rule, {})
            if isinstance(times, ImageOpsError):
                tasks.extend(unknown_task(rule, destination, _NO_TIMES, times) for destination in rule.destinations)
                continue
            try:
                pairs.extend(self._pairs(rule, times))
            except InputError as misfit:
                refused.extend(
                    refused_task(rule, destination, Refusal.ONE_TAG, misfit)
                    for destination in rule.destinations
                    if destination.renames
                )
        if refused:
            return refused + tasks
        self._note_what_is_not_taken()
        if not self._compares_all and not self._rewrite:
            unmoved, pairs = split_immutable(pairs, self._survey)
            tasks += unmoved
        images, there = self._survey.images(map(_key, pairs), (pair.destination for pair in pairs))
        tasks.extend(self._decide(pair, images[_key(pair)], there[pair.destination]) for pair in pairs)
        tasks = self._without_stripped(tasks, there)
        return in_order(self._without_obstructed(list(merged(tasks))))

    def _list(self, rules: Sequence[Rule]) -> dict[str, ImageOpsError]:
        """Read the tag lists that the rules need; gives the faults of those that could not be read."""
        needed: list[Reference] = []
        for rule in rules:
            if rule.source.selects_by_listing:
                needed.append(Reference(rule.source.registry, rule.source.repository))
                needed += _repositories(rule)
        failures = self._survey.list(needed)
        named = (rule for rule in rules if len(rule.source.tags or ()) > 1)
        self._survey.list_few(repository for rule in named for repository in _repositories(rule))
        return failures

    def _unlisted(self, rule: Rule, failures: Mapping[str, ImageOpsError]) -> ImageOpsError | None:
        """Why a rule's tags are not known, when they have to be."""
        if not rule.source.selects_by_listing:
            return None
        if rule.source.name in failures:
            return failures[rule.source.name]
        # Of a repository that nobody has named it is no fault that it has been emptied.
        return None if self._survey.tags(rule.source.name) or rule.brought_by is not None else _no_tags(rule)

    def _read_created(self, rules: Sequence[Rule]) -> Mapping[Rule, Mapping[str, datetime | None] | ImageOpsError]:
        """Read when the images were built that a rule chooses from by that, for all such rules at once."""
        candidates = {
            rule: {
                tag: Reference(rule.source.registry, rule.source.repository, tag)
                for tag in rule.choose(self._tags(rule.source.name)).taken
            }
            for rule in rules
            if rule.tags.needs_created
        }
        times = self._created.read(dict.fromkeys(ref for by_tag in candidates.values() for ref in by_tag.values()))
        return {rule: _times_or_fault(by_tag, times) for rule, by_tag in candidates.items()}

    def _pairs(self, rule: Rule, created: Mapping[str, datetime | None]) -> Iterable[Pair]:
        source = Reference(rule.source.registry, rule.source.repository, digest=rule.source.digest)
        listed = list(self._tags(rule.source.name)) if rule.source.selects_by_listing else rule.source.tags
        tags: Sequence[str | None] = [None] if listed is None else rule.select(listed, created)
        if not tags:
            self._untaken.setdefault(rule.origin, []).append(rule.source.name)
        for tag in tags:
            for destination in rule.destinations:
                yield Pair(rule, replace(source, tag=tag), _destination(rule, destination, tag))

    def _tags(self, name: str) -> Collection[str]:
        return self._survey.tags(name) or ()

    def _note_what_is_not_taken(self) -> None:
        for origin, names in self._untaken.items():
            shown = ", ".join(f"{name} ({len(self._tags(name))})" for name in names[:_MOST_NAMED])
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            self.notes.append(f"{origin} takes none of the tags of {shown}{more}")

    def _decide(
        self, pair: Pair, image: SourceImage | ImageOpsError, there: DestinationState | ImageOpsError
    ) -> ImageTask:
        task = new_task(pair.rule, pair.source, pair.destination)
        if isinstance(image, ImageOpsError):
            return replace(task, reason="the source does not give it", error=image)
        if isinstance(there, ImageOpsError):
            return replace(task, reason="the destination could not be asked", error=there)
        previous = there.descriptor.digest if there.descriptor else None
        task = replace(task, digest=image.digest, previous=previous, source_image=image)
        if image.digest is None:
            return replace(task, action=Action.SKIP, reason=image.skip)
        if previous is None:
            return replace(task, action=Action.CREATE, reason=there.unknown or "the destination does not have it")
        if previous != image.digest:
            return self._differs(task)
        if self._rewrite:
            return replace(task, action=Action.UPDATE, reason="equal, and written again as asked")
        return replace(task, action=Action.UNCHANGED, reason="both sides have the same digest")

    def _without_stripped(
        self, tasks: list[ImageTask], there: Mapping[Reference, DestinationState | ImageOpsError]
    ) -> list[ImageTask]:
        """Leave what differs only by artifacts that the destination did not take."""
        differing: dict[tuple[Reference, Reference], tuple[ImageTask, Descriptor]] = {}
        for task in tasks if self._stripped is not None and not self._rewrite else ():
            found = there.get(task.destination)
            if task.previous is None or task.previous == task.digest or not isinstance(found, DestinationState):
                continue
            if (
                task.source_image
                and found.descriptor
                and are_indexes(task.source_image.media_type, found.descriptor.media_type)
            ):
                differing[task.destination, task.source] = task, found.descriptor
        same = ask_all(
            ((self._stores.queue(key[0].registry), key) for key in differing),
            lambda key: self._was_stripped(*differing[key]),
            action="plan",
            log=self._run.log,
        )
        return [
            replace(task, action=Action.UNCHANGED, reason=_STRIPPED, error=None)
            if same.get((task.destination, task.source)) is True
            else task
            for task in tasks
        ]

    def _was_stripped(self, task: ImageTask, there: Descriptor) -> bool:
        if self._stripped is None or task.source_image is None or task.source_image.digest is None:
            return False
        return was_stripped(
            self._stores.repository(task.source),
            task.source_image.digest,
            task.source_image.rewritten,
            self._stores.repository(task.destination),
            there,
            self._stripped,
        )

    def _without_obstructed(self, tasks: list[ImageTask]) -> list[ImageTask]:
        """Ask products' APIs which repositories a push could not create; the tasks for those become conflicts."""
        new = {
            Reference(task.destination.registry, task.destination.repository)
            for task in tasks
            if task.action == Action.CREATE
            and self._vendors.known(task.destination.registry).has_api
            and not self._survey.tags(task.destination.name)
        }
        hosts = {destination.registry for destination in new if destination not in self._obstacles}
        answers = ask_all(
            ((self._stores.queue(host), host) for host in sorted(hosts)),
            lambda host: self._vendors.known(host).obstacles(
                sorted(destination.repository for destination in new if destination.registry == host)
            ),
            action="plan",
            log=self._run.log,
        )
        for host, answer in answers.items():
            if isinstance(answer, ImageOpsError):
                self.notes.append(f"{host} was not checked for what stands in the way of new repositories: {answer}")
                continue
            self.notes += answer.notes
            for destination in new:
                if destination.registry == host:
                    self._obstacles[destination] = answer.faults.get(destination.repository)
        return [self._obstructed(task) for task in tasks]

    def _obstructed(self, task: ImageTask) -> ImageTask:
        fault = self._obstacles.get(Reference(task.destination.registry, task.destination.repository))
        if fault is None or not task.to_copy:
            return task
        return replace(task, action=Action.CONFLICT, reason=_NOT_CREATED, error=fault)

    def _differs(self, task: ImageTask) -> ImageTask:
        overwrite = task.rule.overwrite or self._overwrite
        if overwrite == Overwrite.ALWAYS:
            return replace(task, action=Action.UPDATE, reason="the destination has another digest")
        if overwrite == Overwrite.SKIP:
            return replace(task, action=Action.SKIP, reason=LEFT)
        return replace(task, action=Action.CONFLICT, reason="overwrite is fail", error=differs(task, task.previous))


def _repositories(rule: Rule) -> list[Reference]:
    return [Reference(destination.registry, destination.repository) for destination in rule.destinations]


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


def _key(pair: Pair) -> SourceKey:
    return (pair.source, pair.rule.platforms)


def _destination(rule: Rule, destination: Destination, source_tag: str | None) -> Reference:
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


def _left_behind(rules: Sequence[Rule]) -> list[str]:
    if not any(rule.source.selects_by_listing for rule in rules):
        return []
    return ["tags were listed and taken; what has none was not: untagged manifests, referrers known by subject alone"]
