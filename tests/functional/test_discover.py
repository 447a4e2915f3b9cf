# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole projects as sources: which repositories are found, where they go, and what stops a run before it begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import Answer
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.scenes.modules import module, registry_option
from support.scenes.runs import Run
from support.servers.docker_registry import DockerRegistry, docker_registry
from support.servers.harbor import Harbor, harbor
from support.servers.harbor_world import GUEST
from support.servers.token_server import Right, User, token_server

Plain = Callable[[Endpoint], PlainClient]
Faulty = Callable[..., FaultProxy]

REPOSITORIES = ("library/nginx", "library/redis", "library/team/app", "other/nginx", "top")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A registry with a catalog and nothing in it but these repositories."""
    with docker_registry(tmp_path_factory.mktemp("source")) as found, PlainClient(found.endpoint) as client:
        for path in REPOSITORIES:
            client.push(path, images.image(path), "v1", "latest")
        yield found


@pytest.fixture
def target(tmp_path: Path) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path / "target") as found:
        yield found


def run(source: DockerRegistry, target: DockerRegistry) -> Run:
    return Run([source.endpoint, target.endpoint])


def copied(result: RunResult) -> dict[str, str]:
    """Source repositories and where they went, without the registries' names."""
    assert {image.status for image in result.images} <= {"done"}, [str(image.error) for image in result.images]
    return {image.source.repository: image.destination.repository for image in result.images}


def failure(result: RunResult) -> Any:
    """The one error of a run in which nothing was written."""
    assert not result.changed
    errors = [image.error for image in result.images if image.error is not None]
    assert len({str(error) for error in errors}) == 1
    return errors[0]


@pytest.mark.parametrize(
    ("path", "destination", "expected"),
    [
        ("library/*", "mirror", {"library/nginx": "mirror/nginx", "library/redis": "mirror/redis"}),
        (
            "library/**",
            "mirror",
            {"library/nginx": "mirror/nginx", "library/redis": "mirror/redis", "library/team/app": "mirror/team/app"},
        ),
        ("library/team/*", "mirror/{namespace}-{name}", {"library/team/app": "mirror/library/team-app"}),
        ("*", "mirror", {"top": "mirror/top"}),
        ("**", "all/{repository}", {path: f"all/{path}" for path in REPOSITORIES}),
    ],
)
def test_what_is_found_and_where_it_goes(
    source: DockerRegistry, target: DockerRegistry, plain: Plain, path: str, destination: str, expected: dict[str, str]
) -> None:
    item = {"source": f"{source.host}/{path}", "destination": f"{target.host}/{destination}"}

    result = run(source, target).sync(item)

    assert copied(result) == expected
    there = plain(target.endpoint)
    for origin, repository in expected.items():
        assert set(there.tags(repository)) == {"v1", "latest"}
        assert there.manifest(repository, "v1").digest == images.image(origin).digest
    assert not run(source, target).sync(item).changed


def test_a_whole_registry_to_a_registry(source: DockerRegistry, target: DockerRegistry) -> None:
    result = run(source, target).sync({"source": f"{source.host}/**", "destination": target.host})
    assert copied(result) == {path: path for path in REPOSITORIES}


def test_tags_are_chosen_in_every_repository(source: DockerRegistry, target: DockerRegistry) -> None:
    rules: list[dict[str, Any]] = [{"source": f"{source.host}/library/*:/^v/"}, {"source": f"{source.host}/library/*"}]
    rules[1]["tags"] = {"exclude": "latest"}
    for number, rule in enumerate(rules):
        result = run(source, target).sync({**rule, "destination": f"{target.host}/mirror-{number}"})
        assert {image.destination.tag for image in result.images} == {"v1"}
        assert len(result.images) == 2


def test_what_lies_deeper_is_said_to_be_left(source: DockerRegistry, target: DockerRegistry) -> None:
    item = {"source": f"{source.host}/library/*", "destination": f"{target.host}/mirror"}
    result = run(source, target).sync(item, check_mode=True)
    assert any("not the 1 below them: /** takes both" in note for note in result.not_taken)


@pytest.mark.parametrize(
    ("path", "says"), [("absent/*", "lists no repository there"), ("library/team/app/*", "lists no repository there")]
)
def test_nothing_found_is_an_error(source: DockerRegistry, target: DockerRegistry, path: str, says: str) -> None:
    error = failure(run(source, target).sync({"source": f"{source.host}/{path}", "destination": f"{target.host}/x"}))
    assert error.code == "repository_not_found"
    assert f"{source.host}/{path}" in str(error) and says in str(error)


def test_only_deeper_ones_is_an_error_that_says_so(target: DockerRegistry, plain: Plain) -> None:
    plain(target.endpoint).push("deep/a/b", images.image("deep"), "1")
    item = {"source": f"{target.host}/deep/*", "destination": f"{target.host}/x"}
    error = failure(run(target, target).sync(item))
    assert "1 are below, such as deep/a/b" in str(error) and "/**" in error.hint


