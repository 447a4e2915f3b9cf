# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that take blobs by PATCH alone: the body of a PUT is refused, or not looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.scenes import images
from support.scenes.runs import Run, only
from support.servers.scripted_registry import Answer, Reply, Request, ScriptedRegistry, refusal, scripted_registry


@pytest.fixture
def source() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        registry.push("app", images.image("patch", layers=[images.random_blob(n, 80_000) for n in range(4)]), "1")
        yield registry


@pytest.fixture
def target() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


def has_body(request: Request) -> bool:
    return request.method == "PUT" and request.kind == "upload" and bool(request.body)


def ignoring(request: Request) -> Reply | None:
    """As Pulp did: the digest of nothing is not the one that was announced."""
    if has_body(request):
        request.body = b""
    return None


def refusing(reply: Reply) -> Answer:
    return lambda request: reply if has_body(request) else None


NO_PUT: dict[str, Answer] = {
    "the body is not looked at": ignoring,
    "405": refusing(Reply(405)),
    "501": refusing(Reply(501)),
    "404": refusing(Reply(404)),
    "an unknown upload": refusing(refusal(404, "BLOB_UPLOAD_UNKNOWN")),
    "unsupported": refusing(refusal(400, "UNSUPPORTED")),
    "another size": refusing(refusal(400, "SIZE_INVALID")),
}


def run(source: ScriptedRegistry, target: ScriptedRegistry, **options: int) -> object:
    one = {target.host: {"concurrency": 1}}
    return only(
        Run([source.endpoint, target.endpoint], access=one).sync(
            {"source": f"{source.host}/app:1", "destination": f"{target.host}/app"}, **options
        )
    )


def uploads(registry: ScriptedRegistry) -> list[str]:
    """The methods of uploads in their order; a PUT with a body as PUT*."""
    return [r.method + "*" * has_body(r) for r in registry.requests if r.kind == "upload"]


@pytest.mark.parametrize("how", NO_PUT)
def test_blobs_go_by_one_patch_once_a_put_has_been_refused(
    source: ScriptedRegistry, target: ScriptedRegistry, how: str
) -> None:
    # What a registry has forgotten is no reason to think that it takes no body; twice in a row is.
    bodies = 2 if how in ("404", "an unknown upload") else 1
    target.answer = NO_PUT[how]

    image = run(source, target, concurrency=1, retries=0)

    assert image.status == "done", str(image.error)
    kept = source.repository("app")
    assert target.repository("app").blobs == kept.blobs
    methods = uploads(target)
    assert methods.count("PUT*") in ((bodies,) if how != "the body is not looked at" else (0,))
    assert methods.count("PATCH") == len(kept.blobs)
    assert methods.count("POST") == len(kept.blobs) + bodies


def test_a_put_that_was_spoilt_on_the_way_is_mended_by_the_patch(
    source: ScriptedRegistry, target: ScriptedRegistry
) -> None:
    spoilt: list[Request] = []

    def answer(request: Request) -> Reply | None:
        if has_body(request) and not spoilt:
            spoilt.append(request)
            request.body = bytes(len(request.body))
        return None

    target.answer = answer
    assert run(source, target, retries=0).status == "done"
    assert target.repository("app").blobs == source.repository("app").blobs


def test_what_takes_neither_is_an_error_after_one_patch(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    target.answer = lambda request: Reply(405) if request.method in ("PUT", "PATCH") else None

    image = run(source, target, retries=0)

    assert image.error.code == "unsupported"
    methods = uploads(target)
    assert methods.count("PATCH") <= len(source.repository("app").blobs)


def test_a_registry_is_not_remembered_for_a_patch_that_did_not_help(
    source: ScriptedRegistry, target: ScriptedRegistry
) -> None:
    refused: list[Request] = []

    def answer(request: Request) -> Reply | None:
        if has_body(request) and len(refused) < 2:
            refused.append(request)
            return refusal(400, "DIGEST_INVALID")
        return Reply(400) if request.method == "PATCH" else None

    target.answer = answer
    image = run(source, target, concurrency=1)
    assert image.status == "done", str(image.error)
    assert uploads(target).count("PATCH") <= 2
