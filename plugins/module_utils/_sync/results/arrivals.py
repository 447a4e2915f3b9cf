# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tags of the sources have arrived, and what they named: what a run puts into its lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..._oci.image.reference import Digest, Reference
from ..decisions import Action, Status
from .outcome import ImageResult


def arrived(images: Iterable[ImageResult]) -> Mapping[Reference, Digest]:
    """Return the digest of each source tag that is now at all of its destinations; in check mode, that would be.

    What a source names by a digest needs no lock, and what an earlier stage writes follows that of its own source.
    """
    found: dict[Reference, Digest] = {}
    behind: set[Reference] = set()
    for image in images:
        task = image.task
        if task.source.tag is None or task.source.digest is not None or task.predecessor is not None:
            continue
        if _is_there(image) and task.source_image is not None:
            if found.setdefault(task.source, task.source_image.root) != task.source_image.root:
                behind.add(task.source)
        elif not _is_left_out(image):
            behind.add(task.source)
    return {source: digest for source, digest in found.items() if source not in behind}


def _is_there(image: ImageResult) -> bool:
    return image.status == Status.DONE and image.action in (Action.CREATE, Action.UPDATE, Action.UNCHANGED)


def _is_left_out(image: ImageResult) -> bool:
    """Return whether nothing of the image is wanted there, since it is for no platform that is."""
    task = image.task
    return image.status == Status.DONE and task.source_image is not None and task.source_image.digest is None
