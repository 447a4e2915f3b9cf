# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs before it does anything: beside ``ping``, and until the first request goes out."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from support.clients.endpoint import Endpoint

from .figures import median
from .job import Job
from .launch import run
from .ours import Module
from .playbook import play

_NOTHING = {"imageops.registry.registry_image_sync": {"images": []}}
_PING: dict[str, Any] = {"ansible.builtin.ping": {}}


def empty_task(directory: Path, rounds: int) -> dict[str, Any]:
    """Seconds that a task with nothing to do takes above ``ping``, in playbooks that run in turn: quartiles."""
    above: dict[str, list[float]] = {"wall": [], "cpu": []}
    commands = {}
    for name, task in (("ping", _PING), ("nothing", _NOTHING)):
        home = directory / name
        home.mkdir()
        commands[name] = (play([task], home), home)
        run(*commands[name])  # what is compiled once is compiled now
    for number in range(rounds):
        costs = {name: run(*commands[name]) for name in sorted(commands, reverse=number % 2 == 0)}
        for what, seconds in above.items():
            seconds.append(getattr(costs["nothing"], what) - getattr(costs["ping"], what))
    return {
        f"{what} above ping": dict(zip(("low", "median", "high"), statistics.quantiles(seconds, n=4)))
        for what, seconds in above.items()
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
