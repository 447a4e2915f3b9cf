# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs in flight: each is read once and written to every destination that boarded before the source was opened."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Hashable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable

from ..._oci.client.patience import Patience
from ..._oci.http.connection import BLOCK
from ..._oci.image.manifest import Descriptor
from ..._oci.image.reference import Digest, Reference
from ..._oci.store.blob_source import BlobSource
from ..._oci.store.store import OpenAt, Upload
from ..results.outcome import Reread
from ..work.event_loop import Calls
from ..work.stores import Stores
from ..work.workers import ConcurrencyLimit, WorkerQueue
from .fan_out import Dropped, FanOut


class Bandwidth:
    """Makes transfers wait until there is room for what they have moved.

    Everyone waits in one line, so all transfers get the same share. What was not used is not saved up.

    :param limit: bytes a second
    :param wait: waits so many seconds, or until the run is to end
    :param clock: seconds, from any beginning
    """

    def __init__(
        self, limit: int, wait: Callable[[float], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._wait = wait
        self._clock = clock
        self._free_at = clock()
        self._lock = threading.Lock()

    def moved(self, size: int) -> None:
        """Wait as long as so many bytes take."""
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now) + size / self._limit
            seconds = self._free_at - now
        self._wait(seconds)

    def useful(self, concurrency: int) -> int:
        """How many transfers are worthwhile at once, of so many: each is to move a block a second or more.

        Any slower, and registries take them for dead.
        """
        return max(1, min(concurrency, self._limit // BLOCK))


_SESSION_PATIENCE = 5.0
"""Seconds that the source waits for destinations to open their upload sessions."""

_MANY = 10_000


@dataclass(eq=False)
class Seat:
    """One destination of one blob.

    :ivar upload: its upload session, once it has one
    :ivar landed: True when the blob was sent, False when it turned out to be there
    :ivar failed_source: the name of the source's repository, when it was its fault that nothing landed
    """

    repository: Reference
    blob: Descriptor
    source: Reference
    owner: Hashable
    upload: Upload | None = None
    landed: asyncio.Future[bool] = field(default_factory=asyncio.Future)
    failed_source: str | None = None


class Flights:
    """Runs transfers, at most ``concurrency`` blobs at once over all registries, and at each what it bears.

    :param bandwidth: what they may move together; None without a limit
    :param on_sent: told of every blob that was sent to a destination
    """

    def __init__(
        self,
        stores: Stores,
        calls: Calls,
        patience: Patience,
        *,
        concurrency: int,
        bandwidth: Bandwidth | None,
        on_sent: Callable[[Seat], None],
    ) -> None:
        self._stores = stores
        self._calls = calls
        self._patience = patience
        self._on_sent = on_sent
        self._bandwidth = bandwidth
        most = concurrency if bandwidth is None else bandwidth.useful(concurrency)
        self._slots = ConcurrencyLimit(lambda: most)
        self._registry_slots: dict[str, ConcurrencyLimit] = {}
        self._threads = WorkerQueue("transfer", lambda: _MANY)
        self._boarding: dict[tuple[Digest, int], list[Seat]] = {}
        self._read: set[Digest] = set()
        self._work: set[asyncio.Task[None]] = set()
        self.rereads: list[Reread] = []

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown()

    async def begin(self, seat: Seat, mount_from: str | None = None) -> Upload | None:
        """Ask a destination for a blob: None when it has it now, else an upload session."""
        repository = self._stores.repository(seat.repository)
        return await self._calls.request(seat.repository, repository.mount_blob, seat.blob, mount_from)

    async def board(self, seat: Seat, *, share: bool = True) -> bool:
        """Take the next flight of this blob; gives whether it was sent (else it was there already).

        :param share: false for a flight of its own, from its own source
        """
        key = (seat.blob.digest, seat.blob.size)  # a manifest may lie about the size: it flies alone
        seats = self._boarding.get(key) if share else None
        if seats is not None:
            seats.append(seat)
        else:
            seats = [seat]
            if share:
                self._boarding[key] = seats
            self._start(self._depart(seats))
        return await seat.landed

    def _start(self, flight: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(flight)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _depart(self, seats: list[Seat]) -> None:
        """One flight, from the wait for a slot to the last destination."""
        try:
            async with AsyncExitStack() as held:
                try:
                    await self._occupy(held, seats)
                finally:
                    self._close_boarding(seats)
                ready = await self._sessions(seats)
                if ready:
                    await self._transfer(ready)
        except BaseException as fault:
            for seat in seats:
                _fail(seat, fault)
            if not isinstance(fault, Exception):
                raise

    async def _occupy(self, held: AsyncExitStack, seats: list[Seat]) -> None:
        """Wait for a slot at each registry, then for one over all."""
        for host in sorted({host for seat in seats for host in (seat.source.registry, seat.repository.registry)}):
            if host not in self._registry_slots:
                self._registry_slots[host] = ConcurrencyLimit(self._stores.store(host).limit)
            await held.enter_async_context(self._registry_slots[host])
        await held.enter_async_context(self._slots)

    def _close_boarding(self, seats: list[Seat]) -> None:
        key = (seats[0].blob.digest, seats[0].blob.size)
        if self._boarding.get(key) is seats:
            del self._boarding[key]

    async def _sessions(self, seats: list[Seat]) -> list[Seat]:
        """Have every destination open its session; those that take too long get a flight of their own."""
        if len(seats) == 1:
            await self._open(seats[0])
            return [seat for seat in seats if not seat.landed.done()]
        opening = {seat: asyncio.ensure_future(self._open(seat)) for seat in seats}
        await asyncio.wait(opening.values(), timeout=_SESSION_PATIENCE)
        if not any(task.done() for task in opening.values()):
            await asyncio.wait(opening.values(), return_when=asyncio.FIRST_COMPLETED)
        for seat, task in opening.items():
            if not task.done():
                self._start(self._late(seat, task))
        return [seat for seat, task in opening.items() if task.done() and not seat.landed.done()]

    async def _open(self, seat: Seat) -> None:
        try:
            if seat.upload is None:
                seat.upload = await self.begin(seat)
        except Exception as fault:  # noqa: BLE001 - whoever waits for the seat raises it
            _fail(seat, fault)
        else:
            if seat.upload is None and not seat.landed.done():
                seat.landed.set_result(False)

    async def _late(self, seat: Seat, opening: asyncio.Task[None]) -> None:
        """A flight of its own for whoever was not ready in time, once there is room for it."""
        try:
            await opening
            if not seat.landed.done():
                async with self._slots:
                    await self._transfer([seat])
        except Exception as fault:  # noqa: BLE001 - whoever waits for the seat raises it
            _fail(seat, fault)

    async def _transfer(self, seats: list[Seat]) -> None:
        """One read, written to all of them."""
        blob = seats[0].blob
        source = BlobSource(
            blob,
            self._stores.repository(seats[0].source),
            self._patience,
            self._on_open(blob),
            moved=None if self._bandwidth is None else partial(_moved, self._bandwidth, len(seats)),
        )
        if len(seats) == 1:
            await self._send(seats[0], source.open_at, source)
            return
        fan = FanOut(source, len(seats))
        fan.start()
        await asyncio.gather(*(self._branch(seat, fan, number, source) for number, seat in enumerate(seats)))

    async def _branch(self, seat: Seat, fan: FanOut, number: int, source: BlobSource) -> None:
        try:
            await self._send(seat, lambda offset: fan.open_at(number, offset), source)
        finally:
            fan.leave(number)

    async def _send(self, seat: Seat, open_at: OpenAt, source: BlobSource) -> None:
        try:
            await self._calls.run(self._threads, self._put, seat, open_at, source)
        except Exception as fault:  # noqa: BLE001 - whoever waits for the seat raises it
            if fault is source.fault:
                seat.failed_source = source.name
            _fail(seat, fault)
        else:
            self._on_sent(seat)
            if not seat.landed.done():
                seat.landed.set_result(True)

    def _put(self, seat: Seat, open_at: OpenAt, source: BlobSource) -> None:
        repository = self._stores.repository(seat.repository)
        try:
            repository.put_blob(seat.blob, open_at, seat.upload)
        except Dropped:
            repository.put_blob(seat.blob, source.open_at)

    def _on_open(self, blob: Descriptor) -> Callable[[int], None]:
        """Count the reads of a blob after the first."""

        def opened(offset: int) -> None:
            if blob.digest in self._read:
                reason = "resumed" if offset else "read again"
                self.rereads.append(Reread(blob.digest, reason, blob.size - offset))
            self._read.add(blob.digest)

        return opened


def _moved(bandwidth: Bandwidth, destinations: int, size: int) -> None:
    """Wait for what is read once and sent to so many."""
    bandwidth.moved(size * destinations)


def _fail(seat: Seat, fault: BaseException) -> None:
    if not seat.landed.done():
        seat.landed.set_exception(fault)
        seat.landed.exception()  # whoever waits raises it; nobody may be left to
