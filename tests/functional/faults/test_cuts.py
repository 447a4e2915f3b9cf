# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that are cut, truncated or stalled, at every step of a sync and on both sides."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Callable, NamedTuple

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from support.faults.actions import (
    Answer,
    ChangeHeaders,
    CutRequest,
    CutResponse,
    DropRequestHeaders,
    HoldAnswer,
    HoldRequest,
    LoseAnswer,
    StallRequest,
    StallResponse,
    first_bytes,
)
from support.faults.fault_proxy import Action, FaultProxy, Record, Request, Response
from support.scenes import images
from support.scenes.fault_scene import Guarded, Scene, codes
from support.scenes.runs import QUICK, Run, only
from support.servers.shared import Servers

IMPATIENT = Settings(timeout=0.5, retry=RetryPolicy(backoff=0.01, backoff_cap=0.05))
SIZE = 3_000_000


class Step(NamedTuple):
    """One kind of request of a sync."""

    name: str
    side: str
    method: str
    target: str


READING = [
    Step("tags", "source", "GET", "/tags/list"),
    Step("manifest", "source", "GET", "/manifests/"),
    Step("small blob", "source", "GET", "/blobs/SMALL"),
    Step("large blob", "source", "GET", "/blobs/LARGE"),
    Step("tags there", "destination", "GET", "/tags/list"),
    Step("token", "tokens", "GET", "/token"),
]
STEPS = [
    *READING,
    Step("tag", "source", "HEAD", "/manifests/"),
    Step("tag there", "destination", "HEAD", "/manifests/"),
    Step("session", "destination", "POST", "/blobs/uploads/"),
    Step("small upload", "destination", "PUT", "digest=SMALL"),
    Step("large upload", "destination", "PUT", "digest=LARGE"),
    Step("child manifest", "destination", "PUT", "/manifests/sha256:"),
    Step("tag manifest", "destination", "PUT", "/manifests/v"),
]
UPLOADING = [step for step in STEPS if step.name.endswith("upload")]
FAULTS: dict[str, tuple[list[Step], Action]] = {
    "cut": (STEPS, CutRequest()),
    "reset": (STEPS, CutRequest(reset=True)),
    "lost answer": (STEPS, LoseAnswer()),
    "lost answer and reset": (STEPS, LoseAnswer(reset=True)),
    "truncated answer": (READING, CutResponse(after=10)),
    "truncated answer and reset": (READING, CutResponse(after=10, reset=True)),
    "truncated body": (UPLOADING, CutRequest(after=1)),
    "stalled before the answer": (STEPS, HoldAnswer()),
    "stalled in the answer": (READING, StallResponse(after=10)),
    "stalled in the body": (UPLOADING, StallRequest(after=1)),
}


def prepare(scene: Scene) -> dict[str, str]:
    """An image with a large layer, an index, and a tag that moves; gives the names of its two kinds of blob."""
    large = scene.give("v1", images.image(scene.path, layers=[images.random_blob(scene.path, SIZE)]))
    scene.give("v2", images.multi_arch(scene.path))
    scene.have("v0", images.image(f"{scene.path} old"))
    moved = scene.give("v0", images.image(f"{scene.path} new"))
    return {"LARGE": large.blobs[-1].digest, "SMALL": moved.blobs[-1].digest}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_at_every_step_is_got_over(guarded_scene: Scene, guarded: Guarded, fault: str) -> None:
    scene = guarded_scene
    names = prepare(scene)
    sides = {"source": scene.source, "destination": scene.destination, "tokens": guarded.token_proxy}
    steps, action = FAULTS[fault]
    rules = {}
    for step in steps:
        target = step.target.replace("LARGE", names["LARGE"]).replace("SMALL", names["SMALL"])
        rules[step.name] = sides[step.side].add(action, method=step.method, target=target)

    result = scene.sync(IMPATIENT if "stalled" in fault else QUICK, retries=0)

    scene.assert_done(result)
    assert {name: rule.hits for name, rule in rules.items()} == dict.fromkeys(rules, 1)
    assert not scene.sync().changed


