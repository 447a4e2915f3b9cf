# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange done well, seen from a registry that misbehaves in every way that HTTP allows."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryBudget
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ContentError,
    ImageOpsError,
    InputError,
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.sockets import LEAST_PROGRESS
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import MOST_REDIRECTS, Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import Descriptor
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from helpers.raw_server import HASTIEST, HASTY, QUICK, Handle, RawServer, Received, Told, client, raw_server

DIGEST = "sha256:" + hashlib.sha256(b"manifest").hexdigest()
ONCE = Settings(timeout=10.0, attempts=1)


def blob(data: bytes) -> Descriptor:
    return Descriptor("application/octet-stream", Digest.of(data), len(data))


def resolved(request: Received) -> None:
    request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")


def fails(handle: Handle, settings: Settings = ONCE) -> ImageOpsError:
    """The error of a HEAD, a GET of a manifest and a list alike: the first that comes."""
    with raw_server(handle) as server, client(server.host, settings=settings) as registry:
        with pytest.raises(ImageOpsError) as caught:
            registry.repository("a").manifest("1")
        assert registry.repository("a").path == "a"
    return caught.value


# Connections


def test_connections_are_kept() -> None:
    with raw_server(resolved) as server, client(server.host) as registry:
        for _ in range(5):
            found = registry.repository("a").resolve("1")
            assert found is not None
            assert str(found.digest) == DIGEST
        assert (server.connections, len(server.requests)) == (1, 5)
        assert registry.stats.requests == 5


def test_what_every_request_says() -> None:
    with raw_server(resolved) as server, client(server.host) as registry:
        registry.repository("a").resolve("1")
        headers = server.requests[0].headers
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == server.host
    assert "requests" not in headers["user-agent"]
    assert not {"authorization", "cookie", "transfer-encoding"} & headers.keys()


@pytest.mark.parametrize("when", ["after an answer", "at the next request"])
def test_an_idle_connection_that_was_closed_costs_no_attempt(when: str) -> None:
    def handle(request: Received) -> object:
        if when == "at the next request" and request.connection == 1 and request.target.endswith("second"):
            return "close"
        resolved(request)
        return "close" if when == "after an answer" else None

    # It costs a retry where the end is not seen before the request is sent.
    budget = RetryBudget(base=2, share=0)
    with raw_server(handle) as server, client(server.host, settings=ONCE, budget=budget) as registry:
        for tag in ("first", "second", "third"):
            assert registry.repository("a").resolve(tag) is not None


def test_a_reset_of_an_idle_connection_costs_no_attempt() -> None:
    def handle(request: Received) -> object:
        if request.connection == 1 and request.target.endswith("second"):
            request.reset()
            return "close"
        return resolved(request)

    with raw_server(handle) as server, client(server.host, settings=ONCE) as registry:
        for tag in ("first", "second"):
            assert registry.repository("a").resolve(tag) is not None


def test_closed_connections_do_not_make_for_more_tries() -> None:
    """Each of them may have been closed before, or because of the request: in all they are as many as other tries."""

    def handle(request: Received) -> object:
        return "close" if request.target.endswith("second") else resolved(request)

    with raw_server(handle) as server, client(server.host, settings=QUICK) as registry:
        registry.repository("a").resolve("first")
        with pytest.raises(RegistryError):
            registry.repository("a").resolve("second")
        assert len([request for request in server.requests if request.target.endswith("second")]) == QUICK.attempts


def test_a_fresh_connection_that_is_closed_is_an_attempt() -> None:
    with raw_server(lambda request: "close") as server, client(server.host, settings=QUICK) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert (caught.value.code, caught.value.transient) == ("connection_failed", True)
        assert len(server.requests) == QUICK.attempts


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    told = Told()
    with client(host, told=told) as registry:
        codes = []
        for _ in range(3):
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").resolve("1")
            codes.append(caught.value.code)
        assert codes == ["connection_failed", "registry_down", "registry_down"]
        assert registry.stats.requests == QUICK.attempts
        registry.probe_again()
        with pytest.raises(RegistryError):
            registry.repository("a").resolve("1")
        assert registry.stats.requests == QUICK.attempts + 1
    assert "connection refused" in str(told.log[0])


