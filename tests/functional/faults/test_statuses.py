# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that registries and the proxies before them give on bad days, at every step of a sync."""

from __future__ import annotations

import json
import time
from collections import Counter
from email.utils import formatdate
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from support.faults.actions import Answer, ChangeLocation, DropRequestHeaders, HoldAnswer, Redirect, error_answer
from support.faults.fault_proxy import Action, FaultProxy
from support.scenes import images
from support.scenes.fault_scene import Guarded, Scene, codes
from support.scenes.images import DOCKER_FOREIGN_LAYER, Blob
from support.scenes.runs import Run, only
from support.servers.shared import Servers

HTML = b"<html><head><title>503</title></head><body><h1>Sorry</h1><script>var token='x'</script></body></html>"
STEPS = [
    ("source", "GET", "/tags/list"),
    ("source", "HEAD", "/manifests/"),
    ("source", "GET", "/manifests/"),
    ("source", "GET", "/blobs/"),
    ("destination", "GET", "/tags/list"),
    ("destination", "HEAD", "/manifests/v0"),
    ("destination", "POST", "/blobs/uploads/"),
    ("destination", "PUT", "digest="),
    ("destination", "PUT", "/manifests/sha256:"),
    ("destination", "PUT", "/manifests/v"),
    ("tokens", "GET", "/token"),
]
PASSING: dict[str, Action] = {
    "408": Answer(408),
    "429": error_answer(429, "TOOMANYREQUESTS", headers={"Retry-After": "0"}),
    "429 without a time": Answer(429, b"slow down"),
    "500": error_answer(500, "UNKNOWN"),
    "502 in HTML": Answer(502, HTML, {"Content-Type": "text/html"}),
    "503 with nothing": Answer(503),
    "504 in HTML": Answer(504, HTML, {"Content-Type": "text/html"}),
    "nonsense": Answer(500, b"\x00\xff\xfe{" * 100),
}


def prepare(scene: Scene) -> None:
    scene.give("v1", images.image(scene.path, layers=[images.random_blob(scene.path, 300_000)]))
    scene.give("v2", images.multi_arch(scene.path))
    scene.have("v0", images.image(f"{scene.path} old"))
    scene.give("v0", images.image(f"{scene.path} new"))


@pytest.mark.parametrize("answer", PASSING)
def test_one_refusal_at_every_step_is_got_over(guarded_scene: Scene, guarded: Guarded, answer: str) -> None:
    scene = guarded_scene
    prepare(scene)
    sides = {"source": scene.source, "destination": scene.destination, "tokens": guarded.token_proxy}
    rules = [sides[side].add(PASSING[answer], method=method, target=target) for side, method, target in STEPS]

    result = scene.sync(retries=0)

    scene.assert_done(result)
    assert [rule.hits for rule in rules] == [1] * len(STEPS)


@pytest.mark.parametrize(("side", "method", "target"), STEPS)
def test_a_small_request_is_tried_five_times_in_a_round(
    guarded_scene: Scene, guarded: Guarded, side: str, method: str, target: str
) -> None:
    scene = guarded_scene
    scene.have("v0", images.image(f"{scene.path} old"))
    scene.give("v0", images.multi_arch(scene.path, ["linux/amd64"]))
    sides = {"source": scene.source, "destination": scene.destination, "tokens": guarded.token_proxy}
    proxy = sides[side]
    # What is asked by HEAD is asked by GET at last.
    proxy.add(Answer(500, HTML), method=method.replace("HEAD", "HEAD|GET"), target=target, times=None)

    result = scene.sync(retries=0)

    # A destination's list only saves requests: without it every tag is asked for.
    assert set(codes(result).values()) == (
        set() if (side, target) == ("destination", "/tags/list") else {"server_error"}
    )
    # Sessions for all blobs are asked for at one address, and a token for several requests.
    alike = {"/blobs/uploads/": len(scene.images["v0"].all_blobs()), "/token": 2}
    asked = Counter(record.target.rpartition("digest=")[2] for record in proxy.records() if record.faults)
    assert asked
    for name, times in asked.items():
        assert times in {5, 5 * alike.get(target, 1)}, name
    scene.visible()


# Being asked to wait


def test_a_wait_that_is_asked_for_is_waited(scene: Scene) -> None:
    scene.give("v1", images.image(scene.path))
    scene.source.add(error_answer(429, "TOOMANYREQUESTS", headers={"Retry-After": "1"}), target="/tags/list")
    begun = time.monotonic()

    scene.assert_done(scene.sync(retries=0))

    assert time.monotonic() - begun >= 1