@pytest.mark.parametrize("action", [CutRequest(), HoldRequest()], ids=["cut", "stalled"])
@pytest.mark.parametrize(
    ("side", "method", "target"),
    [("source", "GET", "/blobs/"), ("source", "HEAD", ""), ("destination", "PUT", "digest="), ("tokens", "GET", "")],
)
def test_what_never_works_changes_no_tag_and_a_later_run_repairs(
    guarded_scene: Scene, guarded: Guarded, side: str, method: str, target: str, action: Action
) -> None:
    scene = guarded_scene
    scene.have("v0", images.image(f"{scene.path} old"))
    scene.give("v0", images.image(f"{scene.path} new"))
    scene.give("v1", images.image(f"{scene.path} other"))
    sides = {"source": scene.source, "destination": scene.destination, "tokens": guarded.token_proxy}
    sides[side].add(action, method=method, target=target, times=None)

    result = scene.sync(Settings(timeout=0.2, retry=RetryPolicy(attempts=2, backoff=0.001)), retries=1)

    assert {image.status for image in result.images} == {"failed"}
    assert set(codes(result).values()) <= {"timeout", "connection_failed", "registry_down", "retry_budget"}
    assert scene.visible() == {"v0": scene.before["v0"].digest}
    guarded.token_proxy.clear()
    scene.repair()


# Reading goes on where it broke


def reads(proxy: FaultProxy, digest: str) -> list[Record]:
    return [record for record in proxy.records() if record.method == "GET" and digest in record.target]


BREAKS = {
    "cut": CutResponse(after=1_000_000),
    "reset": CutResponse(after=1_000_000, reset=True),
    "stalled": StallResponse(after=1_000_000),
}


@pytest.mark.parametrize("action", BREAKS.values(), ids=BREAKS)
def test_a_broken_read_goes_on_with_what_is_left(scene: Scene, action: Action) -> None:
    large = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.source.add(action, method="GET", target=large.digest)

    result = scene.sync(IMPATIENT, retries=0)

    scene.assert_done(result)
    _first, second = reads(scene.source, large.digest)
    resumed = int(second.headers["range"].partition("=")[2].rstrip("-"))
    # A reset may overtake bytes that were sent before it.
    assert 0 < resumed <= 1_000_000 if action == BREAKS["reset"] else resumed == 1_000_000
    assert (second.status, second.response_bytes) == (206, SIZE - resumed)
    assert scene.destination.counts()["PUT", "upload"] == 2
    (reread,) = result.rereads
    assert (reread.reason, reread.bytes) == ("resumed", SIZE - resumed)


def test_a_source_that_ignores_range_is_read_from_its_beginning(scene: Scene) -> None:
    large = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.source.add(CutResponse(after=1_000_000), method="GET", target=large.digest)
    scene.source.add(DropRequestHeaders(["Range"]), method="GET", target=large.digest, times=None)

    result = scene.sync(retries=0)

    scene.assert_done(result)
    assert [record.status for record in reads(scene.source, large.digest)] == [200, 200]
    assert scene.destination.counts()["PUT", "upload"] == 2


def test_an_answer_to_another_range_is_not_believed(scene: Scene) -> None:
    large = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.source.add(CutResponse(after=1_000_000), method="GET", target=large.digest)
    wrong = ChangeHeaders({"Content-Range": f"bytes 5-{SIZE - 1}/{SIZE}"})
    scene.source.add(wrong, method="GET", target=large.digest, skip=1)

    scene.assert_done(scene.sync(retries=0))

    assert [record.status for record in reads(scene.source, large.digest)] == [200, 206, 206]


@dataclass
class Partial(Action):
    """Answer a Range, and no other request, in a way of its own."""

    status: int
    most: int = 0

    def answer(self, request: Request) -> Response | None:
        if request.header("Range") is None or self.status == 206:
            return None
        return Response(self.status, [("Content-Length", "0")])

    def on_response(self, request: Request, response: Response) -> None:
        if response.status != 206 or self.status != 206:
            return
        said = response.header("Content-Range") or ""
        if self.most:
            start = int(said.partition(" ")[2].partition("-")[0])
            size = min(self.most, SIZE - start)
            response.set("Content-Range", f"bytes {start}-{start + size - 1}/{SIZE}")
            response.set("Content-Length", str(size))
            response.body = first_bytes(response.body, size)
        else:
            response.set("Content-Range", said.replace("bytes ", "bytes 1"))