def test_closing_wakes_who_waits() -> None:
    told = Told()
    waiting = threading.Event()
    errors: list[ImageOpsError] = []

    def handle(request: Received) -> None:
        waiting.set()
        request.stopped.wait(30)

    with raw_server(handle) as server, client(server.host, told=told) as registry:

        def work() -> None:
            try:
                registry.repository("a").resolve("1")
            except ImageOpsError as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        assert waiting.wait(10)
        told.stop.set()
        registry.close()
        thread.join(5)
        assert not thread.is_alive()
    assert [error.code for error in errors] == ["interrupted"]


def test_nothing_is_sent_after_closing() -> None:
    with raw_server(resolved) as server:
        registry = client(server.host)
        registry.close()
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert caught.value.code == "interrupted"
        assert not server.requests


def test_a_wait_between_tries_ends_with_the_run() -> None:
    told = Told()

    def handle(request: Received) -> None:
        request.answer(503)
        told.stop.set()

    patient = Settings(backoff=1000, backoff_cap=1000)
    with raw_server(handle) as server, client(server.host, told=told, settings=patient) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert caught.value.code == "interrupted"


# Answers


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


def test_compressed_answers_are_refused() -> None:
    def handle(request: Received) -> None:
        request.answer(200, b'{"tags": ["a"]}', Content_Encoding="gzip")

    with raw_server(handle) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").tags()
        assert caught.value.code == "protocol_error"


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


# Waits that are asked for


def test_retry_after_is_waited_for() -> None:
    def handle(request: Received) -> None:
        if len(server.requests) == 1:
            request.answer(429, b"", Retry_After="1")
        else:
            resolved(request)

    told = Told()
    with raw_server(handle) as server, client(server.host, told=told) as registry:
        waits: list[float | None] = []
        told.stop.wait = lambda timeout=None: bool(waits.append(timeout))  # type: ignore[method-assign]
        assert registry.repository("a").resolve("1") is not None
    assert [round(wait or 0) for wait in waits] == [1]


def test_retry_after_six_hours_fails_at_once() -> None:
    def handle(request: Received) -> None:
        request.answer(429, b"", Retry_After="21600")

    with raw_server(handle) as server, client(server.host) as registry:
        for _ in range(3):
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").resolve("1")
            assert (caught.value.code, caught.value.transient) == ("rate_limited", False)
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_errors_are_tried_again(status: int) -> None:
    with raw_server(lambda request: request.answer(status)) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert (caught.value.status, caught.value.transient) == (status, True)
        assert len(server.requests) == QUICK.attempts


@pytest.mark.parametrize("status", [400, 401, 403, 405, 412, 418, 501])
def test_lasting_errors_are_not(status: int) -> None:
    with raw_server(lambda request: request.answer(status)) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").manifest("1")
        assert caught.value.status == status
        assert len(server.requests) == 1


def test_retries_of_a_run_are_limited_together() -> None:
    budget = RetryBudget(base=2, share=0)
    with raw_server(lambda request: request.answer(503)) as server, client(server.host, budget=budget) as registry:
        codes = []
        for _ in range(3):
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").resolve("1")
            codes.append(caught.value.code)
        assert codes == ["retry_budget"] * 3
        assert len(server.requests) == 5


# Redirects

SECRET = base64.b64encode(b"user:password").decode()


def with_basic(request: Received) -> bool:
    """Ask for a password first."""
    if "authorization" in request.headers:
        return True
    request.answer(401, b"", WWW_Authenticate='Basic realm="r"')
    return False


