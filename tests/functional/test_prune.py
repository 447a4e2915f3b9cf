# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``prune`` on real registries: what is gone afterwards, what is there, and what others do in between."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import Before, HoldRequest
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.scenes.images import Image
from support.scenes.modules import module, registry_option
from support.scenes.runs import Run
from support.scenes.signatures import signature_tag
from support.servers.docker_registry import docker_registry
from support.servers.harbor import Harbor, harbor
from support.servers.harbor_world import DEVELOPER, MAINTAINER, PROJECT_ADMIN
from support.servers.scripted_registry import scripted_registry
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
TAGS = [f"v{number}" for number in range(20)]


def outcome(result: RunResult) -> dict[str, str]:
    """What became of the tags that a run was to delete."""
    return {
        str(image.destination.tag): image.error.code if image.error else image.status.value
        for image in result.images
        if image.action.value == "delete"
    }


@dataclass
class Mirror:
    """A source that lacks two of the tags that the destination has: ``v0`` and ``v1``.

    :ivar proxy: what the run sees of the destination
    :ivar there: an independent client of the destination itself
    """

    source: Endpoint
    proxy: FaultProxy
    there: PlainClient
    path: str

    @property
    def rule(self) -> dict[str, Any]:
        return {
            "source": f"{self.source.host}/{self.path}",
            "destination": f"{self.proxy.endpoint.host}/{self.path}",
            "prune": True,
        }

    def sync(self, prune: Any = True, **options: Any) -> RunResult:
        return Run([self.source, self.proxy.endpoint]).sync({**self.rule, "prune": prune}, **options)

    def tags(self) -> set[str]:
        return set(self.there.tags(self.path))


def image(tag: str) -> Image:
    return images.image(f"prune {tag}")


def mirror_of(source: PlainClient, path: str, proxy: FaultProxy, there: PlainClient) -> Mirror:
    for tag in TAGS:
        there.push(path, image(tag), tag)
    for tag in TAGS[2:]:
        source.push(path, image(tag), tag)
    return Mirror(source.endpoint, proxy, there, path)


@pytest.fixture
def mirror(servers: Servers, plain: Plain, faulty: Callable[..., FaultProxy], repository: str) -> Mirror:
    """Two docker-registries, which delete whole manifests alone."""
    proxy = faulty(servers.relative.endpoint)
    return mirror_of(plain(servers.open.endpoint), repository, proxy, plain(servers.relative.endpoint))


def test_what_the_source_has_lost_goes_and_the_second_run_finds_nothing(mirror: Mirror) -> None:
    planned = mirror.sync(check_mode=True)
    assert (outcome(planned), planned.changed) == ({"v0": "done", "v1": "done"}, True)
    assert mirror.tags() == set(TAGS)

    result = mirror.sync()

    assert outcome(result) == outcome(planned)
    assert mirror.tags() == set(TAGS[2:])
    assert not mirror.sync().changed


def test_a_tag_stays_whose_image_another_tag_or_an_index_has(mirror: Mirror) -> None:
    mirror.there.push(mirror.path, image("v0"), "stable")
    mirror.there.push(mirror.path, images.index([image("v1"), image("other")]), "multi")

    result = mirror.sync({"keep": ["stable", "multi"]})

    assert outcome(result) == {"v0": "delete_unsupported", "v1": "delete_unsupported"}
    assert mirror.tags() == {*TAGS, "stable", "multi"}
    assert not any(record.method == "DELETE" and "@" in record.target for record in mirror.proxy.records())


def test_signatures_go_with_their_image_and_others_stay(mirror: Mirror) -> None:
    going, staying = signature_tag(image("v0")), signature_tag(image("v2"))
    for tag in (going, staying):
        mirror.there.push(mirror.path, images.image(tag), tag)

    result = mirror.sync()

    assert outcome(result) == {"v0": "done", "v1": "done"}
    assert mirror.tags() == {*TAGS[2:], staying}


def test_too_many_are_none(mirror: Mirror) -> None:
    for tag in TAGS[2:4]:
        mirror.there.push(mirror.path, image(f"{tag} more"), f"{tag}-more")
    for check_mode in (True, False):
        result = mirror.sync(check_mode=check_mode)
        assert outcome(result) == dict.fromkeys(["v0", "v1", "v2-more", "v3-more"], "prune_limit")
    assert len(mirror.tags()) == 22