def test_a_date_to_wait_for_is_waited_for(scene: Scene) -> None:
    scene.give("v1", images.image(scene.path))
    until = int(time.time()) + 2
    soon = formatdate(until, usegmt=True)
    scene.destination.add(Answer(503, headers={"Retry-After": soon}), method="PUT", target="digest=")

    scene.assert_done(scene.sync(retries=0))

    assert time.time() >= until


@pytest.mark.parametrize(("side", "method", "target"), STEPS)
def test_six_hours_are_waited_for_by_nobody(
    guarded_scene: Scene, guarded: Guarded, side: str, method: str, target: str
) -> None:
    scene = guarded_scene
    prepare(scene)
    sides = {"source": scene.source, "destination": scene.destination, "tokens": guarded.token_proxy}
    answer = error_answer(429, "TOOMANYREQUESTS", headers={"Retry-After": "21600"})
    rule = sides[side].add(answer, method=method, target=target, times=None)

    result = scene.sync(retries=3)

    assert rule.hits
    assert set(codes(result).values()) == {"rate_limited"}
    error = next(image.error for image in result.images if image.error)
    assert "UTC" in error.cause and not error.transient
    guarded.token_proxy.clear()
    scene.repair()


def test_a_storage_that_asks_for_hours_does_not_stop_its_registry(
    scene: Scene, faulty: Callable[..., FaultProxy]
) -> None:
    scene.give("v1", images.image(scene.path))
    storage = faulty(scene.source.upstream)
    storage.add(Answer(503, headers={"Retry-After": "21600"}), target="/blobs/", times=2)
    scene.source.add(Redirect(storage.endpoint.url), method="GET", target="/blobs/", times=None)

    scene.assert_done(scene.sync(retries=0))


# Logins that end


def test_tokens_that_are_refused_in_the_middle_are_renewed(guarded_scene: Scene, guarded: Guarded) -> None:
    scene = guarded_scene
    prepare(scene)
    gone = DropRequestHeaders(["Authorization"])
    for side, method, target in STEPS[1:-1]:  # a list's token is made for that very request: its refusal is final
        if target == "/tags/list":
            continue
        {"source": scene.source, "destination": scene.destination}[side].add(gone, method=method, target=target, skip=1)

    scene.assert_done(scene.sync(retries=0))

    assert [record.status for record in scene.destination.records() if record.faults].count(401) >= 4


def test_a_registry_that_refuses_every_token_for_a_body_is_asked_a_few_times(guarded_scene: Scene) -> None:
    """It opens sessions, so each refusal looks like that of a token which has just ended."""
    scene = guarded_scene
    wanted = scene.give("v1", images.image(scene.path))
    blobs = wanted.all_blobs()
    scene.destination.add(DropRequestHeaders(["Authorization"]), method="PUT", target="digest=", times=20 * len(blobs))

    result = scene.sync(retries=0)

    assert codes(result) == {"v1": "push_denied"}
    sent = Counter(record.target.rpartition("digest=")[2] for record in scene.destination.records() if record.faults)
    assert set(sent) == set(blobs)
    assert max(sent.values()) <= 5


def test_credentials_that_stop_working_are_tried_once_and_nothing_is_lost(
    guarded_scene: Scene, guarded: Guarded
) -> None:
    scene = guarded_scene
    prepare(scene)
    guarded.token_proxy.add(Answer(401), skip=2, times=None)
    for proxy in (scene.source, scene.destination):
        proxy.add(DropRequestHeaders(["Authorization"]), method="GET|PUT", target="/blobs/", times=None)

    result = scene.sync(retries=2)

    assert set(codes(result).values()) <= {"bad_credentials", "pull_denied", "push_denied", "no_credentials"}
    guarded.token_proxy.clear()
    scene.repair()


# What quirky registries say of what is absent


@pytest.mark.parametrize("status", [403, 404])
def test_a_head_of_what_is_absent_may_be_refused(scene: Scene, status: int) -> None:
    scene.give("v1", images.image(scene.path))
    scene.destination.add(error_answer(status, "DENIED"), method="HEAD|GET", target="/manifests/", times=None)
    rule = {**scene.rule, "source": f"{scene.rule['source']}:v1"}

    planned = scene.run.sync(rule, check_mode=True)
    done = scene.run.sync(rule)

    assert only(planned).action == ("create" if status == 404 else "unknown")
    assert only(done).action == "create", str(only(done).error)
    assert status == 404 or str(status) in only(planned).reason
    assert only(done).status == "done"
    scene.visible()