def test_a_redirect_is_followed_without_the_password_and_not_shown_it_on_the_way_back() -> None:
    def storage(request: Received) -> None:
        request.answer(307, b"", Location=f"{home.url}/elsewhere")

    def registry_side(request: Received) -> None:
        if request.target == "/elsewhere":
            resolved(request)
        elif with_basic(request):
            request.answer(307, b"", Location=f"{away.url}/storage?signature=1")

    with raw_server(registry_side) as home, raw_server(storage) as away:
        with client(home.host, credential=Credential("user", "password")) as registry:
            assert registry.repository("a").resolve("1") is not None
        assert [("authorization" in r.headers, r.target) for r in away.requests] == [(False, "/storage?signature=1")]
        assert [("authorization" in r.headers, r.target[-1:]) for r in home.requests] == [
            (False, "1"),
            (True, "1"),
            (False, "e"),
        ]


class Bytes:
    """Reads from memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __iter__(self) -> Iterator[bytes]:
        yield self.data

    def close(self) -> None:
        """There is nothing to let go of."""


def test_a_name_that_begins_alike_is_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a redirect nor an upload to registry.test.example.com shows it what registry.test may see."""

    def registry_side(request: Received) -> None:
        if with_basic(request):
            place = "http://registry.test.example.com/away"
            request.answer(202 if request.method == "POST" else 307, b"", Location=place)

    def away_side(request: Received) -> None:
        request.body()
        if request.method == "PUT":
            request.answer(201)
        else:
            resolved(request)

    with raw_server(registry_side) as home, raw_server(away_side) as away:
        hosts = {"registry.test": home.host, "registry.test.example.com": away.host}

        def resolve(host: str, *arguments: object, **options: object) -> object:
            address = ("127.0.0.1", int(hosts[host].rpartition(":")[2]))
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with client("registry.test", credential=Credential("user", "password")) as registry:
            assert registry.repository("a").resolve("1") is not None
            registry.repository("a").put_blob(blob(b"data"), lambda offset: Bytes(b"data"[offset:]))
        assert [request.method for request in away.requests] == ["HEAD", "PUT"]
        assert not [request for request in away.requests if "authorization" in request.headers]


def test_a_redirect_at_home_keeps_the_password() -> None:
    def handle(request: Received) -> None:
        if with_basic(request):
            if request.target == "/moved":
                resolved(request)
            else:
                request.answer(302, b"", Location="/moved")

    with raw_server(handle) as server, client(server.host, credential=Credential("user", "password")) as registry:
        assert registry.repository("a").resolve("1") is not None
        assert server.requests[-1].headers["authorization"] == f"Basic {SECRET}"


def test_redirects_come_to_an_end() -> None:
    with raw_server(lambda request: request.answer(302, b"", Location=request.target + "x")) as server:
        with client(server.host) as registry, pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert caught.value.code == "protocol_error"
        assert len(server.requests) == MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/", "http://0xa9fea9fe/", "ftp://a/", "http://[fe80::1]/", ""]
)
def test_redirects_to_nowhere_good(location: str) -> None:
    error = fails(lambda request: request.answer(302, b"", **({"Location": location} if location else {})), QUICK)
    assert (error.code, error.transient) == ("protocol_error", False)


