# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: the parts of a layer that can run beside each other, and how they are run and reported."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from .counts import Counts
from .places import CACHE
from .shell import CommandFailed, Shell

_TAIL_LINES = 60
_MOST_AT_ONCE = 4


@dataclass(frozen=True)
class Job:
    """One part of a layer.

    :ivar name: ``layer/part``
    :ivar work: does it and counts; raises CommandFailed when there is nothing to count
    :ivar about: about how many seconds it takes; long ones start first
    :ivar limit: the most seconds that it may take
    """

    name: str
    work: Callable[[Shell], Counts]
    about: int = 10
    limit: int = 600


@dataclass(frozen=True)
class Absent:
    """A part that cannot be run here, which counts as one skipped test."""

    name: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What came of a job."""

    name: str
    counts: Counts
    seconds: float
    note: str
    log: Path | None = None


def run_all(parts: Sequence[Job | Absent]) -> list[Outcome]:
    """Run all jobs, one more at once than there are processors, and print a line for each as it ends.

    A job waits for servers and time-outs for a good part of its time.
    """
    outcomes = [Outcome(part.name, Counts(skipped=1), 0.0, part.reason) for part in parts if isinstance(part, Absent)]
    jobs = sorted((part for part in parts if isinstance(part, Job)), key=lambda job: -job.about)
    width = max((len(part.name) for part in parts), default=0)
    for outcome in outcomes:
        _print(outcome, width)
    with ThreadPoolExecutor(min(_MOST_AT_ONCE, (os.cpu_count() or 1) + 1)) as pool:
        waiting: set[Future[Outcome]] = {pool.submit(_run, job) for job in jobs}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    outcomes.append(future.result())
                    _print(outcomes[-1], width)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            Shell.end_all()
            raise
    return outcomes


def record(outcomes: Sequence[Outcome]) -> Counts:
    """Write every job's result as JSON, and give the sum."""
    results = CACHE / "results"
    results.mkdir(parents=True, exist_ok=True)
    total = Counts()
    for outcome in outcomes:
        total += outcome.counts
        data = {
            "name": outcome.name,
            "seconds": round(outcome.seconds, 1),
            "note": outcome.note,
            **vars(outcome.counts),
        }
        (results / f"{outcome.name.replace('/', '-')}.json").write_text(json.dumps(data) + "\n", encoding="utf-8")
    return total


def _run(job: Job) -> Outcome:
    path = CACHE / "logs" / f"{job.name.replace('/', '-')}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with path.open("wb") as log:
        shell = Shell(log, job.limit)
        try:
            counts, note = job.work(shell), ""
        except CommandFailed as error:
            counts, note = Counts(failed=1), str(error)
    return Outcome(job.name, counts, time.monotonic() - begun, note, path)


def _print(outcome: Outcome, width: int) -> None:
    if outcome.log is None:
        print(f"{outcome.name:<{width}}  skipped: {outcome.note}", flush=True)
        return
    if outcome.counts.failed:
        print(_tail(outcome.log), flush=True)
    print(f"{outcome.name:<{width}}  {outcome.seconds:5.0f} s  {outcome.counts}  {outcome.note}".rstrip(), flush=True)


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    cut = [f"... ({len(lines) - _TAIL_LINES} lines before)"] if len(lines) > _TAIL_LINES else []
    return "\n".join([f"----- {log}", *cut, *lines[-_TAIL_LINES:], "-----"])
