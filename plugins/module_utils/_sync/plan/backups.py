# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where images are kept that are to be overwritten: found at planning, so that what cannot be kept is not written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..._oci.errors import ImageOpsError, InputError
from ..._oci.image.reference import Digest, Reference
from ..._oci.image.referrers import is_referrer_tag
from ..decisions import Action, Refusal
from .image_task import ImageTask

_REASON = "what is there cannot be kept first"


def with_backups(tasks: Sequence[ImageTask], date: str) -> list[ImageTask]:
    """Return tasks with the names of the backups that they need; those whose backup has no good name are refused.

    Tags that belong to a digest are no images, and are not kept.

    :param date: of the run, as names have it
    """
    named = [_named(task, date) if _is_kept(task) else task for task in tasks]
    taken: dict[Reference, Digest | None] = {}
    twice: set[Reference] = set()
    for task in named:
        if task.backup is not None and taken.setdefault(task.backup, task.previous) != task.previous:
            twice.add(task.backup)
    return [_refused(task, _same_name(task)) if task.backup in twice else task for task in named]


def _is_kept(task: ImageTask) -> bool:
    tag = task.destination.tag
    kept = task.rule.backup is not None and task.to_copy and task.error is None
    return kept and tag is not None and not is_referrer_tag(tag)


def _named(task: ImageTask, date: str) -> ImageTask:
    if task.unseen:
        return _refused(task, _unseen(task))
    template, tag = task.rule.backup, task.destination.tag
    if template is None or tag is None or task.previous is None or task.previous == task.digest:
        return task
    try:
        return replace(task, backup=task.destination.with_tag(template.name(tag, task.previous, date)))
    except InputError as fault:
        return _refused(task, fault)


def _refused(task: ImageTask, error: ImageOpsError) -> ImageTask:
    return replace(task, action=Action.CONFLICT, reason=_REASON, error=error, refusal=Refusal.BACKUP, backup=None)


def _unseen(task: ImageTask) -> ImageOpsError:
    return ImageOpsError(
        code="backup_failed",
        action="keep what may be at",
        subject=str(task.destination),
        cause=task.reason,
        hint="give the login the right to pull there, create the repository, or leave backup out of the task",
    )


def _same_name(task: ImageTask) -> ImageOpsError:
    return ImageOpsError(
        code="backup_failed",
        action="keep",
        subject=f"{task.destination} as {task.backup}",
        cause="another image of this run would be kept under the same tag",
        hint="put {tag} or {digest} into the template of backup",
    )
