# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan consists of: a task for each image and destination, and what becomes of tasks that meet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..._oci.errors import ImageOpsError
from ..._oci.image.reference import Digest, Reference
from ..decisions import Action, Refusal
from ..rules.rule_parser import Destination, Rule
from .source_images import SourceImage

LEFT = "the destination has another digest and overwrite is skip"
_REASONS = {
    Refusal.COLLISION: "two rules want different images there",
    Refusal.TEMPLATE: "its template does not fit",
    Refusal.SHARED: "several repositories would go there",
    Refusal.NAME: "its registry does not take the name",
    Refusal.ONE_TAG: "it has one tag for several images",
}
_FALLBACK_TAG = re.compile(r"sha(256|512)-[0-9a-f]{32,}")


@dataclass(frozen=True)
class Pair:
    """A source and a destination before either has been asked about."""

    __slots__ = ("destination", "rule", "source")

    rule: Rule
    source: Reference
    destination: Reference


@dataclass(frozen=True)
class ImageTask:
    """One image that must be in one place.

    :ivar reason: why, in a few words
    :ivar digest: what the destination has afterwards; None when it is not known
    :ivar previous: what the destination had at planning; None when it had nothing
    :ivar error: why this image cannot be copied; None when it can
    :ivar refusal: why nothing at all may be written in a run that has this task; None when it may
    """

    __slots__ = (
        "action",
        "destination",
        "digest",
        "error",
        "previous",
        "reason",
        "refusal",
        "rule",
        "source",
        "source_image",
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

    @property
    def to_copy(self) -> bool:
        """Whether something has to be written for it."""
        return self.action in (Action.CREATE, Action.UPDATE)


def new_task(rule: Rule, source: Reference, destination: Reference) -> ImageTask:
    """A task about which nothing is known yet."""
    return ImageTask(rule, source, destination, Action.UNKNOWN, "", None, None, None, None, None)


def unknown_task(rule: Rule, place: Destination, reason: str, fault: ImageOpsError) -> ImageTask:
    """What stands for all images of a rule at one destination, which are not known."""
    source = Reference(rule.source.registry, rule.source.repository)
    destination = Reference(place.registry, place.repository)
    return replace(new_task(rule, source, destination), reason=reason, error=fault)


def refused_task(rule: Rule, place: Destination, refusal: Refusal, fault: ImageOpsError) -> ImageTask:
    """The same, of what must not be written at all."""
    task = unknown_task(rule, place, _REASONS[refusal], fault)
    return replace(task, action=Action.CONFLICT, refusal=refusal)


def differs(task: ImageTask, found: Digest | None) -> ImageOpsError:
    """The error for a destination tag that must not be overwritten."""
    return ImageOpsError(
        code="conflict",
        action="write",
        subject=str(task.destination),
        cause=f"it has {found} and would become {task.digest}",
        hint="set overwrite to always to replace it, or to skip to leave it",
    )


def merged(tasks: Sequence[ImageTask]) -> Iterable[ImageTask]:
    """Rules that meet at one destination become one task where they agree, and a conflict each where they do not."""
    meeting: dict[Reference, list[ImageTask]] = {}
    for task in tasks:
        meeting.setdefault(task.destination, []).append(task)
    for destination, group in meeting.items():
        digests = {task.digest for task in group if task.digest is not None}
        if len(group) == 1 or destination.tag is None:
            yield from group
        elif len(digests) > 1:
            yield from (_collides(task, group) for task in group)
        else:
            yield next((task for task in group if task.to_copy), group[0])


def _collides(task: ImageTask, group: Sequence[ImageTask]) -> ImageTask:
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


def in_order(tasks: Iterable[ImageTask]) -> list[ImageTask]:
    """Bring tasks of one source digest together, so that one read serves them; fallback tags of referrers come last."""
    groups: dict[object, list[ImageTask]] = {}
    last: list[ImageTask] = []
    for task in tasks:
        if task.destination.tag and _FALLBACK_TAG.fullmatch(task.destination.tag):
            last.append(task)
        else:
            groups.setdefault(task.digest or task.destination, []).append(task)
    return [task for group in groups.values() for task in group] + last
