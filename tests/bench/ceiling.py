# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 11: one large layer from a distant source of which each connection carries only so much, in ranges or not.

The source makes its bytes up, and the destination, which is near, forgets them. The layer is one byte repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from support.servers.synthetic import RepeatedBlob, Synthetic, synthetic_sink, synthetic_source

from . import ours
from .figures import Sample
from .launch import Command, run
from .results import OURS, Entry
from .scenarios import MEGABYTE
from .worlds import FAR, distant

NUMBER = 11
ONE = "one stream"
CONNECTIONS = 4
CEILING = 50e6 / 8
"""Bytes a second of one connection, each way."""
_MOST_ROUNDS = 3


def measure(size: int, rounds: int, home: Path, say: Callable[[str], None]) -> Entry:
    """Run with ranges and without in turn.

    :param size: bytes of the layer
    """
    title = f"one layer of {size // MEGABYTE:,} MB, 50 Mbit/s a connection, ranges: {CONNECTIONS}"
    entry = Entry(FAR, NUMBER, title, {OURS: [], ONE: []})
    layer = RepeatedBlob(0, size)
    for number in range(min(rounds, _MOST_ROUNDS)):
        for name in (OURS, ONE) if number % 2 == 0 else (ONE, OURS):
            sample = _once(layer, CONNECTIONS if name == OURS else 1, home / f"{name} {number}")
            entry.samples[name].append(sample)
            told = f"{sample.wall:.2f} s, CPU {sample.cpu:.2f} s, memory {sample.memory / 1e6:.0f} MB"
            say(f"scenario {NUMBER}, round {number + 1}: {name} {told}")
    return entry


def _once(layer: RepeatedBlob, connections: int, home: Path) -> Sample:
    for name in ("source", "relay", "sink"):
        (home / name).mkdir(parents=True)
    with ExitStack() as stack:
        source = stack.enter_context(synthetic_source(home / "source", {"v0": [layer]}))
        sink = stack.enter_context(synthetic_sink(home / "sink"))
        far = stack.enter_context(distant(source.host, home / "relay", ceiling=CEILING))
        cost = run(Command([ours.step(_told(far.host, sink, connections), home / "options.json")]), home)
        requests = {"source": source.requests(), "destination": sink.requests()}
        return Sample(cost.wall, cost.cpu, cost.memory, requests, source.bytes_moved(), sink.bytes_moved())


def _told(source: str, sink: Synthetic, connections: int) -> dict[str, Any]:
    return {
        "images": [{"source": f"{source}/apps/large:v0", "destination": f"{sink.host}/copies/large"}],
        "registries": [{"registry": host, "plain_http": True} for host in (source, sink.host)],
        "ranges": connections,
    }
