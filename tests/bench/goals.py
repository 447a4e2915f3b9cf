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
_MEMORY = {10: 150_000_000}
"""Bytes at most, where a scenario has other ones."""
CONNECTIONS = 10
"""Requests that a registry gets at once."""


@dataclass(frozen=True)
class Goal:
    """Our figure over a contender's, at most."""

    contender: str
    most: float
    what: str = "wall"


def _beside_peers(crane: float, task: float) -> tuple[Goal, ...]:
    """Goals beside crane, a compiled program, as processes and as tasks of a playbook."""
    return Goal("crane", crane), Goal("crane", 2.0, "cpu"), Goal("crane as a task", task)


_GOALS: dict[int, tuple[Goal, ...]] = {
    1: (Goal("replay", 1.15), Goal("skopeo", 1 / 1.4), Goal("oras", 1.15), *_beside_peers(1.05, 1.0)),
    2: (Goal("replay", 1.4), Goal("skopeo", 1 / 2), *_beside_peers(1.15, 1.15)),
    3: (Goal("replay", 1.4), Goal("skopeo", 1 / 2), *_beside_peers(0.8, 1.0)),
    4: (Goal("skopeo", 1 / 10), Goal("regsync", 0.8), *_beside_peers(1.1, 1.15)),
    6: (Goal("one by one", 0.75),),
    10: (Goal("a tenth of them", 10.5), Goal("a tenth of them", 10.5, "cpu")),
}
_FAR_GOALS: dict[int, tuple[Goal, ...]] = {8: (Goal("bulk: false", 0.35),), 11: (Goal("one stream", 0.5),)}


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
    memory, most = entry.memory(OURS), _MEMORY.get(entry.number, MEMORY)
    yield f"memory below {most / 1e6:.0f} MB: {memory / 1e6:.0f}, {_verdict(memory < most)}"


def _far_limit(entry: Entry) -> float | None:
    """Return the seconds that the line alone takes, and a part of them."""
    sample = entry.counts(OURS)
    if entry.number in (1, 2):
        return {1: 1.05, 2: 1.15}[entry.number] * sample.read / RATE
    if entry.number == 4:
        heads = sample.requests["source"].get("HEAD manifest", 0)
        return 1.2 * heads * ROUND_TRIP / CONNECTIONS
    return None


def _verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"
