# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contenders as tasks of a playbook: the module, and others by ansible.builtin.command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from . import ours
from .contender import Contender
from .job import Job
from .launch import Command, Step

_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


class ModuleTask:
    """The module as a task."""

    name = "module as a task"

    def command(self, job: Job, directory: Path) -> Command | None:
        return play([{"imageops.registry.registry_image_sync": ours.options(job)}], directory)


class CommandTask:
    """What another contender runs, as tasks."""

    def __init__(self, other: Contender) -> None:
        self.name = f"{other.name} as a task"
        self._other = other

    def command(self, job: Job, directory: Path) -> Command | None:
        command = self._other.command(job, directory)
        if command is None:
            return None
        tasks = [{"ansible.builtin.command": {"argv": list(step.argv)}} for step in command.steps]
        return play(tasks, directory, dict(command.environment))


def play(tasks: list[dict[str, Any]], directory: Path, environment: dict[str, str] | None = None) -> Command:
    """Tasks as a playbook in a directory, on the machine itself."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "environment": environment or {},
        "tasks": [{"name": "Copy", **task} for task in tasks],
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
    }
    path = directory / "play.yml"
    path.write_text(json.dumps([play]), encoding="utf-8")
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ours.TREE),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }
    return Command([Step([str(_PLAYBOOK), str(path)])], settings)
