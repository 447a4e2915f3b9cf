# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads to a registry that breaks them off in every way."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ContentError,
    ImageOpsError,
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import (
    Descriptor,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.blob_upload import LOOKS
from helpers.raw_server import HASTY, QUICK, Received, Told, client, raw_server
from helpers.uploads import BLOCK, DATA, Reader, Source, Uploads, blob, upload


@pytest.mark.parametrize("data", [b"", b"x", b"x" * BLOCK, b"x" * (BLOCK + 1), DATA])
def test_a_blob_is_one_put(data: bytes) -> None:
    server, source = Uploads(), Source(data)
    with raw_server(server) as running, client(running.host) as registry:
        repository = registry.repository("a")
        session = repository.mount_blob(blob(data))
        assert session is not None
        repository.put_blob(blob(data), source.open_at, session)
        assert server.blobs == {str(Digest.of(data)): data}
        assert repository.mount_blob(blob(data)) is None
        assert server.log == ["POST", "PUT", "POST"]
        assert registry.counters().bytes_written == len(data)
    assert source.offsets == [0]
    assert source.readers[0].closed


def test_a_registry_that_cannot_mount_is_asked_once() -> None:
    server = Uploads()
    server.can_mount = False
    with raw_server(server) as running, client(running.host) as registry:
        for _ in range(2):
            assert registry.repository("a").mount_blob(blob()) is not None
        assert registry.repository("a").mount_blob(blob(), "b") is not None
        assert registry.repository("a").mount_blob(blob(), "b") is not None
    assert server.log == ["POST", "HEAD", "POST", "HEAD", "POST", "POST", "HEAD", "POST", "HEAD", "POST"]


def test_a_mount_that_fails_because_nothing_may_be_written_is_not_held_against_mounting() -> None:
    allowed = threading.Event()

    def handle(request: Received) -> object:
        if request.method == "POST" and not allowed.is_set():
            return request.answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}')
        return server(request)

    server = Uploads()
    with raw_server(handle) as running, client(running.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").mount_blob(blob())
        assert caught.value.code == "destination_missing"
        allowed.set()
        registry.repository("b").mount_blob(blob())
        assert server.log[-1] == "POST"
        assert server.log.count("HEAD") == 1


@pytest.mark.parametrize("location", ["/upload/{}?_state=x", "upload/{}?_state=x", "other/path/{}?_state=a%2Bb"])
def test_locations_of_every_form(location: str) -> None:
    server, source = Uploads(), Source()
    server.location = location
    upload(server, source)
    assert server.blobs


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("kept", [True, False])
def test_a_closing_answer_that_is_an_error(status: int, kept: bool) -> None:
    server, source = Uploads(), Source()

    def lose(request: Received) -> object:
        if len(server.log) > 2:
            return None
        body = request.body()
        if kept:
            server.blobs[str(Digest.of(DATA))] = body
        request.answer(status)
        return "answered"

    server.on_put = lose
    upload(server, source)
    looks = [] if status == 500 else ["HEAD"] if kept else ["HEAD"] * LOOKS
    again = [] if looks == ["HEAD"] else ["POST", "PUT"]
    assert server.log == ["POST", "PUT", *looks, *again]
    assert server.blobs == {str(Digest.of(DATA)): DATA}
    assert source.offsets == ([0] if looks == ["HEAD"] else [0, 0])


@pytest.mark.parametrize("how", ["close", "reset", "silence"])
def test_a_closing_answer_that_is_lost(how: str) -> None:
    server, source = Uploads(), Source()

    def lose(request: Received) -> object:
        server.blobs[str(Digest.of(DATA))] = request.body()
        if how == "silence":
            request.stopped.wait(30)
        if how == "reset":
            request.reset()
        return "close"

    server.on_put = lose
    upload(server, source, settings=HASTY)
    assert server.log == ["POST", "PUT", "HEAD"]
    assert source.offsets == [0]


def test_a_registry_that_stores_for_long_is_waited_for() -> None:
    data = DATA * 20  # more than two seconds' worth at the pace that a registry is given

    def take_long(request: Received) -> object:
        body = request.body()
        request.stopped.wait(3 * HASTY.timeout)
        server.blobs[str(Digest.of(data))] = body
        request.answer(201)
        return "answered"

    server, source = Uploads(), Source(data)
    server.on_put = take_long
    upload(server, source, settings=HASTY, data=data)
    assert server.log == ["POST", "PUT"]


@pytest.mark.parametrize("how", ["close", "reset", "stall", "vanish"])
def test_an_upload_that_breaks_begins_anew(how: str) -> None:
    server, source = Uploads(), Source(DATA * 20)

    def break_off(request: Received) -> object:
        if len(server.log) > 2:
            return None
        request.read(100_000)
        if how == "reset":
            request.reset()
        if how == "stall":
            request.stopped.wait(30)
        if how == "vanish":
            server.sessions.clear()
            return None
        return "close"

    server.on_put = break_off
    upload(server, source, settings=HASTY, data=DATA * 20)
    # Where much went out, into the socket at least, the registry is asked what it has of it.
    assert [method for method in server.log if method != "GET"] == ["POST", "PUT", "POST", "PUT"]
    assert source.offsets == [0, 0]
    assert all(reader.closed for reader in source.readers)
    assert len(server.blobs) == 1


@pytest.mark.parametrize("status", [401, 413, 403, 500])
def test_an_answer_in_the_middle_of_a_body_stops_it(status: int) -> None:
    data = bytes(50_000_000)
    server, source = Uploads(), Source(data)
    taken: list[int] = []
    strays: list[bytes] = []

    def refuse(request: Received) -> object:
        taken.append(len(request.read(100_000)))
        request.answer(status)
        # Go on reading, as a patient proxy does: the client has to stop by itself.
        while sum(taken) < request.length and (block := request.sock.recv(BLOCK)):
            taken.append(len(block))
            strays.append(block.strip(b"\x00"))
        return "close"

    server.on_put = server.on_patch = refuse
    with raw_server(server) as running, client(running.host, settings=QUICK) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").put_blob(blob(data), source.open_at)
        assert caught.value.status == status
        assert sum(taken) < 5_000_000 * max(1, server.log.count("PUT") + server.log.count("PATCH"))
    running.wait_for_the_end()
    puts = [request.connection for request in running.requests if request.method in ("PUT", "PATCH")]
    assert len(puts) == len(set(puts))
    assert not any(strays), "a connection with half a body on it was used again"


def test_closed_connections_do_not_make_for_more_uploads() -> None:
    server, source = Uploads(), Source()
    server.on_put = lambda request: "close"
    with pytest.raises(RegistryError):
        upload(server, source, settings=QUICK)
    assert server.log.count("PUT") == QUICK.retry.attempts


@pytest.mark.parametrize(("how", "looks"), [("close", 1), ("gives up", LOOKS)])
def test_attempts_are_counted(how: str, looks: int) -> None:
    server, source = Uploads(), Source()

    def lose(request: Received) -> object:
        request.body()
        if how == "close":
            return how
        request.answer(504)
        return "answered"

    server.on_put = lose
    told = Told()
    with pytest.raises(RegistryError) as caught:
        upload(server, source, told=told)
    assert caught.value.transient
    assert len(source.offsets) == QUICK.retry.attempts
    assert server.log.count("HEAD") == looks * QUICK.retry.attempts
    assert len(told.log) == QUICK.retry.attempts - 1


@pytest.mark.parametrize("code", ["DENIED", "NAME_UNKNOWN"])
def test_what_is_refused_is_not_sent_again(code: str) -> None:
    server, source = Uploads(), Source()
    status = 403 if code == "DENIED" else 404

    def refuse(request: Received) -> object:
        request.body()
        request.answer(status, f'{{"errors":[{{"code":"{code}"}}]}}'.encode())
        return "answered"

    server.on_put = refuse
    with pytest.raises(RegistryError) as caught:
        upload(server, source)
    assert caught.value.code == ("push_denied" if code == "DENIED" else "destination_missing")
    if code == "DENIED":
        assert source.offsets == [0]


def test_a_digest_that_the_registry_makes_up() -> None:
    server, source = Uploads(), Source()

    def lie(request: Received) -> object:
        request.body()
        request.answer(201, Docker_Content_Digest="sha256:" + "0" * 64)
        return "answered"

    server.on_put = lie
    with pytest.raises(RegistryError) as caught:
        upload(server, source, settings=HASTY)
    assert caught.value.code == "digest_mismatch"


@pytest.mark.parametrize("said", [f"sha256:{hashlib.sha256(DATA).hexdigest()}", "none of your business"])
def test_a_registry_may_count_in_another_algorithm_than_we_do(said: str) -> None:
    server, source = Uploads(), Source()
    named = Descriptor("application/octet-stream", Digest.of(DATA, "sha512"), len(DATA))

    def store(request: Received) -> object:
        request.body()
        request.answer(201, Docker_Content_Digest=said)
        return "answered"

    server.on_put = store
    with raw_server(server) as running, client(running.host) as registry:
        registry.repository("a").put_blob(named, source.open_at)
    assert server.log == ["POST", "PUT"]


class Bad(Source):
    """Its readers find after some blocks that the content is wrong."""

    def __init__(self, blocks: int, error: Exception) -> None:
        super().__init__()
        self.blocks = blocks
        self.error = error

    def open_at(self, offset: int) -> Reader:
        outer = self

        class Failing(Reader):
            def __iter__(self) -> Iterator[bytes]:
                for _ in range(outer.blocks):
                    yield b"x" * BLOCK
                raise outer.error

        self.readers.append(Failing(b""))
        return self.readers[-1]


@pytest.mark.parametrize("blocks", [0, 1, 5])
@pytest.mark.parametrize(
    "error",
    [
        ContentError(code="digest_mismatch", action="read", subject="x", cause="other bytes"),
        RegistryError(code="timeout", action="read", subject="x", cause="stalled", transient=True),
    ],
)
def test_what_the_reader_raises_comes_through_and_nothing_is_stored(blocks: int, error: ImageOpsError) -> None:
    server, source = Uploads(), Bad(blocks, error)
    received = threading.Event()

    def watch(request: Received) -> object:
        request.body()
        received.set()
        return None if len(request.buffered) else "close"

    server.on_put = watch
    with raw_server(server) as running, client(running.host) as registry:
        with pytest.raises(ImageOpsError) as caught:
            registry.repository("a").put_blob(blob(), source.open_at)
        assert caught.value is error
        if blocks:
            assert received.wait(10)
    running.wait_for_the_end()
    assert ("PUT" in server.log) == bool(blocks)  # when nothing came the session is as good as new
    assert not server.blobs
    assert source.readers[0].closed


@pytest.mark.parametrize("difference", [-1, 1, BLOCK, -BLOCK])
def test_a_reader_of_another_length(difference: int) -> None:
    data = DATA[:difference] if difference < 0 else DATA + b"x" * difference
    server = Uploads()
    server.on_put = lambda request: "close" if len(request.body()) < request.length else None
    with pytest.raises(ContentError) as caught:
        upload(server, Source(data))
    assert caught.value.code == "size_mismatch"
    assert not server.blobs


# Where authorization goes


def test_a_location_on_another_host_gets_no_password() -> None:
    server = Uploads()

    def registry_side(request: Received) -> object:
        if "authorization" not in request.headers:
            return request.answer(401, b"", WWW_Authenticate='Basic realm="r"')
        return server(request)

    with raw_server(server) as away, raw_server(registry_side) as home:
        server.location = away.url + "/upload/{}?_state=x"
        with client(home.host, credential=Credential("user", "password")) as registry:
            registry.repository("a").put_blob(blob(), Source().open_at)
        assert server.blobs
        assert [(request.method, "authorization" in request.headers) for request in away.requests] == [("PUT", False)]


def test_a_password_refused_for_the_body_is_renewed_with_a_new_session() -> None:
    server, source = Uploads(), Source()
    answers = iter([401])

    def registry_side(request: Received) -> object:
        if request.target.startswith("/token"):
            return request.answer(200, b'{"token":"t%d","expires_in":300}' % len(home.requests))
        if "authorization" not in request.headers or (request.method == "PUT" and next(answers, None)):
            request.answer(401, b"", WWW_Authenticate=f'Bearer realm="{home.url}/token",service="s"')
            return "close"
        return server(request)

    with raw_server(registry_side) as home, client(home.host, settings=HASTY) as registry:
        registry.repository("a").put_blob(blob(), source.open_at)
    assert server.log == ["POST", "POST", "PUT"]
    assert source.offsets == [0, 0]
