# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token server's refusal that is about one scope: it says nothing of the password, nor of other repositories."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from support.scenes import images
from support.scenes.fault_scene import codes
from support.scenes.runs import Run, only
from support.servers.scripted_registry import Reply, ScriptedRegistry, refusal, scripted_registry
from support.servers.token_gate import TokenGate, token_gate

SAID = {
    "403": refusal(403, "DENIED", "access forbidden"),
    "403 without a body": Reply(403),
    "403 as HTML": Reply(403, b"<html><h1>Forbidden</h1></html>", {"Content-Type": "text/html"}),
    "invalid_scope": Reply(400, b'{"error":"invalid_scope"}', {"Content-Type": "application/json"}),
    "access_denied": Reply(400, b'{"error":"access_denied","error_description":"not yours"}'),
}


@dataclass
class Scene:
    """A registry behind tokens beside one without."""

    gate: TokenGate
    free: ScriptedRegistry

    def run(self) -> Run:
        return Run([self.gate.endpoint, self.free.endpoint])

    def refuse(self, said: Reply, *parts: str, unless: str = "\0") -> None:
        """Refuse the scopes that have all these parts, and do not end with another."""
        self.gate.refuse = lambda path, scope: (
            said if all(part in scope for part in parts) and not scope.endswith(unless) else None
        )


@pytest.fixture
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(stack.enter_context(token_gate()), stack.enter_context(scripted_registry()))


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("names", ["fba", "afb"], ids=["forbidden first", "forbidden later"])
def test_one_forbidden_repository_fails_alone(scene: Scene, said: str, names: str) -> None:
    paths = [{"f": "group/forbidden", "a": "group/one", "b": "group/two"}[name] for name in names]
    for path in paths:
        scene.gate.registry.push(path, images.image(path), "1")
    scene.refuse(SAID[said], "forbidden")
    result = Run(
        [scene.gate.endpoint, scene.free.endpoint], access={scene.gate.registry.host: {"concurrency": 1}}
    ).sync(
        *(
            {"source": f"{scene.gate.registry.host}/{path}:1", "destination": f"{scene.free.host}/{path}"}
            for path in paths
        )
    )
    outcomes = {image.destination.repository: image.error.code if image.error else "" for image in result.images}
    assert outcomes == {"group/forbidden": "pull_denied", "group/one": "", "group/two": ""}
    assert sum(not request.scope for request in scene.gate.asked) == 1  # to see whether it is the login


def test_a_login_that_is_refused_everything_is_wrong_and_tried_once(scene: Scene) -> None:
    for number in range(20):
        scene.gate.registry.push(f"owner/{number}", images.image(str(number)), "1")
    scene.refuse(SAID["403"])
    result = scene.run().sync(
        *(
            {"source": f"{scene.gate.registry.host}/owner/{number}:1", "destination": f"{scene.free.host}/{number}"}
            for number in range(20)
        ),
        retries=2,
    )
    errors = [image.error for image in result.images if image.error is not None]
    assert [error.code for error in errors] == ["bad_credentials"] * 20
    assert "access forbidden" in errors[0].cause
    assert [bool(request.scope) for request in scene.gate.asked] == [True, False]


def test_a_wrong_password_is_seen_from_its_first_401(scene: Scene) -> None:
    scene.gate.registry.push("a", images.image("a"), "1")
    scene.gate.login = "Basic another"
    result = scene.run().sync({"source": f"{scene.gate.registry.host}/a:1", "destination": f"{scene.free.host}/a"})
    assert set(codes(result).values()) == {"bad_credentials"}
    assert len(scene.gate.asked) == 1


@pytest.mark.parametrize("source", ["app:1", "app"], ids=["one tag", "all tags"])
@pytest.mark.parametrize("said", SAID)
def test_a_destination_that_does_not_let_look_is_pushed_to(scene: Scene, said: str, source: str) -> None:
    image = images.image("new")
    scene.free.push("app", image, "1")
    scene.refuse(SAID[said], "new", unless="pull,push")
    result = scene.run().sync(
        {"source": f"{scene.free.host}/{source}", "destination": f"{scene.gate.registry.host}/owner/new"}
    )
    assert only(result).error is None
    assert scene.gate.registry.repository("owner/new").tags == {"1": image.digest}


def test_a_destination_that_refuses_to_be_written_is_named(scene: Scene) -> None:
    scene.free.push("app", images.image("app"), "1")
    scene.refuse(SAID["403"], "push")
    result = scene.run().sync(
        {"source": f"{scene.free.host}/app:1", "destination": f"{scene.gate.registry.host}/owner/new"}
    )
    error = only(result).error
    assert error is not None
    assert error.code == "push_denied"
    assert "owner/new" in error.subject


def test_anonymous_access_to_a_private_repository_asks_for_credentials(scene: Scene) -> None:
    scene.gate.registry.push("private", images.image("private"), "1")
    scene.gate.registry.push("public", images.image("public"), "1")
    scene.gate.login = None
    scene.refuse(SAID["403"], "private")
    result = Run([scene.gate.registry.endpoint, scene.free.endpoint]).sync(
        *(
            {"source": f"{scene.gate.registry.host}/{name}:1", "destination": f"{scene.free.host}/{name}"}
            for name in ("private", "public")
        )
    )
    errors = {image.destination.repository: image.error for image in result.images}
    assert errors["public"] is None
    assert errors["private"] is not None
    assert errors["private"].code == "pull_denied"
    assert "credentials" in errors["private"].hint
