# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers of blobs: one read for several destinations, none of which spoils it for others, within all limits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest, Reference
from ansible_collections.imageops.registry.plugins.module_utils._sync.copy import blob_transfers
from ansible_collections.imageops.registry.plugins.module_utils._sync.copy.blob_transfers import (
    COPIED,
    PRESENT,
    BlobTransfers,
    Delivery,
)
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.progress.counters import Progress
from ansible_collections.imageops.registry.plugins.module_utils._sync.work.event_loop import Calls
from ansible_collections.imageops.registry.plugins.module_utils._sync.work.stores import Stores
from helpers.memory_run import Meter, failing, fault
from helpers.memory_store import MemoryStore, Request
from support.clients.collection_client import blob_descriptor
from support.scenes.images import Blob, random_blob

PATIENCE = 30.0
"""Seconds after which a test that hangs fails."""


class Scene:
    """Stores on which transfers run.

    :ivar source: has every blob that is delivered
    :ivar progress: what is told of blobs that are sent
    """

    def __init__(self, *hosts: str, allowed: int = 10) -> None:
        self.source = MemoryStore("a.test", allowed)
        self.targets = [MemoryStore(host, allowed) for host in hosts]
        self.progress = Progress()
        self.transfers: BlobTransfers

    def run(self, script: Callable[[Scene], Coroutine[Any, Any, None]], concurrency: int = 10) -> None:
        """Run a script on an event loop, with transfers."""
        by_host = {store.host: store for store in (self.source, *self.targets)}
        stores = Stores(by_host.__getitem__)

        async def scene() -> None:
            self.transfers = BlobTransfers(
                stores,
                Calls(stores, asyncio.get_running_loop()),
                Run(),
                concurrency=concurrency,
                bandwidth=None,
                progress=self.progress,
            )
            await asyncio.wait_for(script(self), PATIENCE)
            self.transfers.close()

        asyncio.run(scene())
        stores.close()

    def delivery(self, blob: Blob, host: str) -> Delivery:
        self.source.repository("x").blobs[Digest.parse(blob.digest)] = blob.data
        return Delivery(Reference(host, "y"), blob_descriptor(blob), Reference("a.test", "x"))

    def has(self, blob: Blob, host: str) -> bool:
        store = next(store for store in self.targets if store.host == host)
        return store.repository("y").blobs.get(Digest.parse(blob.digest)) == blob.data

    @property
    def reads(self) -> int:
        return self.source.counts().get("open_blob", 0)


async def outcomes(*sendings: Coroutine[Any, Any, str]) -> list[str]:
    """What came of each: how the blob came, or the code of its error."""
    found = await asyncio.gather(*sendings, return_exceptions=True)
    return [each.code if isinstance(each, ImageOpsError) else each for each in found]  # type: ignore[misc]


def test_one_read_serves_all_that_ask_before_it_begins() -> None:
    scene, blob = Scene("b.test", "c.test", "d.test"), random_blob("several", 300_000)

    async def script(scene: Scene) -> None:
        sendings = (scene.transfers.send(scene.delivery(blob, store.host)) for store in scene.targets)
        assert await outcomes(*sendings) == [COPIED, COPIED, COPIED]

    scene.run(script)
    assert scene.reads == 1
    assert all(scene.has(blob, store.host) for store in scene.targets)
    counts = scene.progress.snapshot()
    assert (counts.blobs, counts.bytes) == (3, 900_000)
    assert scene.transfers.rereads == []


def test_what_a_destination_has_already_is_not_read() -> None:
    scene, blob = Scene("b.test"), random_blob("there", 1000)
    scene.targets[0].repository("y").blobs[Digest.parse(blob.digest)] = blob.data

    async def script(scene: Scene) -> None:
        assert await outcomes(scene.transfers.send(scene.delivery(blob, "b.test"))) == [PRESENT]

    scene.run(script)
    assert (scene.reads, scene.progress.snapshot().blobs) == (0, 0)


