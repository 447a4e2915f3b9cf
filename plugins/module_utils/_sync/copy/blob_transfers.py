# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers of blobs: each blob is read once and written to every destination that asked before it was opened."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable

from ..._oci.client.run import Run
from ..._oci.image.manifest import Descriptor
from ..._oci.image.reference import Digest, Reference
from ..._oci.store.blob_source import BlobSource
from ..._oci.store.store import OpenAt, Upload
from ..results.outcome import Reread
from ..results.progress.counters import Progress
from ..work.event_loop import Calls, ConcurrencyLimit
from ..work.stores import Stores
from ..work.workers import WorkerQueue
from .fan_out import Dropped, FanOut

_LEAST_RATE = 64 * 1024
"""Bytes a second that each transfer has to move."""


class Bandwidth:
    """Makes transfers wait for as long as the bytes that they have moved take at a limit.

    All wait one after the other, so all transfers get the same share. What was not used is not saved up.

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
        """Return how many transfers, of so many, may run at once so that none is so slow that a registry ends it."""
        return max(1, min(concurrency, self._limit // _LEAST_RATE))


_SESSION_WAIT = 5.0
"""Seconds that a transfer waits for its destinations to open their upload sessions."""

PRESENT, MOUNTED, COPIED = "present", "mounted", "copied"
"""How a blob has come: it was there already, the store took it over from where it has it, or its bytes were sent."""

_MOST_THREADS = 10_000
"""More than any number of blobs that may be under way at once."""


@dataclass(eq=False)
class Delivery:
    """One blob on its way from a source to one repository.

    :ivar upload: its upload session, once it has one
    :ivar unseen: the repository is not asked whether it has it
    :ivar sent: how the blob came, once it is there
    :ivar failed_source: the name of the source's repository, when the source is why nothing arrived
    """

    repository: Reference
    blob: Descriptor
    source: Reference
    upload: Upload | None = None
    unseen: bool = False
    sent: asyncio.Future[str] = field(default_factory=asyncio.Future)
    failed_source: str | None = None


class BlobTransfers:
    """Runs transfers: at most ``concurrency`` blobs at once in the run, and at each store as many as it allows.

    :param bandwidth: what they may move together; None without a limit
    :param progress: told of what moves, and of what was sent
    """

    def __init__(
        self,
        stores: Stores,
        calls: Calls,
        run: Run,
        *,
        concurrency: int,
        bandwidth: Bandwidth | None,
        progress: Progress,
    ) -> None:
        self._stores = stores
        self._calls = calls
        self._run = run
        self._progress = progress
        self._bandwidth = bandwidth
        most = concurrency if bandwidth is None else bandwidth.useful(concurrency)
        self._run_limit = ConcurrencyLimit(lambda: most)
        self._store_limits: dict[str, ConcurrencyLimit] = {}
        self._threads = WorkerQueue("transfer", lambda: _MOST_THREADS)
        self._waiting: dict[tuple[Digest, int], list[Delivery]] = {}
        self._read: set[Digest] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.rereads: list[Reread] = []

    def close(self) -> None:
        """End the threads when they have nothing more to do."""
        self._threads.shutdown()

    async def open_session(self, delivery: Delivery, mount_from: str | None = None) -> Upload | None:
        """Ask a destination for a blob. Return None when it has it now, else an upload session."""
        repository = self._stores.repository(delivery.repository)
        return await self._calls.request(delivery.repository, repository.mount_blob, delivery.blob, mount_from)

    async def send(self, delivery: Delivery, *, share: bool = True) -> str:
        """Send a blob, in one transfer with others that wait for it. Return how it came.

        :param share: false for a transfer of its own, from its own source
        """
        key = _key(delivery)
        waiting = self._waiting.get(key) if share else None
        if waiting is not None:
            waiting.append(delivery)
        else:
            waiting = [delivery]
            if share:
                self._waiting[key] = waiting
            self._start(self._transfer(waiting))
        return await delivery.sent

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _transfer(self, deliveries: list[Delivery]) -> None:
        """Run one transfer. Until the limits let it in, further deliveries of the blob may be added."""
        try:
            async with AsyncExitStack() as entered:
                try:
                    places = await self._enter_limits(entered, deliveries)
                finally:
                    self._close_list(deliveries)
                ready = await self._open_sessions(deliveries)
                if ready:
                    await self._move(ready, places)
        except BaseException as fault:
            for delivery in deliveries:
                _fail(delivery, fault)
            if not isinstance(fault, Exception):
                raise

    async def _enter_limits(self, entered: AsyncExitStack, deliveries: list[Delivery]) -> dict[str, int]:
        """Wait for each store's limit, then for that of the run. Return how many places were taken at each store.

        A blob takes one, and at its source one for each connection that it is to be read over.
        """
        places = {host: 1 for each in deliveries for host in (each.source.registry, each.repository.registry)}
        source = deliveries[0].source.registry
        places[source] = self._connections(deliveries[0])
        for host in sorted(places):  # in one order everywhere, so that no two transfers wait for each other
            if host not in self._store_limits:
                self._store_limits[host] = ConcurrencyLimit(self._stores.store(host).limit)
            limit = self._store_limits[host]
            places[host] = await limit.enter(places[host])
            entered.callback(limit.leave, places[host])
        await entered.enter_async_context(self._run_limit)
        return places

    def _connections(self, delivery: Delivery) -> int:
        """Return over how many connections a blob is to be read. What has to be read again is read as one stream."""
        if delivery.blob.digest in self._read:
            return 1
        return self._stores.store(delivery.source.registry).connections(delivery.blob)

    def _close_list(self, deliveries: list[Delivery]) -> None:
        key = _key(deliveries[0])
        if self._waiting.get(key) is deliveries:
            del self._waiting[key]

    async def _open_sessions(self, deliveries: list[Delivery]) -> list[Delivery]:
        """Have every destination open its session. Return those that did; one that takes too long is sent later."""
        if len(deliveries) == 1:
            await self._open(deliveries[0])
            return [each for each in deliveries if not each.sent.done()]
        opening = {each: asyncio.ensure_future(self._open(each)) for each in deliveries}
        await asyncio.wait(opening.values(), timeout=_SESSION_WAIT)
        if not any(task.done() for task in opening.values()):
            await asyncio.wait(opening.values(), return_when=asyncio.FIRST_COMPLETED)
        for each, task in opening.items():
            if not task.done():
                self._start(self._send_later(each, task))
        return [each for each, task in opening.items() if task.done() and not each.sent.done()]

    async def _open(self, delivery: Delivery) -> None:
        if delivery.unseen:
            return  # sending it opens a session
        try:
            if delivery.upload is None:
                delivery.upload = await self.open_session(delivery)
        except Exception as fault:  # noqa: BLE001 - what waits for the delivery raises it
            _fail(delivery, fault)
        else:
            if delivery.upload is None and not delivery.sent.done():
                delivery.sent.set_result(PRESENT)

    async def _send_later(self, delivery: Delivery, opening: asyncio.Task[None]) -> None:
        """Send to a destination that was not ready in time by a transfer of its own, within all limits."""
        try:
            await opening
            if not delivery.sent.done():
                async with AsyncExitStack() as entered:
                    places = await self._enter_limits(entered, [delivery])
                    await self._move([delivery], places)
        except Exception as fault:  # noqa: BLE001 - what waits for the delivery raises it
            _fail(delivery, fault)

    async def _move(self, deliveries: list[Delivery], places: Mapping[str, int]) -> None:
        """Read the blob once and write it to all.

        :param places: how many were taken at each store
        """
        blob = deliveries[0].blob
        source = BlobSource(
            blob,
            self._stores.repository(deliveries[0].source),
            self._run,
            self._on_open(blob),
            moved=partial(self._moved, str(blob.digest), len(deliveries)),
            connections=places[deliveries[0].source.registry],
        )
        self._progress.begin_blob(str(blob.digest), blob.size)
        try:
            if len(deliveries) == 1:
                await self._upload(deliveries[0], source.open_at, source)
                return
            fan = FanOut(source, len(deliveries))
            fan.start()
            await asyncio.gather(
                *(self._upload_branch(each, fan, number, source) for number, each in enumerate(deliveries))
            )
        finally:
            self._progress.end_blob(str(blob.digest))

    def _moved(self, digest: str, destinations: int, size: int) -> None:
        """Count what was read once and goes to so many, and wait where that is more than may move."""
        self._progress.move(digest, size, written=size * destinations)
        if self._bandwidth is not None:
            self._bandwidth.moved(size * destinations)

    async def _upload_branch(self, delivery: Delivery, fan: FanOut, number: int, source: BlobSource) -> None:
        try:
            await self._upload(delivery, lambda offset: fan.open_at(number, offset), source)
        finally:
            fan.leave(number)

    async def _upload(self, delivery: Delivery, open_at: OpenAt, source: BlobSource) -> None:
        try:
            written = await self._calls.run(self._threads, self._put, delivery, open_at, source)
        except Exception as fault:  # noqa: BLE001 - what waits for the delivery raises it
            if fault is source.fault:
                delivery.failed_source = source.name
            _fail(delivery, fault)
        else:
            self._progress.blob_finished()
            if not delivery.sent.done():
                delivery.sent.set_result(COPIED if written else MOUNTED)

    def _put(self, delivery: Delivery, open_at: OpenAt, source: BlobSource) -> bool:
        repository = self._stores.repository(delivery.repository)
        try:
            return repository.put_blob(delivery.blob, open_at, delivery.upload)
        except Dropped:
            return repository.put_blob(delivery.blob, source.open_at)

    def _on_open(self, blob: Descriptor) -> Callable[[int], None]:
        """Return a function that counts the reads of a blob after the first."""

        def opened(offset: int) -> None:
            if blob.digest in self._read:
                reason = "resumed" if offset else "read again"
                self.rereads.append(Reread(blob.digest, reason, blob.size - offset))
            self._read.add(blob.digest)

        return opened


def _key(delivery: Delivery) -> tuple[Digest, int]:
    """Return what deliveries of one transfer share. A manifest with a wrong size has a transfer of its own."""
    return delivery.blob.digest, delivery.blob.size


def _fail(delivery: Delivery, fault: BaseException) -> None:
    if not delivery.sent.done():
        delivery.sent.set_exception(fault)
        delivery.sent.exception()  # what waits raises it; there may be nothing left that does
