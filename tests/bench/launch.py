# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole processes, and what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PROGRAM = Path(__file__).with_name("launch_program.py")
LONGEST = 1800
"""Seconds after which a command has failed."""


class Failed(Exception):
    """A measured command failed; the message has the end of what it printed."""


@dataclass(frozen=True)
class Step:
    """One process.

    :param stdin: a file that it reads
    """

    argv: Sequence[str]
    stdin: Path | None = None


@dataclass(frozen=True)
class Command:
    """What a contender runs for one job: processes, one after another."""

    steps: Sequence[Step]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """What the processes of a command cost.

    :ivar wall: seconds from the first start to the last end
    :ivar cpu: seconds, user and system, of all of them
    :ivar memory: bytes at the peak of the largest one
    """

    wall: float
    cpu: float
    memory: int


def run(command: Command, directory: Path) -> Cost:
    """Run a command with this directory as its home.

    :raises Failed: when a step does not exit with 0
    """
    log = directory / "output.log"
    task = {
        "steps": [{"argv": list(step.argv), "stdin": str(step.stdin) if step.stdin else ""} for step in command.steps],
        "environment": dict(command.environment),
        "directory": str(directory),
        "log": str(log),
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(_PROGRAM)],
        input=json.dumps(task).encode(),
        stdout=subprocess.PIPE,
        env=environment,
        timeout=LONGEST,
        check=True,
    )
    said = json.loads(done.stdout)
    if said["code"]:
        tail = log.read_bytes()[-3000:].decode("utf-8", "replace")
        raise Failed(f"exit code {said['code']} from {' '.join(command.steps[0].argv)[:300]}\n{tail}")
    return Cost(said["wall"], said["cpu"], said["memory"])
