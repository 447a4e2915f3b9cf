# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes that are not what they should be: nothing of them gets under a tag, and what was wrong is named."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import (
    ChangeHeaders,
    FlipRequest,
    FlipResponse,
    HoldRequest,
    Lengthen,
    NoLength,
    ReplaceBody,
    Shorten,
)
from support.faults.fault_proxy import Action, FaultProxy, Request, Response
from support.scenes import images
from support.scenes.fault_scene import Scene, assert_whole, codes
from support.scenes.runs import Run, only
from support.servers.processes import wait_until
from support.servers.shared import Servers

SIZE = 1_000_000
WRONG = "sha256:" + "0" * 64
UNKNOWN = "md5:d41d8cd98f00b204e9800998ecf8427e"


class Several(Action):
    """Several actions one after the other."""

    def __init__(self, *actions: Action) -> None:
        self.actions = actions

    def on_response(self, request: Request, response: Response) -> None:
        for action in self.actions:
            action.on_response(request, response)


class ShortenOnly(Shorten):
    """The beginning of a body, without saying so."""

    def on_response(self, request: Request, response: Response) -> None:
        super().on_response(request, response)
        response.drop("Content-Length")


BLOBS: dict[str, tuple[Action, str]] = {
    "first byte": (FlipResponse(at=0), "digest_mismatch"),
    "a byte in the middle": (FlipResponse(at=500_000), "digest_mismatch"),
    "last byte": (FlipResponse(at=SIZE - 1), "digest_mismatch"),
    "shorter": (Shorten(SIZE - 1), "size_mismatch"),
    "longer": (Lengthen(b"x"), "size_mismatch"),
    "longer without a length": (Several(Lengthen(b"x"), NoLength()), "size_mismatch"),
    "longer until the end": (Several(Lengthen(b"x" * 100_000), NoLength(until_close=True)), "size_mismatch"),
    "empty": (ReplaceBody(b""), "size_mismatch"),
}


@pytest.mark.parametrize("spoilt", BLOBS)
def test_a_spoilt_blob_is_named_and_never_sent_whole(scene: Scene, spoilt: str) -> None:
    action, code = BLOBS[spoilt]
    large = images.random_blob(scene.path, SIZE)
    scene.have("v1", images.image(f"{scene.path} old"))
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.give("v2", images.image(f"{scene.path} innocent"))
    scene.source.add(action, method="GET", target=large.digest, times=None)

    result = scene.sync(retries=1)

    assert codes(result) == {"v1": code}
    (bad,) = (image for image in result.images if image.error)
    assert large.digest in str(bad.error)
    assert scene.visible() == {"v1": scene.before["v1"].digest, "v2": scene.images["v2"].digest}
    assert not scene.target.has_blob(scene.path, large.digest)
    sent = [
        record for record in scene.destination.records() if record.method == "PUT" and large.digest in record.target
    ]
    assert all(record.request_bytes < SIZE for record in sent)
    assert len([record for record in scene.source.records() if large.digest in record.target]) == 2  # once a round
    scene.repair()


@pytest.mark.parametrize("until_close", [False, True])
def test_a_pull_through_cache_gives_no_length(scene: Scene, until_close: bool) -> None:
    scene.give("v1", images.image(scene.path, layers=[images.random_blob(scene.path, SIZE)]))
    scene.source.add(NoLength(until_close=until_close), method="GET", times=None)

    scene.assert_done(scene.sync(retries=0))


def test_without_a_length_a_cut_is_seen_and_read_on(scene: Scene) -> None:
    large = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.source.add(Several(NoLength(until_close=True)), method="GET", target=large.digest, times=None)
    scene.source.add(ShortenOnly(400_000), method="GET", target=large.digest)

    result = scene.sync(retries=0)

    scene.assert_done(result)
    assert [reread.bytes for reread in result.rereads] == [SIZE - 400_000]


MANIFESTS: dict[str, tuple[str, Action, set[str]]] = {
    "a flipped byte": ("GET", FlipResponse(at=40), {"digest_mismatch"}),
    "shorter": ("GET", Shorten(100), {"digest_mismatch"}),
    "another manifest": ("GET", ReplaceBody(b"{}"), {"digest_mismatch"}),
    "nothing": ("GET", ReplaceBody(b""), {"digest_mismatch"}),
    "a wrong digest header": ("GET", ChangeHeaders({"Docker-Content-Digest": WRONG}), set()),
    # A GET decides where only a HEAD is odd.
    "a wrong digest header on HEAD": ("HEAD", ChangeHeaders({"Docker-Content-Digest": WRONG}), set()),
    "a digest header that is none on HEAD": ("HEAD", ChangeHeaders({"Docker-Content-Digest": "sha256:xyz"}), set()),
    "an unknown algorithm on HEAD": ("HEAD", ChangeHeaders({"Docker-Content-Digest": UNKNOWN}), set()),
    "a wrong digest header everywhere": (
        "HEAD|GET",
        ChangeHeaders({"Docker-Content-Digest": WRONG}),
        {"tag_not_found", "digest_mismatch"},
    ),
    # What is no digest says nothing, and that of the bytes counts.
    "a digest header that is none everywhere": (
        "HEAD|GET",
        ChangeHeaders({"Docker-Content-Digest": "sha256:xyz"}),
        set(),
    ),
    "an unknown algorithm everywhere": ("HEAD|GET", ChangeHeaders({"Docker-Content-Digest": UNKNOWN}), set()),
    "no digest header on HEAD": ("HEAD", ChangeHeaders(drop=["Docker-Content-Digest"]), set()),
}