def test_a_destination_that_wants_a_login_fails_in_check_mode_as_it_does_in_a_run(scene: Scene) -> None:
    scene.give("v1", images.image(scene.path))
    scene.destination.add(error_answer(401, "UNAUTHORIZED"), method="HEAD|GET", target="/manifests/", times=None)
    rule = {**scene.rule, "source": f"{scene.rule['source']}:v1"}

    for check_mode in (True, False):
        image = only(scene.run.sync(rule, check_mode=check_mode))
        assert image.error is not None
        assert image.error.code == "no_credentials"


@pytest.mark.parametrize(("mount", "look"), [(405, 401), (405, 403), (405, 404), (500, 404)])
def test_a_registry_that_mounts_nothing_may_also_refuse_to_be_asked_for_blobs(
    scene: Scene, mount: int, look: int
) -> None:
    scene.give("v1", images.image(scene.path))
    scene.destination.add(error_answer(mount, "UNSUPPORTED"), method="POST", target="mount=", times=None)
    asked = scene.destination.add(error_answer(look, "DENIED"), method="HEAD", target="/blobs/", times=None)

    scene.assert_done(scene.sync(retries=0))

    assert asked.hits


def test_a_registry_that_mounts_something_else_is_sent_the_blob(scene: Scene) -> None:
    scene.give("v1", images.image(scene.path))
    other = Answer(201, headers={"Docker-Content-Digest": "sha256:" + "0" * 64, "Location": "/v2/"})
    scene.destination.add(other, method="POST", target="mount=", times=None)

    scene.assert_done(scene.sync(retries=0))


def test_a_list_of_what_is_absent_may_be_refused_at_a_destination(scene: Scene) -> None:
    scene.give("v1", images.image(scene.path))
    scene.destination.add(error_answer(404, "NAME_UNKNOWN"), method="GET", target="/tags/list", times=None)
    scene.assert_done(scene.sync(retries=0))


# Uploads that are answered early, late or not at all


@pytest.mark.parametrize("status", [401, 413])
def test_an_answer_in_the_middle_of_a_body_is_seen_at_once(guarded_scene: Scene, status: int) -> None:
    scene = guarded_scene
    large = images.random_blob(scene.path, 20_000_000)
    scene.give("v1", images.image(scene.path, layers=[large]))
    refusal = Answer(status, HTML, {"WWW-Authenticate": "Bearer"} if status == 401 else {}, after=100_000)
    rule = scene.destination.add(refusal, method="PUT", target=large.digest)

    result = scene.sync(retries=0)

    scene.assert_done(result)
    early = next(record for record in scene.destination.records() if record.faults)
    assert rule.hits == 1
    assert early.request_bytes < 5_000_000
    if status == 413:
        assert scene.destination.counts()["PATCH", "upload"] == 2


