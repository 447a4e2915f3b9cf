# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags that never move: where both sides have one, nothing is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..._oci.image.reference import Digest, Reference
from ..decisions import Action
from .image_task import ImageTask, Pair, new_task
from .sides.state import DestinationState, Survey

NOT_COMPARED = "not compared"


def split_immutable(pairs: Sequence[Pair], survey: Survey) -> tuple[list[ImageTask], list[Pair]]:
    """Return tasks for what need not be compared, and the pairs that must be.

    A source has the tags that it lists, or that the rule names. A destination is asked for a tag only where no list
    tells whether it is there. What two sources are to be written to is compared, and what has to be signed.
    """
    if not any(pair.rule.tags.immutable for pair in pairs):
        return [], list(pairs)
    shared = _shared(pairs)
    immutable = [_is_immutable(pair) and pair.destination not in shared for pair in pairs]
    candidates = (pair for pair, unmoved in zip(pairs, immutable) if unmoved)
    _images, there = survey.images((), (pair.destination for pair in candidates if _listed(pair, survey) is None))
    tasks: list[ImageTask] = []
    others: list[Pair] = []
    for pair, unmoved in zip(pairs, immutable):
        found = there.get(pair.destination)
        descriptor = found.descriptor if isinstance(found, DestinationState) else None
        if unmoved and (descriptor is not None or _listed(pair, survey)):
            tasks.append(_task(pair, descriptor.digest if descriptor else None))
        else:
            others.append(pair)
    return tasks, others


def _is_immutable(pair: Pair) -> bool:
    source = pair.source
    if pair.rule.required_signature is not None:
        return False
    return source.tag is not None and source.digest is None and pair.rule.tags.is_immutable(source.tag)


def _listed(pair: Pair, survey: Survey) -> bool | None:
    """Return whether the destination lists the tag; None when its list is not known."""
    tags = survey.tags(pair.destination.name)
    return None if tags is None else pair.destination.tag in tags


def _shared(pairs: Sequence[Pair]) -> set[Reference]:
    sources: dict[Reference, set[Reference]] = {}
    for pair in pairs:
        sources.setdefault(pair.destination, set()).add(pair.source)
    return {destination for destination, several in sources.items() if len(several) > 1}


def _task(pair: Pair, digest: Digest | None) -> ImageTask:
    task = new_task(pair.rule, pair.source, pair.destination)
    return replace(task, action=Action.UNCHANGED, reason=NOT_COMPARED, digest=digest, previous=digest)
