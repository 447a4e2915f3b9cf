# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan consists of: a task for each image and destination, and what becomes of tasks with one destination."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ..._oci.errors import ImageOpsError
from ..._oci.image.reference import Digest, Reference
from ..decisions import Action, Refusal, Status
from ..rules.rule_parser import Destination, Rule
from .referrers import Referrer
from .sides.source_images import SourceImage

LEFT = "the destination has another digest and overwrite is skip"
WAITS = "what is to be copied first has failed"
_REASONS = {
    Refusal.COLLISION: "two rules want different images there",
    Refusal.TEMPLATE: "its template does not fit",
    Refusal.SHARED: "several repositories would go there",
    Refusal.NAME: "its registry does not take the name",
    Refusal.ONE_TAG: "it has one tag for several images",
}
_PART = 5_000
_FALLBACK_TAG = re.compile(r"sha(256|512)-[0-9a-f]{32,}")


T = TypeVar("T")


@dataclass(frozen=True)
class Pair:
    """A source and a destination before either has been asked about."""

    __slots__ = ("destination", "rule", "source")

    rule: Rule
    source: Reference
    destination: Reference


@dataclass(frozen=True)
class Predecessor:
    """The image of an earlier stage that a task copies.

    :ivar destination: where the earlier stage writes it, which is the source of the task
    :ivar digest: what it is to be
    """

    __slots__ = ("destination", "digest")

    destination: Reference
    digest: Digest


@dataclass(frozen=True)
class ImageTask:
    """One image of a source that a destination is to have.

    :ivar reason: why the action was decided, in a few words
    :ivar digest: what the destination has afterwards; None when it is not known
    :ivar previous: what the destination had at planning; None when it had nothing, or does not show it
    :ivar error: why this image cannot be copied; None when it can
    :ivar refusal: why it must not be written; None when it may
    :ivar origin: where its manifests can be read at planning: the source, or the source of the first stage
    :ivar predecessor: what must be written before; None when the source is there already
    :ivar stage: the stages of a run are copied one after another
    :ivar unseen: the destination does not show what it has, so that it is written in any case
    :ivar referrers: what refers to it at the source, and whether the destination has it
    :ivar backup: the tag under which is kept what the destination had at planning; None when nothing has to be
    """

    __slots__ = (
        "action",
        "backup",
        "destination",
        "digest",
        "error",
        "origin",
        "predecessor",
        "previous",
        "reason",
        "referrers",
        "refusal",
        "rule",
        "source",
        "source_image",
        "stage",
        "unseen",
    )

    rule: Rule
    source: Reference
    destination: Reference
    action: Action
    reason: str
    digest: Digest | None
    previous: Digest | None
    source_image: SourceImage | None
    error: ImageOpsError | None
    refusal: Refusal | None
    origin: Reference
    predecessor: Predecessor | None
    stage: int
    unseen: bool
    referrers: tuple[Referrer, ...]
    backup: Reference | None

    @property
    def to_copy(self) -> bool:
        """Return whether something has to be written for it."""
        return self.action in (Action.CREATE, Action.UPDATE) or (self.action == Action.UNKNOWN and self.unseen)

    @property
    def status(self) -> Status:
        """Return how far the image is when planning has ended."""
        if self.error is not None:
            return Status.FAILED
        return Status.PENDING if self.to_copy or self.action in (Action.UNKNOWN, Action.DELETE) else Status.DONE

    @property
    def changes_destination(self) -> bool:
        """Return whether the destination does not simply stay as it is: it is written, or is not known."""
        return self.status != Status.DONE


def new_task(rule: Rule, source: Reference, destination: Reference) -> ImageTask:
    """Return a task about which nothing is known yet."""
    return ImageTask(
        rule,
        source,
        destination,
        action=Action.UNKNOWN,
        reason="",
        digest=None,
        previous=None,
        source_image=None,
        error=None,
        refusal=None,
        origin=source,
        predecessor=None,
        stage=0,
        unseen=False,
        referrers=(),
        backup=None,
    )


