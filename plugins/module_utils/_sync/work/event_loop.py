# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocking calls made from an event loop: they run in lanes, and their outcomes come back together.

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
from .stores import Places
from .workers import Lane

T = TypeVar("T")


class Calls:
    """Makes calls for one event loop. To be used on its thread."""

    def __init__(self, places: Places, loop: asyncio.AbstractEventLoop) -> None:
        self._places = places
        self._loop = loop
        self._ended: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._is_told = False

    def ask(self, where: Reference, call: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        """One request, in the lane of a registry."""
        return self.run(self._places.lane(where.registry), call, *arguments)

    def run(self, lane: Lane, call: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        """One call in a lane; the future has its value or what it raised."""
        future: asyncio.Future[T] = self._loop.create_future()
        lane.start(partial(self._work, future, call, arguments))
        return future

    def _work(self, future: asyncio.Future[T], call: Callable[..., T], arguments: tuple[object, ...]) -> None:
        """In the lane's thread: call, and tell the loop unless it has been told already."""
        try:
            outcome: tuple[asyncio.Future[Any], Any, BaseException | None] = (future, call(*arguments), None)
        except BaseException as fault:  # noqa: BLE001 - the future hands it on
            outcome = (future, None, fault)
        self._ended.append(outcome)
        # Whoever reads a stale yes here has added its outcome before the loop takes them all.
        if not self._is_told:
            self._is_told = True
            try:
                self._loop.call_soon_threadsafe(self._take)
            except RuntimeError:
                return  # the loop is closed: nobody waits any longer

    def _take(self) -> None:
        self._is_told = False
        while self._ended:
            future, value, fault = self._ended.popleft()
            if future.done():
                continue  # whoever waited was cancelled
            if fault is None:
                future.set_result(value)
            else:
                future.set_exception(fault)