@pytest.mark.parametrize(
    ("answer", "statuses"),
    [
        (Partial(416), [200, 416, 200]),
        (Partial(400), [200, 400, 200]),
        (Partial(501), [200, 501, 200]),
        (Partial(206), [200, 206, 206, 200]),
        (Partial(206, most=800_000), [200, 206, 206, 206]),
    ],
    ids=["416", "400", "501", "another part", "short parts"],
)
def test_a_source_that_is_no_good_at_ranges_is_coped_with(scene: Scene, answer: Action, statuses: list[int]) -> None:
    large = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.source.add(CutResponse(after=1_000_000), method="GET", target=large.digest)
    scene.source.add(answer, method="GET", target=large.digest, times=None)

    scene.assert_done(scene.sync(retries=0))

    assert [record.status for record in reads(scene.source, large.digest)] == statuses
    assert scene.destination.counts()["PUT", "upload"] == 2


def test_four_breaks_are_got_over_and_five_end_the_round(scene: Scene) -> None:
    blobs = {number: images.random_blob(f"{scene.path} {number}", SIZE) for number in (4, 5)}
    for number, blob in blobs.items():
        scene.give(f"v{number}", images.image(f"{scene.path} {number}", layers=[blob]))
        scene.source.add(CutResponse(after=200_000), method="GET", target=blob.digest, times=number)

    result = scene.sync(retries=0)

    assert codes(result) == {"v5": "connection_failed"}
    assert [len(reads(scene.source, blob.digest)) for blob in blobs.values()] == [5, 5]
    scene.assert_done(scene.sync(retries=0))


def test_what_a_round_completed_is_not_asked_again(scene: Scene) -> None:
    large, other = (images.random_blob(f"{scene.path} {name}", SIZE) for name in ("large", "other"))
    scene.give("v1", images.image(scene.path, layers=[large, other]))
    scene.source.add(CutResponse(after=100_000), method="GET", target=other.digest, times=5)

    result = scene.sync(retries=1)

    scene.assert_done(result)
    assert only(result).attempts == 2
    assert len(reads(scene.source, large.digest)) == 1
    assert len(reads(scene.source, other.digest)) == 6
    counts = scene.destination.counts()
    assert counts["PUT", "manifest"] == 1
    assert counts["POST", "mount"] == 3 + 1


def test_a_second_round_asks_nothing_that_the_first_has_answered(scene: Scene) -> None:
    """One image arrives in the first round, of an index one child does not, and one image cannot be planned before."""
    scene.give("done", images.multi_arch(f"{scene.path} done"))
    index = scene.give("half", images.multi_arch(f"{scene.path} half"))
    scene.give("unplanned", images.image(f"{scene.path} unplanned"))
    late = index.children[0].blobs[-1].digest
    scene.source.add(CutResponse(after=1), method="GET", target=late, times=5)
    scene.source.add(CutRequest(), method="HEAD|GET", target="/manifests/unplanned", times=5)

    result = scene.sync(retries=1)

    scene.assert_done(result)
    attempts = {str(image.destination.tag): image.attempts for image in result.images}
    assert attempts == {"done": 1, "half": 2, "unplanned": 1}
    again: Counter[str] = Counter()
    for proxy in (scene.source, scene.destination):
        # A session's own address is never the same; what it is for is at its end.
        asked = Counter((record.method, record.target.rpartition("digest=")[2]) for record in proxy.records())
        for (_method, target), times in asked.items():
            again[target] += times if times > 1 else 0
    assert {target for target in +again if late not in target} == {f"/v2/{scene.path}/manifests/unplanned"}
    assert [again[f"/v2/{scene.path}/{what}"] for what in (f"blobs/{late}", "manifests/unplanned")] == [6, 6]


