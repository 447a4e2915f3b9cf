# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocking calls from an event loop: they run in worker queues, and their outcomes come back together.

asyncio's own way (an executor's future, chained to one of the loop's) takes three times as long, and wakes the loop for
every outcome by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ..._oci.image.reference import Reference
from .stores import Stores
from .workers import WorkerQueue

T = TypeVar("T")


class ConcurrencyLimit:
    """An asynchronous context that admits as many tasks at once as a number says, in the order of their coming.

    :param limit: the number, at least one; it may change at any time
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._inside = 0
        self._waiting: deque[tuple[asyncio.Future[int], int]] = deque()

    async def __aenter__(self) -> None:
        """Wait until the limit admits one more."""
        await self.enter()

    async def __aexit__(self, *_fault: object) -> None:
        """Leave, and admit as many as the limit now allows."""
        self.leave()

    async def enter(self, places: int = 1) -> int:
        """Wait until the limit admits so many at once, or as many as it is where that is less.

        Return how many; :meth:`leave` must follow with them.
        """
        taken = 0 if self._waiting else self._take(places)
        if taken:
            return taken
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, places))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(turn.result())  # it was admitted just before
            raise

    def leave(self, places: int = 1) -> None:
        """Leave, and admit as many as the limit now allows."""
        self._inside -= places
        while self._waiting:
            turn, wanted = self._waiting[0]
            if not turn.done():  # it may have been cancelled
                taken = self._take(wanted)
                if not taken:
                    return
                turn.set_result(taken)
            self._waiting.popleft()

    def _take(self, places: int) -> int:
        """Take places where as many are free as are wanted, or as there are. Return how many, 0 for none."""
        limit = self._limit()
        wanted = min(places, limit)
        if self._inside + wanted > limit:
            return 0
        self._inside += wanted
        return wanted


class Calls:
    """Makes calls for one event loop; its methods are called on the loop's thread."""

    def __init__(self, stores: Stores, loop: asyncio.AbstractEventLoop) -> None:
        self._stores = stores
        self._loop = loop
        self._ended: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._is_scheduled = False

    def request(self, ref: Reference, call: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        """Make one request in the queue of a reference's store. Return a future of its value, or of what it raises."""
        return self.run(self._stores.queue(ref.registry), call, *arguments)

    def run(self, queue: WorkerQueue, call: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        """Make one call in a queue. Return a future of its value, or of what it raises."""
        future: asyncio.Future[T] = self._loop.create_future()
        queue.start(partial(self._work, future, call, arguments))
        return future

    def _work(self, future: asyncio.Future[T], call: Callable[..., T], arguments: tuple[object, ...]) -> None:
        """Call, in a worker's thread, and wake the loop for the outcome unless it is about to take outcomes already."""
        try:
            outcome: tuple[asyncio.Future[Any], Any, BaseException | None] = (future, call(*arguments), None)
        except BaseException as fault:  # noqa: BLE001 - the future hands it on
            outcome = (future, None, fault)
        self._ended.append(outcome)
        # A thread that reads True just before the loop sets False has added its outcome before the loop takes them all.
        if not self._is_scheduled:
            self._is_scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._take)
            except RuntimeError:
                return  # the loop is closed: nothing waits any longer

    def _take(self) -> None:
        self._is_scheduled = False
        while self._ended:
            future, value, fault = self._ended.popleft()
            if future.done():
                continue  # what waited for it was cancelled
            if fault is None:
                future.set_result(value)
            else:
                future.set_exception(fault)
