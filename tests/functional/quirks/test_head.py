# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries whose answers to HEAD are not what they answer to GET."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from support.scenes import images
from support.scenes.runs import Run, actions, only
from support.servers.scripted_registry import Answer, Reply, Request, ScriptedRegistry, refusal, scripted_registry

TAGS = [f"v{number}" for number in range(10)]
REFUSALS = [400, 403, 404, 405, 406, 501]


@pytest.fixture
def source() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        for tag, image in images.sharing_tags("head", len(TAGS)).items():
            registry.push("app", image, tag)
        yield registry


@pytest.fixture
def target() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


def refusing_heads(status: int, kind: str = "manifest") -> Answer:
    """Refuses HEAD of what is there, without a word; GET is answered."""
    return lambda request: Reply(status) if (request.method, request.kind) == ("HEAD", kind) else None


def run(source: ScriptedRegistry, target: ScriptedRegistry, *tags: str, **options: Any) -> RunResult:
    rules = [{"source": f"{source.host}/app:{tag}", "destination": f"{target.host}/app"} for tag in tags]
    one = {source.host: {"concurrency": 1}, target.host: {"concurrency": 1}}
    return Run([source.endpoint, target.endpoint], access=one).sync(*rules, **options)


def gets(registry: ScriptedRegistry) -> int:
    """How many manifests were asked for by GET."""
    return sum(request.method == "GET" and request.kind == "manifest" for request in registry.requests)


def heads(registry: ScriptedRegistry) -> int:
    return sum(request.method == "HEAD" and request.kind == "manifest" for request in registry.requests)


@pytest.mark.parametrize("status", REFUSALS)
def test_a_source_that_refuses_head_is_asked_by_get_from_then_on(
    source: ScriptedRegistry, target: ScriptedRegistry, status: int
) -> None:
    source.answer = refusing_heads(status)
    result = run(source, target, *TAGS)
    assert {image.status for image in result.images} == {"done"}
    assert list(target.repository("app").tags) == TAGS
    assert heads(source) == 1
    assert gets(source) == 2 * len(TAGS)  # once to see what it is, once to copy it


@pytest.mark.parametrize("status", REFUSALS)
def test_a_destination_that_refuses_head_is_not_written_to_again(
    source: ScriptedRegistry, target: ScriptedRegistry, status: int
) -> None:
    run(source, target, "v0")
    target.answer = refusing_heads(status)
    assert actions(run(source, target, "v0")) == {"v0": ("unchanged", "done")}