def test_a_second_round_mounts_what_the_first_brought_to_a_neighbour(scene: Scene, fresh: Callable[[], str]) -> None:
    large = images.random_blob(scene.path, SIZE)
    paths = [fresh(), fresh()]
    for path in paths:
        scene.origin.push(path, images.image(path, layers=[large]), "v1")
    scene.source.add(CutRequest(), method="GET", target=f"/{paths[1]}/manifests/", times=5)
    source, destination = scene.source.host, scene.destination.host

    result = scene.run.sync(
        *({"source": f"{source}/{path}:v1", "destination": f"{destination}/{path}"} for path in paths), retries=1
    )

    first, second = (next(image for image in result.images if image.source.repository == path) for path in paths)
    assert [(image.status, image.attempts) for image in (first, second)] == [("done", 1), ("done", 2)]
    assert len(reads(scene.source, large.digest)) == 1
    assert (first.blobs_mounted, second.blobs_mounted) == (0, 1)


# Uploads


@pytest.mark.parametrize(
    "action", [CutRequest(after=1_500_000), CutRequest(after=1_500_000, reset=True), StallRequest(after=1_500_000)]
)
def test_a_broken_upload_begins_anew(scene: Scene, action: Action) -> None:
    large = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.destination.add(action, method="PUT", target=large.digest)

    result = scene.sync(IMPATIENT, retries=0)

    scene.assert_done(result)
    assert [reread.reason for reread in result.rereads] == ["read again"]
    assert len(reads(scene.source, large.digest)) == 2


def test_an_upload_whose_answer_is_lost_is_not_sent_again(scene: Scene) -> None:
    large = images.random_blob(scene.path, SIZE)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.destination.add(LoseAnswer(), method="PUT", target=large.digest)

    scene.assert_done(scene.sync(retries=0))

    sent = [
        record for record in scene.destination.records() if record.method == "PUT" and large.digest in record.target
    ]
    assert len(sent) == 1
    assert len(reads(scene.source, large.digest)) == 1


# The same over TLS


@pytest.mark.parametrize("fault", ["cut", "reset", "lost answer", "truncated answer and reset", "truncated body"])
def test_one_fault_at_every_step_is_got_over_with_tls(
    servers: Servers, scene: Scene, faulty: Callable[..., FaultProxy], fault: str
) -> None:
    scene.source = faulty(servers.open.endpoint, certificate=servers.certificate)
    scene.destination = faulty(servers.relative.endpoint, certificate=servers.certificate)
    scene.run = Run([scene.source.endpoint, scene.destination.endpoint])
    names = prepare(scene)
    steps, action = FAULTS[fault]
    rules = {}
    for step in steps:
        if step.side != "tokens":
            target = step.target.replace("LARGE", names["LARGE"]).replace("SMALL", names["SMALL"])
            proxy = scene.source if step.side == "source" else scene.destination
            rules[step.name] = proxy.add(action, method=step.method, target=target)

    result = scene.sync(retries=0)

    scene.assert_done(result)
    assert {name: rule.hits for name, rule in rules.items()} == dict.fromkeys(rules, 1)


@pytest.mark.parametrize("kept", [True, False], ids=["on a used connection", "on a fresh connection"])
def test_an_answer_in_the_middle_of_a_body_is_seen_at_once_with_tls(
    servers: Servers, scene: Scene, faulty: Callable[..., FaultProxy], kept: bool
) -> None:
    large = images.random_blob(scene.path, 20_000_000)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.destination = faulty(servers.relative.endpoint, certificate=servers.certificate)
    scene.run = Run([scene.source.endpoint, scene.destination.endpoint])
    scene.destination.add(Answer(413, b"too large", after=100_000), method="PUT", target=large.digest)
    if not kept:
        scene.destination.add(ChangeHeaders({"Connection": "close"}), times=None)

    scene.assert_done(scene.sync(retries=0))

    early = next(record for record in scene.destination.records() if "Answer" in record.faults)
    assert early.request_bytes < 5_000_000
    assert scene.destination.counts()["PATCH", "upload"] == 2
