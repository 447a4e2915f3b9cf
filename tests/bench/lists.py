# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 8: unchanged tags from a Harbor to an instance of ACR, by the lists of both, beside a HEAD for each tag.

Both are simulated by programs in Python, in this process, so that near by most of the time is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from support.scenes.acr_scene import open_scene
from support.scenes.mirror import Mirror
from support.servers.harbor import harbor

from . import ours
from .figures import Sample
from .launch import Command, run
from .results import OURS, Entry
from .worlds import FAR, distant

NUMBER = 8
TITLE = "unchanged tags, Harbor to ACR"
HEADS = "bulk: false"


def measure(kind: str, tags: int, rounds: int, home: Path, say: Callable[[str], None]) -> Entry:
    """Run both ways in turn.

    :param kind: near or far
    """
    entry = Entry(kind, NUMBER, f"{tags:,} {TITLE}", {OURS: [], HEADS: []})
    with ExitStack() as stack:
        mirror = stack.enter_context(_mirror(home))
        say(f"filling both sides of scenario {NUMBER}")
        mirror.fill_with_many(tags)
        far: dict[str, str] = {}

        def reached(host: str) -> str:
            if kind != FAR:
                return host
            if host not in far:
                directory = home / f"relay-{len(far)}"
                directory.mkdir()
                far[host] = stack.enter_context(distant(host, directory)).host
            return far[host]

        for number in range(rounds):
            for name in (OURS, HEADS) if number % 2 == 0 else (HEADS, OURS):
                sample = _once(mirror, reached, name, home)
                entry.samples[name].append(sample)
                say(f"{kind} {NUMBER}, round {number + 1}: {name} {sample.wall:.2f} s, CPU {sample.cpu:.2f} s")
    return entry


@contextmanager
def _mirror(home: Path) -> Iterator[Mirror]:
    for name in ("simulator", "scene"):
        (home / name).mkdir()
    with Simulator(home / "simulator") as simulator:
        instance = simulator.world.add_instance()
        with open_scene(home / "scene", simulator, instance) as scene, harbor(home / "harbor") as source:
            yield Mirror(source, scene)


def _once(mirror: Mirror, reached: Callable[[str], str], name: str, home: Path) -> Sample:
    told = {**mirror.options(reached), "bulk": "auto" if name == OURS else "false"}
    mirror.mark()
    cost = run(Command([ours.step(told, home / "options.json")]), home)
    sides = {"source": mirror.source.proxy, "destination": mirror.scene.registry.gate}
    requests = {
        side: {f"{method} {kind}": count for (method, kind), count in proxy.counts().items()}
        for side, proxy in sides.items()
    }
    requests["destination"]["API"] = len(mirror.scene.simulator.actions())
    return Sample(cost.wall, cost.cpu, cost.memory, requests)
