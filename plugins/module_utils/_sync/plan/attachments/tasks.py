# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image tasks with what belongs to their images: what the destination lacks of it is copied, also for equal images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...._oci.errors import ImageOpsError, RegistryError
from ...._oci.image.reference import Reference
from ...._oci.image.referrers import is_referrer_tag
from ...decisions import Action, Overwrite
from ...rules.referrer_choice import ReferrerChoice
from ...rules.rule import Rule
from ..image_task import ImageTask, Pair, in_parts
from ..referrers import Outcome, Root
from .search import ReferrerSearch

_LACKS = "both sides have the same digest, and the destination lacks what refers to it"
_UNKNOWN = "what refers to it is not known"


class ReferrerTasks:
    """Adds referrers to tasks.

    :param choice: for rules that do not say which referrers they take
    :param overwrite: for rules that do not say what becomes of tags with another digest
    """

    def __init__(self, search: ReferrerSearch, choice: ReferrerChoice, overwrite: Overwrite) -> None:
        self._search = search
        self._choice = choice
        self._overwrite = overwrite

    def choice(self, task: ImageTask) -> ReferrerChoice:
        """Return which referrers are taken with an image."""
        return task.rule.referrers or self._choice

    def add(self, tasks: Sequence[ImageTask]) -> list[ImageTask]:
        """Return the tasks with their referrers. One whose referrers cannot be found has an error instead."""
        asked = [task for task in tasks if self._is_asked(task)]
        for task in asked:
            if task.digest is not None:
                self._search.note_asked(_repository(task.origin), task.digest)
        changed: dict[int, ImageTask] = {}
        for part in in_parts(asked):
            for task, outcome in zip(part, self._search.find([self._root(task) for task in part])):
                found = _with_outcome(task, outcome)
                if found is not task:
                    changed[id(task)] = found
        return [changed.get(id(task), task) for task in tasks]

    def left_behind(self, tasks: Iterable[ImageTask]) -> list[str]:
        """Return a sentence for each image whose own referrers stay behind, as a choice of platforms changes it."""
        changed = {
            (_repository(task.origin), task.source_image.root): None
            for task in tasks
            if task.source_image is not None and task.source_image.root != task.digest and self._is_asked(task)
        }
        return [
            f"{count} referrers of {source.name}@{digest} are left behind: only some platforms are taken of it, which "
            "makes it another image"
            for (source, digest), count in self._search.count(changed).items()
            if count
        ]

    def unclaimed(self, rules: Iterable[Rule]) -> tuple[list[Pair], list[str]]:
        """Return the tags that belong to a digest, yet to no image that was asked about, of rules that take them.

        They keep their names. The sentences say how many are left where no referrers are wanted.
        """
        pairs: list[Pair] = []
        notes: list[str] = []
        for rule in rules:
            if not rule.source.selects_by_listing:
                continue
            source = Reference(rule.source.registry, rule.source.repository)
            found = (tag for tag in self._search.unclaimed(source) if not rule.is_backup(tag))
            tags = [tag for tag in found if rule.tags.takes_alone(tag, rule.source.pattern)]
            if not (rule.referrers or self._choice).enabled:
                if tags:
                    notes.append(f"{len(tags)} tags of {source.name} are left, since referrers is false")
                continue
            if rule.required_signature is not None:
                if tags:
                    notes.append(f"{len(tags)} tags of {source.name} are left, since they belong to no signed image")
                continue
            pairs += [
                Pair(rule, source.with_tag(tag), Reference(place.registry, place.repository, tag))
                for tag in tags
                for place in rule.destinations
            ]
        return pairs, notes

    def _is_asked(self, task: ImageTask) -> bool:
        if task.source_image is None or task.digest is None or task.error is not None:
            return False
        choice = self.choice(task)
        equal = task.action == Action.UNCHANGED and task.previous == task.digest
        if not (choice.enabled and (task.to_copy or (equal and choice.unchanged))):
            return False
        return not (is_referrer_tag(task.source.tag or "") or is_referrer_tag(task.destination.tag or ""))

    def _root(self, task: ImageTask) -> Root:
        if task.source_image is None or task.digest is None:
            raise ValueError(f"{task.source} has no digest to ask about")
        return Root(
            source=_repository(task.origin),
            destination=_repository(task.destination),
            digest=task.digest,
            media_type=task.source_image.media_type,
            rewritten=task.source_image.rewritten,
            choice=self.choice(task),
            overwrite=task.rule.overwrite or self._overwrite,
            is_there=task.previous == task.digest,
        )


def _repository(ref: Reference) -> Reference:
    return Reference(ref.registry, ref.repository)


def _with_outcome(task: ImageTask, outcome: Outcome) -> ImageTask:
    if isinstance(outcome, RegistryError) and outcome.status == 404 and task.to_copy:
        return task  # its tag has moved since: the copy sees to that
    if isinstance(outcome, ImageOpsError):
        return replace(task, action=Action.UNKNOWN, reason=_UNKNOWN, error=outcome)
    referrers = tuple(outcome)
    if referrers == task.referrers:
        return task
    if task.action == Action.UNCHANGED and not all(referrer.is_there for referrer in referrers):
        return replace(task, action=Action.UPDATE, reason=_LACKS, referrers=referrers)
    return replace(task, referrers=referrers) if referrers else task
