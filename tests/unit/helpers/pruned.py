# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source and a destination with many tags, in memory, and what a run deleted."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from support.scenes import images

from .memory_store import MemoryStore, push

MANY = [str(number) for number in range(1, 21)]


def deleted(result: RunResult) -> set[str]:
    """The tags that a run deleted, or in check mode would delete."""
    return {
        str(image.destination.tag)
        for image in result.images
        if image.action.value == "delete" and image.status.value == "done"
    }


def scene(source: Collection[str], there: Collection[str]) -> tuple[MemoryStore, MemoryStore]:
    """A source and a destination with these tags, each with an image of its own."""
    stores = MemoryStore("a.test"), MemoryStore("b.test")
    for store, path, tags in ((stores[0], "x", source), (stores[1], "y", there)):
        for tag in tags:
            push(store, path, images.image(tag), tag)
    return stores