def test_a_name_that_leads_to_a_metadata_address_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: object, **options: object) -> object:
        if host == "inviting.example.com":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
        return real(host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = fails(lambda request: request.answer(302, b"", Location="http://inviting.example.com/"), QUICK)
    assert (error.code, error.transient) == ("protocol_error", False)
    assert "metadata" in error.cause


def test_a_place_that_was_redirected_to_and_is_gone_does_not_count_against_the_registry() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        gone = f"http://127.0.0.1:{free.getsockname()[1]}/"

    def handle(request: Received) -> None:
        if request.target.endswith("moved"):
            request.answer(307, b"", Location=gone)
        else:
            resolved(request)

    with raw_server(handle) as server, client(server.host) as registry:
        for _ in range(2):
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").resolve("moved")
            assert caught.value.code == "connection_failed"
        assert registry.repository("a").resolve("1") is not None
        assert server.requests


def redirecting_to(away: RawServer) -> AbstractContextManager[RawServer]:
    return raw_server(lambda request: request.answer(307, b"", Location=away.url + "/x"))


def test_what_a_redirects_target_refuses_is_asked_of_the_registry_again() -> None:
    data = b"blob"

    def storage(request: Received) -> None:
        if len(away.requests) == 1:
            request.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        else:
            request.answer(200, data)

    with raw_server(storage) as away, redirecting_to(away) as home, client(home.host) as registry:
        assert b"".join(registry.repository("a").open_blob(blob(data))) == data
        assert (len(home.requests), len(away.requests)) == (2, 2)


def test_a_strangers_challenge_changes_nothing() -> None:
    def storage(request: Received) -> None:
        request.answer(401, b"", WWW_Authenticate='Basic realm="give it to me"')

    with raw_server(storage) as away, redirecting_to(away) as home:
        with client(home.host, credential=Credential("user", "password")) as registry, pytest.raises(RegistryError):
            registry.repository("a").resolve("1")
        assert not [r for r in home.requests + away.requests if "authorization" in r.headers]


# Blobs


def test_a_blob_comes_in_blocks_and_is_counted() -> None:
    data = bytes(range(256)) * 1000
    with raw_server(lambda request: request.answer(200, data)) as server, client(server.host) as registry:
        blocks = list(registry.repository("a").open_blob(blob(data)))
        assert b"".join(blocks) == data
        assert max(map(len, blocks)) <= 65536
        assert registry.stats.bytes_read == len(data)


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


# Lists


@pytest.mark.parametrize("size", [1, 5000])
def test_a_list_without_an_end(size: int) -> None:
    numbers = itertools.count()

    def handle(request: Received) -> None:
        tags = [f"v{next(numbers)}" for _ in range(size)]
        link = f'</v2/a/tags/list?last={tags[-1]}>; rel="next"'
        request.answer(200, json.dumps({"tags": tags}).encode(), Link=link)

    with raw_server(handle) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").tags()
        assert caught.value.code == "too_large"
        assert len(server.requests) < 200


@pytest.mark.parametrize("link", ["/v2/a/tags/list?n=1000", "/v2/a/tags/list?other={}", "?page={}"])
def test_pages_in_a_circle(link: str) -> None:
    numbers = itertools.count()

    def handle(request: Received) -> None:
        request.answer(200, b'{"tags": ["a", "b"]}', Link=f'<{link.format(next(numbers))}>; rel="next"')

    with raw_server(handle) as server, client(server.host) as registry:
        assert registry.repository("a").tags() == ["a", "b"]
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:1/v2/a/tags/list", "https://elsewhere.example.com/x", "http://169.254.169.254/"]
)
def test_a_next_page_elsewhere_is_refused(link: str) -> None:
    def handle(request: Received) -> None:
        if with_basic(request):
            request.answer(200, b'{"tags": ["a"]}', Link=f'<{link}>; rel="next"')

    with raw_server(handle) as server, client(server.host, credential=Credential("user", "password")) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").tags()
        assert caught.value.code == "protocol_error"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"tags": 5}', b"<html>", b'{"tags": ' + b"[" * 100_000, b"\xff"]
)
def test_lists_that_are_none(body: bytes) -> None:
    with raw_server(lambda request: request.answer(200, body)) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").tags()
        assert caught.value.code == "protocol_error"


def test_only_tags_are_taken_from_a_list() -> None:
    body = json.dumps({"tags": ["ok", "../x", "a b", "x\r\ny: z", "", "-a", None, 1, ["a"], "x" * 129, "ok"]}).encode()
    with raw_server(lambda request: request.answer(200, body)) as server, client(server.host) as registry:
        assert registry.repository("a").tags() == ["ok"]


@pytest.mark.parametrize("body", [b"{}", b'{"tags": null}', b'{"tags": []}'])
def test_no_tags(body: bytes) -> None:
    with raw_server(lambda request: request.answer(200, body)) as server, client(server.host) as registry:
        assert registry.repository("a").tags() == []


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


