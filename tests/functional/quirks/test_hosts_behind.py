# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that a registry leads to and that cannot be reached as it names them: its storage, its uploads, its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from support.scenes import images
from support.scenes.runs import Run, only
from support.servers.ports import dead_host, silent_host
from support.servers.scripted_registry import Answer, Reply, Request, ScriptedRegistry, scripted_registry
from support.servers.shared import Servers

IMAGE = images.image("behind")
UNKNOWN = "storage.behind.invalid"
TWICE = Settings(timeout=20.0, retry=RetryPolicy(attempts=2, backoff=0.01, backoff_cap=0.02))


@pytest.fixture
def source() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        registry.push("app", IMAGE, "v1")
        yield registry


@pytest.fixture
def target() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


def failure(source: ScriptedRegistry, target: ScriptedRegistry, settings: Settings = TWICE) -> ImageOpsError:
    run = Run([source.endpoint, target.endpoint], settings=settings)
    result = only(run.sync({"source": f"{source.host}/app:v1", "destination": f"{target.host}/copy"}, retries=1))
    assert result.error is not None
    assert not target.repository("copy").tags
    return result.error


def stored_at(url: str) -> Answer:
    """Sends the readers of blobs elsewhere."""

    def answer(request: Request) -> Reply | None:
        if request.kind != "blob" or request.method != "GET":
            return None
        return Reply(307, headers={"Location": f"{url}/bucket{request.path}?X-Amz-Signature=abc"})

    return answer


def uploaded_to(url: str) -> Answer:
    """Names another place for uploads."""

    def answer(request: Request) -> Reply | None:
        if request.method != "POST":
            return None
        return Reply(202, headers={"Location": f"{url}/v2/copy/blobs/uploads/session"})

    return answer


def named(error: ImageOpsError, host: str, registry: str) -> None:
    assert f"{registry} leads to {host}" in error.cause
    assert "retr" not in error.cause, "the budget of retries is no reason"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_storage_whose_name_is_not_known(source: ScriptedRegistry, target: ScriptedRegistry, scheme: str) -> None:
    source.answer = stored_at(f"{scheme}://{UNKNOWN}:9000")
    error = failure(source, target)
    assert error.code == "connection_failed"
    named(error, f"{UNKNOWN}:9000", source.host)
    assert "cannot be resolved" in error.cause
    assert f"the name {UNKNOWN}:9000 has to be known here too" in error.hint


def test_a_storage_with_a_private_authority(
    servers: Servers, source: ScriptedRegistry, target: ScriptedRegistry
) -> None:
    with scripted_registry(certificate=servers.certificate) as storage:
        source.answer = stored_at(f"https://{storage.host}")
        error = failure(source, target)
    assert (error.code, error.transient) == ("tls_untrusted", False)
    named(error, storage.host, source.host)
    assert f"ca_path or ca of {source.host}" in error.hint


def test_a_storage_that_speaks_no_tls(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    with scripted_registry() as storage:
        source.answer = stored_at(f"https://{storage.host}")
        error = failure(source, target)
    assert (error.code, error.transient) == ("plain_http", False)
    named(error, storage.host, source.host)
    assert "set plain_http: true" not in error.hint


def test_a_storage_that_is_not_there(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    with dead_host() as dead:
        source.answer = stored_at(f"http://{dead}")
        error = failure(source, target)
    assert error.code == "connection_failed"
    named(error, dead, source.host)
    assert "connection refused" in error.cause
    assert f"{dead} has to be reached from here too" in error.hint


def test_a_storage_that_says_nothing(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    with silent_host() as silent:
        source.answer = stored_at(f"http://{silent}")
        error = failure(source, target, replace(TWICE, timeout=0.3))
    assert error.code == "timeout"
    named(error, silent, source.host)
    assert "0.3 s" in error.cause


def test_a_storage_that_refuses(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    with scripted_registry(lambda request: Reply(403, b"<Error><Code>AccessDenied</Code></Error>")) as storage:
        source.answer = stored_at(storage.endpoint.url)
        error = failure(source, target)
    assert error.code == "server_error"
    assert storage.host in error.cause and "AccessDenied" in error.cause


def test_uploads_at_an_address_without_the_port(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    """As where a proxy in front of a registry drops the port from Host: what is there is not the registry."""
    with dead_host() as dead:
        target.answer = uploaded_to(f"http://{dead}")
        error = failure(source, target)
    assert error.code == "connection_failed"
    named(error, dead, target.host)
    assert f"a proxy in front of {target.host} has to pass on Host with the port" in error.hint


def test_uploads_at_another_server(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    with scripted_registry(lambda request: Reply(405, b"<html>nginx</html>")) as other:
        target.answer = uploaded_to(other.endpoint.url)
        error = failure(source, target)
    assert f"{target.host} leads to {other.host}" in error.cause
    assert f"a proxy in front of {target.host} has to pass on Host with the port" in error.hint


@pytest.mark.parametrize("problem", ["unknown", "dead", "private"])
def test_a_token_server_that_cannot_be_reached(
    servers: Servers, source: ScriptedRegistry, target: ScriptedRegistry, problem: str
) -> None:
    def failing(realm: str) -> Any:
        source.answer = lambda request: Reply(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'})
        return failure(source, target)

    if problem == "unknown":
        error, host = failing("https://auth.behind.invalid/token"), "auth.behind.invalid"
        assert "cannot be resolved" in error.cause
    elif problem == "dead":
        with dead_host() as host:
            error = failing(f"http://{host}/token")
        assert "connection refused" in error.cause
    else:
        with scripted_registry(certificate=servers.certificate) as auth:
            error, host = failing(f"https://{auth.host}/token"), auth.host
        assert error.code == "tls_untrusted"
        assert f"ca_path or ca of {source.host}" in error.hint
    assert error.cause.startswith(f"{host}: ")
