# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign layers: refused without them, and fetched from their URLs where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult
from support.clients.endpoint import Endpoint
from support.scenes import images
from support.scenes.images import DOCKER_FOREIGN_LAYER, Blob, Image
from support.scenes.runs import Run, only
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, refusal, scripted_registry

LAYER = Blob(images.random_blob("foreign", 300_000).data, DOCKER_FOREIGN_LAYER)


@pytest.fixture
def source() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        registry.endpoint = replace(registry.endpoint, username="me", password="secret")

        def guarded(request: Request) -> Reply | None:
            if "authorization" in {name.lower() for name in request.headers}:
                return None
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="r"'})

        registry.answer = guarded
        yield registry


@pytest.fixture
def target() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


@pytest.fixture
def maker() -> Iterator[ScriptedRegistry]:
    """Where the layer's maker has it."""
    with scripted_registry(lambda request: Reply(200, LAYER.data)) as server:
        yield server


def push(registry: ScriptedRegistry, *urls: str) -> Image:
    """Push an image that names a foreign layer, which the registry does not have."""
    image = images.image("windows", docker=True)
    content = json.loads(image.manifest)
    content["layers"].insert(0, LAYER.descriptor(urls=list(urls)))
    made = Image(json.dumps(content).encode(), image.media_type, image.blobs)
    registry.push("app", made, "1")
    return made


def run(source: ScriptedRegistry, target: ScriptedRegistry, *others: Endpoint, **options: object) -> ImageResult:
    rule = {"source": f"{source.host}/app:1", "destination": f"{target.host}/app"}
    return only(Run([source.endpoint, target.endpoint, *others]).sync(rule, **options))


def manifest_puts(registry: ScriptedRegistry) -> int:
    return sum((request.method, request.kind) == ("PUT", "manifest") for request in registry.requests)


@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize("named", [True, False])
def test_a_registry_that_wants_them_is_asked_once_and_the_option_is_named(
    source: ScriptedRegistry, target: ScriptedRegistry, status: int, named: bool
) -> None:
    push(source, "https://maker.example/layer")
    reply = refusal(status, "MANIFEST_BLOB_UNKNOWN", detail={"digest": LAYER.digest} if named else None)
    target.answer = lambda r: reply if (r.method, r.kind) == ("PUT", "manifest") else None

    image = run(source, target)

    assert image.error.code == "unsupported_manifest"
    assert "foreign_layers: true" in image.error.hint
    assert LAYER.digest in str(image.error)
    assert manifest_puts(target) == 1


def test_another_blob_that_is_missing_is_looked_for_again(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    made = push(source, "https://maker.example/layer")
    missing = made.blobs[1].digest
    refused: list[Request] = []

    def answer(request: Request) -> Reply | None:
        if (request.method, request.kind) == ("PUT", "manifest") and not refused:
            refused.append(request)
            del target.repository("app").blobs[missing]
        return None

    target.answer = answer
    assert run(source, target).status == "done"
    assert manifest_puts(target) == 2


def test_they_are_fetched_from_their_urls_without_any_login(
    source: ScriptedRegistry, target: ScriptedRegistry, maker: ScriptedRegistry
) -> None:
    made = push(source, f"{maker.endpoint.url}/layers/1?key=value")

    image = run(source, target, maker.endpoint, foreign_layers=True)

    assert image.status == "done", str(image.error)
    assert target.repository("app").blobs[LAYER.digest] == LAYER.data
    assert target.repository("app").tags == {"1": made.digest}
    (request,) = maker.requests
    assert (request.path, request.query) == ("/layers/1", {"key": "value"})
    assert not {name.lower() for name in request.headers} & {"authorization", "cookie"}


def test_a_registry_that_has_them_is_asked_first(
    source: ScriptedRegistry, target: ScriptedRegistry, maker: ScriptedRegistry
) -> None:
    push(source, f"{maker.endpoint.url}/layer")
    source.repository("app").blobs[LAYER.digest] = LAYER.data
    assert run(source, target, maker.endpoint, foreign_layers=True).status == "done"
    assert maker.requests == []


def test_the_next_url_is_tried(source: ScriptedRegistry, target: ScriptedRegistry, maker: ScriptedRegistry) -> None:
    url = maker.endpoint.url
    push(
        source, "ftp://maker.example/x", "http://maker.example/x", "http://169.254.169.254/x", f"{url}/gone", f"{url}/1"
    )
    maker.answer = lambda request: Reply(404) if request.path == "/gone" else Reply(200, LAYER.data)
    assert run(source, target, maker.endpoint, foreign_layers=True).status == "done"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://elsewhere.example/layer", "not reached by https"),
        ("ftp://elsewhere.example/layer", "makes no sense"),
        ("https://user:word@elsewhere.example/layer", "makes no sense"),
        ("https://169.254.169.254/layer", "link-local"),
    ],
)
def test_what_may_not_be_asked_is_an_error(
    source: ScriptedRegistry, target: ScriptedRegistry, url: str, said: str
) -> None:
    push(source, url)
    image = run(source, target, foreign_layers=True)
    assert image.status == "failed"
    assert said in str(image.error)
    assert LAYER.digest not in target.repository("app").blobs


def test_a_redirect_to_a_metadata_address_is_not_followed(
    source: ScriptedRegistry, target: ScriptedRegistry, maker: ScriptedRegistry
) -> None:
    push(source, f"{maker.endpoint.url}/layer")
    maker.answer = lambda request: Reply(302, headers={"Location": "http://169.254.169.254/latest/meta-data"})
    image = run(source, target, maker.endpoint, foreign_layers=True)
    assert image.status == "failed"
    assert "link-local" in str(image.error)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes(len(LAYER.data)), "digest_mismatch"),
        (LAYER.data[:-1], "size_mismatch"),
        (LAYER.data + b"x", "size_mismatch"),
    ],
)
def test_what_is_not_the_layer_is_not_copied(
    source: ScriptedRegistry, target: ScriptedRegistry, maker: ScriptedRegistry, data: bytes, code: str
) -> None:
    push(source, f"{maker.endpoint.url}/layer")
    maker.answer = lambda request: Reply(200, data)
    image = run(source, target, maker.endpoint, foreign_layers=True, retries=0)
    assert image.error.code == code
    assert LAYER.digest not in target.repository("app").blobs


@pytest.mark.parametrize(
    ("status", "code"), [(404, "source_incomplete"), (403, "pull_denied"), (410, "source_incomplete")]
)
def test_a_maker_that_gives_it_no_more_is_named(
    source: ScriptedRegistry, target: ScriptedRegistry, maker: ScriptedRegistry, status: int, code: str
) -> None:
    push(source, f"{maker.endpoint.url}/layer")
    maker.answer = lambda request: Reply(status)
    image = run(source, target, maker.endpoint, foreign_layers=True)
    assert image.error.code == code
    assert maker.host in str(image.error)
    assert len(maker.requests) == 1
