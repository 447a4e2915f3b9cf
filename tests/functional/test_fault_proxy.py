# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault proxy itself: each fault is what it says, and without rules nothing differs."""

from __future__ import annotations

import hashlib
import http.client
import socket
import threading
from contextlib import suppress
from typing import Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient, Refused
from support.clients.skopeo import independent_digest
from support.faults.actions import (
    Answer,
    ChangeHeaders,
    ChangeLocation,
    CutRequest,
    CutResponse,
    Drip,
    DropRequestHeaders,
    FlipRequest,
    FlipResponse,
    HoldAnswer,
    HoldRequest,
    Lengthen,
    LoseAnswer,
    NoLength,
    OneOf,
    PagedTags,
    Redirect,
    ReplaceBody,
    Shorten,
    StallRequest,
    StallResponse,
    error_answer,
)
from support.faults.fault_proxy import Action, FaultProxy
from support.faults.proxy_server import fault_proxy
from support.scenes import images
from support.scenes.images import Blob
from support.servers.ports import dead_host, silent_host
from support.servers.processes import wait_until
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
Faulty = Callable[..., FaultProxy]
SIZE = 300_000


@pytest.fixture
def proxy(servers: Servers, faulty: Faulty) -> FaultProxy:
    return faulty(servers.open.endpoint)


@pytest.fixture
def blob(proxy: FaultProxy, repository: str, servers: Servers, plain: Plain) -> Blob:
    """A blob that is in the registry behind the proxy."""
    made = images.random_blob(repository, SIZE)
    plain(servers.open.endpoint).push_blob(repository, made)
    return made


def blob_path(repository: str, blob: Blob) -> str:
    return f"/v2/{repository}/blobs/{blob.digest}"


# Without faults


def test_all_passes_unchanged(proxy: FaultProxy, repository: str, plain: Plain, servers: Servers) -> None:
    client = plain(proxy.endpoint)
    shapes = images.gallery(repository)
    for tag, image in shapes.items():
        client.push(repository, image, tag)
        assert client.manifest(repository, tag).body == image.manifest
        assert plain(servers.open.endpoint).manifest(repository, tag).body == image.manifest
        for digest, blob in image.all_blobs().items():
            assert client.blob(repository, digest).body == blob.data
    assert independent_digest(proxy.endpoint, repository, "oci-index") == shapes["oci-index"].digest
    assert not [record for record in proxy.records() if record.faults or record.cut]


