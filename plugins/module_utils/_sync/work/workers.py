# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How work runs at the same time, and every way in which one part of a run waits for another.

Threads:

* A :class:`WorkerQueue` runs jobs on threads. Small requests to one registry share a queue, so that a registry gets no
  more of them at once than it allows. A request that cannot run yet waits in the queue, never in a thread.
* :func:`ask_all` is for a phase that is a list of questions: it blocks until each has been answered in its queue.
* What several threads would ask for twice is asked by the first; the others wait for its ``Future``
  (:mod:`manifest_cache`, and tokens in the package ``client``).
* A pause before something is tried again waits for the event that ends the run.
* One read of a blob for several destinations fills a short ``queue.Queue`` for each (:mod:`fan_out`).
* Ranges of a blob fill a ``SimpleQueue`` each, as long as the range, in the package ``registry``.

The event loop of the copy phase:

* ``await calls.request(...)`` waits for a job in a queue (:mod:`event_loop`).
* ``async with limit`` waits until a :class:`.event_loop.ConcurrencyLimit` admits it.
* ``await`` of a future or task waits for what another image, blob or manifest brings.

The main thread waits for signals (:mod:`interrupt`).
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from ..._oci.errors import ImageOpsError


def unexpected(fault: BaseException, *, action: str, subject: str, log: Callable[[str], None]) -> ImageOpsError:
    """Return the error for an exception that is no ImageOpsError; its traceback goes to the log."""
    log("".join(traceback.format_exception(type(fault), fault, fault.__traceback__)))
    return ImageOpsError(
        code="unexpected",
        action=action,
        subject=subject,
        cause=f"{type(fault).__name__}: {fault}",
        hint="this is a fault of the collection: please report it with the traceback that log_path has",
    )


T = TypeVar("T")


class WorkerQueue:
    """Runs jobs in the order of their coming on threads that start when they are needed.

    :param name: of the threads
    :param limit: gives how many jobs may run at once; it may change at any time
    """

    def __init__(self, name: str, limit: Callable[[], int]) -> None:
        self._name = name
        self._limit = limit
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0
        self._closed = False

    def submit(self, call: Callable[..., T], *arguments: object) -> Future[T]:
        """Queue a call. Return a future of its value, or of what it raises."""
        future: Future[T] = Future()
        self.start(partial(_run, future, call, arguments))
        return future

    def start(self, job: Callable[[], None]) -> None:
        """Queue a job that raises nothing."""
        with self._lock:
            self._jobs.put(job)
            self._unfinished += 1
            if self._closed:
                self._start_thread()
                self._jobs.put(None)
            self._start_threads()

    def goes_on(self) -> bool:
        """Return whether a long job may do its next part in the thread that it has, or has to queue itself again."""
        if self._threads == self._limit():
            return True
        with self._lock:
            self._start_threads()
            return self._threads <= self._limit() or self._closed

    def shutdown(self) -> None:
        """End the threads once the queue is empty. A job that comes later gets a thread of its own.

        This does not wait for the threads: they are daemons.
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
                self._start_threads()

    def _start_threads(self) -> None:
        """Start as many threads as there are jobs for them and the limit allows."""
        while not self._closed and self._threads < min(self._unfinished, self._limit()):
            self._start_thread()

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name=f"{self._name}-{self._threads}", daemon=True).start()
        self._threads += 1


def _run(future: Future[Any], call: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    """Make a call and set its outcome in a future."""
    try:
        value = call(*arguments)
    except BaseException as fault:  # noqa: BLE001 - the future hands it on
        future.set_exception(fault)
    else:
        future.set_result(value)


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_AHEAD = 256
"""Jobs of :func:`ask_all` in one queue: more than any registry gets at once, and little to keep."""


def ask_all(
    questions: Iterable[tuple[WorkerQueue, K]],
    answer: Callable[[K], V],
    *,
    action: str,
    log: Callable[[str], None],
) -> dict[K, V | ImageOpsError]:
    """Ask every question in its queue. Return one outcome for each: its value, or the error it ended with.

    :param questions: what each is about; of a tuple its first part is named in messages
    :param action: what they do, for the message of an unexpected fault
    :param log: takes the traceback of such a fault
    """
    by_queue: dict[WorkerQueue, list[K]] = {}
    for queue, key in questions:
        by_queue.setdefault(queue, []).append(key)
    unasked = ImageOpsError(code="unexpected", action=action, subject="", cause="it was not asked about")
    found: dict[K, V | ImageOpsError] = {key: unasked for keys in by_queue.values() for key in keys}
    ended: SimpleQueue[None] = SimpleQueue()

    def outcome(key: K) -> None:
        try:
            found[key] = answer(key)
        except ImageOpsError as fault:
            found[key] = fault
        except Exception as fault:  # noqa: BLE001 - it stops nothing but what needs this answer
            subject = str(key[0] if isinstance(key, tuple) else key)
            found[key] = unexpected(fault, action=action, subject=subject, log=log)

    jobs = 0
    for queue, keys in by_queue.items():
        job = _QuestionsJob(queue, iter(keys), outcome, ended)
        for _key in keys[:_AHEAD]:
            queue.start(job)
            jobs += 1
    for _job in range(jobs):
        ended.get()
    return found


class _QuestionsJob(Generic[K]):
    """A job that answers one question after another; it may be in its queue many times.

    :param keys: to take one is a single step of the interpreter, so that jobs need no lock for it
    :param ended: told by each job that finds none left
    """

    def __init__(
        self, queue: WorkerQueue, keys: Iterator[K], outcome: Callable[[K], None], ended: SimpleQueue[None]
    ) -> None:
        self._queue = queue
        self._keys = keys
        self._outcome = outcome
        self._ended = ended

    def __call__(self) -> None:
        for key in self._keys:
            self._outcome(key)
            if not self._queue.goes_on():
                self._queue.start(self)
                return
        self._ended.put(None)
