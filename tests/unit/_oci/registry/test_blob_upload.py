# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads to a registry that breaks them off in every way, and manifests whose answers get lost."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from typing import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.quirks import CHUNK
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryBudget
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ContentError,
    ImageOpsError,
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import (
    Descriptor,
    Manifest,
    parse_manifest,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.media_types import OCI_MANIFEST
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.blob_upload import LOOKS
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import MissingContent
from helpers.raw_server import HASTY, QUICK, Received, Told, client, raw_server

DATA = bytes(range(256)) * 4000  # about 1 MB
BLOCK = 65536


def blob(data: bytes = DATA) -> Descriptor:
    return Descriptor("application/octet-stream", Digest.of(data), len(data))


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), BLOCK):
            yield self.data[start : start + BLOCK]

    def close(self) -> None:
        self.closed = True


class Source:
    """Gives readers and remembers from where."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.offsets: list[int] = []
        self.readers: list[Reader] = []

    def open_at(self, offset: int) -> Reader:
        self.offsets.append(offset)
        self.readers.append(Reader(self.data[offset:]))
        return self.readers[-1]


class Uploads:
    """Enough of a registry to take blobs. ``on_put`` and ``on_patch`` may answer in its stead.

    :ivar largest: refuse larger bodies with 413, before they are read
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.sessions: dict[str, bytes] = {}
        self.on_put: Callable[[Received], object] = lambda request: None
        self.on_patch: Callable[[Received], object] = lambda request: None
        self.location = "/upload/{}?_state=a%3D"
        self.largest = 10**12
        self.can_mount = True
        self.log: list[str] = []

    def __call__(self, request: Received) -> object:
        path = urlsplit(request.target).path
        query = parse_qs(urlsplit(request.target).query)
        self.log.append(request.method)
        if request.method == "HEAD":
            return request.answer(200 if path.rpartition("/")[2] in self.blobs else 404)
        if request.method == "POST":
            return self.begin(request, query)
        if request.length > self.largest:
            request.answer(413, b"<html>Request Entity Too Large</html>")
            return "close"
        hook = {"PUT": self.on_put, "PATCH": self.on_patch}.get(request.method)
        done = hook(request) if hook else None
        if done:
            return done
        return self.take(request, path.rpartition("/")[2], query)

    def begin(self, request: Received, query: dict[str, list[str]]) -> None:
        if "mount" in query:
            if not self.can_mount:
                return request.answer(404)
            if query["mount"][0] in self.blobs:
                return request.answer(201)
        name = str(len(self.sessions))
        self.sessions[name] = b""
        return request.answer(202, Location=self.location.format(name))

    def take(self, request: Received, name: str, query: dict[str, list[str]]) -> None:
        if name not in self.sessions:
            return request.answer(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
        if request.method == "GET":
            end = max(0, len(self.sessions[name]) - 1)
            return request.answer(204, Range=f"0-{end}", Location=self.location.format(name))
        assert request.headers["content-length"]
        assert "_state" in query
        self.sessions[name] += request.body()
        if request.method == "PATCH":
            return request.answer(202, Location=self.location.format(name))
        data = self.sessions.pop(name)
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if query["digest"] != [digest]:
            return request.answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
        self.blobs[digest] = data
        return request.answer(201, Docker_Content_Digest=digest)


def upload(
    server: Uploads, source: Source, *, settings: Settings = QUICK, told: Told | None = None, data: bytes = DATA
) -> None:
    with raw_server(server) as running, client(running.host, settings=settings, told=told) as registry:
        registry.repository("a").put_blob(blob(data), source.open_at)


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
        assert registry.stats.bytes_written == len(data)
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
    assert server.log.count("PUT") == QUICK.attempts


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
    assert caught.value.code == "retry_budget"
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
    assert len(source.offsets) == QUICK.attempts
    assert server.log.count("HEAD") == looks * QUICK.attempts
    assert len(told.log) == QUICK.attempts - 1


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


# Manifests


def image(subject: str = "") -> Manifest:
    config = f'{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{Digest.of(b"{}")}","size":2}}'
    more = f',"subject":{{"mediaType":"{OCI_MANIFEST}","digest":"{subject}","size":5}}' if subject else ""
    return parse_manifest(
        f'{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config},"layers":[]{more}}}'.encode(), OCI_MANIFEST
    )


class Manifests:
    """Enough of a registry to keep manifests."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.log: list[str] = []
        self.on_put: Callable[[Received], object] = lambda request: None
        self.lists_referrers = False

    def __call__(self, request: Received) -> object:
        self.log.append(request.method)
        ref = request.target.rpartition("/")[2]
        if request.method == "PUT":
            body = request.body()
            done = self.on_put(request)
            if not done or done == "lost":
                for name in (ref, str(Digest.of(body))):
                    self.kept[name], self.types[name] = body, request.headers["content-type"]
            if done:
                return "close" if done == "lost" else done
            more = {"OCI_Subject": "x"} if self.lists_referrers else {}
            return request.answer(201, Docker_Content_Digest=str(Digest.of(body)), **more)
        if ref not in self.kept or "/manifests/" not in request.target:
            return request.answer(404)
        digest = str(Digest.of(self.kept[ref]))
        return request.answer(200, self.kept[ref], Content_Type=self.types[ref], Docker_Content_Digest=digest)


@pytest.mark.parametrize("tag", ["latest", None])
def test_a_manifest_is_one_put(tag: str | None) -> None:
    server, made = Manifests(), image()
    with raw_server(server) as running, client(running.host) as registry:
        assert registry.repository("a").put_manifest(made, tag) == made.digest
        assert running.requests[0].headers["content-type"] == OCI_MANIFEST
    assert server.log == ["PUT"]
    assert server.kept[tag or str(made.digest)] == made.raw


def test_a_manifest_whose_answer_is_lost_is_not_put_twice() -> None:
    server, made = Manifests(), image()
    server.on_put = lambda request: "lost"
    with raw_server(server) as running, client(running.host) as registry:
        assert registry.repository("a").put_manifest(made, "latest") == made.digest
    assert server.log == ["PUT", "HEAD"]


def test_a_manifest_that_did_not_arrive_is_put_again() -> None:
    server, made = Manifests(), image()

    def refuse(request: Received) -> object:
        if server.log.count("PUT") > 1:
            return None
        request.answer(503)
        return "answered"

    server.on_put = refuse
    with raw_server(server) as running, client(running.host) as registry:
        registry.repository("a").put_manifest(made, "latest")
    assert server.log == ["PUT", "HEAD", "PUT"]


@pytest.mark.parametrize("kept", [False, True])
def test_a_manifest_that_arrived_as_other_bytes_is_put_again(kept: bool) -> None:
    """Where several write one at once, docker-registry says so of the others' bytes."""
    server, made = Manifests(), image()

    def refuse(request: Received) -> object:
        if server.log.count("PUT") > 1:
            return None
        if kept:
            server.kept["latest"], server.types["latest"] = made.raw, OCI_MANIFEST
        request.answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
        return "answered"

    server.on_put = refuse
    with raw_server(server) as running, client(running.host) as registry:
        registry.repository("a").put_manifest(made, "latest")
    assert server.log == ["PUT", "HEAD"] if kept else ["PUT", "HEAD", "PUT"]
    assert server.kept["latest"] == made.raw


@pytest.mark.parametrize("padding", [0, 50, 90, 95, 140, 190, 195, 290, 295])
def test_a_secret_in_a_header_is_masked_before_it_is_cut(padding: int) -> None:
    secret = "Mellon-secret"
    digest = "x" * padding + secret

    def handle(request: Received) -> None:
        headers = {} if request.method == "POST" else {"Docker_Content_Digest": digest}
        request.answer(202 if request.method == "POST" else 200, Location="/upload/1", **headers)

    seen = []
    with (
        raw_server(handle) as running,
        client(running.host, settings=HASTY, mask=lambda text: text.replace(secret, "***")) as registry,
    ):
        for call in (
            lambda: registry.repository("a").resolve("latest"),
            lambda: registry.repository("a").manifest("latest"),
        ):
            with pytest.raises(ImageOpsError) as caught:
                call()
            seen.append(str(caught.value))
    assert all("digest" in text and "Mel" not in text for text in seen), seen


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (str(Digest.of(image().raw, "sha512")), image().digest),
        ("sha256:" + "0" * 64, Digest("sha256", "0" * 64)),
        ("no digest", None),
    ],
)
def test_what_a_registry_says_that_a_manifest_is(said: str, found: Digest | None) -> None:
    server = Manifests()

    def store(request: Received) -> object:
        request.answer(201, Docker_Content_Digest=said)
        return "answered"

    server.on_put = store
    with raw_server(server) as running, client(running.host) as registry:
        assert registry.repository("a").put_manifest(image(), "latest") == found


