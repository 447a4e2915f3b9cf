# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays under way: what they print while they run, and which modules of theirs are there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable

import yaml
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import registry_option
from support.scenes.playbooks import PROGRAM, environment_of
from support.servers.processes import wait_until
from support.servers.shared import Servers

LONGEST = 120.0
"""Seconds that a busy machine may need for a play to begin, or for a module to end."""
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


class Playing:
    """A play under way.

    :param directory: for its files and as its home
    :param hosts: each host's variables
    :param play: keywords of the play
    :param environ: further settings of Ansible
    :ivar out: the lines that it has printed so far; likewise error
    """

    def __init__(
        self,
        directory: Path,
        tasks: Sequence[Mapping[str, Any]],
        *,
        hosts: Mapping[str, Mapping[str, Any]],
        play: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self._mark = f"PLAY_UNDER_WAY={directory}"
        self._playbook = playbook = directory / "playbook.yml"
        inventory = directory / "inventory.json"
        marked = {"environment": {"PLAY_UNDER_WAY": str(directory)}}
        whole = {"hosts": "all", "gather_facts": False, **marked, **(play or {}), "tasks": tasks}
        playbook.write_text(yaml.safe_dump(json.loads(json.dumps([whole]))), encoding="utf-8")
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
        settings = {
            **environment_of(directory),
            "ANSIBLE_REMOTE_TEMP": str(directory / "module"),
            "ANSIBLE_ASYNC_DIR": str(directory / "async"),
            **(environ or {}),
        }
        self.process = subprocess.Popen(
            [str(PROGRAM), "-i", str(inventory), str(playbook), *arguments],
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.out: list[str] = []
        self.error: list[str] = []
        self._readers = [
            threading.Thread(target=self._collect, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.error))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _collect(stream: Any, lines: list[str]) -> None:
        for line in stream:
            lines.append(line)

    def shows(self, pattern: str) -> None:
        """Wait until a line on standard error has a match for the pattern."""
        wanted = re.compile(pattern)
        wait_until(
            lambda: any(wanted.search(line) for line in self.error), f"{pattern} in {self.out} {self.error}", LONGEST
        )

    def end(self) -> int:
        """Wait for the end of the play, and of what it prints. Give its exit status."""
        code = self.process.wait()
        for reader in self._readers:
            reader.join(LONGEST)
        return code

    def modules(self) -> list[str]:
        """Give the processes of modules that are there."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark in (path / "environ").read_bytes().decode(errors="replace").split("\0"):
                    found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        return found

    def kill(self) -> None:
        """End the play and its workers, which have process groups of their own, at once, as a power cut would."""
        playbook = os.fsencode(self._playbook)
        os.kill(self.process.pid, signal.SIGSTOP)  # so that it starts no other one meanwhile
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if playbook in (path / "cmdline").read_bytes().split(b"\0"):
                    os.kill(int(path.name), signal.SIGKILL)
        self.process.wait()

    def wait_for_modules(self) -> None:
        """Wait until none of its modules is there any more."""
        wait_until(lambda: not self.modules(), "end of the module", LONGEST)


@contextmanager
def plays(directory: Path) -> Iterator[Callable[..., Playing]]:
    """Give what starts plays in a directory, and end them all."""
    started: list[Playing] = []

    def start(tasks: Sequence[Mapping[str, Any]], **keywords: Any) -> Playing:
        started.append(Playing(directory, tasks, **{"hosts": {"localhost": LOCAL}, **keywords}))
        return started[-1]

    # What a shell has started in the background ignores it, and so does all that is started there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield start
    finally:
        signal.signal(signal.SIGINT, before)
        for one in started:
            if one.process.poll() is None:
                os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()
            one.wait_for_modules()


def copying(
    servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, *, size: int, **options: Any
) -> dict[str, Any]:
    """Push an image with a layer of so many bytes, and give a task that copies it."""
    plain(servers.open.endpoint).push(
        repository, images.image(repository, layers=[images.random_blob(repository, size)]), "1"
    )
    source, target = f"{servers.open.host}/{repository}:1", f"{servers.relative.host}/{repository}"
    return {
        "name": "Copy",
        "imageops.registry.registry_image_sync": {
            "images": [{"source": source, "destination": target}],
            "registries": [registry_option(one.endpoint) for one in (servers.open, servers.relative)],
            "docker_config": "",
            "progress": 1,
            **options,
        },
    }