@pytest.mark.parametrize("spoilt", MANIFESTS)
def test_a_spoilt_manifest_is_not_put_anywhere(scene: Scene, spoilt: str) -> None:
    method, action, expected = MANIFESTS[spoilt]
    scene.have("v1", images.image(f"{scene.path} old"))
    wanted = scene.give("v1", images.image(scene.path))
    scene.give("v2", images.multi_arch(f"{scene.path} innocent"))
    target = f"/manifests/({wanted.digest}|v1)"
    scene.source.add(action, method=method, target=target, times=None)

    result = scene.sync(retries=1)

    assert set(codes(result).values()) <= expected
    assert bool(codes(result)) == bool(expected)
    if expected:
        (bad,) = (image for image in result.images if image.error)
        assert "v1" in str(bad.error) or wanted.digest in str(bad.error) or WRONG in str(bad.error)
        assert scene.visible()["v1"] == scene.before["v1"].digest
    scene.repair()


def test_a_manifest_that_is_spoilt_once_is_read_again_in_the_next_round(scene: Scene) -> None:
    wanted = scene.give("v1", images.image(scene.path))
    scene.source.add(FlipResponse(at=40), method="GET", target=f"/manifests/{wanted.digest}")

    result = scene.sync(retries=1)

    scene.assert_done(result)
    assert only(result).attempts == 2


def test_a_registry_with_a_spoilt_disk(servers: Servers, scene: Scene) -> None:
    large = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[large]))
    path = servers.open.blob_path(large.digest)
    path.write_bytes(path.read_bytes()[:-5])
    codes_short = codes(scene.sync(retries=0))
    path.write_bytes(b"\0" * SIZE)

    assert (codes_short, codes(scene.sync(retries=0))) == ({"v1": "size_mismatch"}, {"v1": "digest_mismatch"})
    assert scene.visible() == {}


def test_bytes_that_change_on_the_way_to_the_destination_are_sent_again(scene: Scene) -> None:
    large = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.destination.add(FlipRequest(at=10), method="PUT", target=large.digest)

    scene.assert_done(scene.sync(retries=0))


def test_a_manifest_that_changes_on_the_way_to_the_destination_is_noticed_and_put_again(scene: Scene) -> None:
    scene.give("v1", images.image(scene.path, annotations={"name": "x" * 50}))
    at = scene.images["v1"].manifest.index(b"xxxx")
    scene.destination.add(FlipRequest(at=at), method="PUT", target="/manifests/v1")

    result = scene.sync(retries=1)

    scene.assert_done(result)
    assert only(result).attempts == 2


def test_a_destination_that_stores_another_manifest_is_named(scene: Scene) -> None:
    scene.give("v1", images.image(scene.path))
    scene.destination.add(
        ChangeHeaders({"Docker-Content-Digest": WRONG}), method="PUT", target="/manifests/v1", times=None
    )

    result = scene.run.sync(scene.rule, retries=1)

    assert codes(result) == {"v1": "digest_mismatch"}
    assert WRONG in str(only(result).error)


# What the source has lost


def test_an_index_whose_child_the_source_lost(servers: Servers, scene: Scene) -> None:
    scene.have("v1", images.image(f"{scene.path} old"))
    broken = scene.give("v1", images.multi_arch(scene.path))
    scene.give("v2", images.image(f"{scene.path} innocent"))
    lost = broken.children[1].digest
    _forget_revision(servers, scene.path, lost)

    result = scene.sync(retries=2)

    assert codes(result) == {"v1": "source_incomplete"}
    (bad,) = (image for image in result.images if image.error)
    assert lost in str(bad.error)
    assert (bad.attempts, scene.visible()["v1"]) == (1, scene.before["v1"].digest)


def test_an_image_whose_blob_the_source_lost(servers: Servers, scene: Scene) -> None:
    scene.have("v1", images.image(f"{scene.path} old"))
    broken = scene.give("v1", images.image(scene.path))
    scene.give("v2", images.image(f"{scene.path} innocent"))
    servers.open.blob_path(broken.blobs[1].digest).unlink()

    result = scene.sync(retries=2)

    assert codes(result) == {"v1": "source_incomplete"}
    (bad,) = (image for image in result.images if image.error)
    assert broken.blobs[1].digest in str(bad.error)
    assert (bad.attempts, scene.visible()["v1"]) == (1, scene.before["v1"].digest)


