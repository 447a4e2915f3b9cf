# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving artifacts out of an index, for registries that take images and nothing else. No I/O of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .manifest import Descriptor, Manifest
from .media_types import IMAGE_CONFIGS, INDEXES
from .platforms import written_anew
from .reference import Digest

_DESCRIBES = "vnd.docker.reference.type"  # the annotation of build attestations
_MAX_DEPTH = 32

Load = Callable[[Descriptor], Manifest]


def is_artifact(entry: Descriptor | None, manifest: Manifest) -> bool:
    """Whether a manifest is something else than an image: by its config, or by what the index says of it.

    :param entry: what names it in an index; None for one that stands alone
    """
    if manifest.is_index:
        return False
    if manifest.config is None or manifest.config.media_type not in IMAGE_CONFIGS or manifest.artifact_type:
        return True
    if entry is None:
        return False
    unknown = entry.platform is not None and entry.platform.is_unknown
    return unknown or _DESCRIBES in dict(entry.annotations)


def leaves(index: Manifest, load: Load, depth: int = 0) -> Iterator[Descriptor]:
    """What an index names at any depth that is no index itself; indexes are loaded."""
    for child in index.children:
        if child.media_type not in INDEXES:
            yield child
        elif depth < _MAX_DEPTH:
            yield from leaves(load(child), load, depth + 1)


def without(
    index: Manifest, dropped: Callable[[Descriptor], bool], load: Load, rewritten: dict[Digest, Manifest]
) -> Manifest | None:
    """An index without some of what it names; itself when it names none of that, None when nothing else is left.

    :param dropped: whether a leaf is left out
    :param load: reads the indexes below this one
    :param rewritten: takes the indexes below that are new
    """
    kept: dict[int, Descriptor] = {}
    for position, child in enumerate(index.children):
        if child.media_type not in INDEXES:
            if not dropped(child):
                kept[position] = child
            continue
        left = without(load(child), dropped, load, rewritten)
        if left is not None and left.digest != child.digest:
            rewritten[left.digest] = left
            kept[position] = left.descriptor()
        elif left is not None:
            kept[position] = child
    if not kept:
        return None
    same = len(kept) == len(index.children) and all(
        kept[position].digest == child.digest for position, child in enumerate(index.children)
    )
    return index if same else written_anew(index, kept)
