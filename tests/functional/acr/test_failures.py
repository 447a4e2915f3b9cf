# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between a migration and ACR, one thing at a time: the task says it, and which module or option helps."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.world import AclEntry, Key, Policy, TemporaryLogin, User
from support.clients.plain_client import PlainClient
from support.faults.actions import LoseAnswer, error_answer
from support.faults.fault_proxy import Action, Request
from support.scenes import images
from support.scenes.acr_scene import Scene, failed
from support.scenes.modules import module

HOST = "acme-registry.cn-shanghai.cr.aliyuncs.com"
INSIDE = "acme-registry-vpc.cn-shanghai.cr.aliyuncs.com"
ONCE = {"retries": 0}
IMPATIENT = {"retries": 0, "timeout": 0.4}
NO_RESOLVER = """
import socket

find = socket.getaddrinfo

def getaddrinfo(host, *rest, **more):
    if not host.endswith('aliyuncs.com'):
        return find(host, *rest, **more)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

socket.getaddrinfo = getaddrinfo
"""


@pytest.fixture
def pushed(scene: Scene) -> Scene:
    scene.push("library/nginx", "1")
    return scene


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A port of loopback that answers no connection, as one behind a firewall: its queue of them is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def door() -> Iterator[str]:
    """A port of loopback that takes every connection and closes it, before TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shut() -> None:
            with suppress(OSError):  # the server is closed
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=shut)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def key_with(scene: Scene, *rights: str) -> Key:
    """A key of a user that has these rights and no others."""
    world = scene.simulator.world
    statements = ",".join(f'{{"Effect": "Allow", "Action": "cr:{right}", "Resource": "*"}}' for right in rights)
    world.policies["some"] = Policy("some", "", {"v1": f'{{"Version": "1", "Statement": [{statements}]}}'}, "v1")
    world.users["ci"] = User("ci", "1", attached=[("Custom", "some")])
    return world.add_key("ci")


def temporary(scene: Scene) -> dict[str, str]:
    """A temporary login as somebody would write it into ``registries``."""
    login = TemporaryLogin("root", "fetched-by-hand-0123456789", scene.simulator.world.now() + 3600)
    scene.instance.temporary.append(login)
    return {"username": "cr_temp_user", "password": login.password}


def without_names(home: Path) -> dict[str, str]:
    """The environment of a module for which no name of the vendor's has an address."""
    (home / "sitecustomize.py").write_text(NO_RESOLVER)
    return {"PYTHONPATH": str(home)}


class AnHourPasses(Action):
    """It takes so long until the registry answers."""

    def __init__(self, scene: Scene) -> None:
        self._world = scene.simulator.world

    def on_request(self, request: Request) -> None:
        self._world.advance(3601)


