# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that lead to another registry, which wants a login or a token of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult
from support.scenes import images
from support.scenes.runs import Run, only
from support.servers.scripted_registry import Answer, Reply, Request, ScriptedRegistry, scripted_registry
from support.servers.shared import Servers

PATH = "linuxserver/app"
IMAGE = images.image("moved")
USER, PASSWORD = "somebody", "s3cret-of-the-other-registry"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def wants_token(registry: ScriptedRegistry, login: str = "") -> Answer:
    """A registry with a token server of its own.

    :param login: the Authorization that its token server wants; empty for none
    """

    def answer(request: Request) -> Reply | None:
        if request.path == "/token":
            if login and request.headers.get("Authorization") != login:
                return Reply(401)
            return Reply(200, json.dumps({"token": "TOKEN"}).encode(), {"Content-Type": "application/json"})
        if request.headers.get("Authorization") != "Bearer TOKEN":
            return challenge(registry)
        return None

    return answer


def challenge(registry: ScriptedRegistry) -> Reply:
    text = f'Bearer realm="{registry.endpoint.url}/token",service="other",scope="repository:{PATH}:pull"'
    return Reply(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {"WWW-Authenticate": text})


def wants_password(request: Request) -> Reply | None:
    return None if request.headers.get("Authorization") == BASIC else Reply(401, headers={"WWW-Authenticate": "Basic"})


@contextmanager
def leading_to(other: ScriptedRegistry, status: int = 307, *, challenged: bool = False) -> Iterator[ScriptedRegistry]:
    """A host that redirects everything to another registry.

    :param challenged: it names the other's token server itself before it redirects
    """

    def answer(request: Request) -> Reply:
        if challenged and "Authorization" not in request.headers:
            return challenge(other)
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        return Reply(status, headers={"Location": f"{other.endpoint.url}{request.path}{'?' if query else ''}{query}"})

    with scripted_registry(answer) as registry:
        yield registry


@pytest.fixture
def other() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        registry.push(PATH, IMAGE, "v1")
        yield registry


@pytest.fixture
def target() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


def copied(source: ScriptedRegistry, target: ScriptedRegistry, *others: Any, tag: str = ":v1") -> ImageResult:
    run = Run([source.endpoint, target.endpoint, *others])
    return only(run.sync({"source": f"{source.host}/{PATH}{tag}", "destination": f"{target.host}/app"}))


def authorizations(registry: ScriptedRegistry) -> set[str | None]:
    return {request.headers.get("Authorization") for request in registry.requests}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("tag", [":v1", ""])
def test_the_other_registrys_challenge_is_followed(
    other: ScriptedRegistry, target: ScriptedRegistry, status: int, tag: str
) -> None:
    other.answer = wants_token(other)
    with leading_to(other, status) as source:
        result = copied(source, target, tag=tag)
    assert result.error is None, result.error
    assert target.repository("app").tags == {"v1": IMAGE.digest}
    assert authorizations(source) == {None}


def test_a_host_that_names_the_other_registrys_token_server_itself(
    other: ScriptedRegistry, target: ScriptedRegistry
) -> None:
    other.answer = wants_token(other)
    with leading_to(other, challenged=True) as source:
        result = copied(source, target)
    assert result.error is None, result.error


@pytest.mark.parametrize("kind", ["token", "password"])
def test_the_other_registry_is_shown_its_own_credentials_and_no_others(
    other: ScriptedRegistry, target: ScriptedRegistry, kind: str
) -> None:
    other.answer = wants_token(other, BASIC) if kind == "token" else wants_password
    with leading_to(other) as source:
        source.endpoint = source.endpoint.as_user("first", "s3cret-of-the-first-host")
        result = copied(source, target, other.endpoint.as_user(USER, PASSWORD))
    assert result.error is None, result.error
    assert authorizations(source) == {None}
    assert authorizations(other) <= {None, BASIC, "Bearer TOKEN"}


@pytest.mark.parametrize("kind", ["token", "password", "wrong password", "forbidden"])
def test_both_hosts_are_named_where_the_other_refuses(
    other: ScriptedRegistry, target: ScriptedRegistry, kind: str
) -> None:
    """Once: what it refuses does not get better."""
    login: list[Any] = []
    if kind == "token":
        other.answer = wants_token(other, BASIC)
    elif kind == "forbidden":
        other.answer = lambda request: Reply(403, b'{"errors":[{"code":"DENIED"}]}')
    else:
        other.answer = wants_password
        login = [other.endpoint.as_user(USER, "wr0ng")] if kind == "wrong password" else []
    with leading_to(other) as source:
        source.endpoint = source.endpoint.as_user("first", "s3cret-of-the-first-host")
        result = copied(source, target, *login)
    error = result.error
    assert error is not None
    assert error.code == {"forbidden": "pull_denied", "wrong password": "bad_credentials"}.get(kind, "no_credentials")
    assert not error.transient
    assert f"{source.host} leads to {other.host}" in error.cause
    assert f"write {other.host} in place of {source.host}" in error.hint
    assert len(source.requests) <= 2
    assert not any("first" in (header or "") for header in authorizations(other))


def test_what_is_written_is_not_sent_after_a_redirect(other: ScriptedRegistry) -> None:
    with scripted_registry() as source, leading_to(other) as target:
        source.push(PATH, IMAGE, "v1")
        result = copied(source, target)
        error = result.error
        posts = [request for request in target.requests if request.method == "POST"]
    assert error is not None and error.code == "protocol_error" and not error.transient
    assert other.host in error.cause
    assert f"write {other.host} in place of {target.host}" in error.hint
    assert len(posts) <= len(IMAGE.all_blobs())


def test_plain_http_where_a_registry_insists_on_https(servers: Servers, target: ScriptedRegistry) -> None:
    """Reading follows it; writing says what to leave out."""
    with scripted_registry(certificate=servers.certificate, ca_path=servers.authority.ca_path) as secure:
        secure.push(PATH, IMAGE, "v1")
        secure.answer = wants_token(secure)
        with leading_to(secure, 301) as plain:
            run = Run([plain.endpoint, target.endpoint], access={plain.host: {"ca_path": str(secure.endpoint.ca_path)}})
            result = only(run.sync({"source": f"{plain.host}/{PATH}:v1", "destination": f"{target.host}/app"}))
            assert result.error is None, result.error
            written = only(run.sync({"source": f"{target.host}/app:v1", "destination": f"{plain.host}/{PATH}:new"}))
    error = written.error
    assert error is not None and not error.transient
    assert error.code == "protocol_error"
    assert f"https://{secure.host}" in error.cause
    assert "leave plain_http out" in error.hint


def test_https_that_leads_to_http_is_refused(
    servers: Servers, other: ScriptedRegistry, target: ScriptedRegistry
) -> None:
    def answer(request: Request) -> Reply:
        return Reply(307, headers={"Location": f"{other.endpoint.url}{request.path}"})

    with scripted_registry(answer, certificate=servers.certificate, ca_path=servers.authority.ca_path) as source:
        source.endpoint = replace(source.endpoint, ca_path=servers.authority.ca_path)
        error = copied(source, target).error
    assert error is not None and error.code == "protocol_error" and not error.transient
    assert "127.0.0.1" in error.cause
    assert not other.requests
