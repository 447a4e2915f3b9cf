# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run and the process that started it: progress passes in one direction, the lease in the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._modules.sync.supervision import Lease, ProgressFile
from ansible_collections.imageops.registry.plugins.plugin_utils.follower import Follower, LocalFiles, RemoteFiles

HOLDER = """
import fcntl, os, sys
lease = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(lease, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def paths(tmp_path: Path) -> tuple[str, str]:
    return str(tmp_path / "progress.json"), str(tmp_path / "lease")


@pytest.fixture
def holder(paths: tuple[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a lease."""
    command = [sys.executable, "-c", HOLDER, paths[1]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lease_lasts_as_long_as_the_process_that_holds_it(
    paths: tuple[str, str], holder: subprocess.Popen[str]
) -> None:
    lease = Lease(paths[1], 60.0)
    assert not lease.is_lost()
    holder.kill()
    holder.wait()
    assert lease.is_lost()


def test_a_lease_that_is_removed_is_lost(paths: tuple[str, str], holder: subprocess.Popen[str]) -> None:
    lease = Lease(paths[1], 60.0)
    os.unlink(paths[1])
    assert lease.is_lost()


def test_a_lease_that_must_be_renewed_ends_when_it_is_not(
    paths: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    lease = Lease(paths[1], 60.0)
    assert not lease.is_lost()
    clock[0] += 59
    os.utime(paths[1], (5, 5))  # the wall clock of another machine has no say in it
    assert not lease.is_lost()
    clock[0] += 60
    assert not lease.is_lost()
    clock[0] += 1
    assert lease.is_lost()


def test_a_lease_leaves_no_file_behind(paths: tuple[str, str]) -> None:
    lease = Lease(paths[1], 60.0)
    assert os.path.exists(paths[1])
    lease.close()
    lease.close()
    assert not os.path.exists(paths[1])


def test_a_link_in_the_lease_s_place_is_not_followed(paths: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    os.symlink(tmp_path / "precious", paths[1])
    assert Lease(paths[1], 60.0).is_lost()
    assert (tmp_path / "precious").read_text() == "x"


def test_progress_is_written_for_its_reader_alone_and_goes_with_the_run(paths: tuple[str, str]) -> None:
    asked = threading.Event()

    def snapshot() -> dict[str, int]:
        if os.path.exists(paths[0]):
            asked.set()
        return {"images_total": 3}

    progress = ProgressFile(paths[0], snapshot)
    progress.start()
    assert asked.wait(20)
    with open(paths[0], encoding="utf-8") as file:
        assert json.load(file) == {"images_total": 3}
    assert os.stat(paths[0]).st_mode & 0o777 == 0o600
    progress.close()
    assert os.listdir(os.path.dirname(paths[0])) == []


def test_a_run_goes_on_where_its_progress_cannot_be_written(tmp_path: Path) -> None:
    progress = ProgressFile(str(tmp_path / "nowhere" / "progress.json"), dict)
    progress.start()
    progress.close()


def test_the_follower_shows_what_it_reads_and_keeps_the_lease(paths: tuple[str, str]) -> None:
    shown: list[str] = []
    enough = threading.Event()

    def show(text: str) -> None:
        shown.append(text)
        enough.set()

    files = LocalFiles(*paths)
    Path(paths[0]).write_text(json.dumps(PROGRESS), encoding="utf-8")
    follower = Follower(
        files, interval=0.01, lease=60.0, local=True, counts_only=False, show=show, problem=shown.append
    )
    lease = Lease(paths[1], 60.0)
    follower.start()
    assert enough.wait(20)
    assert not lease.is_lost()
    follower.close(revoke=True)
    assert lease.is_lost()
    assert shown[0] == "to copy: 2 of 3 images"
    assert set(shown[1:]) == {"copying 1/3 images"}


def test_a_lease_elsewhere_is_touched_at_every_reading_and_never_made(paths: tuple[str, str]) -> None:
    def run(command: str) -> str:
        return subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout

    files = RemoteFiles(*paths, run)
    assert files.read() == ""
    assert not os.path.exists(paths[1])
    lease = Lease(paths[1], 60.0)
    os.utime(paths[1], (5, 5))
    Path(paths[0]).write_text("{}", encoding="utf-8")
    assert files.read() == "{}"
    assert os.stat(paths[1]).st_mtime != 5
    files.release()
    assert lease.is_lost()


def test_a_reading_that_fails_is_said_and_tried_again(paths: tuple[str, str]) -> None:
    problems: list[str] = []
    shown = threading.Event()
    answers = iter([OSError("the connection broke"), json.dumps(PROGRESS)])

    class Broken(RemoteFiles):
        def read(self) -> str:
            answer = next(answers, json.dumps(PROGRESS))
            if isinstance(answer, OSError):
                raise answer
            return answer

    follower = Follower(
        Broken(*paths, str),
        interval=0.01,
        lease=60.0,
        local=False,
        counts_only=False,
        show=lambda _text: shown.set(),
        problem=problems.append,
    )
    follower.start()
    assert shown.wait(20)
    follower.close(revoke=False)
    assert problems == ["the connection broke"]


def test_signals_are_left_to_the_main_thread_and_reach_what_reads(paths: tuple[str, str]) -> None:
    """CPython runs handlers in the main thread, which wakes for no signal that another thread has got."""
    masks: dict[str, set[signal.Signals]] = {}
    shown = threading.Event()

    class Watched(RemoteFiles):
        def read(self) -> str:
            masks["reading"] = {*map(signal.Signals, signal.pthread_sigmask(signal.SIG_BLOCK, ()))}
            return json.dumps(PROGRESS)

    def show(_text: str) -> None:
        masks["showing"] = {*map(signal.Signals, signal.pthread_sigmask(signal.SIG_BLOCK, ()))}
        shown.set()

    follower = Follower(
        Watched(*paths, str),
        interval=0.01,
        lease=60.0,
        local=False,
        counts_only=False,
        show=show,
        problem=pytest.fail,
    )
    follower.start()
    assert shown.wait(20)
    follower.close(revoke=False)
    mine = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM}
    assert masks["showing"] >= mine
    assert not masks["reading"] & mine


PROGRESS = {
    "phase": "copy",
    "images_total": 3,
    "images_done": 1,
    "images_failed": 0,
    "bytes": 0,
    "bytes_total": 0,
    "images_to_copy": 2,
    "images_read": 2,
    "check_mode": False,
    "retries": 0,
    "waiting": [],
    "blob": None,
    "at": 1.0,
}