def unknown_task(rule: Rule, destination: Destination, reason: str, error: ImageOpsError | None) -> ImageTask:
    """Return what stands for all images of a rule at one destination, which are not known.

    :param error: why not; None when it is no fault of their own
    """
    source = Reference(rule.source.registry, rule.source.repository)
    task = new_task(rule, source, Reference(destination.registry, destination.repository))
    return replace(task, reason=reason, error=error)


def refused_task(rule: Rule, destination: Destination, refusal: Refusal, error: ImageOpsError) -> ImageTask:
    """Return what stands for all images of a rule at one destination that must not be written."""
    task = unknown_task(rule, destination, _REASONS[refusal], error)
    return replace(task, action=Action.CONFLICT, refusal=refusal)


def differs(task: ImageTask, found: Digest | None) -> ImageOpsError:
    """Return the error for a destination tag that must not be overwritten."""
    return ImageOpsError(
        code="conflict",
        action="write",
        subject=str(task.destination),
        cause=f"it has {found} and would become {task.digest}",
        hint="set overwrite to always to replace it, or to skip to leave it",
    )


def merged(tasks: Sequence[ImageTask]) -> Iterable[ImageTask]:
    """Yield tasks so that each destination has one: tasks of one digest are one task, others become conflicts."""
    for group in _side_by_side(tasks, lambda task: task.destination):
        digests = {task.digest for task in group if task.digest is not None}
        if len(group) == 1 or group[0].destination.tag is None:
            yield from group
        elif len(digests) > 1:
            yield from (_collision(task, group) for task in group)
        else:
            yield _chosen(group)


def _chosen(group: Sequence[ImageTask]) -> ImageTask:
    """Return the task that stands for several of one digest: where one requires a signature, one that does.

    What is refused for one of them, or lacks an entry in the lock, is not written for another.
    """
    unlocked = next((task for task in group if task.error is not None and task.error.code == "lock_missing"), None)
    if unlocked is not None:
        return unlocked
    strict = [task for task in group if task.rule.required_signature is not None]
    held = next((task for task in strict if not task.to_copy and task.action != Action.UNCHANGED), None)
    candidates = strict or group
    return held or next((task for task in candidates if task.to_copy), candidates[0])


def _collision(task: ImageTask, group: Sequence[ImageTask]) -> ImageTask:
    others = ", ".join(str(other.source) for other in group if other is not task)
    fault = ImageOpsError(
        code="conflict",
        action="write",
        subject=str(task.destination),
        cause=f"{task.source} and {others} are different images for it",
        hint="give one of the rules another destination, or exclude the tag from it",
    )
    refusal = Refusal.COLLISION
    return replace(task, action=Action.CONFLICT, reason=_REASONS[refusal], error=fault, refusal=refusal)


def in_parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield what is to be asked about in parts: what is known meanwhile of one is more than what is kept of it."""
    for start in range(0, len(items), _PART):
        yield items[start : start + _PART]


def in_order(tasks: Iterable[ImageTask]) -> list[ImageTask]:
    """Return tasks with those of one source digest side by side, which one read serves; fallback tags come last."""
    first: list[ImageTask] = []
    last: list[ImageTask] = []
    for task in tasks:
        (last if task.destination.tag and _FALLBACK_TAG.fullmatch(task.destination.tag) else first).append(task)
    groups = _side_by_side(first, lambda task: task.digest or task.destination)
    return [task for group in groups for task in group] + last


def _side_by_side(tasks: Sequence[ImageTask], key: Callable[[ImageTask], object]) -> Iterable[Sequence[ImageTask]]:
    """Yield tasks of one key together, in the place of the first. Most have a key of their own, and get no list."""
    found: dict[object, ImageTask | list[ImageTask]] = {}
    for task in tasks:
        known = found.setdefault(key(task), task)
        if isinstance(known, list):
            known.append(task)
        elif known is not task:
            found[key(task)] = [known, task]
    for group in found.values():
        yield group if isinstance(group, list) else (group,)