@pytest.mark.parametrize("broken", [1, 2])
def test_chunks_go_on_where_they_broke(scene: Scene, broken: int) -> None:
    large = images.random_blob(scene.path, 40_000_000)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.destination.add(Answer(413, HTML, after=100_000), method="PUT", target=large.digest)
    scene.destination.add(Answer(502, HTML), method="PATCH", skip=broken)

    result = scene.sync(retries=0)

    scene.assert_done(result)
    patches = [record.headers["content-range"] for record in scene.destination.records() if record.method == "PATCH"]
    sent = [int(part.partition("-")[0]) // 10_000_000 for part in patches]
    assert sent == sorted([0, 1, 2, 3, broken])
    # For the whole body that was refused, and for what was left from the chunk on that was lost.
    resumed, whole = sorted(reread.bytes for reread in result.rereads)
    left = 40_000_000 - 10_000_000 * broken
    assert whole == 40_000_000
    assert left <= resumed <= left + 4 * 1024 * 1024  # the hash is known every 4 MiB


def test_a_closing_answer_that_comes_late_is_not_needed(scene: Scene) -> None:
    large = images.random_blob(scene.path, 300_000)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.destination.add(HoldAnswer(seconds=90), method="PUT", target=large.digest)
    scene.destination.add(HoldAnswer(seconds=90), method="PUT", target="/manifests/v1")

    result = scene.sync(Settings(timeout=0.5, retry=RetryPolicy(backoff=0.01, backoff_cap=0.05)), retries=0)

    scene.assert_done(result)
    counts = scene.destination.counts()
    assert (counts["PUT", "upload"], counts["PUT", "manifest"]) == (2, 1)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_gave_up_on_a_registry_that_did_not(scene: Scene, status: int) -> None:
    scene.give("v1", images.image(scene.path))
    rules = [
        scene.destination.add(Answer(status, HTML, reach=True), method="PUT", target=target, times=None)
        for target in ("digest=", "/manifests/v1")
    ]

    result = scene.sync(retries=0)

    scene.assert_done(result)
    assert [rule.hits for rule in rules] == [3, 1]
    assert scene.source.counts()["GET", "blob"] == 3


def test_a_manifest_that_arrives_as_other_bytes_is_put_again(scene: Scene) -> None:
    """So docker-registry answers some of those who write one manifest at the same time, and proxies that spoil it."""
    scene.give("v1", images.multi_arch(scene.path))
    spoilt = error_answer(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
    rules = [
        scene.destination.add(spoilt, method="PUT", target=f"/manifests/{ref}", times=2) for ref in ("v1", "sha256:")
    ]

    scene.assert_done(scene.sync(retries=0))

    assert [rule.hits for rule in rules] == [2, 2]


def test_a_manifest_of_which_a_part_is_said_to_be_missing(scene: Scene) -> None:
    """Everything is looked for again, but not a foreign layer, which was never brought."""
    foreign = Blob(b"a layer that somebody else distributes", DOCKER_FOREIGN_LAYER)
    image = images.image(scene.path, docker=True)
    content = json.loads(image.manifest)
    content["layers"].insert(0, foreign.descriptor(urls=["https://elsewhere.example.com/layer"]))
    scene.origin.push(scene.path, image)
    assert scene.origin.push_manifest(scene.path, "v1", json.dumps(content).encode(), image.media_type).status == 201
    said = {"errors": [{"code": "MANIFEST_BLOB_UNKNOWN", "detail": {"digest": image.blobs[1].digest}}]}
    scene.destination.add(Answer(400, json.dumps(said).encode()), method="PUT", target="/manifests/v1")

    result = scene.run.sync(scene.rule, retries=0)

    assert only(result).status == "done", str(only(result).error)


def test_upload_sessions_that_vanish(scene: Scene) -> None:
    scene.give("v1", images.image(scene.path))
    gone = error_answer(404, "BLOB_UPLOAD_UNKNOWN")
    rule = scene.destination.add(gone, method="PUT", target="digest=", times=3)

    scene.assert_done(scene.sync(retries=0))

    assert rule.hits == 3


@pytest.mark.parametrize("gone", [error_answer(404, "BLOB_UPLOAD_UNKNOWN"), Answer(404, HTML)], ids=["said", "html"])
def test_upload_sessions_that_vanish_between_chunks(scene: Scene, gone: Action) -> None:
    large = images.random_blob(scene.path, 20_000_000)
    scene.give("v1", images.image(scene.path, layers=[large]))
    scene.destination.add(Answer(413, HTML, after=100_000), method="PUT", target=large.digest)
    scene.destination.add(gone, method="PATCH", skip=1)

    scene.assert_done(scene.sync(retries=0))

    patches = [record.headers["content-range"] for record in scene.destination.records() if record.method == "PATCH"]
    assert [int(part.partition("-")[0]) // 10_000_000 for part in patches] == [0, 1, 0, 1]


# Locations


LOCATIONS = {
    "relative": ChangeLocation(relative=True),
    "absolute": ChangeLocation(),
    "on another path": ChangeLocation(prefix="/behind/a/proxy"),
    "with its own query": ChangeLocation(query={"upload": "a=b&c", "sig": "x/+y"}),
    "relative, elsewhere, with a query": ChangeLocation(relative=True, prefix="/x", query={"q": "1 2"}),
}


@pytest.mark.parametrize("location", LOCATIONS)
def test_locations_of_every_form(scene: Scene, location: str) -> None:
    scene.give("v1", images.image(scene.path))
    scene.destination.add(LOCATIONS[location], times=None)

    scene.assert_done(scene.sync(retries=0))


def test_a_location_that_says_http_behind_tls(
    servers: Servers, scene: Scene, faulty: Callable[..., FaultProxy]
) -> None:
    scene.give("v1", images.image(scene.path))
    scene.destination = faulty(servers.relative.endpoint, certificate=servers.certificate)
    scene.destination.add(ChangeLocation(scheme="http"), times=None)
    scene.run = Run([scene.source.endpoint, scene.destination.endpoint])

    scene.assert_done(scene.sync(retries=0))

    assert len([warning for warning in scene.run.warnings if "X-Forwarded-Proto" in warning]) == 1
