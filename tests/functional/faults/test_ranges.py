# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large blobs that are read over several connections at once: what is asked for, and what goes wrong on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Ranges
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import Answer, ChangeHeaders, CutResponse, DropRequestHeaders, FlipResponse, StallResponse
from support.faults.fault_proxy import Action, FaultProxy, Request, Response
from support.scenes import images
from support.scenes.fault_scene import Scene, codes
from support.scenes.images import Blob
from support.scenes.runs import QUICK, Run
from support.servers.relays import http_relay
from support.servers.shared import Servers

LENGTH = 256 * 1024
SIZE = 10 * LENGTH - 1000
RANGED = replace(QUICK, ranges=Ranges(connections=4, above=LENGTH, ahead=4 * LENGTH))


@pytest.fixture
def large(scene: Scene) -> Blob:
    """A blob of ten ranges, in an image at the source."""
    blob = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[blob]))
    return blob


def reads(proxy: FaultProxy, blob: Blob) -> list[str]:
    """The ranges of a blob that were asked for, in the order of its bytes; ``whole`` for all of it."""
    found = [record.headers.get("range", "") for record in proxy.records() if blob.digest in record.target]
    return sorted((text.partition("=")[2] or "whole" for text in found), key=_begins)


def _begins(text: str) -> int:
    return -1 if text == "whole" else int(text.partition("-")[0])


def all_ranges(begin: int = 0) -> list[str]:
    return [f"{start}-{min(start + LENGTH, SIZE) - 1}" for start in range(begin, SIZE, LENGTH)]


def test_a_large_blob_is_read_in_ranges_which_are_counted(scene: Scene, large: Blob) -> None:
    result = scene.sync(RANGED)

    scene.assert_done(result)
    assert reads(scene.source, large) == all_ranges()
    read, written = (result.registries[proxy.host] for proxy in (scene.source, scene.destination))
    assert (read.ranges, written.ranges) == (10, 0)
    assert read.requests == len(scene.source.records()) and written.requests == len(scene.destination.records())
    assert not result.rereads
    assert read.bytes_read == sum(record.response_bytes for record in scene.source.records())


def test_small_blobs_and_one_connection_cost_what_they_did(scene: Scene, large: Blob) -> None:
    small = images.random_blob(f"{scene.path} small", LENGTH)
    scene.give("v2", images.image(f"{scene.path} small", layers=[small]))
    scene.sync(RANGED)
    assert reads(scene.source, small) == ["whole"]
    scene.source.mark()
    other = Run([scene.source.endpoint, scene.destination.endpoint])
    result = other.sync({**scene.rule, "destination": f"{scene.destination.host}/{scene.path}/other"})
    assert reads(scene.source, large) == ["whole"]
    assert result.registries[scene.source.host].ranges == 0


SPOILT: dict[str, Action] = {
    "whole": DropRequestHeaders(["Range"]),
    "another range": ChangeHeaders({"Content-Range": f"bytes {4 * LENGTH + 1}-{5 * LENGTH}/{SIZE}"}),
    "another size": ChangeHeaders({"Content-Range": f"bytes {4 * LENGTH}-{5 * LENGTH - 1}/{SIZE + 1}"}),
    "no range": ChangeHeaders(drop=["Content-Range"]),
    "416": Answer(416),
    "403": Answer(403),
    "429": Answer(429),
    "503": Answer(503),
}


@pytest.mark.parametrize(("spoilt", "number"), [*((spoilt, 4) for spoilt in SPOILT), ("whole", 0), ("416", 0)])
def test_whatever_is_not_the_range_makes_one_stream(scene: Scene, large: Blob, spoilt: str, number: int) -> None:
    scene.source.add(SPOILT[spoilt], method="GET", target=large.digest, skip=number)

    result = scene.sync(RANGED)

    scene.assert_done(result)
    asked = reads(scene.source, large)
    if number:
        # Ranges are spoilt in the order of their coming, which is not quite that of the bytes.
        (stream,) = [text for text in asked if text.endswith("-")]
        assert int(stream[:-1]) % LENGTH == 0 and LENGTH <= int(stream[:-1]) <= 7 * LENGTH
        assert len(asked) <= int(stream[:-1]) // LENGTH + 5  # the one that was spoilt, three behind it, and the stream
    else:
        assert asked == ([all_ranges()[0]] if spoilt == "whole" else ["whole", all_ranges()[0]])
    moved = sum(image.bytes for image in result.images)
    assert moved == sum(len(blob.data) for blob in scene.images["v1"].all_blobs().values())
    assert not result.rereads


def test_what_a_registry_cannot_do_is_remembered_for_the_run(scene: Scene, large: Blob) -> None:
    second = images.random_blob(f"{scene.path} second", SIZE)
    scene.give("v2", images.image(f"{scene.path} second", layers=[second]))
    scene.source.add(Answer(416), method="GET", target=f"{large.digest}|{second.digest}", skip=2)

    result = scene.sync(RANGED, concurrency=1)

    scene.assert_done(result)
    first, other = sorted((reads(scene.source, blob) for blob in (large, second)), key=len)
    assert first == ["whole"] and any(text.endswith("-") for text in other)


