# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are none, too long or too slow."""

from __future__ import annotations

import gzip
from contextlib import AbstractContextManager

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    RegistryError,
)
from helpers.handlers import fails
from helpers.raw_server import HASTIEST, HASTY, QUICK, RawServer, Received, Told, client, raw_server


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x01\x02",
        b"HTTP/1.1 two-hundred OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
    ],
)
def test_answers_that_are_none(answer: bytes) -> None:
    def handle(request: Received) -> object:
        request.send(answer)
        return "close"

    assert fails(handle).code == "connection_failed"


@pytest.mark.parametrize("settings", [QUICK])
def test_short_answers_are_asked_for_again(settings: Settings) -> None:
    def handle(request: Received) -> object:
        if len(server.requests) < 3:
            request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            return "close"
        return request.answer(200, b'{"tags": ["a"]}')

    with raw_server(handle) as server, client(server.host, settings=settings) as registry:
        assert registry.repository("a").tags() == ["a"]
        assert len(server.requests) == 3


def test_chunks_and_unknown_lengths_are_read() -> None:
    def handle(request: Received) -> object:
        if "chunked" in request.target:
            request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            request.send(b'8\r\n{"tags":\r\n5\r\n["a"]\r\n1\r\n}\r\n0\r\n\r\n')
            return None
        request.send(b'HTTP/1.1 200 OK\r\n\r\n{"tags": ["a"]}')
        return "close"

    with raw_server(handle) as server, client(server.host) as registry:
        assert registry.repository("chunked").tags() == ["a"]
        assert registry.repository("chunked").tags() == ["a"]
        assert registry.repository("closed").tags() == ["a"]
        assert server.connections == 1


LIST = b'{"tags": ["a"]}'
PACKED = gzip.compress(LIST, mtime=0)


def labelled(body: bytes, label: str) -> AbstractContextManager[RawServer]:
    return raw_server(lambda request: request.answer(200, body, Content_Encoding=label))


@pytest.mark.parametrize(
    ("body", "label"),
    [
        (LIST, "gzip"),
        (LIST, "br"),
        (LIST, "aws-chunked"),
        (PACKED, "x-gzip"),
        (PACKED, "GZIP"),
    ],
)
def test_what_can_be_read_is_taken_whatever_its_label(body: bytes, label: str) -> None:
    with labelled(body, label) as server, client(server.host) as registry:
        assert registry.repository("a").tags() == ["a"]


@pytest.mark.parametrize(
    ("body", "label"),
    [
        (PACKED, ""),
        (PACKED, "br"),
        (PACKED[:-9], "gzip"),
        (b"\x1f\x8b nonsense", "gzip"),
        (gzip.compress(b" " * (17 * 1024 * 1024) + LIST, mtime=0), "gzip"),
    ],
    ids=["no label", "another label", "cut", "nonsense", "larger than a list may be"],
)
def test_compressed_answers_are_refused(body: bytes, label: str) -> None:
    with labelled(body, label) as server, client(server.host) as registry, pytest.raises(RegistryError) as caught:
        registry.repository("a").tags()
    assert caught.value.code == "protocol_error"
    assert ("Content-Encoding" in caught.value.cause) == bool(label)


@pytest.mark.parametrize("length", ["Content-Length: 1000000000000\r\n", ""])
def test_manifests_have_a_limit(length: str) -> None:
    def handle(request: Received) -> None:
        request.send(f"HTTP/1.1 200 OK\r\n{length}\r\n".encode())
        while True:
            request.send(b" " * 65536)

    assert fails(handle).code == "too_large"


def test_errors_have_a_limit() -> None:
    def handle(request: Received) -> None:
        request.send(b"HTTP/1.1 403 No\r\n\r\n")
        while True:
            request.send(b"no " * 20_000)

    assert fails(handle).code == "pull_denied"


@pytest.mark.parametrize("piece", [b"x", b"x" * 4000])
@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 200 OK\r\nX-A: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n",
        b"HTTP/1.1 403 No\r\n\r\n",
    ],
)
def test_small_answers_may_not_drip(head: bytes, piece: bytes) -> None:
    def handle(request: Received) -> None:
        request.send(head)
        while not request.stopped.wait(0.02):
            request.send(piece)
            assert sum(map(len, server_side)) < 100 * 4000, "it was read for too long"
            server_side.append(piece)

    server_side: list[bytes] = []
    assert fails(handle, HASTIEST).code in ("timeout", "pull_denied", "connection_failed")
    assert len(server_side) < 45


def test_endless_interim_answers_come_to_an_end() -> None:
    def handle(request: Received) -> None:
        while not request.stopped.wait(0.01):
            request.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    assert fails(handle, HASTIEST).code == "timeout"


def test_no_answer_at_all() -> None:
    error = fails(lambda request: request.stopped.wait(30), HASTY)
    assert (error.code, error.transient) == ("timeout", True)


def test_cookies_are_not_kept() -> None:
    def handle(request: Received) -> None:
        request.answer(200, b'{"tags":[]}', Set_Cookie="session=1; Path=/")

    with raw_server(handle) as server, client(server.host) as registry:
        registry.repository("a").tags()
        registry.repository("a").tags()
        assert "cookie" not in server.requests[1].headers


def test_warnings_are_passed_on_once() -> None:
    told = Told()

    def handle(request: Received) -> None:
        request.answer(200, b'{"tags":[]}', Warning='299 - "Your certificate ends soon"')

    with raw_server(handle) as server, client(server.host, told=told) as registry:
        registry.repository("a").tags()
        registry.repository("b").tags()
    assert told.warnings == [f'{server.host} says: "Your certificate ends soon"']


def test_a_token_server_that_does_not_stop() -> None:
    def handle(request: Received) -> None:
        if not request.target.startswith("/token"):
            request.answer(401, b"", WWW_Authenticate=f'Bearer realm="{server.url}/token",service="s"')
            return
        request.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            request.send(b" " * 65536)

    with raw_server(handle) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").tags()
        assert caught.value.code == "too_large"
