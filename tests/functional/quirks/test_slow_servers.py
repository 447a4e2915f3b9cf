# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token servers and registries that take their time, as a Harbor does that asks an LDAP server for each login."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from support.scenes import images
from support.scenes.runs import Run, actions, only
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, scripted_registry

FIRST_CONTACT = 0.2
PATIENT = Settings(timeout=3600.0, first_contact=FIRST_CONTACT, retry=RetryPolicy(attempts=1))
"""A short wait for a first answer, of which nothing may be left where a server is there and only slow."""
NEVER = threading.Event()
TAGS = [f"v{number}" for number in range(6)]


@pytest.fixture
def target() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


def slow(registry: ScriptedRegistry, seconds: float) -> None:
    """Have each login take a while."""

    def answer(request: Request) -> Reply | None:
        if request.path == "/service/token":
            NEVER.wait(seconds)
            return Reply(200, json.dumps({"token": "TOKEN", "expires_in": 1800}).encode())
        if request.headers.get("Authorization") != "Bearer TOKEN":
            realm = f'Bearer realm="{registry.endpoint.url}/service/token",service="harbor-registry"'
            return Reply(401, headers={"WWW-Authenticate": realm})
        return None

    registry.answer = answer


def logins(registry: ScriptedRegistry) -> list[Request]:
    return [request for request in registry.requests if request.path == "/service/token"]


def test_a_slow_token_is_waited_for_and_asked_for_once(target: ScriptedRegistry) -> None:
    with scripted_registry() as source:
        slow(source, 3 * FIRST_CONTACT)
        for tag in TAGS:
            source.push("library/app", images.image(tag), tag)
        source.endpoint = source.endpoint.as_user("ldapuser", "s3cret")
        run = Run([source.endpoint, target.endpoint], settings=PATIENT)
        result = run.sync({"source": f"{source.host}/library/app", "destination": f"{target.host}/app"})
        assert actions(result) == dict.fromkeys(TAGS, ("create", "done"))
        assert len(logins(source)) == 1


def test_a_token_that_does_not_come_is_said_with_how_long_was_waited_and_for_whom(target: ScriptedRegistry) -> None:
    settings = Settings(timeout=0.6, retry=RetryPolicy(attempts=1))
    with scripted_registry() as source:
        source.push("library/app", images.image("app"), "v1")
        slow(source, 3.0)
        run = Run([source.endpoint, target.endpoint], settings=settings)
        result = only(
            run.sync({"source": f"{source.host}/library/app:v1", "destination": f"{target.host}/app"}, retries=0)
        )
    assert result.error is not None and result.error.code == "timeout"
    assert f"token server {source.host} gave no answer within" in result.error.cause


def test_a_registry_that_does_not_answer_is_said_with_how_long_was_waited(target: ScriptedRegistry) -> None:
    settings = Settings(timeout=0.4, retry=RetryPolicy(attempts=1))

    def answer(request: Request) -> Reply | None:
        if request.kind == "manifest":
            NEVER.wait(3.0)
        return None

    with scripted_registry(answer) as source:
        source.push("library/app", images.image("app"), "v1")
        run = Run([source.endpoint, target.endpoint], settings=settings)
        result = only(
            run.sync({"source": f"{source.host}/library/app:v1", "destination": f"{target.host}/app"}, retries=0)
        )
    assert result.error is not None and result.error.code == "timeout"
    assert "no progress within the time-out of 0.4 s" in result.error.cause