@pytest.mark.parametrize("reset", [False, True])
def test_a_range_that_breaks_is_one_retry_and_nothing_before_it_is_read_again(
    scene: Scene, large: Blob, reset: bool
) -> None:
    scene.source.add(CutResponse(after=100_000, reset=reset), method="GET", target=large.digest, skip=4)

    result = scene.sync(RANGED, retries=0)

    scene.assert_done(result)
    (again,) = result.rereads
    begin = SIZE - again.bytes
    assert again.reason == "resumed" and begin >= LENGTH
    asked = reads(scene.source, large)
    assert set(all_ranges(begin)) <= set(asked)
    assert len(asked) <= 10 + 4 and not any(text.endswith("-") or text == "whole" for text in asked[:-1])


def test_retries_of_ranges_do_not_multiply(scene: Scene, large: Blob) -> None:
    scene.source.add(Answer(500), method="GET", target=large.digest, times=None)

    result = scene.sync(RANGED, retries=0)

    assert codes(result) == {"v1": "server_error"}
    assert len(reads(scene.source, large)) == RANGED.retry.attempts


def test_a_wrong_bit_in_a_range_is_found_and_the_blob_is_read_again_as_one_stream(scene: Scene, large: Blob) -> None:
    scene.source.add(FlipResponse(at=5000), method="GET", target=large.digest, skip=6)

    result = scene.sync(RANGED, retries=0)
    assert codes(result) == {"v1": "digest_mismatch"}

    scene.source.mark()
    scene.source.add(FlipResponse(at=5000), method="GET", target=large.digest, skip=6)
    result = scene.sync(RANGED, retries=1)
    scene.assert_done(result)
    assert reads(scene.source, large) == ["whole", *all_ranges()]
    assert [again.reason for again in result.rereads] == ["read again"]


def test_several_destinations_have_one_reading(
    scene: Scene, large: Blob, servers: Servers, plain: Callable[[Endpoint], PlainClient]
) -> None:
    third = servers.htpasswd.endpoint
    run = Run([scene.source.endpoint, scene.destination.endpoint, third], settings=RANGED)
    result = run.sync(
        {**scene.rule, "destination": [f"{host}/{scene.path}" for host in (scene.destination.host, third.host)]}
    )
    assert {image.status for image in result.images} == {"done"}
    assert reads(scene.source, large) == all_ranges()
    for client in (scene.target, plain(third)):
        assert client.blob(scene.path, large.digest).body == large.data


@dataclass
class CountAtOnce(Action):
    """Counts how many answers are under way at once.

    :ivar most: how many there were
    """

    most: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on_response(self, request: Request, response: Response) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        response.body = self._counted(response.body)

    def _counted(self, body: Iterator[bytes]) -> Iterator[bytes]:
        yield from body
        with self._lock:
            self._now -= 1


@pytest.mark.parametrize("allowed", [2, 5])
def test_every_range_takes_a_place_at_its_registry(scene: Scene, large: Blob, allowed: int) -> None:
    blobs = [large]
    for number in range(3):
        blobs.append(images.random_blob(f"{scene.path} {number}", SIZE))
        scene.give(f"also{number}", images.image(f"{scene.path} {number}", layers=[blobs[-1]]))
    counting = CountAtOnce()
    scene.source.add(counting, method="GET", target="|".join(blob.digest for blob in blobs), times=None)
    scene.run.access = {scene.source.host: {"concurrency": allowed}}

    result = scene.sync(RANGED)

    scene.assert_done(result)
    assert result.registries[scene.source.host].ranges == 40
    assert 2 <= counting.most <= allowed


def test_a_run_that_is_stopped_ends_at_once(scene: Scene, large: Blob) -> None:
    scene.source.add(StallResponse(after=1000), method="GET", target=large.digest, skip=1, times=None)
    scene.run.settings = replace(RANGED, timeout=600.0)
    engine = scene.run.engine([scene.rule])
    ended: list[object] = []
    running = threading.Thread(target=lambda: ended.append(engine.run()))
    running.start()
    scene.source.wait_for(method="GET", target=large.digest, number=4)
    scene.run.stop.set()
    engine.close()
    running.join(20)
    assert not running.is_alive() and len(ended) == 1
    assert scene.target.tags(scene.path) == []


def test_ranges_come_through_a_proxy_with_tls_and_a_login(
    servers: Servers, faulty: Callable[..., FaultProxy], plain: Callable[[Endpoint], PlainClient], repository: str
) -> None:
    blob = images.random_blob(repository, SIZE)
    locked = servers.htpasswd.endpoint
    plain(locked).push(repository, images.image(repository, layers=[blob]), "v1")
    secure = faulty(locked, certificate=servers.certificate)
    with http_relay() as proxy:
        run = Run([secure.endpoint, servers.open.endpoint], settings=RANGED)
        run.access = {secure.host: {"proxy": f"http://{proxy.host}"}}
        result = run.sync({"source": f"{secure.host}/{repository}", "destination": f"{servers.open.host}/{repository}"})
        assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
        assert len(proxy.asked) >= 4
    assert reads(secure, blob) == all_ranges()
    assert plain(servers.open.endpoint).blob(repository, blob.digest).body == blob.data