def test_a_catalog_names_repositories_and_nothing_else() -> None:
    listed = ["a", "a/b", "b", "a/../b", "a?x=y", "a\r\nX: y", "A", "a//b", "/a", "a/b/", 5, "a/%2e%2e", "a"]

    def handle(request: Received) -> None:
        request.answer(200, json.dumps({"repositories": listed}).encode())

    with raw_server(handle) as server, client(server.host) as registry:
        assert list(registry.repositories("")) == ["a", "a/b", "b"]
        assert list(registry.repositories("a/")) == ["a/b"]


@pytest.mark.parametrize("last_status", [200, 403])
def test_every_page_of_a_catalog_is_read_or_none(last_status: int) -> None:
    pages = {"": ["a/1", "a/2"], "a/2": ["a/3", "b/1"], "b/1": ["b/2"]}

    def handle(request: Received) -> None:
        (last,) = parse_qs(urlsplit(request.target).query).get("last", [""])
        names, following = pages[last], {"": "a/2", "a/2": "b/1"}.get(last)
        link = {"Link": f'</v2/_catalog?n=2&last={following}>; rel="next"'} if following else {}
        request.answer(200 if following else last_status, json.dumps({"repositories": names}).encode(), **link)

    with raw_server(handle) as server, client(server.host) as registry:
        if last_status == 200:
            assert list(registry.repositories("")) == ["a/1", "a/2", "a/3", "b/1", "b/2"]
            assert list(registry.repositories("b/")) == ["b/1", "b/2"]
        else:
            with pytest.raises(RegistryError) as caught:
                sorted(registry.repositories(""))
            assert caught.value.code == "pull_denied"


# Proxies and the environment


def test_a_proxy_gets_its_own_password_and_the_registry_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    told = Told()
    with raw_server(resolved) as proxy:
        access = {"proxy": f"http://me:pr0xy-s3cret@{proxy.host}"}
        with client("registry.example.com", told=told, **access) as registry:
            assert registry.repository("a").resolve("1") is not None
        request = proxy.requests[0]
    assert request.target == "http://registry.example.com/v2/a/manifests/1"
    assert request.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"me:pr0xy-s3cret").decode()
    assert "pr0xy-s3cret" in told.secrets


@pytest.mark.parametrize(("status", "tries"), [(407, 1), (403, 1), (502, QUICK.attempts)])
def test_a_proxy_that_refuses_a_tunnel(status: int, tries: int) -> None:
    with raw_server(lambda request: request.answer(status)) as proxy:
        options = {"plain_http": False, "proxy": f"http://me:s3cret@{proxy.host}"}
        with client("registry.example.com", **options) as registry, pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert [(r.method, r.target) for r in proxy.requests] == [("CONNECT", "registry.example.com:443")] * tries
    assert caught.value.code == "connection_failed"
    assert "proxy" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_environments_proxy_is_used_and_no_proxy_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(resolved) as proxy, raw_server(resolved) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with client("registry.example.com") as registry:
            registry.repository("a").resolve("1")
        with client(server.host) as registry:
            registry.repository("a").resolve("1")
        assert (len(proxy.requests), len(server.requests)) == (1, 1)


def test_docker_hub_has_an_address_of_its_own() -> None:
    with raw_server(resolved) as proxy, client("docker.io", proxy=proxy.url) as registry:
        registry.repository("library/nginx").resolve("1")
        assert registry.repository("library/nginx").name == "docker.io/library/nginx"
        assert proxy.requests[0].target == "http://registry-1.docker.io/v2/library/nginx/manifests/1"
        assert proxy.requests[0].headers["host"] == "registry-1.docker.io"


def test_socks_needs_its_library() -> None:
    address = {"proxy": "socks5://127.0.0.1:1"}
    with client("registry.example.com", **address) as registry, pytest.raises((InputError, RegistryError)):
        registry.repository("a").resolve("1")


def test_netrc_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\ndefault login me password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    netrc.rename(tmp_path / ".netrc")
    with raw_server(lambda request: with_basic(request) and resolved(request)) as server:
        with client(server.host) as registry, pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert caught.value.code == "no_credentials"
        assert not [r for r in server.requests if "authorization" in r.headers]
