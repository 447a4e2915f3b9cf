# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be reached, and whether it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .results import OURS, Entry
from .worlds import FAR, PLAIN, RATE, ROUND_TRIP

MEMORY = 64 * 1024 * 1024
CONNECTIONS = 10
"""Requests that a registry gets at once."""


@dataclass(frozen=True)
class Goal:
    """Our figure over a contender's, at most."""

    contender: str
    most: float
    what: str = "wall"


_GOALS: dict[int, tuple[Goal, ...]] = {
    1: (Goal("replay", 1.15), Goal("skopeo", 1 / 1.4), Goal("crane", 1.0), Goal("skopeo", 1.0, "cpu")),
    2: (Goal("replay", 1.4), Goal("skopeo", 1 / 2), Goal("crane", 1.0), Goal("skopeo", 1.0, "cpu")),
    3: (Goal("replay", 1.4), Goal("skopeo", 1 / 2), Goal("crane", 1.0)),
    4: (Goal("skopeo", 1 / 10), Goal("crane", 1.4), Goal("regsync", 0.8)),
    6: (Goal("one by one", 0.75),),
}
_FAR_GOALS: dict[int, tuple[Goal, ...]] = {8: (Goal("bulk: false", 0.35),)}


def judged(entry: Entry) -> Iterator[str]:
    """A line for each goal that this scenario has here."""
    if OURS not in entry.samples:
        return
    goals = {PLAIN: _GOALS, FAR: _FAR_GOALS}.get(entry.world, {})
    for goal in goals.get(entry.number, ()):
        found = entry.against(goal.contender, goal.what)
        if found is not None:
            verdict = _verdict(found.median <= goal.most) if found.is_measurable else "not measurable"
            yield f"{goal.what} at most {goal.most:.2f} times {goal.contender}: {found.median:.2f}, {verdict}"
    if entry.world == FAR:
        limit = _far_limit(entry)
        if limit is not None:
            yield f"wall at most {limit:.2f} s: {entry.wall(OURS):.2f}, {_verdict(entry.wall(OURS) <= limit)}"
    memory = entry.memory(OURS)
    yield f"memory below {MEMORY / 1e6:.0f} MB: {memory / 1e6:.0f}, {_verdict(memory < MEMORY)}"


def _far_limit(entry: Entry) -> float | None:
    sample = entry.counts(OURS)
    if entry.number in (1, 2):
        return 1.2 * sample.read / RATE + 0.5
    if entry.number == 4:
        heads = sample.requests["source"].get("HEAD manifest", 0)
        return 1.3 * heads * ROUND_TRIP / CONNECTIONS
    return None


def _verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"
