# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lock has no digest of is not copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...._oci.errors import ImageOpsError
from ...decisions import Action, LockMissing
from ...rules.lock import LockUse
from ..earlier_stages import EarlierStages
from ..image_task import ImageTask, Pair, new_task

_REASON = "its tag is not in the lock"


def split_locked(
    pairs: Sequence[Pair], use: LockUse | None, earlier: EarlierStages
) -> tuple[list[Pair], list[ImageTask]]:
    """Return the pairs that may be copied, and tasks for those whose tag has no entry.

    A source that is named by its digest needs none, and what an earlier stage writes follows the lock already.
    """
    if use is None:
        return list(pairs), []
    kept: list[Pair] = []
    missing: list[ImageTask] = []
    for pair in pairs:
        free = pair.source.digest is not None or earlier.maker(pair.source) is not None
        if free or pair.source in use.lock.digests:
            kept.append(pair)
        else:
            missing.append(_missing(pair, use))
    return kept, missing


def _missing(pair: Pair, use: LockUse) -> ImageTask:
    task = new_task(pair.rule, pair.source, pair.destination)
    if use.missing == LockMissing.SKIP:
        return replace(task, action=Action.SKIP, reason=_REASON)
    error = ImageOpsError(
        code="lock_missing",
        action="copy",
        subject=str(pair.source),
        cause=_REASON,
        hint="run with lock: update to take it in, or with lock_missing: skip to leave it out",
    )
    return replace(task, action=Action.CONFLICT, reason=_REASON, error=error)
