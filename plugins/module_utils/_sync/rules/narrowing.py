# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about many images → rules about some images that are named. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..._oci.image.reference import Reference
from .repository_patterns import target
from .rule import Rule, as_item, destination_tag


def narrowed(rules: Sequence[Rule], images: Iterable[Reference]) -> list[dict[str, Any]]:
    """Return an item of the option ``images`` for each image that a rule takes, in each destination of the rule.

    What no rule takes is left out. ``newest`` needs the list of all tags and is not asked: an image that it would leave
    out is taken.

    :param images: each with a tag
    :raises InputError: when a template makes of a name what is none
    """
    items: list[dict[str, Any]] = []
    for image in images:
        for rule in rules:
            if image.tag is None or not _covers(rule, image):
                continue
            wildcard = rule.source.wildcard
            one = replace(rule, source=replace(rule.source, repository=image.repository, wildcard=None))
            for destination in rule.destinations:
                path = (
                    target(destination.repository, wildcard, image.repository) if wildcard else destination.repository
                )
                tag = destination_tag(one, destination, image.tag)
                items.append(as_item(one, image, Reference(destination.registry, path, tag)))
    return [item for place, item in enumerate(items) if item not in items[:place]]


def _covers(rule: Rule, image: Reference) -> bool:
    """Return whether a rule takes an image, by its name alone."""
    source, wildcard = rule.source, rule.source.wildcard
    if source.registry != image.registry or source.digest is not None or image.tag is None:
        return False
    if not (wildcard.covers(image.repository) if wildcard else source.repository == image.repository):
        return False
    return rule.could_take(image.tag) if source.selects_by_listing else image.tag in (source.tags or ())
