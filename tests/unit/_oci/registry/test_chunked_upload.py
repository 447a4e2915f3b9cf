# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads in chunks: when, of which size, and from where they go on."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.quirks import CHUNK
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryBudget
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from helpers.raw_server import Received, client, raw_server
from helpers.uploads import Source, Uploads, blob, upload


def test_what_may_not_be_that_large_goes_in_chunks() -> None:
    data = bytes(range(256)) * 100_000  # 25.6 MB
    server, source = Uploads(), Source(data)
    server.largest = CHUNK
    with raw_server(server) as running, client(running.host) as registry:
        for number in range(2):
            registry.repository("a").put_blob(blob(data), source.open_at)
            assert server.blobs.pop(str(Digest.of(data))) == data
            if number == 0:
                server.log.clear()
        assert server.log == ["POST", "PATCH", "PATCH", "PATCH", "PUT"]  # it is remembered
        ranges = [request.headers["content-range"] for request in running.requests if request.method == "PATCH"]
        assert ranges[:3] == ["0-9999999", "10000000-19999999", "20000000-25599999"]
        registry.repository("a").put_blob(blob(), Source().open_at)
        assert server.log[-2:] == ["POST", "PUT"]
    assert source.offsets == [0, 0, 0]


def test_chunks_shrink_until_they_fit() -> None:
    data = bytes(3_000_000)
    server, source = Uploads(), Source(data)
    server.largest = 1024 * 1024
    upload(server, source, data=data)
    assert server.blobs[str(Digest.of(data))] == data


def test_what_fits_nowhere_is_an_error() -> None:
    server, source = Uploads(), Source(bytes(3_000_000))
    server.largest = 1000
    with pytest.raises(RegistryError) as caught:
        upload(server, source, data=source.data)
    assert (caught.value.code, caught.value.status) == ("unsupported", 413)


def test_chunks_that_are_sent_once_more_count_as_retries() -> None:
    server, source = Uploads(), Source(bytes(range(256)) * 100_000)
    server.largest = CHUNK
    chunks = -(-len(source.data) // CHUNK)

    def refuse(request: Received) -> object:
        if request.length:
            return None
        request.answer(404)  # the closing request: the session is gone
        return "answered"

    server.on_put = refuse
    budget = RetryBudget(base=3 + chunks + 2, share=0)  # one whole try more, and not two
    with raw_server(server) as running, client(running.host, budget=budget) as registry:
        repository = registry.repository("a")
        with pytest.raises(RegistryError) as caught:
            repository.put_blob(blob(source.data), source.open_at)
    assert caught.value.codes == ("destination_missing", "retry_budget")
    assert server.log.count("PATCH") == 2 * chunks


@pytest.mark.parametrize("arrived", [0, 5_000_000, CHUNK])
def test_chunks_go_on_where_the_registry_is(arrived: int) -> None:
    data = bytes(range(256)) * 100_000
    server, source = Uploads(), Source(data)
    server.largest = CHUNK

    def break_second(request: Received) -> object:
        if request.headers["content-range"].startswith("10000000") and server.log.count("PATCH") == 2:
            server.sessions[max(server.sessions)] += request.read(arrived)
            return "close"
        return None

    server.on_patch = break_second
    upload(server, source, data=data)
    assert server.blobs[str(Digest.of(data))] == data
    assert server.log.count("POST") == 2
    assert source.offsets == [0, 0, CHUNK + arrived]


@pytest.mark.parametrize("kept", ["most", "all", "nothing", "too much"])
def test_a_large_body_that_broke_goes_on_where_the_registry_is(kept: str) -> None:
    data = bytes(range(256)) * 100_000  # far more than sockets hold
    server, source = Uploads(), Source(data)
    pieces = {"most": data[:9_000_000], "all": data, "nothing": b"", "too much": data + b"x"}

    def break_first(request: Received) -> object:
        if server.log.count("PUT") > 1:
            return None
        request.read(len(data) if kept == "all" else 9_000_000)
        server.sessions["0"] = pieces[kept]
        return "close"

    server.on_put = break_first
    upload(server, source, data=data)
    assert server.blobs[str(Digest.of(data))] == data
    ends = {"most": ["GET", "PATCH", "PUT"], "all": ["HEAD", "GET", "PUT"]}
    assert server.log == ["POST", "PUT", *ends.get(kept, ["GET", "POST", "PUT"])]
    assert source.offsets == {"most": [0, 9_000_000], "all": [0]}.get(kept, [0, 0])


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_registry_that_says_where_it_is_and_takes_no_chunks_gets_all_anew(status: int) -> None:
    data = bytes(25_600_000)
    server, source = Uploads(), Source(data)

    def break_first(request: Received) -> object:
        if server.log.count("PUT") > 1:
            return None
        server.sessions["0"] += request.read(9_000_000)
        return "close"

    def refuse(request: Received) -> object:
        request.body()
        request.answer(status)
        return "answered"

    server.on_put, server.on_patch = break_first, refuse
    upload(server, source, data=data)
    assert server.blobs[str(Digest.of(data))] == data
    assert server.log == ["POST", "PUT", "GET", "PATCH", "POST", "PUT"]


def test_chunks_begin_anew_when_their_session_is_gone() -> None:
    data = bytes(25_600_000)
    server, source = Uploads(), Source(data)
    server.largest = CHUNK

    def forget(request: Received) -> object:
        if server.log.count("PATCH") == 2:
            server.sessions.clear()
            return "close"
        return None

    server.on_patch = forget
    upload(server, source, data=data)
    assert server.blobs[str(Digest.of(data))] == data
    assert source.offsets == [0, 0, 0]