def test_a_repository_without_tags_is_no_error(target: DockerRegistry, plain: Plain) -> None:
    client = plain(target.endpoint)
    emptied = images.image("emptied")
    client.push("some/emptied", emptied, "1")
    client.push("some/full", images.image("full"), "1")
    client.delete("some/emptied", emptied.digest)
    item = {"source": f"{target.host}/some/*", "destination": f"{target.host}/mirror"}

    result = run(target, target).sync(item)

    assert [image.destination.repository for image in result.images] == ["mirror/full"]
    assert any(f"none of the tags of {target.host}/some/emptied (0)" in note for note in result.not_taken)


def test_two_repositories_for_one_place_are_refused_before_anything(
    source: DockerRegistry, target: DockerRegistry
) -> None:
    source.mark()
    target.mark()

    result = run(source, target).sync(
        {"source": f"{source.host}/**", "destination": f"{target.host}/mirror/{{name}}"},
        {"source": f"{source.host}/library/redis", "destination": f"{target.host}/other"},
    )

    error = failure(result)
    assert error.code == "conflict"
    assert f"{source.host}/library/nginx, {source.host}/other/nginx would all go there" in str(error)
    by_status: dict[str, set[str]] = {}
    for image in result.images:
        by_status.setdefault(image.status.value, set()).add(image.destination.repository)
    assert by_status == {"failed": {"mirror/nginx"}, "pending": {"mirror/app", "mirror/redis", "mirror/top", "other"}}
    assert not target.requests()
    assert source.counts()["GET", "tags"] == 0


def test_two_rules_may_not_meet_either(source: DockerRegistry, target: DockerRegistry) -> None:
    result = run(source, target).sync(
        {"source": f"{source.host}/library/*", "destination": f"{target.host}/mirror"},
        {"source": f"{source.host}/other/*", "destination": f"{target.host}/mirror"},
    )
    assert failure(result).code == "conflict"


def test_a_repository_that_two_rules_find_is_copied_once(source: DockerRegistry, target: DockerRegistry) -> None:
    result = run(source, target).sync(
        {"source": f"{source.host}/library/*", "destination": f"{target.host}/mirror"},
        {"source": f"{source.host}/library/**", "destination": f"{target.host}/mirror"},
        {"source": f"{source.host}/library/nginx:v1", "destination": f"{target.host}/mirror/nginx"},
    )
    assert len(copied(result)) == 3
    assert len(result.images) == 6


@pytest.mark.parametrize(
    ("destination", "says"),
    [("library/mirror", "itself"), ("library/{repository}", "itself"), ("{name}/" + "x" * 252, "longer than")],
)
def test_a_destination_that_does_not_fit_is_refused(
    source: DockerRegistry, target: DockerRegistry, destination: str, says: str
) -> None:
    source.mark()
    result = run(source, target).sync(
        {"source": f"{source.host}/library/**", "destination": f"{source.host}/{destination}"}
    )
    assert not result.changed
    errors = [image.error for image in result.images]
    assert len(errors) == 3
    assert all(error is not None and error.code == "invalid_input" and says in str(error) for error in errors)
    assert not any(request.writes for request in source.requests())


def test_a_list_that_fails_for_the_moment_is_asked_again(
    source: DockerRegistry, target: DockerRegistry, faulty: Faulty
) -> None:
    proxy = faulty(source.endpoint)
    proxy.add(Answer(503), target="/_catalog", times=6)
    run = Run([proxy.endpoint, target.endpoint])

    result = run.sync({"source": f"{proxy.host}/library/*", "destination": f"{target.host}/mirror"}, retries=2)

    assert len(copied(result)) == 2


def test_a_list_that_stays_away_fails_its_rule_alone(
    source: DockerRegistry, target: DockerRegistry, faulty: Faulty
) -> None:
    proxy = faulty(source.endpoint)
    proxy.add(Answer(503), target="/_catalog", times=None)
    run = Run([proxy.endpoint, source.endpoint, target.endpoint])

    result = run.sync(
        {"source": f"{proxy.host}/library/*:/^v/", "destination": f"{target.host}/mirror/{{name}}"},
        {"source": f"{source.host}/top", "destination": f"{target.host}/top"},
        retries=1,
    )

    states = {str(image.source): image.status for image in result.images}
    assert states == {
        f"{proxy.host}/library/*": "failed",
        f"{source.host}/top:v1": "done",
        f"{source.host}/top:latest": "done",
    }


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(404), "unsupported"),
        (Answer(405), "unsupported"),
        (Answer(403, b'{"errors":[{"code":"DENIED","message":"no"}]}'), "no_credentials"),
        (Answer(401), "no_credentials"),
    ],
)
def test_a_registry_that_lists_nothing_says_so(
    source: DockerRegistry, target: DockerRegistry, faulty: Faulty, answer: Answer, code: str
) -> None:
    proxy = faulty(source.endpoint)
    proxy.add(answer, target="/_catalog", times=None)
    result = Run([proxy.endpoint, target.endpoint]).sync(
        {"source": f"{proxy.host}/library/*", "destination": f"{target.host}/mirror"}
    )
    error = failure(result)
    assert error.code == code
    assert "write one rule a repository" in error.hint


