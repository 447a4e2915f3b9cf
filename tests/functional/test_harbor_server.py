# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Harbor of the tests, asked by another client of Harbor's API: what it answers is not merely our own opinion.

harborapi's models are made from Harbor's published swagger, and it follows the links between pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from harborapi import HarborAsyncClient
from harborapi.models import Artifact, GeneralInfo, Project, Repository, UserResp
from pydantic import BaseModel
from support.clients.plain_client import Answer, PlainClient, Refused
from support.scenes import images
from support.servers.harbor import ADMIN, ADMIN_PASSWORD, Harbor, harbor
from support.servers.harbor_world import DEVELOPER


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbor]:
    with harbor(tmp_path_factory.mktemp("harbor")) as found:
        found.world.add_project("library", public=True)
        found.world.add_project("private")
        found.world.add_project("large", named_only=250)
        found.world.add_project("2024", public=True)
        found.world.add_account("robot$library+sync", "pa$$word", rights={"library": DEVELOPER})
        with PlainClient(found.admin) as client:
            client.push("library/nginx", images.image("nginx"), "1.27")
            client.push("library/team/app", images.image("app"), "1.0")
            client.push("private/secret", images.image("secret"), "1.0")
        yield found


def ask(
    server: Harbor, method: str, *arguments: Any, name: str = ADMIN, password: str = ADMIN_PASSWORD, **more: Any
) -> Any:
    """Call a method of the other client, in an event loop of its own."""

    async def asking() -> Any:
        client = HarborAsyncClient(url=f"{server.endpoint.url}/api/v2.0", username=name, secret=password)
        return await getattr(client, method)(*arguments, **more)

    return asyncio.run(asking())


def get(server: Harbor, path: str, name: str = "", password: str = "", **headers: str) -> Answer:
    endpoint = server.endpoint.as_user(name, password)
    with PlainClient(endpoint) as plain:
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        if name:
            sent["Authorization"] = plain._authorization("basic", "")
        return plain.request("GET", f"/api/v2.0/{path}", headers=sent)


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("systeminfo", GeneralInfo),
        ("users/current", UserResp),
        ("projects", Project),
        ("projects/library", Project),
        ("projects/library/repositories", Repository),
        ("repositories", Repository),
        ("projects/library/repositories/nginx", Repository),
        ("projects/library/repositories/nginx/artifacts?with_tag=true", Artifact),
    ],
)
def test_every_answer_has_the_form_of_the_swagger(server: Harbor, path: str, model: type[BaseModel]) -> None:
    content = get(server, path, ADMIN, ADMIN_PASSWORD).json()
    known = {field.alias or name for name, field in model.model_fields.items()}
    for row in content if isinstance(content, list) else [content]:
        assert set(row) <= known
        model.model_validate(row)


def test_another_client_reads_every_page(server: Harbor) -> None:
    found = ask(server, "get_repositories", "large", page_size=100)
    assert {row.name for row in found} == {f"large/repo-{number:04}" for number in range(250)}
    assert {row.name for row in ask(server, "get_projects")} == {"library", "private", "large", "2024"}


def test_another_client_sees_what_its_rights_allow(server: Harbor) -> None:
    robot = {"name": "robot$library+sync", "password": "pa$$word"}
    assert {row.name for row in ask(server, "get_projects", **robot)} == {"library", "2024"}
    found = ask(server, "get_repositories", "library", **robot)
    assert {row.name for row in found} == {"library/nginx", "library/team/app"}
    assert ask(server, "get_system_info").harbor_version
    assert ask(server, "get_current_user").sysadmin_flag


def test_repositories_with_slashes_are_escaped_twice(server: Harbor) -> None:
    assert ask(server, "get_repository", "library", "team/app").name == "library/team/app"
    twice = quote(quote("team/app", safe=""), safe="")
    assert get(server, f"projects/library/repositories/{twice}").status == 200
    assert get(server, "projects/library/repositories/team/app").status == 404


def test_a_project_whose_name_is_a_number(server: Harbor) -> None:
    assert get(server, "projects/2024").status == 401
    assert get(server, "projects/2024", X_Is_Resource_Name="true").json()["name"] == "2024"
    assert get(server, "projects/1").json()["name"] == "library"


@pytest.mark.parametrize(
    ("path", "name", "password", "status"),
    [
        ("projects/private/repositories", "", "", 401),
        ("projects/private/repositories", "robot$library+sync", "pa$$word", 403),
        ("projects/absent/repositories", "robot$library+sync", "pa$$word", 403),
        ("projects/absent/repositories", ADMIN, ADMIN_PASSWORD, 404),
        ("users/current", "robot$library+sync", "pa$$word", 412),
        ("users/current", "", "", 401),
        ("projects?page_size=101", "", "", 422),
    ],
)
def test_refusals(server: Harbor, path: str, name: str, password: str, status: int) -> None:
    answer = get(server, path, name, password)
    assert answer.status == status
    assert set(answer.json()["errors"][0]) == {"code", "message"}


def test_a_wrong_password_is_nobodys_and_no_error(server: Harbor) -> None:
    answer = get(server, "projects", ADMIN, "wrong")
    assert answer.status == 200
    assert answer.headers["x-total-count"] == "2"
    assert "registry_url" not in get(server, "systeminfo", ADMIN, "wrong").json()


def test_the_registry_gives_each_its_rights(server: Harbor) -> None:
    pushed = images.image("by a robot")
    with PlainClient(server.endpoint_of("robot$library+sync")) as robot, PlainClient(server.endpoint) as nobody:
        robot.push("library/pushed", pushed, "1")
        assert nobody.manifest("library/pushed", "1").digest == pushed.digest
        assert robot.manifest("private/secret", "1.0").status == 401
        with pytest.raises(Refused):
            nobody.push("library/pushed", pushed, "2")
        assert nobody._once("GET", "/v2/_catalog", b"", {}).headers["www-authenticate"] == 'Basic realm="harbor"'


def test_the_registrys_challenge_names_harbor(server: Harbor) -> None:
    with PlainClient(server.endpoint) as nobody:
        challenge = nobody._once("GET", "/v2/", b"", {}).headers["www-authenticate"]
    assert f'realm="http://{server.host}/service/token",service="harbor-registry"' in challenge
