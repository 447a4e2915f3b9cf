# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run shares with the process that started it: a file with its progress, and a lease that lets it go on.

Both are files that the action plugin names. Without them, as when the module is run by another program, a run has
neither.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple

_INTERVAL = 1.0
"""Seconds between two writes of the progress."""


class ProgressFile:
    """Writes a snapshot of a run's progress into a file, each second and at the end, in one step each time.

    :param path: a file that nothing else writes; it is removed at the end
    :param snapshot: gives the progress as JSON takes it
    """

    def __init__(self, path: str, snapshot: Callable[[], Mapping[str, Any]]) -> None:
        self._path = path
        self._snapshot = snapshot
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """End the writing and remove the file."""
        self._ended.set()
        self._thread.join()
        for path in (self._path, self._temporary):
            try:
                os.unlink(path)
            except OSError:
                continue

    @property
    def _temporary(self) -> str:
        return f"{self._path}.tmp"

    def _run(self) -> None:
        while not self._ended.wait(_INTERVAL):
            try:
                descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
                with open(descriptor, "w", encoding="utf-8") as file:
                    json.dump(self._snapshot(), file)
                os.replace(self._temporary, self._path)
            except OSError:
                return  # a run without visible progress is as good as one with it


class Lease:
    """Tells whether the process that started a run still wants it.

    A process on the same machine holds a lock (flock) on the file for as long as it lives. One on another machine
    touches the file again and again; it is given up when that has not happened for ``seconds``, by this machine's
    monotonic clock. In both cases removing the file ends the run.

    :param path: the file; one that is not there is made, and then it is to be touched
    :param seconds: that a lease lasts without being touched
    """

    def __init__(self, path: str, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._held = True
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
            self._held = False
        except FileExistsError:
            pass
        self._touched_at = time.monotonic()
        self._touched: float | None = None

    def is_lost(self) -> bool:
        """Return whether the run has to end. Cheap; may be asked several times a second."""
        try:
            return self._is_released() if self._held else self._is_old()
        except OSError:
            return True

    def close(self) -> None:
        """Remove the file."""
        try:
            os.unlink(self._path)
        except OSError:
            return  # removed by the process that started the run

    def _is_released(self) -> bool:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _is_old(self) -> bool:
        touched = os.stat(self._path).st_mtime
        now = time.monotonic()
        if touched != self._touched:
            self._touched, self._touched_at = touched, now
        return now - self._touched_at > self._seconds


class SharedFiles(NamedTuple):
    """The files that a run shares with the process that started it, for as long as the run lasts.

    :param progress: None where no progress is wanted; likewise lease
    """

    progress: ProgressFile | None
    lease: Lease | None

    @classmethod
    def of(cls, params: Mapping[str, Any], snapshot: Callable[[], Mapping[str, Any]]) -> SharedFiles:
        """Return the files that a task's options name."""
        controller = params["controller"] or {}
        progress_path, lease_path = controller.get("progress_path"), controller.get("lease_path")
        return cls(
            ProgressFile(progress_path, snapshot) if progress_path else None,
            Lease(lease_path, params["lease"]) if lease_path else None,
        )

    def lease_is_lost(self) -> bool:
        """Return whether the run has to end; never where it was given no lease."""
        return self.lease is not None and self.lease.is_lost()

    def __enter__(self) -> SharedFiles:
        if self.progress is not None:
            self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.progress is not None:
            self.progress.close()
        if self.lease is not None:
            self.lease.close()
