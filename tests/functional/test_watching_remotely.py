# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run on another machine, as ssh and pipelining make one: its progress, its lease, and what both cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes.playbooks import CAN_PLAY
from support.scenes.playing import LONGEST, Playing, copying, plays
from support.servers.processes import wait_until
from support.servers.shared import Servers
from support.servers.ssh_server import PROGRAM as SSHD
from support.servers.ssh_server import SshServer, ssh_server

pytestmark = pytest.mark.skipif(
    not (CAN_PLAY and SSHD.exists()), reason="this Python is one of managed hosts only, or there is no sshd"
)

LINE = r"^\[elsewhere\] copying \d+/1 images, "
SLOW = {"bandwidth_limit": 16384}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[SshServer]:
    """Another machine."""
    directory = tmp_path / "ssh"
    directory.mkdir(mode=0o700)
    with ssh_server(directory) as server:
        yield server


@pytest.fixture
def playing(
    machine: SshServer,
    servers: Servers,
    plain: Callable[[Endpoint], PlainClient],
    repository: str,
    tmp_path: Path,
) -> Iterator[Callable[..., Playing]]:
    """Start a play that copies one image on the other machine."""
    with plays(tmp_path) as start:

        def on_it(size: int = 20_000_000, options: Any = None, **keywords: Any) -> Playing:
            task = copying(servers, plain, repository, size=size, **(SLOW if options is None else options))
            hosts = {"elsewhere": machine.variables}
            # Each command has a connection of its own, and none outlives the play.
            environ = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no"}
            return start([{**task, **keywords}], hosts=hosts, environ=environ)

        yield on_it


def test_progress_is_read_over_a_second_connection_and_nothing_is_left_on_the_disk(
    playing: Callable[..., Playing], tmp_path: Path
) -> None:
    under_way = playing()
    under_way.shows(LINE)
    assert under_way.modules()
    assert not [path for path in (tmp_path / "module").rglob("*") if path.is_file()]


def test_a_task_that_ends_before_the_first_interval_opens_no_second_connection(
    playing: Callable[..., Playing], machine: SshServer
) -> None:
    used = []
    for size, options in ((1000, {"progress": 0}), (1000, {"progress": 300}), (100_000, SLOW)):
        before = machine.commands()
        under_way = playing(size=size, options=options)
        assert under_way.end() == 0, under_way.out
        used.append(machine.commands() - before)
    assert 0 < used[0] == used[1] < used[2]


def test_the_module_ends_with_the_time_of_its_task(playing: Callable[..., Playing]) -> None:
    under_way = playing(timeout=30)
    under_way.shows(LINE)
    assert under_way.end() == 2
    under_way.wait_for_modules()


def test_the_module_ends_when_nobody_renews_its_lease_and_not_before(playing: Callable[..., Playing]) -> None:
    under_way = playing(options={**SLOW, "lease": 3})
    wait_until(lambda: sum("] copying" in line for line in under_way.error) > 5, "sixth line of progress", LONGEST)
    assert under_way.modules()
    under_way.kill()
    assert under_way.modules()
    under_way.wait_for_modules()