def test_a_tag_that_somebody_moves_between_plan_and_deletion_stays(mirror: Mirror) -> None:
    moved = images.image("somebody else's")
    move = Before(lambda: mirror.there.push(mirror.path, moved, "v0"))
    mirror.proxy.add(move, method="HEAD", target="/manifests/v0$", skip=1)

    result = mirror.sync()

    assert outcome(result) == {"v1": "done"}
    assert mirror.tags() == set(TAGS) - {"v1"}
    left = next(one for one in result.images if one.destination.tag == "v0")
    assert (left.action.value, str(left.digest)) == ("skip", moved.digest)
    assert mirror.there.manifest(mirror.path, "v0").digest == moved.digest


def test_an_image_that_somebody_tags_while_the_tags_are_asked_stays(mirror: Mirror) -> None:
    tag = Before(lambda: mirror.there.push(mirror.path, image("v0"), "v5"))
    mirror.proxy.add(tag, method="DELETE", target="/manifests/v0$")

    result = mirror.sync()

    assert outcome(result) == {"v0": "delete_unsupported", "v1": "done"}
    assert {"v0", "v5"} <= mirror.tags()


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_between_copy_and_deletion(mirror: Mirror, tmp_path: Path, plain: Plain, when: str) -> None:
    plain(mirror.source).push(mirror.path, image("new"), "new")
    running: list[Any] = []
    kill = Before(lambda: running[0].process.send_signal(signal.SIGKILL), answer_too=when == "after")
    mirror.proxy.add(kill, method="DELETE", target="/manifests/sha256:")
    options = {
        "images": [mirror.rule],
        "registries": [registry_option(mirror.source), registry_option(mirror.proxy.endpoint)],
    }
    with module("registry_image_sync", options, home=tmp_path) as started:
        running.append(started)
        assert started.end().code == -signal.SIGKILL
    assert {*TAGS[2:], "new", "v1"} <= mirror.tags()

    mirror.proxy.clear()
    assert set(outcome(mirror.sync()).values()) == {"done"}
    assert mirror.tags() == {*TAGS[2:], "new"}


def test_nothing_goes_once_the_time_of_a_run_is_up(mirror: Mirror, tmp_path: Path, plain: Plain) -> None:
    plain(mirror.source).push(mirror.path, image("new"), "new")
    mirror.proxy.add(HoldRequest(), method="PUT", target="/manifests/")
    options = {
        "images": [mirror.rule],
        "registries": [registry_option(mirror.source), registry_option(mirror.proxy.endpoint)],
        "max_runtime": 1,
    }
    with module("registry_image_sync", options, home=tmp_path) as started:
        result = started.end().result
    assert not result.get("failed") and result["summary"]["deleted"] == 0
    assert set(TAGS) <= mirror.tags()
    assert not any(record.method == "DELETE" for record in mirror.proxy.records())


def test_a_registry_that_deletes_nothing_is_said_to(
    servers: Servers, plain: Plain, faulty: Callable[..., FaultProxy], tmp_path: Path
) -> None:
    with docker_registry(tmp_path / "fixed", delete=False) as fixed:
        there = mirror_of(plain(servers.open.endpoint), "app", faulty(fixed.endpoint), plain(fixed.endpoint))
        result = there.sync()
        assert outcome(result) == dict.fromkeys(("v0", "v1"), "delete_unsupported")
        assert there.tags() == set(TAGS)


def test_a_registry_that_deletes_tags_keeps_the_other_tags_of_an_image(servers: Servers, plain: Plain) -> None:
    with scripted_registry() as there:
        for tag in TAGS:
            there.push("app", image(tag), tag)
        there.push("app", image("v0"), "stable")
        with PlainClient(servers.open.endpoint) as source:
            for tag in TAGS[2:]:
                source.push("prune/by-tag", image(tag), tag)
        rule = {
            "source": f"{servers.open.endpoint.host}/prune/by-tag",
            "destination": f"{there.host}/app",
            "prune": {"keep": "stable"},
        }
        result = Run([servers.open.endpoint, there.endpoint]).sync(rule)

        assert outcome(result) == {"v0": "done", "v1": "done"}
        assert set(there.repository("app").tags) == {*TAGS[2:], "stable"}
        deleted = [request.path for request in there.requests if request.method == "DELETE"]
        assert deleted == ["/v2/app/manifests/v0", "/v2/app/manifests/v1"]


# -- Harbor ------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Harbor]:
    with harbor(tmp_path / "harbor") as found:
        found.world.add_project("mirror")
        found.world.add_account("robot$mirror+prune", "secret", rights={"mirror": MAINTAINER})
        found.world.add_account("robot$mirror+push", "secret", rights={"mirror": DEVELOPER})
        with PlainClient(found.admin) as client:
            for tag in TAGS:
                client.push("mirror/team/app", image(tag), tag)
            client.push("mirror/team/app", image("v0"), "stable")
        yield found