def test_a_lie_about_a_size_is_found_out_and_harms_no_other(scene: Scene) -> None:
    """Images of one run share a layer, and one of them is wrong about its size: it comes first, and it alone fails."""
    honest = scene.give("v2", images.image(scene.path, layers=[images.random_blob(scene.path, SIZE)]))
    content = json.loads(honest.manifest)
    content["layers"][-1]["size"] = 5
    lie = json.dumps(content).encode()
    assert scene.origin.push_manifest(scene.path, "v1", lie, honest.media_type).status == 201

    result = scene.sync(retries=2)

    assert codes(result) == {"v1": "size_mismatch"}
    assert scene.visible() == {"v2": honest.digest}


@dataclass
class HoldUntil(Action):
    """Do nothing with the request before something has happened."""

    wait: Callable[[], object]

    def on_request(self, request: Request) -> None:
        self.wait()


class Sharing:
    """Two images from two sources that share a layer, which one of the sources has lost; each source behind a proxy."""

    def __init__(
        self,
        servers: Servers,
        faulty: Callable[..., FaultProxy],
        plain: Callable[[Endpoint], PlainClient],
        fresh: Callable[[], str],
        *,
        together: bool,
    ) -> None:
        self.lossy, self.whole = faulty(servers.open.endpoint), faulty(servers.htpasswd.endpoint)
        self.broken, self.healthy = fresh(), fresh()
        self.target = plain(servers.relative.endpoint)
        self.run = Run([self.lossy.endpoint, self.whole.endpoint, servers.relative.endpoint])
        self.shared = images.random_blob(self.broken, SIZE)
        self.images, self.places = {}, {}
        self.rules = []
        both = fresh()
        for path, proxy, registry in (
            (self.broken, self.lossy, servers.open),
            (self.healthy, self.whole, servers.htpasswd),
        ):
            self.images[path] = images.image(path, layers=[self.shared, images.layer(path)])
            plain(registry.endpoint).push(path, self.images[path], "v1")
            self.places[path] = (both, "broken" if path == self.broken else "healthy") if together else (path, "v1")
            destination = f"{servers.relative.host}/{':'.join(self.places[path])}"
            self.rules.append({"source": f"{proxy.host}/{path}:v1", "destination": destination})
        servers.open.blob_path(self.shared.digest).unlink()

    def outcomes(self, result: RunResult) -> dict[str, str]:
        """What became of each image, which is at its destination if and only if it is called done."""
        found = {}
        for image in result.images:
            path = image.source.repository
            found[path] = image.error.code if image.error else image.status
            repository, tag = self.places[path]
            assert (tag in self.target.tags(repository)) == (image.status == "done")
            if image.status == "done":
                assert self.target.manifest(repository, tag).digest == self.images[path].digest
                assert_whole(self.target, repository, self.images[path])
        return found


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("together", [True, False], ids=["one destination repository", "two destination repositories"])
def test_a_blob_that_one_source_lost_comes_from_the_other(
    servers: Servers,
    faulty: Callable[..., FaultProxy],
    plain: Callable[[Endpoint], PlainClient],
    fresh: Callable[[], str],
    order: int,
    together: bool,
) -> None:
    """A fault in one image never stops another: here they share a layer, and only one of the sources still has it.

    The image whose source lost it is helped by the other one, which is under way by the time that this shows.
    """
    scene = Sharing(servers, faulty, plain, fresh, together=together)
    own = scene.images[scene.healthy].blobs[-1].digest
    under_way = HoldUntil(lambda: scene.whole.wait_for(method="GET", target=own))
    scene.lossy.add(under_way, method="GET", target=scene.shared.digest, times=None)

    outcomes = scene.outcomes(scene.run.sync(*scene.rules[::order], retries=0))

    # From another repository it can be mounted only by who comes after.
    helped = together or order == -1
    assert outcomes == {scene.healthy: "done", scene.broken: "done" if helped else "source_incomplete"}


def test_a_blob_that_one_source_lost_comes_in_the_next_run_when_the_other_is_late(
    servers: Servers,
    faulty: Callable[..., FaultProxy],
    plain: Callable[[Endpoint], PlainClient],
    fresh: Callable[[], str],
) -> None:
    scene = Sharing(servers, faulty, plain, fresh, together=True)
    scene.whole.add(HoldRequest(), method="GET", target="/manifests/", times=None)
    engine = scene.run.engine(scene.rules, retries=0)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(engine.run)
        try:
            wait_until(lambda: any(image.error for image in engine.snapshot().images), "image that failed")
        finally:
            scene.whole.clear()
        first = running.result()

    assert scene.outcomes(first) == {scene.healthy: "done", scene.broken: "source_incomplete"}
    second = scene.run.sync(*scene.rules, retries=0)
    assert scene.outcomes(second) == {scene.healthy: "done", scene.broken: "done"}
    assert {image.source.repository: image.action for image in second.images}[scene.healthy] == "unchanged"


def _forget_revision(servers: Servers, path: str, digest: str) -> None:
    encoded = digest.partition(":")[2]
    link = servers.open.repository_path(path) / "_manifests" / "revisions" / "sha256" / encoded / "link"
    link.unlink()