class TestTheWayThere:
    def test_not_on_the_white_list(self, pushed: Scene) -> None:
        endpoint = pushed.instance.endpoints["Registry"]
        endpoint.enable, endpoint.entries = True, [AclEntry("127.0.0.1/32", "default")]
        pushed.registry.face.enforce = True
        result = pushed.sync(pushed.rule("library/nginx:1", "image-syncer/nginx"), **IMPATIENT)
        (error,) = failed(result, "timeout")
        assert "imageops.registry.acr_endpoint_acl" in error["hint"]
        assert f"what to do: {error['hint']}" in result["msg"]

    @pytest.mark.parametrize("tags", ["1", "/./"])
    def test_no_connection_at_all(self, pushed: Scene, black_hole: str, tags: str) -> None:
        rule = pushed.rule(f"library/nginx:{tags}")
        rule["destination"] = f"{black_hole}/image-syncer/nginx"
        result = pushed.sync(rule, entry={**pushed.entry(), "registry": black_hole}, **IMPATIENT)
        (error,) = failed(result, result["error_codes"][0])
        assert error["code"] in ("timeout", "registry_down")
        assert "no connection to" in error["message"]
        assert "imageops.registry.acr_endpoint_acl" in error["hint"]

    def test_a_connection_that_is_closed_without_an_answer(self, pushed: Scene, door: str) -> None:
        rule = pushed.rule("library/nginx:1")
        rule["destination"] = f"{door}/image-syncer/nginx"
        result = pushed.sync(rule, entry={**pushed.entry(), "registry": door}, **ONCE)
        (error,) = failed(result, result["error_codes"][0])
        assert error["code"] in ("connection_failed", "registry_down")
        for name in ("acr_endpoint_acl", "acr_endpoint turns it on", "closed without an answer"):
            assert name in error["hint"]

    def test_an_answer_that_never_comes(self, pushed: Scene) -> None:
        pushed.registry.gate.add(LoseAnswer(), times=None)
        (error,) = failed(
            pushed.sync(pushed.rule("library/nginx:1", "image-syncer/nginx"), **ONCE), "connection_failed"
        )
        assert "imageops.registry.acr_endpoint_acl" in error["hint"]

    @pytest.mark.parametrize(("host", "says"), [(HOST, "acr_endpoint turns the public one on"), (INSIDE, "from a VPC")])
    def test_its_name_does_not_resolve(self, pushed: Scene, host: str, says: str) -> None:
        pushed.environment = without_names(pushed.home)
        rules = [
            {"source": f"{host}/image-syncer/nginx:{tag}", "destination": f"{pushed.source.host}/back/nginx"}
            for tag in ("1", "2")
        ]
        result = pushed.sync(*rules, registries=[], **ONCE)
        assert set(result["error_codes"]) <= {"connection_failed", "registry_down"}
        for image in result["images"]:
            error = image["error"]
            assert f"the name {host} cannot be resolved" in error["message"]
            assert says in error["hint"]
            assert "imageops.registry.acr_instance_info" in error["hint"]

    def test_throttled(self, pushed: Scene) -> None:
        pushed.registry.gate.add(error_answer(429, "TOOMANYREQUESTS"), times=None)
        (error,) = failed(pushed.sync(pushed.rule(), **ONCE), "rate_limited")
        assert "requests_per_second" in error["hint"]


class TestWhoYouAre:
    @pytest.mark.parametrize("check_mode", [True, False])
    def test_no_login(self, pushed: Scene, check_mode: bool) -> None:
        rule = pushed.rule("library/nginx:1", "image-syncer/nginx")
        result = pushed.sync(rule, entry=pushed.plain_entry(), check_mode=check_mode)
        (error,) = failed(result, "no_credentials")
        assert "acr: {instance_id" in error["hint"]

    def test_a_temporary_login_that_has_ended(self, pushed: Scene) -> None:
        entry = pushed.plain_entry(**temporary(pushed))
        pushed.simulator.world.advance(3601)
        (error,) = failed(pushed.sync(pushed.rule(), entry=entry), "bad_credentials")
        assert "a temporary login ends after an hour: set acr: {instance_id" in error["hint"]

    def test_a_temporary_login_that_ends_on_the_way(self, pushed: Scene) -> None:
        for name in ("redis", "zookeeper"):
            pushed.push(f"library/{name}", "1")
        entry = {**pushed.plain_entry(**temporary(pushed)), "concurrency": 1}
        pushed.registry.gate.add(AnHourPasses(pushed), method="POST", target="/blobs/uploads/", times=1)
        result = pushed.sync(pushed.rule(), entry=entry, concurrency=1)
        assert result["summary"]["created"] >= 1
        for error in failed(result, "bad_credentials"):
            assert "is not accepted any more" in error["message"]
            assert "a temporary login ends after an hour" in error["hint"]

    @pytest.mark.parametrize(
        ("acr", "code", "says"),
        [
            ({"instance_id": "cri-other"}, "bad_credentials", "are of another instance"),
            ({"instance_id": "cri-far"}, "acr_not_found", "check instance_id and region"),
        ],
    )
    def test_another_instance_or_region(self, pushed: Scene, acr: dict[str, str], code: str, says: str) -> None:
        pushed.simulator.world.add_instance("other", instance_id="cri-other")
        pushed.simulator.world.add_instance("far", instance_id="cri-far", region="eu-central-1")
        pushed.acr = acr
        (error,) = failed(pushed.sync(pushed.rule(), **ONCE), code)
        assert says in error["hint"]
        assert "imageops.registry.acr_instance_info with registry" in error["hint"]

    @pytest.mark.parametrize(
        ("acr", "host"),
        [
            ({"region": "cn-nowhere"}, "cr.cn-nowhere.aliyuncs.com"),
            ({"network": "vpc"}, "cr-vpc.cn-shanghai.aliyuncs.com"),
        ],
    )
    def test_a_region_or_network_that_there_is_not(self, pushed: Scene, acr: dict[str, str], host: str) -> None:
        pushed.environment = without_names(pushed.home)
        pushed.acr = {"endpoint": None, **acr}
        (error,) = failed(pushed.sync(pushed.rule(), **ONCE), "connection_failed")
        assert f"{host}: the name {host} cannot be resolved" in error["message"]
        assert "check region" in error["hint"] and "network: vpc" in error["hint"]

    def test_the_api_throttles(self, pushed: Scene) -> None:
        pushed.simulator.faults.add("GetAuthorizationToken", Kind.REJECTED, times=1000)
        (error,) = failed(pushed.sync(pushed.rule(), **ONCE), "rate_limited")
        assert "run again later" in error["hint"]


