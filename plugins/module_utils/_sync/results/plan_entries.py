# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a report of check mode that makes it a plan: what :mod:`.rules.approved_plan` reads again."""

from __future__ import annotations

from typing import Any

from ..rules.approved_plan import VERSION
from .outcome import ImageResult, RunResult


def plan_entries(result: RunResult, *, made: float, asked: str) -> dict[str, Any]:
    """Return a plan.

    :param made: when the run began, in seconds since 1970
    :param asked: the digest of its rules and options
    """
    return {
        "version": VERSION,
        "made": round(made, 3),
        "asked_sha256": asked,
        "images": [_entry(image) for image in result.images],
    }


def _entry(image: ImageResult) -> dict[str, Any]:
    root = image.task.source_image.root if image.task.source_image else image.task.digest
    return {
        "rule": image.rule.origin,
        "source": str(image.source),
        "source_digest": str(root) if root else None,
        "destination": str(image.destination),
        "action": image.action.value,
        "status": image.status.value,
        "digest": str(image.task.digest) if image.task.digest else None,
        "previous_digest": str(image.previous) if image.previous else None,
        "referrers": sorted(str(referrer.digest) for referrer in image.task.referrers),
    }
