# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let in, and what is said when somebody is not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry
from support.clients.collection_client import Heard, Opener, blob_descriptor, manifest_of, registry_client
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import DropRequestHeaders
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.servers.docker_registry import DockerRegistry, docker_registry
from support.servers.shared import IDENTITY_TOKEN, PASSWORD, READER, TOKEN_USERS, USER, Servers
from support.servers.token_server import TokenServer, token_server

Plain = Callable[[Endpoint], PlainClient]
Fresh = Callable[[], str]
Faulty = Callable[..., FaultProxy]
WRONG = Credential(username=USER, password="a wrong password")


@pytest.fixture
def own_tokens(tmp_path: Path) -> Iterator[TokenServer]:
    """A token server whose ways a test may change."""
    with token_server(tmp_path, TOKEN_USERS) as tokens:
        yield tokens


@pytest.fixture
def own_registry(tmp_path: Path, own_tokens: TokenServer) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path / "registry", tokens=own_tokens) as registry:
        yield registry


def refusal(registry: Registry, repository: str) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        registry.repository(repository).resolve("tag")
    return caught.value


# Refused


@pytest.mark.parametrize("name", ["htpasswd", "token", "zuul"])
def test_a_wrong_password(servers: Servers, name: str, repository: str) -> None:
    endpoint = servers.kind(name).endpoint
    with registry_client(endpoint, credential=WRONG) as registry:
        error = refusal(registry, repository)
    assert (error.code, error.status, error.transient) == ("bad_credentials", 401, False)
    assert endpoint.host in str(error)
    assert WRONG.password not in str(error)


@pytest.mark.parametrize("name", ["htpasswd", "zuul"])
def test_no_password_where_one_is_wanted(servers: Servers, name: str, repository: str) -> None:
    endpoint = servers.kind(name).endpoint
    with registry_client(endpoint.anonymous()) as registry:
        error = refusal(registry, repository)
    assert (error.code, error.transient) == ("no_credentials", False)
    assert endpoint.host in error.hint


def test_nobody_may_pull_without_a_token_for_it(servers: Servers, repository: str) -> None:
    with registry_client(servers.token.endpoint.anonymous()) as registry:
        error = refusal(registry, repository)
    assert error.code in ("no_credentials", "pull_denied")
    assert not error.transient


def test_one_wrong_password_makes_one_failed_login(servers: Servers, fresh: Fresh) -> None:
    def resolve(path: str) -> str:
        with pytest.raises(RegistryError) as caught:
            registry.repository(path).resolve("tag")
        return caught.value.code

    paths = [fresh() for _ in range(50)]
    with registry_client(servers.token.endpoint, credential=WRONG) as registry, ThreadPoolExecutor(8) as threads:
        servers.tokens.mark()
        assert set(threads.map(resolve, paths)) == {"bad_credentials"}
        assert len(servers.tokens.requests()) == 1
    with registry_client(servers.htpasswd.endpoint, credential=WRONG) as registry, ThreadPoolExecutor(8) as threads:
        servers.htpasswd.mark()
        assert set(threads.map(resolve, paths)) == {"bad_credentials"}
        assert len(servers.htpasswd.requests()) == 2  # one to be challenged, one to be refused


def test_who_may_only_read_is_told_so_when_writing(servers: Servers, repository: str, plain: Plain) -> None:
    image = images.image(repository)
    plain(servers.token.endpoint).push(repository, image, "tag")
    reader = Credential(username=READER, password=PASSWORD)
    with registry_client(servers.token.endpoint, credential=reader) as registry:
        there = registry.repository(repository)
        assert there.manifest("tag").raw == image.manifest
        blob = images.random_blob(repository, 1000)
        with pytest.raises(RegistryError) as blobs:
            there.put_blob(blob_descriptor(blob), Opener(blob.data), there.mount_blob(blob_descriptor(blob)))
        with pytest.raises(RegistryError) as manifests:
            there.put_manifest(manifest_of(image), "other")
    for caught in (blobs, manifests):
        assert (caught.value.code, caught.value.transient) == ("push_denied", False)


def test_who_may_neither_read_nor_write_is_told_of_writing_when_writing(servers: Servers, repository: str) -> None:
    limited = Credential(username="limited", password=PASSWORD)
    blob = blob_descriptor(images.random_blob(repository, 10))
    with (
        registry_client(servers.token.endpoint, credential=limited) as registry,
        pytest.raises(RegistryError) as caught,
    ):
        registry.repository(repository).mount_blob(blob)
    assert (caught.value.code, caught.value.transient) == ("push_denied", False)


def test_who_may_not_read_is_told_so(servers: Servers, repository: str, plain: Plain) -> None:
    plain(servers.token.endpoint).push(repository, images.image(repository), "tag")
    limited = Credential(username="limited", password=PASSWORD)
    with registry_client(servers.token.endpoint, credential=limited) as registry:
        error = refusal(registry, repository)
        assert registry.repository(f"limited/{repository}").resolve("tag") is None
    assert (error.code, error.transient) == ("pull_denied", False)