class TestWhatMayBeWritten:
    def test_no_right_to_push(self, pushed: Scene) -> None:
        pushed.key = key_with(pushed, "GetAuthorizationToken", "PullRepository")
        (error,) = failed(pushed.sync(pushed.rule()), "push_denied")
        assert "cr:PushRepository and cr:CreateRepository with imageops.registry.ram_policy" in error["hint"]

    def test_a_right_that_was_given_a_moment_ago(self, pushed: Scene) -> None:
        for name in ("one", "two", "three"):
            pushed.push(f"library/{name}", "1")
        pushed.registry.face.push_from = pushed.simulator.world.now() + 3600
        assert failed(pushed.sync(pushed.rule(), log_path="log"), "push_denied")
        pushed.registry.face.push_from = pushed.simulator.world.now() + 4
        pushed.acr = {"settle": 60}
        result = pushed.sync(pushed.rule(), log_path="log")
        assert result["summary"]["failed"] == 0, result["msg"]
        assert result["summary"]["created"] >= 3
        assert (pushed.home / "log").read_text().count("again in 5 s") == 1

    @pytest.mark.parametrize("namespace", ["nowhere", "by-hand"])
    def test_no_namespace_or_none_that_makes_repositories(self, pushed: Scene, namespace: str) -> None:
        pushed.add_namespace("by-hand", auto_create=False)
        entry = pushed.plain_entry(**temporary(pushed))
        result = pushed.sync(pushed.rule(destination=namespace), entry=entry)
        (error,) = failed(result, "push_denied")
        assert error["status"] == 401
        for name in ("acr_namespace", "auto_create_repo: true", "acr_repository", "ram_policy"):
            assert name in error["hint"]
        assert f"what to do: {error['hint']}" in result["msg"]

    def test_the_words_of_acr(self, pushed: Scene) -> None:
        words = "requested access to the resource is denied"
        pushed.registry.gate.add(error_answer(403, "DENIED", words), method="POST|PUT|PATCH", times=None)
        (error,) = failed(pushed.sync(pushed.rule()), "push_denied")
        assert words in error["words"]
        assert "imageops.registry.acr_namespace" in error["hint"]

    def test_no_right_to_pull(self, pushed: Scene) -> None:
        pushed.sync(pushed.rule())
        pushed.key = key_with(pushed, "GetAuthorizationToken")
        (error,) = failed(pushed.sync(pushed.back("image-syncer/nginx:1", "back")), "pull_denied")
        assert "cr:PullRepository with imageops.registry.ram_policy" in error["hint"]

    def test_an_artifact(self, scene: Scene) -> None:
        with PlainClient(scene.source.endpoint) as client:
            client.push("library/nginx", images.index([images.image("nginx"), images.artifact("of nginx")]), "1")
            client.push("library/bom", images.artifact("bom"), "1")
        for error in failed(scene.sync(scene.rule()), "unsupported_manifest"):
            assert "unknown manifest class" in error["words"]
            assert "set unsupported_artifacts: skip" in error["hint"]
            assert "which changes those digests" in error["hint"]
        result = scene.sync(scene.rule(), unsupported_artifacts="strip")
        assert (result["summary"]["created"], result["summary"]["skipped"]) == (1, 1), result["msg"]
        assert any("the digest changes" in note for image in result["images"] for note in image.get("notes", ()))

    @pytest.mark.parametrize("status", [400, 403, 412])
    def test_a_tag_that_may_not_change(self, pushed: Scene, status: int) -> None:
        words = "The requested tag already exists and cannot be overwritten"
        pushed.sync(pushed.rule())
        pushed.push_other("library/nginx", "1")
        pushed.registry.gate.add(error_answer(status, "DENIED", words), method="PUT", target="/manifests/", times=None)
        (error,) = failed(pushed.sync(pushed.rule()), "immutable_tag")
        assert "overwrite: skip" in error["hint"] and "imageops.registry.acr_repository" in error["hint"]

    def test_a_tag_that_somebody_else_has_made_the_same(self, pushed: Scene) -> None:
        answer = error_answer(403, "DENIED", "The requested tag already exists and cannot be overwritten")
        pushed.registry.gate.add(replace(answer, reach=True), method="PUT", target="/manifests/1$", times=1)
        assert pushed.sync(pushed.rule(), retries=0)["summary"]["created"] == 1

    def test_a_quota(self, pushed: Scene) -> None:
        answer = error_answer(403, "DENIED", "the quota of repositories is reached")
        pushed.registry.gate.add(answer, method="POST", times=None)
        (error,) = failed(pushed.sync(pushed.rule()), "quota_exceeded")
        assert "imageops.registry.acr_instance_info" in error["hint"]


