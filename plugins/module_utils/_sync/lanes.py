# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues of blocking jobs with a bound on how many run at once, which may change while they run.

The standard thread pool joins its threads when the interpreter ends, so that one stalled socket holds the process after
it was told to stop. Threads here are daemons: whoever ends the run closes the sockets and leaves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Lane:
    """Runs jobs in the order they came, at most ``limit()`` at once, on threads that start when they are needed."""

    def __init__(self, name: str, limit: Callable[[], int]) -> None:
        self._name = name
        self._limit = limit
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0
        self._closed = False

    def submit(self, call: Callable[..., T], *arguments: object) -> Future[T]:
        """Queue one call; the future has its value or what it raised."""
        future: Future[T] = Future()
        self.start(partial(_run, future, call, arguments))
        return future

    def start(self, job: Callable[[], None]) -> None:
        """Queue a job that raises nothing."""
        with self._lock:
            self._jobs.put(job)
            self._unfinished += 1
            if self._closed:
                self._hire()
                self._jobs.put(None)
            self._staff()

    def shutdown(self) -> None:
        """Let the threads end once the queue is empty; what still comes gets one of its own.

        Nobody waits for them: they are daemons.
        """
        with self._lock:
            self._closed = True
            for _thread in range(self._threads):
                self._jobs.put(None)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            job()
            del job
            with self._lock:
                self._unfinished -= 1
                if self._threads > self._limit() and not self._closed:
                    self._threads -= 1
                    return
                self._staff()

    def _staff(self) -> None:
        """Add threads as long as there is work for them and room."""
        while not self._closed and self._threads < min(self._unfinished, self._limit()):
            self._hire()

    def _hire(self) -> None:
        threading.Thread(target=self._work, name=f"{self._name}-{self._threads}", daemon=True).start()
        self._threads += 1


def _run(future: Future[Any], call: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    """The outcome belongs to its future, whatever it is."""
    try:
        value = call(*arguments)
    except BaseException as fault:  # noqa: BLE001 - the future hands it on
        future.set_exception(fault)
    else:
        future.set_result(value)
