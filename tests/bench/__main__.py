# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: ``make bench ARGS="--quick"``."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import conftest  # noqa: F401 - makes the collection importable
from support.servers.storage import quick_directory

from . import ceiling, lists, many_tags, ours, peers, playbook
from .contender import Contender
from .launch import Failed
from .options import Options, parse
from .plot import svg
from .replay import Replay
from .results import OURS, Entry, Results
from .rounds import Course, course
from .scenarios import SCENARIOS, Scenario, Size
from .start import empty_task, first_request
from .sweep import sweep
from .table import scenario as table_of
from .table import tables
from .worlds import FAR, World, world

_CONTAINERS = Path("/var/lib/containers")


def main() -> int:
    """Measure what is asked for; results are written after each scenario, so that a broken-off run keeps them."""
    options = parse(sys.argv[1:])
    ours.link_tree()
    options.output.mkdir(parents=True, exist_ok=True)
    results = Results(_machine(options))
    with _scratch(options) as scratch, _no_traces():
        contenders = _contenders(options, scratch)
        for kind, numbers in options.scenarios.items():
            home = scratch / kind
            home.mkdir()
            with world(kind, home) as made:
                for number in numbers:
                    for entry in _measured(number, kind, options, made, home, contenders):
                        results.entries.append(entry)
                        print(f"\n{table_of(entry)}\n", flush=True)
                        _write(results, options.output)
        if options.sweep:
            home = scratch / "sweep"
            home.mkdir()
            with world("plain", home) as made:
                results.machine["start"] = {
                    **first_request(home),
                    "a task with nothing to do": empty_task(home, max(2, options.rounds)),
                }
                _say(f"until a task does anything, in seconds: {json.dumps(results.machine['start'])}")
                for row in sweep(options.size, made, home, _say):
                    results.sweep.append(row)
                    _write(results, options.output)
    print(tables(replace(results, entries=[])))
    _say(f"written to {options.output}: results.json, tables.md, plot.svg")
    return 1 if any(entry.failures for entry in results.entries) else 0


def _measured(
    number: int, kind: str, options: Options, made: World, home: Path, contenders: list[Contender]
) -> Iterator[Entry]:
    """A scenario in a world; far away others have fewer tags to do than we."""
    directory = home / f"scenario-{number}"
    directory.mkdir()
    if number not in SCENARIOS:
        yield _special(number, kind, options, directory)
        return
    scenario = SCENARIOS[number]
    if kind == FAR and scenario.number == 4 and options.peer_tags < options.size.tags:
        yield _entry(scenario, kind, options, options.size, made, directory, [ours.Module()])
        directory = home / "scenario-4-peers"
        directory.mkdir()
        size = replace(options.size, tags=options.peer_tags)
        titled = replace(scenario, title=f"{options.peer_tags} tags, nothing to do")
        yield _entry(titled, kind, options, size, made, directory, contenders)
        return
    yield _entry(scenario, kind, options, options.size, made, directory, contenders)


def _special(number: int, kind: str, options: Options, home: Path) -> Entry:
    """A scenario with registries of its own."""
    if number == lists.NUMBER:
        return lists.measure(kind, options.size.tags, options.rounds, home, _say)
    if number == many_tags.NUMBER:
        return many_tags.measure(options.many_tags, home, _say)
    return ceiling.measure(options.ceiling_layer, options.rounds, home, _say)


def _entry(
    scenario: Scenario, kind: str, options: Options, size: Size, made: World, home: Path, all_of_them: list[Contender]
) -> Entry:
    entry = Entry(kind, scenario.number, scenario.title)
    with course(scenario, size, made, home, _say) as prepared:
        contenders = [contender for contender in all_of_them if prepared.can(contender)]
        entry.samples = {contender.name: [] for contender in contenders}
        for number in range(min(options.rounds, scenario.most_rounds or options.rounds)):
            for contender in contenders if number % 2 == 0 else reversed(contenders):
                _once(entry, prepared, contender, number)
    for name in entry.failures:
        entry.samples.pop(name, None)
    return entry


def _once(entry: Entry, prepared: Course, contender: Contender, number: int) -> None:
    if contender.name in entry.failures:
        return
    try:
        sample = prepared.run(contender)
    except Failed as failure:
        entry.failures[contender.name] = str(failure)
        _say(f"{contender.name} failed: {failure}")
        return
    entry.samples[contender.name].append(sample)
    told = f"{contender.name} {sample.wall:.2f} s, CPU {sample.cpu:.2f} s"
    _say(f"{entry.world} {entry.number}, round {number + 1}: {told}")


def _contenders(options: Options, scratch: Path) -> list[Contender]:
    tools = peers.installed()
    found: list[Contender] = [ours.Module(), ours.OneByOne(), Replay(), *tools]
    if options.before:
        found.insert(1, ours.Module("before", ours.export(options.before, scratch / "before")))
    if options.playbook:
        found += [playbook.ModuleTask(), *(playbook.CommandTask(tool) for tool in tools)]
    if options.contenders:
        found = [contender for contender in found if contender.name in (OURS, "before", *options.contenders)]
    return found


@contextmanager
def _scratch(options: Options) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        if not options.memory:
            yield Path(made)
            return
        with quick_directory(Path(made)) as quick:
            yield quick


@contextmanager
def _no_traces() -> Iterator[None]:
    """skopeo remembers blobs in the system's directory; where there was none before there is none afterwards."""
    was_there = _CONTAINERS.exists()
    try:
        yield
    finally:
        if not was_there:
            shutil.rmtree(_CONTAINERS, ignore_errors=True)


def _write(results: Results, directory: Path) -> None:
    (directory / "results.json").write_text(json.dumps(results.as_json(), indent=1) + "\n", encoding="utf-8")
    (directory / "tables.md").write_text(tables(results) + "\n", encoding="utf-8")
    (directory / "plot.svg").write_text(svg(results), encoding="utf-8")


def _machine(options: Options) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "rounds": options.rounds,
        "storage": "memory" if options.memory else "disk",
        "time": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
