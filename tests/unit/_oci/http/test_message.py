# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP messages as they stand on the wire."""

from __future__ import annotations

import socket
import ssl

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.faults import Fault, fault_of
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.message import (
    Headers,
    Response,
    request_head,
    send_blocks,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.sockets import Watch
from hypothesis import given
from hypothesis import strategies as st


class Scripted:
    """A socket that gives what it is told, in these pieces, and then ends."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def recv(self, size: int) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]


def response(*pieces: bytes, method: str = "GET", used: bool = False) -> tuple[Response, list[bool]]:
    """A response to these bytes, and where it says whether its connection can serve again."""
    given_back: list[bool] = []
    sock: socket.socket = Scripted(*pieces)  # type: ignore[assignment]
    return Response(sock, method, Watch(), used=used, give_back=given_back.append), given_back


def whole(made: Response) -> bytes:
    return b"".join(iter(lambda: made.read(7), b""))


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(st.binary(max_size=200), st.integers(1, 50), st.integers(1, 80), st.sampled_from(["\r\n", "\n"]))
def test_bodies_arrive_however_they_are_cut(body: bytes, chunk: int, piece: int, newline: str) -> None:
    end = newline.encode()
    chunks = b"".join(b"%x;a=b" % len(part) + end + part + end for part in cut(body, chunk))
    chunked = (
        b"HTTP/1.1 200 OK" + end + b"Transfer-Encoding: Chunked" + end * 2 + chunks + b"0" + end + b"X: y" + end * 2
    )
    sized = b"HTTP/1.1 200 OK" + end + b"content-length: %d" % len(body) + end * 2 + body
    for data in (chunked, sized):
        made, given_back = response(*cut(data, piece))
        assert whole(made) == body
        assert given_back == [True]


@given(st.binary(max_size=300))
def test_any_bytes_end_in_an_answer_or_an_error(data: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            made, _given_back = response(start + data)
            whole(made)
        except Fault:
            pass


@pytest.mark.parametrize(
    ("head", "method", "again"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", True),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "GET", True),
        (b"HTTP/1.1 304\r\n\r\n", "GET", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", "GET", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", "GET", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore than was announced", "GET", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 204 OK\r\n\r\n", "GET", True),
    ],
)
def test_answers_without_a_body(head: bytes, method: str, again: bool) -> None:
    made, given_back = response(head, method=method)
    assert given_back == [again]
    assert made.read(10) == b""
    made.close()
    assert given_back == [again]


def test_a_body_without_a_length_goes_to_the_end() -> None:
    made, given_back = response(b"HTTP/1.1 200 OK\r\n\r\nab", b"cd")
    assert whole(made) == b"abcd"
    assert given_back == [False]


def test_a_body_that_ends_early_ends_the_connection() -> None:
    made, given_back = response(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab")
    assert (whole(made), made.length) == (b"ab", 10)
    assert given_back == [False]


def test_only_a_connection_that_has_answered_can_be_stale() -> None:
    for used in (True, False):
        with pytest.raises(Fault) as caught:
            response(used=used)
        assert caught.value.stale == used


def test_fields() -> None:
    fields = Headers("One: 1\r\nTWO : 2\r\none: 3\r\n folded\r\nnonsense\r\nEmpty:")
    assert dict(fields) == {"one": "1, 3 folded", "two": "2", "empty": ""}
    assert (fields.get("OnE"), fields.get("three"), "Two" in fields) == ("1, 3 folded", None, True)


@pytest.mark.parametrize(
    ("target", "value"),
    [("/a b", ""), ("/a\r\nX: y", ""), ("/", "a\r\nX: y"), ("/", "a\nb"), ("/", "a\0"), ("/", "日本")],
)
def test_what_would_change_a_request_is_not_written(target: str, value: str) -> None:
    with pytest.raises(Fault):
        request_head("GET", target, "r.example.com", {"A": value})


def test_a_request() -> None:
    written = request_head("GET", "/v2/?a=b", "r.example.com:5000", {"A": "b"})
    assert written == b"GET /v2/?a=b HTTP/1.1\r\nHost: r.example.com:5000\r\nA: b\r\n\r\n"


def test_what_is_said_twice_counts_once() -> None:
    found = Headers(
        "Docker-Content-Digest: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
        "Docker-Content-Digest: a\r\nA: 1\r\nA: 2"
    )
    assert dict(found) == {"docker-content-digest": "a", "transfer-encoding": "chunked", "a": "1, 2"}


@pytest.mark.parametrize(
    "field",
    [
        "Content-Length: 5, 6",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: -5",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length:",
        f"Content-Length: {'9' * 30}",
        "Transfer-Encoding: gzip, chunked",
    ],
)
def test_a_body_whose_end_nobody_knows_is_not_waited_for(field: str) -> None:
    with pytest.raises(Fault):
        response(f"HTTP/1.1 200 OK\r\n{field}\r\n\r\nabcde".encode())


@pytest.mark.parametrize("kind", [BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError])
def test_a_body_that_the_other_side_hung_up_on_may_have_an_answer(kind: type[OSError]) -> None:
    class Closed(Scripted):
        def sendall(self, data: bytes) -> None:
            raise kind

    sock: socket.socket = Closed()  # type: ignore[assignment]
    assert send_blocks(sock, [b"a", b"b"], may_look=False) == (False, b"")
    assert not fault_of(kind()).connecting  # which says nothing about whether the registry can be reached
