# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries where what is there may not be changed: tags, manifests and blobs that are written once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult
from support.scenes import images
from support.scenes.runs import Run, only
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, refusal, scripted_registry

WORDS = {
    "Nexus": refusal(400, "BLOB_UPLOAD_INVALID", "blob upload invalid", "Repository does not allow updating assets: d"),
    "Harbor": refusal(412, "PRECONDITION", "Failed to process request due to 'app:1' configured as immutable."),
    "ECR": refusal(400, "TAG_INVALID", "The image tag '1' already exists and cannot be overwritten"),
    "Quay": refusal(409, "TAG_IMMUTABLE", "tag is immutable"),
    "Artifactory": refusal(403, "DENIED", "not enough permissions to delete/overwrite artifact 'app/1/manifest.json'"),
    "ACR": refusal(405, "UNSUPPORTED", "The operation is disallowed on this registry, repository or image."),
    "GitLab": refusal(403, "DENIED", "Access denied: the tag is protected"),
}


@pytest.fixture
def source() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        registry.push("app", images.image("new"), "1")
        yield registry


@pytest.fixture
def target() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


def run(source: ScriptedRegistry, target: ScriptedRegistry, **options: object) -> ImageResult:
    rule = {"source": f"{source.host}/app:1", "destination": f"{target.host}/app"}
    return only(Run([source.endpoint, target.endpoint]).sync(rule, **options))


def puts(registry: ScriptedRegistry) -> int:
    return sum(request.method == "PUT" and request.kind == "manifest" for request in registry.requests)


def refuse_manifests(registry: ScriptedRegistry, reply: Reply) -> None:
    registry.answer = lambda request: reply if (request.method, request.kind) == ("PUT", "manifest") else None


@pytest.mark.parametrize("product", WORDS)
def test_a_tag_that_has_another_digest_is_immutable(
    source: ScriptedRegistry, target: ScriptedRegistry, product: str
) -> None:
    old = images.image("old")
    target.push("app", old, "1")
    refuse_manifests(target, WORDS[product])

    image = run(source, target)

    assert image.error.code == "immutable_tag"
    assert image.error.words in str(image.error)
    assert puts(target) == 1
    assert target.repository("app").tags == {"1": old.digest}
    assert run(source, target, overwrite="skip").status == "done"


@pytest.mark.parametrize("product", WORDS)
def test_without_a_tag_there_the_registrys_words_are_the_error(
    source: ScriptedRegistry, target: ScriptedRegistry, product: str
) -> None:
    refuse_manifests(target, WORDS[product])
    image = run(source, target)
    assert image.error.code != "immutable_tag"
    assert "forgotten" not in str(image.error)
    assert image.error.words and image.error.words in str(image.error)
    assert puts(target) == 1


@pytest.mark.parametrize("product", WORDS)
def test_the_same_image_that_another_client_wrote_first_is_done(
    source: ScriptedRegistry, target: ScriptedRegistry, product: str
) -> None:
    def quicker(request: Request) -> Reply | None:
        if (request.method, request.kind) != ("PUT", "manifest"):
            return None
        target.push("app", images.image("new"), "1")
        return WORDS[product]

    target.answer = quicker
    assert run(source, target).status == "done"


@pytest.mark.parametrize(
    "reply",
    [
        refusal(400, "BLOB_UPLOAD_INVALID", "blob upload invalid", "d/v2/-/blobs/sha256:0 cannot be updated"),
        refusal(403, "DENIED", "not enough permissions to delete/overwrite artifact"),
        refusal(409, "CONFLICT", "the blob is being written"),
        refusal(412, "PRECONDITION", "exists"),
    ],
)
def test_a_blob_that_another_client_wrote_first_is_not_sent_again(
    source: ScriptedRegistry, target: ScriptedRegistry, reply: Reply
) -> None:
    kept = source.repository("app").blobs

    def quicker(request: Request) -> Reply | None:
        if (request.method, request.kind) != ("PUT", "upload"):
            return None
        target.repository("app").blobs[request.query["digest"]] = kept[request.query["digest"]]
        return reply

    target.answer = quicker
    assert run(source, target).status == "done"
    assert sum(request.method == "PUT" and request.kind == "upload" for request in target.requests) == len(kept)


def test_a_blob_that_is_refused_and_not_there_is_sent_again(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    refused: list[Request] = []

    def once(request: Request) -> Reply | None:
        if (request.method, request.kind) == ("PUT", "upload") and not refused:
            refused.append(request)
            return refusal(400, "BLOB_UPLOAD_INVALID", "blob upload invalid")
        return None

    target.answer = once
    assert run(source, target, retries=0).status == "done"
