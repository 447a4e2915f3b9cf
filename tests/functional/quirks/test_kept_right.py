# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Situations in which other clients have gone wrong, and this one has not: they stay right."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.clients.endpoint import Endpoint
from support.scenes import images
from support.scenes.images import Image
from support.scenes.runs import Run, only
from support.servers.certificates import CertificateAuthority
from support.servers.relays import http_relay
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, refusal, scripted_registry
from support.servers.token_gate import token_gate

APP = images.image("app", layers=[images.random_blob(number, 30_000) for number in range(3)])
LARGE = images.image("large", layers=[images.random_blob("large", 3_000_000)])
EMPTY = images.image("empty", layers=[images.empty_layer()])


def copied(source: ScriptedRegistry, target: ScriptedRegistry, image: Image = APP) -> bool:
    """Copy an image. Return whether it arrived as it was."""
    source.push("app", image, "1")
    result = only(
        Run([source.endpoint, target.endpoint]).sync(
            {"source": f"{source.host}/app:1", "destination": f"{target.host}/m/app"}
        )
    )
    return result.status == "done" and target.repository("m/app").tags == {"1": image.digest}


def test_addresses_of_ipv6() -> None:
    with scripted_registry(address="::1") as source, scripted_registry(address="::1") as target:
        assert source.host.startswith("[::1]:")
        assert copied(source, target)


def test_a_body_that_is_too_large_and_statuses_without_content() -> None:
    def answer(request: Request) -> Reply | None:
        if request.kind == "upload" and len(request.body) > 1_000_000:
            return Reply(413)
        if request.kind == "upload" and request.method == "PATCH":
            found = target.ordinary(request)
            return Reply(204, b"", found.headers)
        return None

    with scripted_registry() as source, scripted_registry(answer) as target:
        assert copied(source, target, LARGE)


def test_a_blob_of_no_bytes() -> None:
    with scripted_registry() as source, scripted_registry() as target:
        assert copied(source, target, EMPTY)


def test_a_token_server_that_grants_the_last_scope_alone() -> None:
    """Of several scopes in one request it reads one, so that a mount is refused."""
    with token_gate() as gate:
        gate.registry.push("one/app", APP, "1")
        result = only(
            Run([gate.endpoint]).sync(
                {"source": f"{gate.registry.host}/one/app:1", "destination": f"{gate.registry.host}/two/app"}
            )
        )
    assert result.status == "done"


def test_a_certificate_with_a_common_name_alone(tmp_path: Path) -> None:
    certificate = CertificateAuthority(tmp_path).issue("localhost", hosts=())
    with (
        scripted_registry(certificate=certificate, ca_path=certificate.ca_path) as source,
        scripted_registry() as target,
    ):
        source.push("app", APP, "1")
        name = f"localhost:{source.host.rpartition(':')[2]}"
        run = Run([Endpoint(name, certificate.ca_path), target.endpoint])
        assert only(run.sync({"source": f"{name}/app:1", "destination": f"{target.host}/app"})).status == "done"


def test_a_token_of_many_kilobytes() -> None:
    """Accounts in many groups have such."""
    token = "t" * 30_000

    def answer(request: Request) -> Reply | None:
        if request.path == "/token":
            return Reply(200, b'{"token":"%s"}' % token.encode())
        if request.headers.get("Authorization") == f"Bearer {token}":
            return None
        return Reply(401, headers={"WWW-Authenticate": f'Bearer realm="http://{source.host}/token",service="s"'})

    with scripted_registry(answer) as source, scripted_registry() as target:
        assert copied(source, target)


def test_a_name_that_only_the_proxy_resolves(tmp_path: Path) -> None:
    name = "registry.corp.example"
    certificate = CertificateAuthority(tmp_path).issue("server", hosts=(name,))
    with (
        scripted_registry(certificate=certificate, ca_path=certificate.ca_path) as source,
        scripted_registry() as target,
        http_relay({name: source.host}) as relay,
    ):
        source.push("app", APP, "1")
        run = Run(
            [Endpoint(name, certificate.ca_path), target.endpoint],
            access={name: {"proxy": f"http://{relay.host}"}},
        )
        assert only(run.sync({"source": f"{name}/app:1", "destination": f"{target.host}/app"})).status == "done"


@pytest.mark.parametrize("status", [401, 403])
def test_a_repository_that_is_made_by_a_push_refuses_to_be_looked_at(status: int) -> None:
    with scripted_registry() as source, token_gate() as gate:
        source.push("app", APP, "1")

        def new(request: Request) -> Reply | None:
            looks = request.method in ("GET", "HEAD")
            if not looks or gate.registry.repository("app").blobs:
                return None
            return gate.challenge("app", "pull") if status == 401 else refusal(403, "DENIED")

        gate.deny = new
        run = Run([source.endpoint, gate.endpoint])
        found = only(run.sync({"source": f"{source.host}/app:1", "destination": f"{gate.registry.host}/app"}))
    assert found.status == "done"