@pytest.mark.parametrize("name", ["htpasswd", "token", "tls", "zuul"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_it_stands_before_every_kind(
    servers: Servers, name: str, encrypted: bool, repository: str, plain: Plain, faulty: Faulty
) -> None:
    proxy = faulty(servers.kind(name).endpoint, certificate=servers.certificate if encrypted else None)
    image = images.multi_arch(repository)
    plain(proxy.endpoint).push(repository, image, "tag")
    assert independent_digest(proxy.endpoint, repository, "tag") == image.digest


def test_a_proxy_that_forgets_how_it_was_reached(
    servers: Servers, repository: str, plain: Plain, faulty: Faulty
) -> None:
    for forwarded, scheme in ((True, "https"), (False, "http")):
        proxy = faulty(servers.open.endpoint, certificate=servers.certificate, forwarded_proto=forwarded)
        started = plain(proxy.endpoint).request("POST", f"/v2/{repository}/blobs/uploads/")
        assert started.headers["location"].startswith(f"{scheme}://{proxy.host}/")


def test_it_writes_down_what_passes(proxy: FaultProxy, repository: str, blob: Blob, plain: Plain) -> None:
    plain(proxy.endpoint).request("GET", blob_path(repository, blob), headers={"X-Test": "planted secret"})
    plain(proxy.endpoint).request("HEAD", blob_path(repository, blob))
    plain(proxy.endpoint).push_blob(repository, Blob(b"12345", "text/plain"))
    read, asked, *_, put = proxy.records()
    assert (read.status, read.response_bytes, read.headers["x-test"]) == (200, SIZE, "planted secret")
    assert (asked.status, asked.response_bytes) == (200, 0)
    assert (put.method, put.status, put.request_bytes) == ("PUT", 201, 5)
    assert proxy.leaks("planted secret") == [read]
    assert proxy.counts()["GET", "blob"] == 1


def test_without_a_registry_it_only_records(faulty: Faulty, plain: Plain) -> None:
    recorder = faulty()
    answer = plain(recorder.endpoint).request(
        "PUT", "/anything", body=b"12345", headers={"Authorization": "Basic eA=="}
    )
    assert answer.status == 404
    assert recorder.leaks("eA==")[0].request_bytes == 5


def test_it_comes_to_terms_with_a_registry_that_is_gone(faulty: Faulty, plain: Plain) -> None:
    with dead_host() as host:
        assert plain(faulty(Endpoint(host)).endpoint).request("GET", "/v2/").status == 502


# When


def test_rules_choose_by_method_target_and_number(proxy: FaultProxy, plain: Plain) -> None:
    client = plain(proxy.endpoint)
    rule = proxy.add(Answer(503), method="GET", target=r"^/v2/$", skip=1, times=2)
    assert client.request("HEAD", "/v2/").status == 200
    assert [client.request("GET", "/v2/").status for _ in range(5)] == [200, 503, 503, 200, 200]
    assert rule.hits == 2
    assert [record.faults for record in proxy.records()].count(("Answer",)) == 2


def test_rules_may_hit_a_share(servers: Servers, faulty: Faulty, plain: Plain) -> None:
    def statuses(seed: int) -> list[int]:
        proxy = faulty(servers.open.endpoint, seed=seed)
        proxy.add(OneOf([Answer(500), Answer(502)], seed=seed), times=None, share=0.3)
        client = plain(proxy.endpoint)
        return [client.request("GET", "/v2/").status for _ in range(60)]

    found = statuses(1)
    assert {200, 500, 502} == set(found)
    assert 8 <= 60 - found.count(200) <= 30
    assert found == statuses(1) != statuses(2)


# Answers


def test_fixed_answers(proxy: FaultProxy, plain: Plain) -> None:
    proxy.add(error_answer(429, "TOOMANYREQUESTS", headers={"Retry-After": "7"}))
    answer = plain(proxy.endpoint).request("GET", "/v2/")
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert answer.json()["errors"][0]["code"] == "TOOMANYREQUESTS"


def test_an_answer_without_end(proxy: FaultProxy) -> None:
    proxy.add(Answer(200, body=lambda: iter(lambda: b"x" * 65536, b"")))
    connection = http.client.HTTPConnection(proxy.host, timeout=20)
    connection.request("GET", "/v2/")
    assert len(connection.getresponse().read(10_000_000)) == 10_000_000
    connection.close()


def test_an_answer_before_the_body_is_sent(proxy: FaultProxy, repository: str) -> None:
    proxy.add(Answer(413, after=100_000), method="PUT")
    with socket.create_connection(proxy.host.split(":"), timeout=20) as connection:  # type: ignore[arg-type]
        head = (
            f"PUT /v2/{repository}/blobs/uploads/1 HTTP/1.1\r\nHost: {proxy.host}\r\nContent-Length: 900000000\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * 150_000)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in answer
    assert wait_until(lambda: proxy.records()[0].finished, "end of the request")
    assert 100_000 <= proxy.records()[0].request_bytes <= 150_000


def test_an_answer_although_it_was_done(proxy: FaultProxy, repository: str, plain: Plain, servers: Servers) -> None:
    proxy.add(Answer(504, reach=True), method="PUT")
    blob = images.random_blob(repository, 1000)
    with pytest.raises(Refused, match="504"):
        plain(proxy.endpoint).push_blob(repository, blob)
    assert plain(servers.open.endpoint).has_blob(repository, blob.digest)


def test_redirects(proxy: FaultProxy, repository: str, blob: Blob, plain: Plain, servers: Servers) -> None:
    proxy.add(Redirect(servers.open.endpoint.url))
    answer = plain(proxy.endpoint).blob(repository, blob.digest)
    assert answer.status == 307
    assert answer.headers["location"] == servers.open.endpoint.url + blob_path(repository, blob)


# Connections


@pytest.mark.parametrize("reset", [False, True])
def test_answers_that_break_off(proxy: FaultProxy, repository: str, blob: Blob, plain: Plain, reset: bool) -> None:
    proxy.add(CutResponse(after=100_000, reset=reset), method="GET")
    expected = (ConnectionResetError,) if reset else (http.client.IncompleteRead,)
    with pytest.raises((*expected, http.client.IncompleteRead)):
        plain(proxy.endpoint).blob(repository, blob.digest)
    assert (proxy.records()[0].cut, proxy.records()[0].response_bytes) == (True, 100_000)
    assert plain(proxy.endpoint).blob(repository, blob.digest).body == blob.data


@pytest.mark.parametrize("reset", [False, True])
def test_requests_that_break_off(
    proxy: FaultProxy, repository: str, plain: Plain, servers: Servers, reset: bool
) -> None:
    proxy.add(CutRequest(after=100_000, reset=reset), method="PUT")
    blob = images.random_blob(repository, 20_000_000)
    with pytest.raises((OSError, http.client.HTTPException)):
        plain(proxy.endpoint).push_blob(repository, blob)
    assert not plain(servers.open.endpoint).has_blob(repository, blob.digest)
    plain(proxy.endpoint).push_blob(repository, blob)


@pytest.mark.parametrize("action", [CutRequest(), CutRequest(reset=True), LoseAnswer(), LoseAnswer(reset=True)])
def test_no_answer_at_all(proxy: FaultProxy, plain: Plain, action: Action) -> None:
    proxy.add(action)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        plain(proxy.endpoint).request("GET", "/v2/")
    assert proxy.records()[0].status is None


def test_a_lost_answer_was_done(proxy: FaultProxy, repository: str, plain: Plain, servers: Servers) -> None:
    proxy.add(LoseAnswer(), method="PUT")
    blob = images.random_blob(repository, 1000)
    with pytest.raises(http.client.RemoteDisconnected):
        plain(proxy.endpoint).push_blob(repository, blob)
    assert plain(servers.open.endpoint).has_blob(repository, blob.digest)


@pytest.mark.parametrize("action", [StallResponse(after=100_000), HoldAnswer(), HoldRequest()])
def test_stalls_end_when_released(proxy: FaultProxy, repository: str, blob: Blob, action: Action) -> None:
    proxy.add(action, method="GET")
    received: list[int] = []

    def read() -> None:
        connection = http.client.HTTPConnection(proxy.host, timeout=20)
        connection.request("GET", blob_path(repository, blob))
        answer = connection.getresponse()
        while block := answer.read1(65536):
            received.append(len(block))
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    expected = 100_000 if isinstance(action, StallResponse) else 0
    proxy.wait_for(method="GET")
    wait_until(lambda: sum(received) == expected, "stall")
    reader.join(0.05)
    assert reader.is_alive()
    proxy.release()
    reader.join(20)
    assert sum(received) == SIZE


def test_uploads_stall_until_released(proxy: FaultProxy, repository: str, plain: Plain) -> None:
    proxy.add(StallRequest(after=50_000), method="PUT")
    blob = images.random_blob(repository, SIZE)
    client = plain(proxy.endpoint)
    writer = threading.Thread(target=client.push_blob, args=(repository, blob))
    writer.start()
    proxy.wait_for(method="PUT")
    writer.join(0.05)
    assert writer.is_alive()
    proxy.release()
    writer.join(20)
    assert client.has_blob(repository, blob.digest)


def test_the_end_of_a_proxy_ends_what_stalls(servers: Servers) -> None:
    with fault_proxy(servers.open.endpoint) as proxy:
        proxy.add(HoldRequest())
        host, _, port = proxy.host.partition(":")
        connection = socket.create_connection((host, int(port)), timeout=20)
        connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
        proxy.wait_for()
    with connection, suppress(ConnectionError):
        while connection.recv(65536):
            pass


# Bytes


@pytest.mark.parametrize("at", [0, 65536, SIZE - 1])
def test_one_flipped_bit(proxy: FaultProxy, repository: str, blob: Blob, plain: Plain, at: int) -> None:
    proxy.add(FlipResponse(at), method="GET")
    body = plain(proxy.endpoint).blob(repository, blob.digest).body
    assert [place for place in range(SIZE) if body[place] != blob.data[place]] == [at]


def test_a_flipped_bit_on_the_way_in(proxy: FaultProxy, repository: str, plain: Plain) -> None:
    proxy.add(FlipRequest(500), method="PUT")
    with pytest.raises(Refused, match="DIGEST_INVALID"):
        plain(proxy.endpoint).push_blob(repository, images.random_blob(repository, 1000))


@pytest.mark.parametrize(
    ("action", "change"),
    [
        (Shorten(1000), lambda data: data[:1000]),
        (Lengthen(b"more"), lambda data: data + b"more"),
        (ReplaceBody(b"other"), lambda data: b"other"),
        (NoLength(), lambda data: data),
        (NoLength(until_close=True), lambda data: data),
    ],
)
def test_other_bodies(
    proxy: FaultProxy,
    repository: str,
    blob: Blob,
    plain: Plain,
    action: Action,
    change: Callable[[bytes], bytes],
) -> None:
    proxy.add(action, method="GET")
    answer = plain(proxy.endpoint).blob(repository, blob.digest)
    assert answer.body == change(blob.data)
    assert answer.headers.get("content-length") == (None if isinstance(action, NoLength) else str(len(answer.body)))
    assert plain(proxy.endpoint).blob(repository, blob.digest).body == blob.data


def test_a_slow_drip(proxy: FaultProxy, plain: Plain) -> None:
    proxy.add(Drip(size=1, pause=0.001))
    assert plain(proxy.endpoint).request("GET", "/v2/").body == b"{}"


# Headers


def test_ranges_can_be_ignored(proxy: FaultProxy, repository: str, blob: Blob, plain: Plain) -> None:
    proxy.add(DropRequestHeaders(["Range"]), method="GET")
    statuses = [
        plain(proxy.endpoint).request("GET", blob_path(repository, blob), headers={"Range": "bytes=1000-"})
        for _ in range(2)
    ]
    assert [(answer.status, len(answer.body)) for answer in statuses] == [(200, SIZE), (206, SIZE - 1000)]


def test_a_login_is_asked_for_again(servers: Servers, repository: str, plain: Plain, faulty: Faulty) -> None:
    proxy = faulty(servers.token.endpoint)
    client = plain(proxy.endpoint)
    client.tags(repository)
    proxy.add(DropRequestHeaders(["Authorization"]))
    proxy.mark()
    client.tags(repository)
    assert [record.status for record in proxy.records()] == [401, 404]


def test_digest_headers_can_be_wrong_or_missing(proxy: FaultProxy, repository: str, plain: Plain) -> None:
    client = plain(proxy.endpoint)
    client.push(repository, images.image(repository), "tag")
    proxy.add(ChangeHeaders({"Docker-Content-Digest": "sha256:1"}), method="GET")
    assert client.manifest(repository, "tag").headers["docker-content-digest"] == "sha256:1"
    proxy.add(ChangeHeaders(drop=["docker-content-digest"]), method="GET")
    assert "docker-content-digest" not in client.manifest(repository, "tag").headers


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (ChangeLocation(scheme="https"), "https://{host}/v2/"),
        (ChangeLocation(netloc="other.example.com"), "http://other.example.com/v2/"),
        (ChangeLocation(relative=True), "/v2/"),
        (ChangeLocation(relative=True, prefix="/behind"), "/behind/v2/"),
        (ChangeLocation(query={"a": "b c"}), "http://{host}/v2/{repository}/blobs/uploads/{session}?a=b+c&_state="),
    ],
)
def test_locations_can_be_others(
    proxy: FaultProxy, repository: str, plain: Plain, action: Action, expected: str
) -> None:
    proxy.add(action, method="POST")
    started = plain(proxy.endpoint).request("POST", f"/v2/{repository}/blobs/uploads/")
    session = started.headers["docker-upload-uuid"]
    location = started.headers["location"]
    assert location.startswith(expected.format(host=proxy.host, repository=repository, session=session))


@pytest.mark.parametrize("action", [ChangeLocation(prefix="/behind"), ChangeLocation(relative=True, query={"a": "b"})])
def test_uploads_go_on_at_another_location(
    proxy: FaultProxy, repository: str, plain: Plain, action: Action, servers: Servers
) -> None:
    proxy.add(action, times=None)
    blob = images.random_blob(repository, 1000)
    plain(proxy.endpoint).push_blob(repository, blob)
    assert plain(servers.open.endpoint).blob(repository, blob.digest).body == blob.data


# Pages


def pages(client: PlainClient, path: str, most: int = 20) -> list[list[str]]:
    found: list[list[str]] = []
    while path and len(found) < most:
        answer = client.request("GET", path)
        found.append(answer.json()["tags"])
        link = answer.headers.get("link", "")
        path = link.partition(">")[0].lstrip("<").removeprefix(client.endpoint.url)
    return found


@pytest.mark.parametrize("absolute", [False, True])
def test_tags_come_in_pages(proxy: FaultProxy, repository: str, plain: Plain, absolute: bool) -> None:
    client = plain(proxy.endpoint)
    tags = [f"v{number}" for number in range(7)]
    client.push(repository, images.image(repository), *tags)
    proxy.add(PagedTags(3, absolute=absolute), target="/tags/list", times=None)
    path = f"/v2/{repository}/tags/list"
    assert pages(client, path) == [tags[:3], tags[3:6], tags[6:]]
    assert pages(client, f"{path}?n=1000") == [tags[:3], tags[3:6], tags[6:]]
    assert pages(client, f"{path}?n=2") == [tags[:2], tags[2:4], tags[4:6], tags[6:]]
    assert client.request("GET", "/v2/tests/no-such/tags/list").status == 404


def test_pages_may_be_hostile(proxy: FaultProxy, repository: str, plain: Plain) -> None:
    client = plain(proxy.endpoint)
    client.push(repository, images.image(repository), "a", "b")
    path = f"/v2/{repository}/tags/list"
    rule = proxy.add(PagedTags(2, loop=True), target="/tags/list", times=None)
    assert pages(client, path, most=5) == [["a", "b"]] * 5
    rule.times = 0
    proxy.add(PagedTags(2, refuse_n=True), target="/tags/list", times=None)
    assert client.request("GET", f"{path}?n=3").status == 400
    assert client.request("GET", path).json()["tags"] == ["a", "b"]


# Nobody there


def test_addresses_at_which_nobody_answers() -> None:
    with dead_host() as host, pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(host, timeout=20).request("GET", "/")
    with silent_host() as host:
        connection = http.client.HTTPConnection(host, timeout=0.05)
        connection.request("GET", "/")
        with pytest.raises(OSError, match="timed out"):
            connection.getresponse()
        connection.close()


def test_hashes_are_those_of_hashlib() -> None:
    blob = images.random_blob("x", 10)
    assert blob.digest == "sha256:" + hashlib.sha256(blob.data).hexdigest()
