# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is watched and stopped: lines of progress, and modules that end with the play that waits for them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import registry_option
from support.scenes.playbooks import CAN_PLAY, PROGRAM
from support.servers.processes import wait_until
from support.servers.shared import Servers

pytestmark = pytest.mark.skipif(not CAN_PLAY, reason="this Python is one of managed hosts only")

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 120.0
"""Seconds that a busy machine may need for a play to begin, or for a module to end."""
LINE = re.compile(r"\[localhost\] copying \d+/1 images, ")


class Playing:
    """A play under way whose task would take very long.

    :ivar text: what it has printed so far
    """

    def __init__(self, directory: Path, task: dict[str, Any]) -> None:
        self._directory = directory
        playbook = directory / "playbook.yml"
        play = {"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [task]}
        playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
        environ = {
            "PATH": os.pathsep.join([str(PROGRAM.parent), os.environ["PATH"]]),
            "HOME": str(directory),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "tree"),
            "ANSIBLE_REMOTE_TEMP": str(directory / "module"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
            "LC_ALL": "C.UTF-8",
        }
        self.process = subprocess.Popen(
            [str(PROGRAM), "-i", "localhost,", str(playbook)],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.out: list[str] = []
        self.error: list[str] = []
        for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.error)):
            threading.Thread(target=self._collect, args=(stream, lines), daemon=True).start()

    @staticmethod
    def _collect(stream: Any, lines: list[str]) -> None:
        for line in stream:
            lines.append(line)

    def modules(self) -> list[str]:
        """Give the processes of the module that are there."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self._directory / "module") in command and "playbook.yml" not in command:
                found.append(command)
        return found


@pytest.fixture
def playing(
    servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> Iterator[Callable[..., Playing]]:
    """Start a play that copies one large image at 16 KiB a second."""
    plain(servers.open.endpoint).push(
        repository, images.image(repository, layers=[images.random_blob(repository, 20_000_000)]), "1"
    )
    started: list[Playing] = []

    def start(**keywords: Any) -> Playing:
        task = {
            "imageops.registry.registry_image_sync": {
                "images": [
                    {
                        "source": f"{servers.open.host}/{repository}:1",
                        "destination": f"{servers.relative.host}/{repository}",
                    }
                ],
                "registries": [registry_option(one.endpoint) for one in (servers.open, servers.relative)],
                "bandwidth_limit": 16384,
                "docker_config": "",
                "progress": 1,
            },
            **keywords,
        }
        started.append(Playing(tmp_path, json.loads(json.dumps(task))))
        return started[-1]

    # What a shell has started in the background ignores it, and so does all that is started there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield start
    signal.signal(signal.SIGINT, before)
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.wait()
        wait_until(lambda one=one: not one.modules(), "end of the module", LONGEST)  # type: ignore[misc]


def shows_progress(play: Playing) -> None:
    wait_until(
        lambda: any(LINE.search(line) for line in play.error), f"line of progress in {play.out} {play.error}", LONGEST
    )


def test_progress_is_shown_on_standard_error_alone(playing: Callable[..., Playing]) -> None:
    play = playing()
    shows_progress(play)
    assert not any(LINE.search(line) for line in play.out)
    assert play.modules()


def test_with_no_log_nothing_is_named(playing: Callable[..., Playing]) -> None:
    play = playing(no_log=True)
    shows_progress(play)
    assert "sha256:" not in "".join(play.error)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["INT", "TERM", "KILL"])
def test_the_module_ends_with_its_controller(playing: Callable[..., Playing], number: signal.Signals) -> None:
    play = playing()
    shows_progress(play)
    play.process.send_signal(number)
    play.process.wait()
    wait_until(lambda: not play.modules(), "end of the module", LONGEST)


def test_the_module_ends_with_the_time_of_its_task(playing: Callable[..., Playing]) -> None:
    play = playing(timeout=60)
    shows_progress(play)
    assert play.process.wait() == 2
    wait_until(lambda: not play.modules(), "end of the module", LONGEST)
    said = "".join(play.out + play.error)
    assert "imed out" in said or "in the expected time frame (60)" in said  # before ansible-core 2.19