def test_a_manifest_that_names_what_is_missing() -> None:
    server = Manifests()

    def refuse(request: Received) -> object:
        request.answer(400, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}')
        return "answered"

    server.on_put = refuse
    with raw_server(server) as running, client(running.host) as registry, pytest.raises(MissingContent):
        registry.repository("a").put_manifest(image(), "latest")


def test_referrers_are_listed_where_the_registry_does_not() -> None:
    server = Manifests()
    subject = Digest.of(b"image")
    with raw_server(server) as running, client(running.host) as registry:
        repository = registry.repository("a")
        made = image(str(subject))
        repository.put_manifest(made)
        assert repository.needs_listing(made)
        assert repository.referrers(subject) == []
        repository.list_referrer(made)
        assert not repository.needs_listing(made)
        assert [found.digest for found in repository.referrers(subject)] == [made.digest]
        assert f"sha256-{subject.encoded}" in server.kept
        assert len([r for r in running.requests if "/referrers/" in r.target]) == 1


def test_referrers_are_not_listed_where_the_registry_does() -> None:
    server = Manifests()
    server.lists_referrers = True
    with raw_server(server) as running, client(running.host) as registry:
        made = image(str(Digest.of(b"image")))
        registry.repository("a").put_manifest(made)
        assert not registry.repository("a").needs_listing(made)
        assert not registry.repository("a").needs_listing(image())


@pytest.mark.parametrize("status", [400, 405])
def test_a_registry_that_deletes_nothing(status: int) -> None:
    with raw_server(lambda request: request.answer(status)) as running, client(running.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").delete_tag("old")
        assert caught.value.code == "unsupported"


@pytest.mark.parametrize("status", [202, 404])
def test_what_is_gone_is_deleted(status: int) -> None:
    with raw_server(lambda request: request.answer(status)) as running, client(running.host) as registry:
        registry.repository("a").delete_manifest(Digest.of(b"x"))
        assert re.fullmatch(r"/v2/a/manifests/sha256:[0-9a-f]{64}", running.requests[0].target)