def test_a_head_that_is_led_to_a_url_signed_for_get_alone(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    with scripted_registry() as storage:

        def signed(request: Request) -> Reply:
            if request.method != "GET":
                return Reply(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
            kept = source.repository("app")
            raw, media_type = kept.manifests[request.query["digest"]]
            return Reply(200, raw, {"Content-Type": media_type})

        def leading(request: Request) -> Reply | None:
            if request.kind != "manifest":
                return None
            kept = source.repository("app")
            ref = request.path.rpartition("/")[2]
            digest = kept.tags.get(ref, ref)
            location = f"{storage.endpoint.url}/bucket?digest={digest}&signature=1"
            return Reply(307, headers={"Location": location, "Docker-Content-Digest": digest})

        storage.answer, source.answer = signed, leading
        result = run(source, target, *TAGS[:3])
        assert {image.status for image in result.images} == {"done"}
        assert len([request for request in storage.requests if request.method == "HEAD"]) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("side", ["source", "target"])
def test_where_heads_fail_gets_are_sent(
    source: ScriptedRegistry, target: ScriptedRegistry, status: int, side: str
) -> None:
    run(source, target, "v0")
    bent = source if side == "source" else target
    bent.answer = refusing_heads(status)
    before = heads(bent)
    result = run(source, target, *TAGS)
    assert {image.status for image in result.images} == {"done"}
    assert actions(result)["v0"] == ("unchanged", "done")
    assert heads(bent) - before == 4  # two tries of two manifests: it may be chance once


def test_a_head_that_fails_once_is_sent_again(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    failed: set[str] = set()

    def once(request: Request) -> Reply | None:
        if (request.method, request.kind) != ("HEAD", "manifest") or request.path in failed:
            return None
        failed.add(request.path)
        return Reply(503)

    run(source, target, *TAGS)
    source.answer = target.answer = once
    before = gets(source), gets(target)
    assert {image.action for image in run(source, target, *TAGS).images} == {"unchanged"}
    assert (gets(source), gets(target)) == before


def test_where_both_fail_there_are_no_more_tries(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    source.answer = lambda request: Reply(503) if request.kind == "manifest" else None
    error = only(run(source, target, "v0", retries=0)).error
    assert error is not None and error.code == "server_error"
    assert (heads(source), gets(source)) == (2, 3)


@pytest.mark.parametrize(("status", "code"), [(403, "pull_denied"), (400, "protocol_error")])
def test_the_words_of_a_refusal_are_those_of_the_get(
    source: ScriptedRegistry, target: ScriptedRegistry, status: int, code: str
) -> None:
    words = "client with IP '203.0.113.7' is not allowed access"

    def refuse(request: Request) -> Reply | None:
        if request.kind != "manifest":
            return None
        return Reply(status) if request.method == "HEAD" else refusal(status, "DENIED", words)

    source.answer = refuse
    result = run(source, target, *TAGS)
    assert {image.error.code for image in result.images} == {code}
    assert all(words in str(image.error) for image in result.images)
    assert gets(source) == 1, "the others of the repository are not asked for twice"


def test_a_refusal_is_confirmed_in_each_repository(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    for path in ("one", "two", "three"):
        source.push(path, images.image(path), "1", "2")
    source.answer = lambda request: refusal(403, "DENIED") if request.kind == "manifest" else None
    result = Run([source.endpoint, target.endpoint]).sync(
        *(
            {"source": f"{source.host}/{path}:{tag}", "destination": f"{target.host}/{path}"}
            for path in ("one", "two", "three")
            for tag in ("1", "2")
        )
    )
    assert {image.error.code for image in result.images} == {"pull_denied"}
    assert gets(source) == 3


def test_that_something_is_absent_is_confirmed_once_a_registry(
    source: ScriptedRegistry, target: ScriptedRegistry
) -> None:
    result = Run([source.endpoint, target.endpoint]).sync(
        *({"source": f"{source.host}/app:{tag}", "destination": f"{target.host}/{tag}"} for tag in TAGS)
    )
    assert {image.status for image in result.images} == {"done"}
    assert (heads(target), gets(target)) == (len(TAGS), 1)
    assert (heads(source), gets(source)) == (len(TAGS), len(TAGS))


def test_a_tag_that_only_get_shows_is_not_taken_for_absent(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    run(source, target, *TAGS)
    target.answer = refusing_heads(404)
    result = run(source, target, *TAGS, check_mode=True)
    assert {image.action for image in result.images} == {"unchanged"}


@pytest.mark.parametrize("status", [400, 403, 405, 500, 501])
def test_blobs_are_looked_for_by_their_first_byte(
    source: ScriptedRegistry, target: ScriptedRegistry, status: int
) -> None:
    image = images.image("blobs", layers=[images.random_blob(number, 70_000) for number in range(3)])
    source.push("app", image, "blobs")
    kept = target.repository("app")
    kept.blobs.update((blob.digest, blob.data) for blob in image.blobs[1:3])
    target.answer = refusing_heads(status, "blob")

    found = only(run(source, target, "blobs", check_mode=True))

    assert (found.blobs_present, found.blobs_copied) == (2, 2)
    looks = [request for request in target.requests if request.kind == "blob"]
    assert {request.headers.get("Range") for request in looks if request.method == "GET"} == {"bytes=0-0"}
    assert len([request for request in looks if request.method == "GET"]) == len(image.blobs)


def test_an_empty_blob_has_no_first_byte(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    image = images.image("empty", layers=[images.empty_layer()])
    source.push("app", image, "empty")
    target.repository("app").blobs.update((blob.digest, blob.data) for blob in image.blobs)

    def answer(request: Request) -> Reply | None:
        if request.kind != "blob":
            return None
        empty = request.path.endswith(images.empty_layer().digest)
        return Reply(403) if request.method == "HEAD" else Reply(416) if empty else None

    target.answer = answer
    assert only(run(source, target, "empty", check_mode=True)).blobs_present == 2