@pytest.mark.parametrize(
    ("name", "options", "host"),
    [
        ("acr_namespace", {"instance_id": "cri-1", "name": "team"}, "cr.cn-shanghai.aliyuncs.com"),
        ("acr_instance_info", {"network": "vpc"}, "cr-vpc.cn-shanghai.aliyuncs.com"),
        ("acr_endpoint", {"instance_id": "cri-1", "endpoint": "cr.corp.aliyuncs.com"}, "cr.corp.aliyuncs.com"),
        ("ram_user", {"name": "pusher", "network": "vpc"}, "ram.vpc-proxy.aliyuncs.com"),
        ("ram_user", {"name": "pusher"}, "ram.aliyuncs.com"),
        ("ram_user", {"name": "pusher", "ram_endpoint": "ram.corp.aliyuncs.com"}, "ram.corp.aliyuncs.com"),
        ("acr_instance_info", {"registry": HOST}, HOST),
    ],
)
def test_where_modules_look_for_the_apis(tmp_path: Path, name: str, options: dict[str, str], host: str) -> None:
    key = {"access_key_id": "LTAI0123456789", "access_key_secret": "s3cret-s3cret"}
    given = {**key, "region": "cn-shanghai", "retry_delay": 0.001, **options}
    with module(name, given, home=tmp_path, environment=without_names(tmp_path)) as running:
        result = running.end().result
    assert result["error_codes"] == ["connection_failed"]
    assert f"{host}: the name {host} cannot be resolved" in result["msg"]
    assert result["error"]["hint"]


def test_image_info_says_it_too(pushed: Scene) -> None:
    pushed.key = key_with(pushed, "GetAuthorizationToken")
    options = {"images": [f"{pushed.registry.host}/image-syncer/nginx"], "registries": [pushed.entry()]}
    with module("registry_image_info", options, home=pushed.home) as running:
        result = running.end().result
    assert re.search(r"cr:PullRepository with imageops[.]registry[.]ram_policy", result["msg"])
