# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows a run from the controller while the module works: its progress is read, and its lease is kept alive."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from shlex import quote
from typing import Any, Protocol

from ansible_collections.imageops.registry.plugins.module_utils._sync.results.progress.lines import ProgressLines

_LOCAL_INTERVAL = 1.0
_RENEWALS = 3
"""Times that a lease is renewed before it would end."""
_LAST_WORD = 5.0
"""Seconds that the end of a run waits for the reader."""


_FOR_MAIN_THREAD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


@contextlib.contextmanager
def _as_children_need_it() -> Iterator[None]:
    """Let signals through meanwhile: a process that is started here has the same ones blocked as this thread."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, _FOR_MAIN_THREAD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Files(Protocol):
    """The two files that a run shares with the controller."""

    def read(self) -> str:
        """Renew the lease and return the progress; empty where there is none yet."""

    def release(self) -> None:
        """End the lease."""


class LocalFiles:
    """On this machine: the lease is a lock that ends with this process, however that ends.

    :param run: runs a command as the user that writes the progress, where that is another one
    """

    def __init__(self, progress_path: str, lease_path: str, run: Callable[[str], str] | None = None) -> None:
        self._progress_path = progress_path
        self._run = run
        self._lease_path = lease_path
        # Whatever user the module runs as has to open it; there is nothing in it.
        self._lease = os.open(lease_path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(self._lease, fcntl.LOCK_EX)

    def read(self) -> str:
        """Return the progress."""
        if self._run is not None:
            return self._run(f"cat {quote(self._progress_path)} 2>/dev/null || true")
        try:
            with open(self._progress_path, encoding="utf-8") as file:
                return file.read()
        except OSError:
            return ""

    def release(self) -> None:
        """Remove the lease's file and release the lock."""
        with contextlib.suppress(OSError):
            os.unlink(self._lease_path)
        os.close(self._lease)


class RemoteFiles:
    """On another machine: both are reached by a shell command over a connection.

    :param run: runs a command and returns what it wrote; raises when it could not be run
    """

    def __init__(self, progress_path: str, lease_path: str, run: Callable[[str], str]) -> None:
        self._progress_path = quote(progress_path)
        self._lease_path = quote(lease_path)
        self._run = run

    def read(self) -> str:
        """Touch the lease and return the progress."""
        return self._run(f"touch -c {self._lease_path}; cat {self._progress_path} 2>/dev/null || true")

    def release(self) -> None:
        """Remove the lease."""
        self._run(f"rm -f {self._lease_path}")


class Follower:
    """Follows one run in a thread of its own, until it is closed.

    :param files: what the run writes and looks at
    :param interval: seconds between two lines; 0 for no lines
    :param lease: seconds after which the run ends when its lease is not renewed
    :param local: whether the files are on this machine
    :param show: shows a line
    :param problem: told once why the progress cannot be read
    """

    def __init__(
        self,
        files: Files,
        *,
        interval: float,
        lease: float,
        local: bool,
        counts_only: bool,
        show: Callable[[str], None],
        problem: Callable[[str], None],
    ) -> None:
        self._files = files
        self._interval = interval
        self._pause = _LOCAL_INTERVAL if local else min(lease / _RENEWALS, interval or lease)
        self._counts_only = counts_only
        self._show = show
        self._problem = problem
        self._parent = os.getppid()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self, *, revoke: bool) -> None:
        """End the following.

        :param revoke: end the lease, too, because the run is not to go on
        """
        self._ended.set()
        self._thread.join(_LAST_WORD)
        if revoke:
            self._release()

    def _follow(self) -> None:
        # Ansible ends a worker by a signal, and a task by an alarm. Both are for the main thread, which waits for the
        # module and is woken by no signal that another thread gets.
        signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_MAIN_THREAD)
        lines = ProgressLines(self._interval, counts_only=self._counts_only, begin=time.monotonic())
        while not self._ended.wait(self._pause):
            if os.getppid() != self._parent:  # the play has been killed, and this process left alone
                self._release()
                return
            now = self._snapshot()
            for text in lines.due(now, time.monotonic()) if now and not self._ended.is_set() else ():
                self._show(text)

    def _snapshot(self) -> Mapping[str, Any] | None:
        """Return the progress; None where there is none. A failed reading is tried again at the next turn."""
        try:
            with _as_children_need_it():
                text = self._files.read()
            found = json.loads(text) if text else None
        except Exception as error:  # noqa: BLE001 - connection plugins raise what they like, and the run goes on
            self._problem(str(error))
            return None
        return found if isinstance(found, dict) else None

    def _release(self) -> None:
        try:
            self._files.release()
        except Exception as error:  # noqa: BLE001 - likewise; the lease then ends by itself
            self._problem(str(error))