@pytest.mark.parametrize("method", ["mount_blob", "put_blob"])
def test_a_destination_that_drops_out_costs_the_others_nothing(method: str) -> None:
    scene, blob = Scene("b.test", "c.test"), random_blob("drop", 3_000_000)
    scene.targets[0].around = failing(method, fault("server_error"), 1)

    async def script(scene: Scene) -> None:
        sendings = (scene.transfers.send(scene.delivery(blob, store.host)) for store in scene.targets)
        assert await outcomes(*sendings) == ["server_error", COPIED]

    scene.run(script)
    assert scene.reads == 1
    assert scene.has(blob, "c.test")


def test_a_source_that_gives_wrong_bytes_fails_every_destination_and_is_named() -> None:
    scene, blob = Scene("b.test", "c.test"), random_blob("wrong", 200_000)

    async def script(scene: Scene) -> None:
        deliveries = [scene.delivery(blob, store.host) for store in scene.targets]
        scene.source.repository("x").blobs[Digest.parse(blob.digest)] = bytes(200_000)
        assert await outcomes(*map(scene.transfers.send, deliveries)) == ["digest_mismatch", "digest_mismatch"]
        assert [delivery.failed_source for delivery in deliveries] == ["a.test/x", "a.test/x"]

    scene.run(script)
    assert not any(scene.has(blob, store.host) for store in scene.targets)


def test_a_destination_is_not_named_as_a_source_that_failed() -> None:
    scene, blob = Scene("b.test"), random_blob("named", 1000)
    scene.targets[0].around = failing("put_blob", fault("server_error"), 1)

    async def script(scene: Scene) -> None:
        delivery = scene.delivery(blob, "b.test")
        assert await outcomes(scene.transfers.send(delivery)) == ["server_error"]
        assert delivery.failed_source is None

    scene.run(script)


@pytest.mark.parametrize(("concurrency", "source", "target", "most"), [(2, 10, 10, 2), (10, 3, 10, 3), (10, 10, 1, 1)])
def test_as_many_at_once_as_the_run_and_each_store_allow(concurrency: int, source: int, target: int, most: int) -> None:
    scene = Scene("b.test", allowed=target)
    scene.source.allowed = source
    meter, meeting = Meter("put_blob"), threading.Barrier(most)

    @contextmanager
    def around(request: Request) -> Iterator[None]:
        with meter(request):
            if request.method == "put_blob":
                meeting.wait(PATIENCE)
            yield

    scene.targets[0].around = around

    async def script(scene: Scene) -> None:
        blobs = [random_blob(f"limit {number}", 100) for number in range(6)]
        sendings = (scene.transfers.send(scene.delivery(blob, "b.test")) for blob in blobs)
        assert await outcomes(*sendings) == [COPIED] * 6

    scene.run(script, concurrency)
    assert meter.most == most


def test_a_late_destination_is_sent_to_within_what_its_store_allows_by_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_transfers, "_SESSION_WAIT", 0.0)
    scene = Scene("b.test", "late.test", "d.test")
    first, second, third = (random_blob(f"late {number}", 1000) for number in range(3))
    late = scene.targets[1]
    second_begun, third_sent, meter = threading.Event(), threading.Event(), Meter("put_blob")

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "mount_blob" and request.ref == first.digest:
            assert second_begun.wait(PATIENCE)  # it opens its session while it takes another blob
            late.allowed = 1  # as after a 429
        return putting(request) if request.method == "put_blob" else nullcontext()

    @contextmanager
    def putting(request: Request) -> Iterator[None]:
        with meter(request):
            if request.ref == second.digest:
                second_begun.set()
                assert third_sent.wait(PATIENCE)
            yield

    late.around = around

    async def script(scene: Scene) -> None:
        sendings = [
            asyncio.ensure_future(scene.transfers.send(scene.delivery(first, host))) for host in ("b.test", "late.test")
        ]
        await sendings[0]
        sendings.append(asyncio.ensure_future(scene.transfers.send(scene.delivery(second, "late.test"))))
        while late.allowed != 1:
            await asyncio.sleep(0)
        # A whole transfer elsewhere: the late one begins before it ends, unless it is held back.
        await scene.transfers.send(scene.delivery(third, "d.test"))
        third_sent.set()
        assert await asyncio.gather(*sendings) == [COPIED, COPIED, COPIED]

    scene.run(script)
    assert meter.most == 1
    assert scene.has(first, "b.test") and scene.has(first, "late.test") and scene.has(second, "late.test")
