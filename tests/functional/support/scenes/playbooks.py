# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook on this checkout, and gives what each task did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

PROGRAM = Path(sys.executable).with_name("ansible-playbook")
"""The program of this Python."""
CAN_PLAY = PROGRAM.exists() and find_spec("jinja2") is not None
"""Whether it runs: a Python of managed hosts only has ansible-core's files, but not what a controller needs."""

_ROOT = Path(__file__).resolve().parents[4]
_LONGEST = 1200.0


@dataclass(frozen=True)
class Played:
    """What a run did.

    :ivar code: the exit status of ansible-playbook
    :ivar text: all that it printed
    :ivar tasks: each task with its status and result, by name
    """

    code: int
    text: str
    tasks: Mapping[str, tuple[str, Mapping[str, Any]]]

    def result(self, name: str) -> Mapping[str, Any]:
        """The result of a task that succeeded."""
        status, result = self.tasks[name]
        assert status == "ok", (status, result)
        return result


def environment_of(directory: Path, *callbacks: str, path: Sequence[Path] = ()) -> dict[str, str]:
    """Make the environment of ansible-playbook on this checkout.

    :param directory: its home; runs whose homes are beside each other share what they have packed of modules
    :param path: directories with programs that come before others
    """
    return {
        "PATH": os.pathsep.join([*map(str, path), str(PROGRAM.parent), os.environ["PATH"]]),
        "HOME": str(directory),
        "ANSIBLE_COLLECTIONS_PATH": str(_ROOT / ".cache" / "tree"),
        "ANSIBLE_CALLBACK_PLUGINS": str(_ROOT / "tests" / "runbook" / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": ",".join(["share_payloads", *callbacks]),
        "SHARE_PAYLOADS": str(directory.parent / "payloads"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "LC_ALL": "C.UTF-8",
    }


def play(
    directory: Path,
    plays: Sequence[Mapping[str, Any]],
    variables: Mapping[str, Any],
    path: Sequence[Path] = (),
    verbosity: int = 0,
    check: bool = False,
) -> Played:
    """Run plays from a directory on this machine.

    :param path: directories with programs that come before others
    """
    playbook, record = directory / "playbook.yml", directory / "tasks.jsonl"
    playbook.write_text(yaml.safe_dump(list(plays), sort_keys=False, width=10_000), encoding="utf-8")
    record.unlink(missing_ok=True)
    record.touch()
    environ = {
        **environment_of(directory, "record_tasks", path=path),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "RECORD_TASKS": str(record),
        "ANSIBLE_VERBOSITY": str(verbosity),
    }
    extra = {"ansible_connection": "local", **variables}
    ended = subprocess.run(
        [str(PROGRAM), "-i", "localhost,", str(playbook), "-e", json.dumps(extra), *(["--check"] if check else [])],
        env=environ,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    tasks = {line["task"]: (line["status"], line["result"]) for line in lines}
    return Played(ended.returncode, ended.stdout + ended.stderr, tasks)
