# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content-Encodings that say nothing of the bytes, as object storages and web servers send them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult
from support.scenes import images
from support.scenes.runs import Run, only
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, scripted_registry

LABELS = ["aws-chunked", "gzip", "x-gzip", "GZIP", "aws-chunked,gzip", "br", ""]
IMAGE = images.image("labels")


@pytest.fixture
def source() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        registry.push("app", IMAGE, "v1")
        yield registry


@pytest.fixture
def destination() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


@pytest.fixture
def storage(source: ScriptedRegistry) -> Iterator[ScriptedRegistry]:
    """Where the source's blobs are, at a signed URL."""
    with scripted_registry() as storage:

        def answer(request: Request) -> Reply | None:
            if request.method == "GET" and request.kind == "blob":
                digest = request.path.rpartition("/")[2]
                return Reply(307, headers={"Location": f"{storage.endpoint.url}/bucket/{digest}?X-Amz-Signature=abc"})
            return None

        source.answer = answer
        yield storage


def copied(source: ScriptedRegistry, destination: ScriptedRegistry, **options: Any) -> ImageResult:
    run = Run([source.endpoint, destination.endpoint])
    return only(
        run.sync({"source": f"{source.host}/app:v1", "destination": f"{destination.host}/mirror/app"}, **options)
    )


def has_image(registry: ScriptedRegistry) -> bool:
    kept = registry.repository("mirror/app")
    return kept.tags.get("v1") == IMAGE.digest and set(IMAGE.all_blobs()) <= set(kept.blobs)


@pytest.mark.parametrize("label", LABELS)
def test_blobs_are_taken_by_their_digest_whatever_their_label(
    source: ScriptedRegistry, storage: ScriptedRegistry, destination: ScriptedRegistry, label: str
) -> None:
    blobs = IMAGE.all_blobs()
    storage.answer = lambda request: Reply(
        200, blobs[request.path.rpartition("/")[2]].data, {"Content-Encoding": label}
    )
    result = copied(source, destination)
    assert result.error is None, result.error
    assert has_image(destination)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("digest_header", [True, False])
def test_manifests_and_lists_are_read_whatever_their_label(
    source: ScriptedRegistry, destination: ScriptedRegistry, label: str, digest_header: bool
) -> None:
    def answer(request: Request) -> Reply | None:
        found = source.ordinary(request)
        headers = {**found.headers, "Content-Encoding": label}
        if not digest_header:
            headers.pop("Docker-Content-Digest", None)
        return Reply(found.status, found.body, headers)

    source.answer = answer
    run = Run([source.endpoint, destination.endpoint])
    result = only(run.sync({"source": f"{source.host}/app", "destination": f"{destination.host}/mirror/app"}))
    assert result.error is None, result.error
    assert has_image(destination)


@pytest.mark.parametrize("label", ["gzip", "x-gzip"])
def test_what_was_compressed_on_the_way_is_inflated_where_no_digest_is_known(
    source: ScriptedRegistry, destination: ScriptedRegistry, label: str
) -> None:
    """A tag list, and a manifest by tag without a digest; its digest is that of what was read."""

    def answer(request: Request) -> Reply | None:
        found = source.ordinary(request)
        if request.kind == "tags" or request.path.endswith("/manifests/v1"):
            kind = {"Content-Type": found.headers.get("Content-Type", "application/json")}
            return Reply(found.status, gzip.compress(found.body), {**kind, "Content-Encoding": label})
        return None

    source.answer = answer
    run = Run([source.endpoint, destination.endpoint])
    result = only(run.sync({"source": f"{source.host}/app", "destination": f"{destination.host}/mirror/app"}))
    assert result.error is None, result.error
    assert has_image(destination)


def test_a_token_that_was_compressed_on_the_way_is_read(
    source: ScriptedRegistry, destination: ScriptedRegistry
) -> None:
    def answer(request: Request) -> Reply | None:
        if request.path == "/token":
            return Reply(200, gzip.compress(json.dumps({"token": "TOKEN"}).encode()), {"Content-Encoding": "gzip"})
        if request.headers.get("Authorization") != "Bearer TOKEN":
            challenge = f'Bearer realm="{source.endpoint.url}/token",service="s"'
            return Reply(401, headers={"WWW-Authenticate": challenge})
        return None

    source.answer = answer
    result = copied(source, destination)
    assert result.error is None, result.error
    assert has_image(destination)


@pytest.mark.parametrize("length", ["another", "the same"])
def test_bytes_that_do_not_match_are_explained_by_their_label(
    source: ScriptedRegistry, storage: ScriptedRegistry, destination: ScriptedRegistry, length: str
) -> None:
    """A blob is never inflated."""
    blobs = IMAGE.all_blobs()

    def answer(request: Request) -> Reply:
        data = blobs[request.path.rpartition("/")[2]].data
        packed = gzip.compress(data)
        if length == "the same":
            packed = packed.ljust(len(data), b"\0")[: len(data)]
        return Reply(200, packed, {"Content-Encoding": "gzip"})

    storage.answer = answer
    result = copied(source, destination)
    assert result.error is not None
    assert result.error.code == ("size_mismatch" if length == "another" else "digest_mismatch")
    assert f'{storage.host} sent it with "Content-Encoding: gzip"' in result.error.cause
    assert not destination.repository("mirror/app").tags


def test_a_manifest_that_does_not_match_its_digest_is_explained_by_its_label(
    source: ScriptedRegistry, destination: ScriptedRegistry
) -> None:
    def answer(request: Request) -> Reply | None:
        if request.kind == "manifest" and request.method == "GET":
            found = source.ordinary(request)
            return Reply(200, gzip.compress(found.body), {**found.headers, "Content-Encoding": "gzip"})
        return None

    source.answer = answer
    result = copied(source, destination)
    assert result.error is not None and result.error.code == "digest_mismatch"
    assert f'{source.host} sent it with "Content-Encoding: gzip"' in result.error.cause