# Let in


def test_an_identity_token_lets_in(servers: Servers, repository: str) -> None:
    image = images.image(repository)
    with registry_client(servers.token.endpoint, credential=Credential(identity_token=IDENTITY_TOKEN)) as registry:
        there = registry.repository(repository)
        servers.tokens.mark()
        for blob in image.blobs:
            there.put_blob(blob_descriptor(blob), Opener(blob.data))
        assert str(there.put_manifest(manifest_of(image), "tag")) == image.digest
        assert [request.method for request in servers.tokens.requests()] == ["POST"]


def test_a_wrong_identity_token(servers: Servers, repository: str) -> None:
    wrong = Credential(identity_token="a wrong identity token")
    with registry_client(servers.token.endpoint, credential=wrong) as registry:
        assert refusal(registry, repository).code == "bad_credentials"


@pytest.mark.parametrize("key", ["token", "access_token"])
@pytest.mark.parametrize("say_life", [True, False])
def test_every_form_of_a_token_servers_answer(
    own_registry: DockerRegistry, own_tokens: TokenServer, repository: str, key: str, say_life: bool
) -> None:
    own_tokens.answer_key, own_tokens.say_life = key, say_life
    with registry_client(own_registry.endpoint) as registry:
        assert registry.repository(repository).resolve("tag") is None
        assert registry.repository(repository).resolve("other") is None
    assert len(own_tokens.requests()) == 1


def test_a_token_server_behind_tls(servers: Servers, tmp_path: Path, repository: str) -> None:
    with (
        token_server(tmp_path, TOKEN_USERS, certificate=servers.certificate) as tokens,
        docker_registry(tmp_path / "registry", tokens=tokens, certificate=servers.certificate) as made,
        registry_client(made.endpoint) as registry,
    ):
        assert registry.repository(repository).resolve("tag") is None


# In the middle of a run


def test_a_token_that_is_refused_is_renewed(servers: Servers, repository: str, plain: Plain, faulty: Faulty) -> None:
    image = images.image(repository)
    plain(servers.token.endpoint).push(repository, image, "tag")
    proxy = faulty(servers.token.endpoint)
    with registry_client(proxy.endpoint) as registry:
        there = registry.repository(repository)
        assert there.resolve("tag") is not None
        servers.tokens.mark()
        proxy.mark()
        proxy.add(DropRequestHeaders(["Authorization"]))
        assert there.manifest("tag").raw == image.manifest
    assert [record.status for record in proxy.records()] == [401, 200]
    assert len(servers.tokens.requests()) == 1


@pytest.mark.parametrize("size", [1000, 30_000_000])
def test_an_upload_whose_token_is_refused_begins_anew(
    servers: Servers, repository: str, plain: Plain, faulty: Faulty, size: int
) -> None:
    proxy = faulty(servers.token.endpoint)
    proxy.add(DropRequestHeaders(["Authorization"]), method="PUT")
    blob = images.random_blob(repository, size)
    opener = Opener(blob.data)
    with registry_client(proxy.endpoint) as registry:
        registry.repository(repository).put_blob(blob_descriptor(blob), opener)
    assert plain(servers.token.endpoint).blob(repository, blob.digest).body == blob.data
    assert opener.offsets == [0, 0]
    assert all(reader.closed for reader in opener.readers)


def test_a_token_near_its_end_is_renewed_before_a_body_is_sent(
    own_registry: DockerRegistry, own_tokens: TokenServer, repository: str, plain: Plain
) -> None:
    own_tokens.life = 0  # refused as soon as it is used, whatever the answer says of its life
    own_tokens.say_life = False
    blob = images.random_blob(repository, 1000)
    with registry_client(own_registry.endpoint) as registry:
        there = registry.repository(repository)
        with pytest.raises(RegistryError) as caught:
            there.resolve("tag")
        assert not caught.value.transient
        own_tokens.life = 300
        there.put_blob(blob_descriptor(blob), Opener(blob.data))
    assert plain(own_registry.endpoint).blob(repository, blob.digest).body == blob.data


# What is said of secrets


def test_every_secret_is_named_before_it_is_used(servers: Servers, repository: str, faulty: Faulty) -> None:
    for name in ("htpasswd", "token"):
        endpoint = servers.kind(name).endpoint
        proxy = faulty(endpoint)
        heard = Heard()
        with registry_client(proxy.endpoint, heard=heard) as registry:
            registry.repository(repository).resolve("tag")
        sent = {
            record.headers["authorization"].partition(" ")[2]
            for record in proxy.records()
            if "authorization" in record.headers
        }
        assert sent
        assert sent <= set(heard.secrets)
    assert base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode() in heard.secrets