@pytest.mark.parametrize(("name", "code"), [("lister", ""), ("reader", "pull_denied"), ("", "no_credentials")])
def test_a_catalog_behind_tokens_is_asked_for_with_the_login(
    tmp_path: Path, target: DockerRegistry, name: str, code: str
) -> None:
    users = {"lister": User("secret", rights=(Right(actions=("pull", "push", "*")),)), "reader": User("secret")}
    with token_server(tmp_path, users) as tokens, docker_registry(tmp_path / "source", tokens=tokens) as source:
        with PlainClient(source.endpoint) as client:
            client.push("some/app", images.image("some"), "1")
        endpoint = source.endpoint.as_user(name, "secret") if name else source.endpoint.anonymous()
        result = Run([endpoint, target.endpoint]).sync(
            {"source": f"{source.host}/some/*", "destination": f"{target.host}/mirror"}
        )
        if code:
            assert failure(result).code == code
        else:
            assert copied(result) == {"some/app": "mirror/app"}


@pytest.fixture(scope="module")
def a_harbor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbor]:
    with harbor(tmp_path_factory.mktemp("harbor")) as found, PlainClient(found.admin) as client:
        found.world.add_project("library")
        found.world.add_project("secret")
        found.world.add_account("robot$library+sync", "pa$$word", rights={"library": GUEST})
        for path in ("library/nginx", "library/team/app", "secret/app"):
            client.push(path, images.image(path), "1")
        yield found


def test_a_harbors_project_by_a_robot(a_harbor: Harbor, target: DockerRegistry) -> None:
    run = Run([a_harbor.endpoint_of("robot$library+sync"), target.endpoint])
    item = {"source": f"{a_harbor.host}/library/**", "destination": f"{target.host}/mirror"}
    a_harbor.proxy.mark()
    assert copied(run.sync(item)) == {"library/nginx": "mirror/nginx", "library/team/app": "mirror/team/app"}
    assert not run.warnings
    assert not any("_catalog" in record.target for record in a_harbor.proxy.records())
    assert not run.sync(item).changed


def test_the_namespaces_of_the_destinations_are_told_from_the_sources_alone(a_harbor: Harbor, tmp_path: Path) -> None:
    a_harbor.world.projects["library"].public = True
    nowhere = "127.0.0.1:1"
    options = {
        "images": [
            {"source": f"{a_harbor.host}/library/**", "destination": f"{nowhere}/mirror/{{name}}"},
            {"source": f"{a_harbor.host}/library/*", "destination": f"{nowhere}/{{repository}}"},
        ],
        "registries": [registry_option(a_harbor.endpoint_of("robot$library+sync"))],
        "docker_config": "",
    }
    with module("registry_destination_info", options, home=tmp_path) as running:
        result = running.end().result
    a_harbor.world.projects["library"].public = False
    source = f"{a_harbor.host}/library"
    assert result["namespaces"] == [
        {"registry": nowhere, "name": name, "sources": [source], "public_sources": [source]}
        for name in ("library", "mirror")
    ]


def test_a_whole_harbor_by_a_robot_is_a_part_and_says_so(a_harbor: Harbor, target: DockerRegistry) -> None:
    run = Run([a_harbor.endpoint_of("robot$library+sync"), target.endpoint])
    result = run.sync({"source": f"{a_harbor.host}/**", "destination": f"{target.host}"})
    assert copied(result) == {"library/nginx": "library/nginx", "library/team/app": "library/team/app"}
    assert any("robot$library+sync" in warning for warning in run.warnings)


@pytest.mark.parametrize(
    ("password", "path", "code"),
    [
        ("wrong", "library/*", "bad_credentials"),
        ("pa$$word", "secret/*", "pull_denied"),
        ("pa$$word", "absent/*", "pull_denied"),
    ],
)
def test_what_harbor_does_not_show_is_an_error(
    a_harbor: Harbor, target: DockerRegistry, password: str, path: str, code: str
) -> None:
    endpoint = a_harbor.endpoint.as_user("robot$library+sync", password)
    result = Run([endpoint, target.endpoint]).sync(
        {"source": f"{a_harbor.host}/{path}", "destination": f"{target.host}/mirror"}
    )
    assert failure(result).code == code
