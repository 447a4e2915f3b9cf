# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tokens come from: a realm for each repository, a realm that moves, and one that says http of an https host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.authorization import (
    authenticator as authorization,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry
from support.clients.collection_client import Heard, registry_client
from support.scenes import images
from support.scenes.runs import Run
from support.servers.scripted_registry import Reply, refusal, scripted_registry
from support.servers.shared import Servers
from support.servers.token_gate import TOKEN_PATH, TokenGate, token_gate

PATHS = ["one/app", "two/app", "three/app"]


@pytest.fixture
def gate() -> Iterator[TokenGate]:
    with token_gate() as made:
        push(made)
        yield made


def push(gate: TokenGate) -> None:
    for path in PATHS:
        gate.registry.push(path, images.image(path), "1")


def shows(registry: Registry, *paths: str) -> bool:
    """Whether each of these repositories shows its tag."""
    return all(registry.repository(path).resolve("1") is not None for path in paths)


def realm_by_namespace(gate: TokenGate) -> None:
    gate.realm = lambda repository: f"http://{gate.registry.host}{TOKEN_PATH}/{repository.partition('/')[0]}"


# A realm for each repository


@pytest.mark.parametrize(
    "said",
    [
        None,
        refusal(401, "UNAUTHORIZED", "no such repository here"),
        refusal(403, "DENIED", "no such repository here"),
        refusal(404, "NAME_UNKNOWN", "no such repository here"),
        Reply(400, b'{"error":"invalid_scope"}'),
    ],
    ids=["gives a token that is good for nothing", "401", "403", "404", "invalid_scope"],
)
def test_each_repository_may_have_a_token_server_of_its_own(gate: TokenGate, said: Reply | None) -> None:
    realm_by_namespace(gate)
    gate.refuse = lambda path, scope: said if scope and f":{path.rpartition('/')[2]}/" not in scope else None
    with registry_client(gate.endpoint) as registry:
        assert shows(registry, *PATHS, *PATHS)
    served = [request for request in gate.asked if request.status == 200 and request.scope.split(":")[1:2]]
    assert {request.path.rpartition("/")[2] for request in served} == {"one", "two", "three"}
    assert len(gate.asked) <= 7  # nothing is asked again of what is known


def test_images_of_several_realms_are_copied_in_one_run(gate: TokenGate) -> None:
    realm_by_namespace(gate)
    with scripted_registry() as target:
        result = Run([gate.endpoint, target.endpoint]).sync(
            *({"source": f"{gate.registry.host}/{path}:1", "destination": f"{target.host}/{path}"} for path in PATHS)
        )
        assert [image.error for image in result.images] == [None] * 3
        assert sorted(target.repositories) == sorted(PATHS)


# A realm that moves


@pytest.mark.parametrize("old", [401, 403, 404, 410, 500])
def test_a_realm_that_moved_is_found_when_its_tokens_have_ended(
    gate: TokenGate, old: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorization, "RECENT", 0.0)
    with registry_client(gate.endpoint) as registry:
        assert shows(registry, PATHS[0])
        gate.realm = lambda repository: f"http://{gate.registry.host}{TOKEN_PATH}/new"
        gate.refuse = lambda path, scope: Reply(old) if path == TOKEN_PATH else None
        gate.revoke()
        assert shows(registry, *PATHS)
    assert gate.asked[-1].path.endswith("/new")


def test_a_refused_fresh_token_follows_its_new_challenge_once(gate: TokenGate) -> None:
    moves = iter(range(1000))
    gate.realm = lambda repository: f"http://{gate.registry.host}{TOKEN_PATH}/{next(moves)}"  # another each time
    with registry_client(gate.endpoint) as registry, pytest.raises(RegistryError, match="HTTP 401"):
        registry.repository(PATHS[0]).resolve("1")
    assert len(gate.asked) == 2


# A realm that says http


@pytest.mark.parametrize("anonymous", [False, True])
def test_an_http_realm_of_the_registrys_own_host_is_asked_by_https_with_one_warning(
    servers: Servers, anonymous: bool
) -> None:
    heard = Heard()
    with token_gate(certificate=servers.certificate) as gate:
        push(gate)
        gate.realm = lambda repository: f"http://{gate.registry.host}{TOKEN_PATH}"
        gate.login = None if anonymous else gate.login
        endpoint = gate.endpoint.anonymous() if anonymous else gate.endpoint
        with registry_client(endpoint, heard=heard) as registry:
            assert shows(registry, *PATHS)
        assert {bool(request.authorization) for request in gate.asked} == {not anonymous}
    (warning,) = heard.warnings
    assert "https is used" in warning


def test_an_http_realm_of_another_host_gets_no_password(servers: Servers) -> None:
    with token_gate() as elsewhere, token_gate(certificate=servers.certificate) as gate:
        push(gate)
        gate.realm = elsewhere.realm
        with registry_client(gate.endpoint) as registry, pytest.raises(RegistryError) as caught:
            registry.repository(PATHS[0]).resolve("1")
        assert caught.value.code == "protocol_error"
        assert "not reached by https" in caught.value.cause
        assert not elsewhere.asked
