# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs that are read in ranges over several connections, from servers that give them, and from others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Ranges, Run, Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError, RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.blob_source import BlobSource
from helpers.handlers import blob
from helpers.raw_server import QUICK, RawServer, Received, client, raw_server

LENGTH = 100_000
DATA = bytes(range(256)) * 2000
PARTS = -(-len(DATA) // LENGTH)
IN_RANGES = replace(QUICK, ranges=Ranges(connections=3, above=LENGTH, ahead=3 * LENGTH))


def asked(request: Received) -> tuple[int, int]:
    """The first byte that a request asks for, and the one behind the last."""
    start, end = request.headers["range"].partition("=")[2].split("-")
    return int(start), int(end) + 1 if end else len(DATA)


def give(request: Received, **headers: str) -> None:
    """What was asked for, as it should be."""
    if "range" not in request.headers:
        request.answer(200, DATA)
        return
    start, end = asked(request)
    headers = {"Content_Range": f"bytes {start}-{end - 1}/{len(DATA)}", **headers}
    request.answer(206, DATA[start:end], **headers)


def read(registry: Registry, offset: int = 0, connections: int = 3) -> bytes:
    opened = registry.repository("a").open_blob(blob(DATA), offset, once=True, connections=connections)
    with closing(opened) as reader:
        return b"".join(reader)


def ranges(server: RawServer) -> list[str]:
    """What was asked for, in the order of the bytes; empty for a whole blob."""
    found = [request.headers.get("range", "=").partition("=")[2] for request in server.requests]
    return sorted(found, key=lambda text: int(text.partition("-")[0] or -1))


def all_ranges(offset: int = 0) -> list[str]:
    return [f"{start}-{min(start + LENGTH, len(DATA)) - 1}" for start in range(offset, len(DATA), LENGTH)]


def test_ranges_fit_together_and_each_is_asked_for_once() -> None:
    with raw_server(give) as server, client(server.host, settings=IN_RANGES) as registry:
        assert read(registry) == DATA
        assert ranges(server) == all_ranges()
        counted = registry.counters()
        assert (counted.requests, counted.ranges, counted.bytes_read) == (PARTS, PARTS, len(DATA))
        assert server.connections <= 3


def test_as_many_are_under_way_at_once_as_there_are_connections() -> None:
    together = threading.Barrier(3)

    def handle(request: Received) -> None:
        if LENGTH <= asked(request)[0] < 4 * LENGTH:
            together.wait(10)  # a fourth range is asked for when the first has been taken
        give(request)

    with raw_server(handle) as server, client(server.host, settings=IN_RANGES) as registry:
        assert read(registry) == DATA


def test_no_range_is_asked_for_before_there_is_room_for_it() -> None:
    with raw_server(give) as server, client(server.host, settings=IN_RANGES) as registry:
        blocks = iter(registry.repository("a").open_blob(blob(DATA), connections=3))
        received = len(next(blocks))
        while received < LENGTH:
            received += len(next(blocks))
        assert max(asked(request)[0] for request in server.requests) <= 2 * LENGTH
        assert received + sum(map(len, blocks)) == len(DATA)


@pytest.mark.parametrize(("offset", "expected"), [(150_000, all_ranges(150_000)), (450_000, ["450000-"])])
def test_a_blob_is_read_on(offset: int, expected: list[str]) -> None:
    with raw_server(give) as server, client(server.host, settings=IN_RANGES) as registry:
        assert read(registry, offset) == DATA[offset:]
        assert ranges(server) == expected


def test_only_large_blobs_have_several_connections() -> None:
    with client("registry.example.com", settings=IN_RANGES) as registry:
        assert registry.connections(blob(b"x" * (LENGTH + 1))) == 3
        assert registry.connections(blob(b"x" * LENGTH)) == 1
    with client("registry.example.com") as registry:
        assert registry.connections(blob(b"x" * 1000)) == 1
        assert Settings().ranges.of(10**12) == 1
        assert Ranges(4).of(256_000_000) == 1
        assert Ranges(4).of(256_000_001) == 4


def whole(request: Received) -> None:
    request.answer(200, DATA)


def of_another_size(request: Received) -> None:
    start, end = asked(request)
    give(request, Content_Range=f"bytes {start}-{end - 1}/{len(DATA) + 1}")


def beside(request: Received) -> None:
    start, end = asked(request)
    give(request, Content_Range=f"bytes {start + 1}-{end}/{len(DATA)}")


def less(request: Received) -> None:
    start, end = asked(request)
    request.answer(206, DATA[start : end - 1], Content_Range=f"bytes {start}-{end - 2}/{len(DATA)}")


def too_short(request: Received) -> None:
    start, end = asked(request)
    request.answer(206, DATA[start : end - 1], Content_Range=f"bytes {start}-{end - 1}/{len(DATA)}")


def encoded(request: Received) -> None:
    give(request, Content_Encoding="gzip")


def in_parts(request: Received) -> None:
    request.answer(206, b"--x", Content_Type="multipart/byteranges; boundary=x")


def refused(status: int) -> object:
    return lambda request: request.answer(status)


OTHERS = {
    "whole": whole,
    "of another size": of_another_size,
    "beside": beside,
    "less": less,
    "too short": too_short,
    "encoded": encoded,
    "in parts": in_parts,
    **{f"status {status}": refused(status) for status in (400, 403, 404, 416, 429, 503)},
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("number", [0, 3])
def test_what_is_not_the_range_makes_one_stream_of_the_rest(other: str, number: int) -> None:
    def handle(request: Received) -> None:
        text = request.headers.get("range", "")
        if text.endswith("-") or not text or asked(request)[0] != number * LENGTH:
            give(request)
        else:
            OTHERS[other](request)

    with raw_server(handle) as server, client(server.host, settings=IN_RANGES) as registry:
        assert read(registry) == DATA
        assert registry.connections(blob(DATA)) == 1
        begun = [text for text in ranges(server) if text.partition("-")[0] in ("", "0")]
        assert begun == (["0-99999"] if number or other == "whole" else ["", "0-99999"])
        assert (f"{number * LENGTH}-" in ranges(server)) == bool(number)
        seen = len(server.requests)
        assert read(registry) == DATA
        assert [request for request in server.requests[seen:] if "range" not in request.headers]
        assert ranges(server).count("0-99999") == 1


def test_a_blob_that_is_not_there_says_nothing_about_ranges() -> None:
    with raw_server(lambda request: request.answer(404)) as server, client(server.host, settings=IN_RANGES) as registry:
        with pytest.raises(RegistryError) as caught:
            read(registry)
        assert (caught.value.status, len(server.requests)) == (404, 2)
        assert registry.connections(blob(DATA)) == 3


@contextmanager
def cut(number: int, after: int) -> Iterator[RawServer]:
    """A server that breaks one range off, once."""
    broken: list[Received] = []

    def handle(request: Received) -> object:
        if asked(request)[0] != number * LENGTH or broken:
            return give(request)
        broken.append(request)
        start, end = asked(request)
        request.send(
            f"HTTP/1.1 206 X\r\nContent-Range: bytes {start}-{end - 1}/{len(DATA)}\r\n"
            f"Content-Length: {end - start}\r\n\r\n".encode()
        )
        request.send(DATA[start : start + after])
        return "close"

    with raw_server(handle) as server:
        yield server


def test_what_came_before_a_range_broke_is_given() -> None:
    with cut(2, 70_000) as server, client(server.host, settings=IN_RANGES) as registry:
        received = b""
        reader = registry.repository("a").open_blob(blob(DATA), connections=3)
        with closing(reader), pytest.raises(RegistryError) as caught:
            for block in reader:
                received += block
        assert (caught.value.code, caught.value.transient) == ("connection_failed", True)
        assert f"after 270000 of {len(DATA)} bytes" in caught.value.cause
        assert received == DATA[:270_000]


def test_a_range_that_broke_costs_one_retry_and_begins_where_it_broke() -> None:
    with cut(2, 70_000) as server, client(server.host, settings=IN_RANGES) as registry:
        run = Run(settings=IN_RANGES)
        opened: list[int] = []
        moved: list[int] = []
        source = BlobSource(blob(DATA), registry.repository("a"), run, opened.append, moved=moved.append, connections=3)
        with closing(source.open_at(0)) as reader:
            assert b"".join(reader) == DATA
        assert (opened, source.failures, run.budget.spent) == ([0, 270_000], 1, 1)
        assert sum(moved) == len(DATA)
        assert set(all_ranges(270_000)) < set(ranges(server))


def test_wrong_bytes_are_found_by_the_digest_of_the_whole() -> None:
    def handle(request: Received) -> None:
        start, end = asked(request)
        damaged = DATA[start:end] if start != 3 * LENGTH else b"!" + DATA[start + 1 : end]
        request.answer(206, damaged, Content_Range=f"bytes {start}-{end - 1}/{len(DATA)}")

    with raw_server(handle) as server, client(server.host, settings=IN_RANGES) as registry:
        source = BlobSource(
            blob(DATA), registry.repository("a"), Run(settings=IN_RANGES), lambda offset: None, connections=3
        )
        with closing(source.open_at(0)) as reader, pytest.raises(ContentError) as caught:
            b"".join(reader)
        assert caught.value.code == "digest_mismatch"


@pytest.mark.parametrize(("tag", "said"), [('"abc"', '"abc"'), ('W/"abc"', None), ("", None)])
def test_ranges_are_of_one_version_where_the_server_names_it(tag: str, said: str | None) -> None:
    def handle(request: Received) -> None:
        give(request, **({"ETag": tag} if tag else {}))

    with raw_server(handle) as server, client(server.host, settings=IN_RANGES) as registry:
        assert read(registry) == DATA
        first, *others = server.requests
        assert "if-range" not in first.headers
        assert {request.headers.get("if-range") for request in others} == {said}


def test_a_storage_is_asked_for_more_than_one_range_until_its_url_expires() -> None:
    left = threading.Semaphore(4)

    def store(request: Received) -> None:
        if "again" in request.target or left.acquire(blocking=False):
            give(request)
        else:
            request.answer(403)

    with raw_server(store) as storage:

        def lead(request: Received) -> None:
            word = "again" if len(registry_server.requests) > 1 else "first"
            request.answer(307, Location=f"{storage.url}/{word}?signature=x")

        with raw_server(lead) as registry_server, client(registry_server.host, settings=IN_RANGES) as registry:
            assert read(registry) == DATA
            assert registry.connections(blob(DATA)) == 3
        assert 2 <= len(registry_server.requests) <= 1 + 3  # those that were under way find out by themselves
        assert "authorization" not in storage.requests[-1].headers
        given = [request for request in storage.requests if "again" in request.target]
        assert len(given) == PARTS - 4


def test_a_reader_that_is_closed_lets_all_connections_go() -> None:
    go_on = threading.Event()

    def handle(request: Received) -> object:
        start, end = asked(request)
        if start == 0:
            return give(request)
        request.send(
            f"HTTP/1.1 206 X\r\nContent-Range: bytes {start}-{end - 1}/{len(DATA)}\r\n"
            f"Content-Length: {end - start}\r\n\r\n".encode()
        )
        go_on.wait(10)
        request.send(DATA[start:end])
        return None

    with raw_server(handle) as server, client(server.host, settings=IN_RANGES) as registry:
        others = threading.enumerate()
        reader = registry.repository("a").open_blob(blob(DATA), connections=3)
        workers = [thread for thread in threading.enumerate() if thread.name == "range" and thread not in others]
        next(iter(reader))
        reader.close()
        go_on.set()
        for worker in workers:
            worker.join(10)
        assert len(workers) == 3 and not any(worker.is_alive() for worker in workers)
    server.wait_for_the_end()
