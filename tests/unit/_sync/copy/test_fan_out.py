# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One read for several destinations: the slow one is left behind, the broken one is not waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.blob_source import BlobSource
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import BlobReader
from ansible_collections.imageops.registry.plugins.module_utils._sync.copy import fan_out
from ansible_collections.imageops.registry.plugins.module_utils._sync.copy.fan_out import Dropped, FanOut
from helpers.memory_store import MemoryStore
from support.clients.collection_client import blob_descriptor
from support.scenes.images import Blob, random_blob

PATIENCE = 30.0
LARGE = random_blob("fan-out", 3_000_000)


def source_of(blob: Blob, store: MemoryStore | None = None) -> BlobSource:
    repository = (store or MemoryStore("a.test")).repository("x")
    repository.blobs[Digest.parse(blob.digest)] = blob.data
    return BlobSource(blob_descriptor(blob), repository, Run(), lambda offset: None)


def whole(reader: BlobReader) -> bytes:
    try:
        return b"".join(reader)
    finally:
        reader.close()


def in_threads(*calls: Callable[[], bytes]) -> list[bytes | ImageOpsError]:
    """What each call gave, or its error; all run at once."""

    def outcome(call: Callable[[], bytes]) -> bytes | ImageOpsError:
        try:
            return call()
        except ImageOpsError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(outcome, calls))


def test_every_destination_gets_every_byte_of_one_read() -> None:
    store = MemoryStore("a.test")
    fan = FanOut(source_of(LARGE, store), 3)
    fan.start()
    found = in_threads(*(lambda number=number: whole(fan.open_at(number, 0)) for number in range(3)))  # type: ignore[misc]
    assert found == [LARGE.data] * 3
    assert store.counts() == {"open_blob": 1}


def test_a_destination_that_takes_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "_PATIENCE", 0.001)
    fan, served = FanOut(source_of(LARGE), 2), threading.Event()
    fan.start()

    def quick() -> bytes:
        try:
            return whole(fan.open_at(0, 0))
        except Dropped:  # on a machine that is busy with something else
            return whole(fan.open_at(0, 0))
        finally:
            served.set()

    def stuck() -> bytes:
        reader = fan.open_at(1, 0)
        assert served.wait(PATIENCE)
        return whole(reader)

    found, left = in_threads(quick, stuck)
    assert found == LARGE.data
    assert isinstance(left, Dropped)
    assert left.transient
    assert whole(fan.open_at(1, 0)) == LARGE.data  # by a read of its own


def test_a_destination_alone_may_be_as_slow_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "_PATIENCE", 0.001)
    fan = FanOut(source_of(LARGE), 2)
    fan.leave(0)
    fan.start()
    blocks = iter(fan.open_at(1, 0))
    first = next(blocks)
    threading.Event().wait(0.05)
    assert first + b"".join(blocks) == LARGE.data


def test_a_source_that_gives_nothing_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "_STARVED", 0.001)
    fan = FanOut(source_of(LARGE), 2)  # it is never started
    with pytest.raises(Dropped):
        whole(fan.open_at(0, 0))


def test_every_destination_is_told_that_the_source_is_wrong() -> None:
    store = MemoryStore("a.test")
    source = source_of(LARGE, store)
    store.repository("x").blobs[Digest.parse(LARGE.digest)] = LARGE.data[:-1] + b"x"
    fan = FanOut(source, 2)
    fan.start()
    errors = in_threads(lambda: whole(fan.open_at(0, 0)), lambda: whole(fan.open_at(1, 0)))
    assert [error.code for error in errors if isinstance(error, ImageOpsError)] == ["digest_mismatch"] * 2
    assert errors[0] is errors[1] is source.fault


def test_an_upload_that_begins_again_or_goes_on_reads_for_itself() -> None:
    store = MemoryStore("a.test")
    fan = FanOut(source_of(LARGE, store), 2)
    fan.start()

    def again() -> bytes:
        fan.open_at(0, 0)
        return whole(fan.open_at(0, 1_000_000))

    found = in_threads(again, lambda: whole(fan.open_at(1, 0)))
    assert found == [LARGE.data[1_000_000:], LARGE.data]
    assert store.counts() == {"open_blob": 2}
