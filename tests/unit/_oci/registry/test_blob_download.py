# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs that come whole, from the middle on, too short, too long or too slowly."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ContentError,
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.sockets import LEAST_PROGRESS
from helpers.handlers import blob, resolved
from helpers.raw_server import HASTY, Received, client, raw_server


def test_a_blob_comes_in_blocks_and_is_counted() -> None:
    data = bytes(range(256)) * 3000
    with raw_server(lambda request: request.answer(200, data)) as server, client(server.host) as registry:
        blocks = list(registry.repository("a").open_blob(blob(data)))
        assert b"".join(blocks) == data
        assert max(map(len, blocks)) <= 128 * 1024
        assert registry.counters().bytes_read == len(data)


@pytest.mark.parametrize(
    ("offset", "heeded"), [(1, True), (100_000, True), (1, False), (65_536, False), (200_000, False)]
)
def test_a_blob_is_read_on(offset: int, heeded: bool) -> None:
    data = bytes(range(256)) * 1000

    def handle(request: Received) -> None:
        assert request.headers["range"] == f"bytes={offset}-"
        if heeded:
            request.answer(206, data[offset:], Content_Range=f"bytes {offset}-{len(data) - 1}/{len(data)}")
        else:
            request.answer(200, data)

    with raw_server(handle) as server, client(server.host) as registry:
        assert b"".join(registry.repository("a").open_blob(blob(data), offset)) == data[offset:]


@pytest.mark.parametrize("content_range", ["bytes 0-9/10", "bytes 4-9/10", "bytes", ""])
def test_another_part_than_was_asked_for(content_range: str) -> None:
    def handle(request: Received) -> None:
        request.answer(206, b"56789", Content_Range=content_range)

    with raw_server(handle) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").open_blob(blob(b"0123456789"), 5)
        assert (caught.value.code, caught.value.transient) == ("protocol_error", True)


def test_a_blob_of_another_length_is_named_at_once() -> None:
    with raw_server(lambda request: request.answer(200, b"short")) as server, client(server.host) as registry:
        with pytest.raises(ContentError) as caught:
            registry.repository("a").open_blob(blob(b"longer than that"))
        assert caught.value.code == "size_mismatch"


def test_a_blob_that_does_not_end() -> None:
    def handle(request: Received) -> None:
        request.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            request.send(b"more" * 10_000)

    with raw_server(handle) as server, client(server.host) as registry:
        with pytest.raises(ContentError) as caught:
            b"".join(registry.repository("a").open_blob(blob(b"x" * 1000)))
        assert caught.value.code == "size_mismatch"


def test_a_blob_that_breaks_off_gives_what_came() -> None:
    def handle(request: Received) -> object:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 70_000)
        return "close"

    with raw_server(handle) as server, client(server.host) as registry:
        received = 0
        with pytest.raises(RegistryError) as caught:
            for block in registry.repository("a").open_blob(blob(b"x" * 100_000)):
                received += len(block)
        assert (caught.value.code, caught.value.transient) == ("connection_failed", True)
        assert received == 70_000


def test_a_blob_that_only_drips_has_stalled() -> None:
    def handle(request: Received) -> None:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * (2 * LEAST_PROGRESS))
        while not request.stopped.wait(0.05):
            request.send(b"x")

    with raw_server(handle) as server, client(server.host, settings=HASTY) as registry:
        with pytest.raises(RegistryError) as caught:
            b"".join(registry.repository("a").open_blob(blob(b"x" * 100_000)))
        assert (caught.value.code, caught.value.transient) == ("timeout", True)


def test_a_reader_that_takes_its_time_is_not_a_stall() -> None:
    data = b"x" * 100_100

    def handle(request: Received) -> None:
        request.answer(200, data)
        request.stopped.wait(30)

    waited = threading.Event()
    with raw_server(handle) as server, client(server.host, settings=HASTY) as registry:
        received = 0
        for block in registry.repository("a").open_blob(blob(data)):
            received += len(block)
            waited.wait(2 * HASTY.timeout)  # nobody sets it: the destination is slow
        assert received == len(data)


def test_a_blob_whose_end_alone_gets_lost_is_whole() -> None:
    def handle(request: Received) -> object:
        request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nblob\r\n")
        return "close"

    with raw_server(handle) as server, client(server.host) as registry:
        assert b"".join(registry.repository("a").open_blob(blob(b"blob"))) == b"blob"


def test_a_slow_blob_has_no_deadline() -> None:
    data = b"x" * 20 * LEAST_PROGRESS

    def handle(request: Received) -> None:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data))
        for start in range(0, len(data), LEAST_PROGRESS):
            request.stopped.wait(0.05)
            request.send(data[start : start + LEAST_PROGRESS])

    with raw_server(handle) as server, client(server.host, settings=HASTY) as registry:
        assert b"".join(registry.repository("a").open_blob(blob(data))) == data


def test_a_blob_that_is_given_up_lets_go_of_its_connection() -> None:
    def handle(request: Received) -> None:
        if "/blobs/" in request.target:
            request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100_000)
        else:
            resolved(request)

    with raw_server(handle) as server, client(server.host) as registry:
        reader = registry.repository("a").open_blob(blob(b"x" * 1_000_000))
        next(iter(reader))
        reader.close()
        reader.close()
        assert registry.repository("a").resolve("1") is not None
        assert server.connections == 2
