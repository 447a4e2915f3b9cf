# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks as they are now against a plan that was approved: any difference, and nothing at all is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...._oci.errors import ImageOpsError, RegistryError
from ...._oci.image.reference import Digest
from ...decisions import Action, Refusal
from ..image_task import ImageTask

if TYPE_CHECKING:
    from ...rules.approved_plan import ApprovedPlan, PlannedImage

_REASON = "it is not what was planned"
_ABSENT = 404
_WRITTEN = (Action.CREATE, Action.UPDATE)


def held_to_plan(tasks: Sequence[ImageTask], plan: ApprovedPlan) -> list[ImageTask]:
    """Return the tasks. One that is not as it was planned, or cannot be asked about, is refused and stops the run.

    What the plan was to write and is there already counts as done: an earlier run that applied it was broken off.
    """
    planned = {(image.source, image.destination): image for image in plan.images}
    return [_held(task, planned.get((task.source, task.destination))) for task in tasks]


def _held(task: ImageTask, planned: PlannedImage | None) -> ImageTask:
    if isinstance(task.error, RegistryError) and task.error.status != _ABSENT:
        return replace(task, refusal=Refusal.PLAN)  # it could not be asked about, which is no difference yet
    difference = _difference(task, planned)
    if not difference:
        return task
    return replace(task, action=Action.CONFLICT, reason=_REASON, error=changed(task, difference), refusal=Refusal.PLAN)


def _difference(task: ImageTask, planned: PlannedImage | None) -> str:
    """Say in what an image is not as it was planned; empty when it is."""
    if planned is None:
        return "the plan does not have it"
    if task.error is not None:
        return f"{task.error.cause}, and it was to be {planned.action} then"
    if task.digest != planned.digest or (task.source_image and task.source_image.root != planned.source_digest):
        return f"the source has {_root(task)} now, and had {planned.source_digest} when it was planned"
    there = frozenset(referrer.digest for referrer in task.referrers)
    missing = frozenset(referrer.digest for referrer in task.referrers if not referrer.is_there)
    if planned.action in _WRITTEN and task.previous == planned.digest:
        return _added(missing - planned.referrers)
    if task.previous != planned.previous:
        return f"the destination has {task.previous or 'nothing'} now, and had {planned.previous or 'nothing'} then"
    if task.action != planned.action:
        return f"it would be {task.action} now ({task.reason}), and was {planned.action} then"
    if there != planned.referrers:
        return _added(there - planned.referrers) or f"{min(map(str, planned.referrers - there))} referred to it then"
    return ""


def _root(task: ImageTask) -> Digest | None:
    return task.source_image.root if task.source_image else task.digest


def _added(referrers: frozenset[Digest]) -> str:
    return f"{min(map(str, referrers))} refers to it now, and did not then" if referrers else ""


def changed(task: ImageTask, cause: str) -> ImageOpsError:
    """Return the error for an image that is not as it was planned."""
    return ImageOpsError(
        code="plan_changed",
        action="apply the plan to",
        subject=str(task.destination),
        cause=cause,
        hint="run the task in check mode again, look at what is different, and have the new plan approved",
    )
