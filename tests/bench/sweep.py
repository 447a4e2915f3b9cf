# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How cost grows with the number of tags and with bytes, and how soon the first request goes out."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.clients.endpoint import Endpoint

from .figures import median
from .job import Job
from .ours import Module
from .rounds import Say, course
from .scenarios import MEGABYTE, SCENARIOS, Size
from .worlds import World

TAGS = (100, 1_000, 10_000)
MEGABYTES = (10, 100, 1_000)
_TIMES = 3


def sweep(size: Size, world: World, scratch: Path, say: Say) -> Iterator[dict[str, Any]]:
    """A row for each amount: medians of a few runs of the module."""
    for amount in TAGS:
        yield _measure("tags, nothing to do", 4, amount, replace(size, tags=amount), world, scratch, say)
    for amount in MEGABYTES:
        yield _measure("MB in one layer", 1, amount, replace(size, layer=amount * MEGABYTE), world, scratch, say)


def _measure(what: str, number: int, amount: int, size: Size, world: World, scratch: Path, say: Say) -> dict[str, Any]:
    directory = scratch / f"sweep-{number}-{amount}"
    directory.mkdir()
    with course(SCENARIOS[number], size, world, directory, say) as made:
        samples = [made.run(Module()) for _time in range(_TIMES)]
    return {
        "what": what,
        "amount": amount,
        "wall": median([sample.wall for sample in samples]),
        "cpu": median([sample.cpu for sample in samples]),
        "memory": median([sample.memory for sample in samples]),
    }


def first_request(directory: Path) -> dict[str, float]:
    """Seconds from the start of a process to the module's first connection, and to the first line of a bare Python."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        job = Job(Endpoint(host), {"apps/any": ()}, (Endpoint(host),), "copies")
        connected = [_until_connection(server, job, directory) for _time in range(5)]
    bare = []
    for _time in range(5):
        begun = time.monotonic()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        bare.append(time.monotonic() - begun)
    return {"first request": median(connected), "bare Python": median(bare)}


def _until_connection(server: socket.socket, job: Job, directory: Path) -> float:
    command = Module().command(job, directory)
    (step,) = command.steps
    with (step.stdin or Path(os.devnull)).open("rb") as options:
        begun = time.monotonic()
        process = subprocess.Popen(step.argv, stdin=options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        connection, _address = server.accept()
        seconds = time.monotonic() - begun
        connection.close()
    finally:
        process.kill()
        process.wait()
    return seconds
