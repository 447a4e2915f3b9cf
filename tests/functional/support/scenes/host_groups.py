# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the playbook ``sync`` on a group of hosts that are all this machine, or namespaces of its network."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .playbooks import PROGRAM, environment_of

LONGEST = 600.0


@dataclass(frozen=True)
class GroupRun:
    """How a run on a group ended.

    :ivar code: the exit status of ansible-playbook
    :ivar text: all that it printed
    :ivar report: the merged report; empty when there is none
    """

    code: int
    text: str
    report: Mapping[str, Any]

    def states(self) -> dict[str, str]:
        """The state of each host's shard."""
        return {shard["host"]: shard["state"] for shard in self.report["shards"]}


class HostGroup:
    """The group ``mirrors``.

    :param hosts: each host's variables, by its name
    """

    def __init__(self, directory: Path, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        self.directory = directory
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        self.hosts = {name: {**local, **more} for name, more in hosts.items()}

    def start(self, variables: Mapping[str, Any], *options: str) -> subprocess.Popen[str]:
        """Start the playbook; relative paths begin in the directory."""
        inventory = {"all": {"children": {"mirrors": {"hosts": self.hosts}}}}
        (self.directory / "inventory.json").write_text(json.dumps(inventory), encoding="utf-8")
        (self.directory / "report.json").unlink(missing_ok=True)
        environ = {
            **environment_of(self.directory),
            "ANSIBLE_INJECT_INVOCATION": "1",  # as cores before 2.21 do
        }
        given = {
            "sync_hosts": "mirrors",
            "registry_sync_spread": True,
            "registry_sync_docker_config": "",
            "sync_report": ["report.json", "report.html"],
            **variables,
        }
        command = [str(PROGRAM), "-i", "inventory.json", "imageops.registry.sync", "-e", json.dumps(given), *options]
        return subprocess.Popen(
            command, env=environ, cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def ended(self, process: subprocess.Popen[str]) -> GroupRun:
        """Wait for the end of a playbook."""
        text, _nothing = process.communicate(timeout=LONGEST)
        path = self.directory / "report.json"
        report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return GroupRun(process.returncode, text, report)

    def run(self, variables: Mapping[str, Any], *options: str) -> GroupRun:
        """Run the playbook to its end."""
        return self.ended(self.start(variables, *options))


def named(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Hosts without variables."""
    return {name: {} for name in names}
