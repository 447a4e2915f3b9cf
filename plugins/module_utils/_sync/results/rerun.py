# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that try failed images again: the tags of one pair of repositories as one rule. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_MOST_CHARACTERS = 1000
"""Characters of one source or destination; longer lists of tags become several rules."""


def merged_rules(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items of the option ``images`` with those joined that differ in nothing but their tags.

    What has a digest, a pattern, or names no tag stays as it is.
    """
    groups: dict[object, tuple[dict[str, Any], list[tuple[str, str]]]] = {}
    merged: list[dict[str, Any]] = []
    for item in items:
        source, destination = _split(item["source"]), _split(item["destination"])
        if source is None or destination is None or "tags" in item:
            merged.append(item)
            continue
        rest = {name: value for name, value in item.items() if name not in ("source", "destination")}
        key = (source[0], destination[0], repr(sorted(rest.items(), key=str)))
        groups.setdefault(key, ({**rest, "source": source[0], "destination": destination[0]}, []))[1].append(
            (source[1], destination[1])
        )
    for item, tags in groups.values():
        merged += _rules(item, tags)
    return merged


def _split(text: str) -> tuple[str, str] | None:
    """Return repository and tag; None for what is named otherwise."""
    repository, colon, tag = text.rpartition(":")
    return (repository, tag) if colon and "/" not in tag and "@" not in text else None


def _rules(item: dict[str, Any], tags: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    part: list[tuple[str, str]] = []
    size = 0
    for pair in tags:
        size += max(map(len, pair)) + 1
        is_long = size + max(len(item["source"]), len(item["destination"])) > _MOST_CHARACTERS
        if part and (is_long or pair[0] in {source for source, _destination in part}):
            rules.append(_rule(item, part))
            part, size = [], max(map(len, pair)) + 1
        part.append(pair)
    return [*rules, _rule(item, part)]


def _rule(item: dict[str, Any], tags: Sequence[tuple[str, str]]) -> dict[str, Any]:
    sources, destinations = (",".join(side) for side in zip(*tags))
    return {**item, "source": f"{item['source']}:{sources}", "destination": f"{item['destination']}:{destinations}"}
