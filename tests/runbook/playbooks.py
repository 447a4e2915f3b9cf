# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook on the installed collection, as somebody does who has nothing but the collection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LONGEST_SECONDS = 600

_UNWANTED = ("ANSIBLE_", "ALIBABA_", "ALICLOUD_", "DOCKER_")


@dataclass(frozen=True)
class TaskResult:
    """What one task did."""

    task: str
    action: str
    status: str
    changed: bool
    result: Mapping[str, Any]


@dataclass(frozen=True)
class PlaybookRun:
    """How a run ended.

    :ivar text: all that it printed
    """

    code: int
    text: str
    tasks: Sequence[TaskResult]

    def changed(self) -> list[str]:
        """The names of the tasks that changed something, or would have."""
        return [task.task for task in self.tasks if task.changed]

    def failed(self) -> list[TaskResult]:
        return [task for task in self.tasks if task.status in ("failed", "unreachable")]

    def named(self, name: str) -> TaskResult:
        """The one task of this name that was not skipped."""
        (found,) = [task for task in self.tasks if task.task == name and task.status != "skipped"]
        return found

    def warnings(self) -> list[str]:
        return [line for line in self.text.splitlines() if "WARNING" in line or "DEPRECATION" in line]


class Ansible:
    """ansible-playbook with an installed collection and nothing of the user's own.

    :param bin: the directory with ansible's programs
    :param collections: where the collection is installed
    :param directory: for its files; playbooks are started there
    :param name: another one for each that works in the same directory at the same time
    """

    def __init__(self, bin: Path, collections: Path, directory: Path, name: str = "tasks") -> None:
        self._bin = bin
        self.directory = directory
        self._record = directory / f"{name}.jsonl"
        (directory / "ansible.cfg").touch()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)}
        self._environment = {
            **kept,
            "ANSIBLE_CALLBACKS_ENABLED": "record_tasks,share_payloads",
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connections"),
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(directory / "ansible"),
            # There is no inventory, so Ansible knows this machine alone, with its own Python.
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "HOME": str(directory),
            "LC_ALL": "C.UTF-8",
            "NO_PROXY": "*",
            # A shell keeps this, other programs that start playbooks somewhere do not.
            "PWD": "/",
            "RECORD_TASKS": str(self._record),
            "SHARE_PAYLOADS": str(directory.parent / "payloads"),
        }

    def run(self, playbook: str | Path, *arguments: str, **environment: str) -> PlaybookRun:
        """Run a playbook, of the collection by its full name or a file, to its end."""
        self._record.write_text("", encoding="utf-8")
        ended = subprocess.run(
            [self._bin / "ansible-playbook", str(playbook), *arguments],
            cwd=self.directory,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_SECONDS,
            text=True,
            check=False,
        )
        lines = self._record.read_text(encoding="utf-8").splitlines()
        return PlaybookRun(ended.returncode, ended.stdout, [TaskResult(**json.loads(line)) for line in lines])

    def write(self, name: str, content: Any) -> Path:
        """Write a file as JSON, which is YAML too."""
        path = self.directory / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


@dataclass(frozen=True)
class Elsewhere:
    """The machine that tasks run on.

    :ivar options: those of ansible-playbook that choose it
    :ivar directory: what it has where this machine has the directory that playbooks are started in
    :ivar is_here: whether it is this machine after all
    """

    options: Sequence[str]
    directory: Path
    is_here: bool


def elsewhere_of(ansible: Ansible, directory: Path) -> Elsewhere:
    """Make a machine that shares with this one everything but the directory that playbooks are started in."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        return Elsewhere((), ansible.directory, is_here=True)
    directory.mkdir()
    variables = {
        "ansible_connection": "apart",
        "ansible_python_interpreter": sys.executable,
        "ansible_remote_tmp": str(directory),
        "apart_cover": str(directory),
        "apart_place": str(ansible.directory),
    }
    inventory = ansible.write("inventory.json", {"all": {"hosts": {"elsewhere": variables}}})
    return Elsewhere(("-i", str(inventory), "-e", "sync_hosts=elsewhere"), directory, is_here=False)


def install(bin: Path, directory: Path) -> Path:
    """Build the collection and install it, as its users do; give the directory for ``ANSIBLE_COLLECTIONS_PATH``."""
    directory.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)}
    environment = {**kept, "ANSIBLE_HOME": str(directory / "ansible"), "ANSIBLE_COLLECTIONS_PATH": str(directory)}

    def galaxy(*arguments: str | Path) -> None:
        subprocess.run(
            [bin / "ansible-galaxy", "collection", *arguments],
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
        )

    galaxy("build", "--force", "--output-path", directory)
    (archive,) = directory.glob("*.tar.gz")
    galaxy("install", "--offline", "--force", "-p", directory, archive)
    return directory