def prune_harbor(server: Harbor, source: PlainClient, path: str, account: str) -> RunResult:
    for tag in TAGS[2:]:
        source.push(path, image(tag), tag)
    rule = {
        "source": f"{source.endpoint.host}/{path}",
        "destination": f"{server.host}/mirror/team/app",
        "prune": {"keep": "stable"},
    }
    return Run([source.endpoint, server.endpoint_of(account)]).sync(rule)


def test_harbor_deletes_a_tag_alone_by_its_own_api(
    server: Harbor, servers: Servers, plain: Plain, repository: str
) -> None:
    result = prune_harbor(server, plain(servers.open.endpoint), repository, "robot$mirror+prune")
    assert outcome(result) == {"v0": "done", "v1": "done"}, [str(one.error) for one in result.images if one.error]
    assert set(server.world.tags("mirror/team/app")) == {*TAGS[2:], "stable"}
    assert not any(record.method == "DELETE" for record in server.proxy.records() if record.target.startswith("/v2/"))


def test_harbor_deletes_nothing_for_who_may_not(
    server: Harbor, servers: Servers, plain: Plain, repository: str
) -> None:
    result = prune_harbor(server, plain(servers.open.endpoint), repository, "robot$mirror+push")
    assert outcome(result) == {"v0": "push_denied", "v1": "pending"}
    assert set(server.world.tags("mirror/team/app")) == {*TAGS, "stable"}
    assert not any(record.method == "DELETE" for record in server.proxy.records() if record.target.startswith("/v2/"))


def test_harbor_keeps_what_its_rules_make_immutable(
    server: Harbor, servers: Servers, plain: Plain, repository: str
) -> None:
    server.world.immutable = {"v1"}
    result = prune_harbor(server, plain(servers.open.endpoint), repository, "robot$mirror+prune")
    assert outcome(result) == {"v0": "done", "v1": "immutable_tag"}
    assert "v1" in server.world.tags("mirror/team/app")


@pytest.mark.parametrize(("account", "gone"), [("admin", True), ("owner", True), ("robot$mirror+prune", False)])
def test_harbor_deletes_a_repository_for_who_administers_both_projects(
    server: Harbor, account: str, gone: bool
) -> None:
    world = server.world
    world.add_project("library")
    world.add_account("owner", "secret", rights={"mirror": PROJECT_ADMIN, "library": PROJECT_ADMIN})
    world.add_account("robot$mirror+prune", "secret", rights={"mirror": MAINTAINER, "library": MAINTAINER})
    with PlainClient(server.admin) as client:
        client.push("library/app", image("app"), "1")
        client.push("mirror/old", image("old"), "1")
        for tag in TAGS:
            client.push("library/team/app", image(tag), tag)
        client.push("library/team/app", image("v0"), "stable")
    rule = {
        "source": f"{server.host}/library/**",
        "destination": f"{server.host}/mirror",
        "prune": {"repositories": True},
    }

    result = Run([server.endpoint_of(account)]).sync(rule)

    assert ("mirror/old" not in world.repositories(world.projects["mirror"])) == gone, result.not_taken
    assert {"mirror/app", "mirror/team/app"} <= set(world.repositories(world.projects["mirror"]))
    assert any("is no administrator of it" in note for note in result.not_taken) != gone


# -- what a person sees ------------------------------------------------------------------------------------------


def test_a_deletion_is_in_result_diff_log_and_reports(mirror: Mirror, tmp_path: Path) -> None:
    options = {
        "images": [mirror.rule],
        "registries": [registry_option(mirror.source), registry_option(mirror.proxy.endpoint)],
        "report_path": [str(tmp_path / "report.json"), str(tmp_path / "report.html")],
        "log_path": str(tmp_path / "log"),
        "_ansible_diff": True,
    }
    with module("registry_image_sync", options, home=tmp_path) as started:
        result = started.end().result

    name = f"{mirror.proxy.endpoint.host}/{mirror.path}:v0"
    assert "2 deleted" in result["msg"] and result["summary"]["deleted"] == 2
    assert [image["action"] for image in result["images"]] == ["delete", "delete"]
    assert f"-{name} {image('v0').digest}\n" in result["diff"]["prepared"]
    assert f"+{name}" not in result["diff"]["prepared"]
    assert f"delete {mirror.source.host}/{mirror.path}:v0 -> {name}" in (tmp_path / "log").read_text()
    report = json.loads((tmp_path / "report.json").read_text())
    assert [image["action"] for image in report["images"]].count("delete") == 2
    assert report["timeline"][-1]["phase"] == "prune"
    assert '<b class="c-delete">2</b>' in (tmp_path / "report.html").read_text()
