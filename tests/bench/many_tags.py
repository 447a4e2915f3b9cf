# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 10: very many unchanged tags of one repository, beside a tenth of them, which tells how cost grows.

Both sides are programs that make up manifests as they are asked for; to fill registries with so many takes far longer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from support.servers.synthetic import synthetic_series

from . import ours
from .figures import Sample
from .launch import Command, run
from .results import OURS, Entry
from .worlds import PLAIN

NUMBER = 10
TENTH = "a tenth of them"


def measure(tags: int, home: Path, say: Callable[[str], None]) -> Entry:
    """Run each once: it takes minutes."""
    entry = Entry(PLAIN, NUMBER, f"{tags:,} tags, nothing to do", {OURS: [], TENTH: []})
    for name, amount in ((TENTH, tags // 10), (OURS, tags)):
        sample = _once(amount, home / str(amount))
        entry.samples[name].append(sample)
        told = f"{sample.wall:.2f} s, CPU {sample.cpu:.2f} s, memory {sample.memory / 1e6:.0f} MB"
        say(f"scenario {NUMBER}, {amount:,} tags: {told}")
    return entry


def _once(tags: int, home: Path) -> Sample:
    with ExitStack() as stack:
        sides = {}
        for side in ("source", "destination"):
            (home / side).mkdir(parents=True)
            sides[side] = stack.enter_context(synthetic_series(home / side, tags))
        told = {
            "images": [{side: f"{server.host}/apps/many" for side, server in sides.items()}],
            "registries": [{"registry": server.host, "plain_http": True} for server in sides.values()],
        }
        cost = run(Command([ours.step(told, home / "options.json")]), home)
        requests = {side: server.requests() for side, server in sides.items()}
    return Sample(cost.wall, cost.cpu, cost.memory, requests)
