# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many questions at once, each with an answer or an error of its own."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from ..._oci.errors import ImageOpsError


def unexpected(fault: BaseException, *, action: str, subject: str, log: Callable[[str], None]) -> ImageOpsError:
    """The error for an exception that is no ImageOpsError; its traceback goes to the log."""
    log("".join(traceback.format_exception(type(fault), fault, fault.__traceback__)))
    return ImageOpsError(
        code="unexpected",
        action=action,
        subject=subject,
        cause=f"{type(fault).__name__}: {fault}",
        hint="this is a fault of the collection: please report it with the traceback that log_path has",
    )


class Slots:
    """A semaphore whose size may change at any time, to be entered. Whoever waits longest is next.

    :param limit: how many may be taken at present, at least one
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        """Wait for a slot and take it."""
        if not self._waiting and self._taken < self._limit():
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    async def __aexit__(self, *_fault: object) -> None:
        """Give it back, and let in as many as there is room for now."""
        self._taken -= 1
        while self._waiting and self._taken < self._limit():
            turn = self._waiting.popleft()
            if not turn.done():  # nobody waits for a turn that was cancelled
                self._taken += 1
                turn.set_result(None)


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


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_AHEAD = 256
"""Questions that wait in a lane at once: more than any registry gets, and little to keep."""


def ask(
    questions: Iterable[tuple[Lane, K]], answer: Callable[[K], V], *, action: str, log: Callable[[str], None]
) -> dict[K, V | ImageOpsError]:
    """Have every question answered in its lane; gives what came of each, the error included that it ended with.

    :param questions: what each is about; of a tuple its first part is named in messages
    :param action: what they do, for the message of a fault that nobody expected
    :param log: takes the traceback of such a fault
    """
    lanes: dict[Lane, list[K]] = {}
    for lane, key in questions:
        lanes.setdefault(lane, []).append(key)
    found: dict[K, V | ImageOpsError] = {}
    ended: SimpleQueue[None] = SimpleQueue()

    def outcome(key: K) -> None:
        try:
            found[key] = answer(key)
        except ImageOpsError as fault:
            found[key] = fault
        except Exception as fault:  # noqa: BLE001 - it stops nothing but what needs this answer
            subject = str(key[0] if isinstance(key, tuple) else key)
            found[key] = unexpected(fault, action=action, subject=subject, log=log)

    rows = 0
    for lane, keys in lanes.items():
        row = _Row(lane, iter(keys), outcome, ended)
        for _key in keys[:_AHEAD]:
            lane.start(row)
            rows += 1
    for _row in range(rows):
        ended.get()
    return {key: found[key] for keys in lanes.values() for key in keys}


class _Row(Generic[K]):
    """A job that asks the next question and queues up again; it may stand in its lane many times.

    :param keys: to take one is a single step of the interpreter, so that jobs need no lock for it
    :param ended: told by each job that finds none left
    """

    def __init__(self, lane: Lane, keys: Iterator[K], outcome: Callable[[K], None], ended: SimpleQueue[None]) -> None:
        self._lane = lane
        self._keys = keys
        self._outcome = outcome
        self._ended = ended

    def __call__(self) -> None:
        for key in self._keys:
            self._outcome(key)
            self._lane.start(self)
            return
        self._ended.put(None)
