# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_sync with an instance of ACR: its logins, its list of repositories, its names, and its room."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.world import (
    Key,
    Policy,
    Repository,
    TemporaryLogin,
    User,
)
from support.faults.actions import error_answer
from support.scenes.acr_scene import Scene, failed
from support.scenes.modules import module

HELPER = """#!/bin/sh
password=first-one
[ -e {asked} ] && password=other-one
cat >>{asked}
echo >>{asked}
printf '{{"Username": "cr_temp_user", "Secret": "%s"}}' "$password"
"""
PUSH_RIGHTS = ("CreateRepository", "UpdateRepository", "PushRepository", "PullRepository", "GetAuthorizationToken")


def test_logins_are_fetched_once_and_the_second_run_writes_nothing(scene: Scene) -> None:
    scene.push("library/nginx", "1.27", "latest")
    scene.push("library/redis", "7")
    first = scene.sync(scene.rule())
    assert first["changed"], first["msg"]
    assert first["summary"]["created"] == 3
    assert set(scene.instance.namespaces["image-syncer"].repositories) == {"nginx", "redis"}
    assert scene.simulator.received["GetAuthorizationToken"] == 1
    scene.simulator.calls.clear()

    second = scene.sync(scene.rule())

    assert (second["changed"], second["summary"]["unchanged"]) == (False, 3)
    assert scene.simulator.actions() == ["GetAuthorizationToken"]


def test_the_key_may_come_from_the_environment(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    key, scene.key = scene.key, None
    assert key is not None
    assert scene.sync(scene.rule())["error_codes"] == ["no_credentials"]
    scene.environment = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.secret,
        "ALIBABA_CLOUD_REGION_ID": scene.instance.region,
    }
    scene.acr = {"region": None}
    result = scene.sync(scene.rule())
    assert result["changed"], result["msg"]
    assert key.secret not in json.dumps(result)


def test_the_key_may_be_a_temporary_one(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    scene.key = scene.simulator.world.add_key(security_token="sts-0123456789")
    assert failed(scene.sync(scene.rule()), "bad_credentials")
    scene.acr = {"security_token": "sts-0123456789"}
    result = scene.sync(scene.rule())
    assert result["changed"], result["msg"]
    assert "sts-0123456789" not in json.dumps(result)


def test_the_key_may_come_from_the_command_line_tools_profile(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    key, scene.key = scene.key, None
    assert key is not None
    profile = {"name": "default", "mode": "AK", "access_key_id": key.key_id, "access_key_secret": key.secret}
    (scene.home / ".aliyun").mkdir()
    (scene.home / ".aliyun/config.json").write_text(json.dumps({"current": "default", "profiles": [profile]}))
    result = scene.sync(scene.rule())
    assert result["changed"], result["msg"]
    assert key.secret not in json.dumps(result)
    options = {"instance_id": scene.instance.instance_id, "endpoint": scene.simulator.url, "name": "team"}
    with module("acr_namespace", options, home=scene.home) as running:
        ended = running.end()
    assert ended.result["changed"], ended.text
    assert key.secret not in ended.text


def test_a_run_that_outlives_its_login_gets_another(scene: Scene) -> None:
    world = scene.simulator.world
    world.login_seconds, world.token_seconds = 2, 2
    for number in range(6):
        scene.push(f"library/app-{number}", "1")
    result = scene.sync(scene.rule(), entry={**scene.entry(), "requests_per_second": 12}, timeout=20)

    assert result["summary"]["created"] == 6, result["msg"]
    assert result["summary"]["seconds"] > world.login_seconds
    assert scene.simulator.received["GetAuthorizationToken"] >= 2


def test_a_run_that_outlives_what_a_credential_helper_gave_asks_it_again(scene: Scene) -> None:
    world = scene.simulator.world
    world.token_seconds = 2
    now = world.now()
    scene.instance.temporary += [
        TemporaryLogin("root", "first-one", now + 6),
        TemporaryLogin("root", "other-one", now + 60),
    ]
    for number in range(3):
        scene.push(f"library/app-{number}", "1")
    asked = scene.home / "asked"
    helper = scene.home / "docker-credential-short"
    helper.write_text(HELPER.format(asked=asked))
    helper.chmod(0o755)
    (scene.home / "config.json").write_text(json.dumps({"credHelpers": {scene.registry.host: "short"}}))
    scene.environment = {"PATH": f"{scene.home}:{os.environ['PATH']}"}
    entry = {**scene.plain_entry(), "requests_per_second": 3}

    result = scene.sync(scene.rule(), entry=entry, docker_config="config.json", timeout=20)

    assert result["summary"]["created"] == 3, result["msg"]
    assert result["summary"]["seconds"] > world.token_seconds
    assert asked.read_text().splitlines() == [scene.registry.host] * 2


def test_a_key_that_is_refused_is_tried_once(scene: Scene) -> None:
    for number in range(8):
        scene.push(f"library/app-{number}", "1")
    scene.acr = {"access_key_secret": "x" * 30}
    result = scene.sync(scene.rule())
    assert failed(result, "bad_credentials")
    assert result["summary"]["failed"] == 8
    assert scene.simulator.received["GetAuthorizationToken"] == 1


def test_throttling_is_waited_out(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    scene.simulator.faults.add("GetAuthorizationToken", Kind.THROTTLED, times=2)
    assert scene.sync(scene.rule())["changed"]


def test_an_instance_is_a_source_by_its_own_list(scene: Scene) -> None:
    for path in ("library/nginx", "library/team/app"):
        scene.push(path, "1")
    scene.sync(scene.rule("library/**"))
    scene.add_namespace("other").repositories.clear()

    result = scene.sync(scene.back("image-syncer/**", "back"))

    assert [image["destination"] for image in result["images"]] == [
        f"{scene.source.host}/back/nginx:1",
        f"{scene.source.host}/back/team/app:1",
    ]
    assert scene.sync(scene.back("image-syncer/*", "back"))["summary"]["images"] == 1
    assert scene.sync(scene.back("**", "whole"))["summary"]["images"] == 2
    assert failed(scene.sync(scene.back("absent/*", "back")), "repository_not_found")


def test_all_pages_of_a_namespace_are_read(scene: Scene) -> None:
    made = scene.instance.namespaces["image-syncer"].repositories
    for number in range(230):
        made[f"app-{number:03}"] = Repository(f"crr-{number}", f"app-{number:03}", "PRIVATE", "")

    result = scene.sync(scene.back("image-syncer/*", "back"), check_mode=True)

    assert scene.simulator.received["ListRepository"] == 4
    assert any("and 225 more" in note for note in result["notes"])


def test_without_the_api_an_instances_repositories_are_not_listed(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    scene.sync(scene.rule())
    result = scene.sync(scene.back("image-syncer/*", "back"), entry=scene.plain_entry())
    (error,) = failed(result, "unsupported")
    assert "acr: {instance_id" in error["hint"]


def test_an_identity_that_may_not_list_says_so(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    scene.sync(scene.rule())
    scene.key = narrow_key(scene)
    (error,) = failed(scene.sync(scene.back("image-syncer/*", "back")), "acr_forbidden")
    assert "cr:ListRepository" in error["hint"]


def narrow_key(scene: Scene) -> Key:
    """A key of a user with the rights that the runbook gives it, and no more."""
    world = scene.simulator.world
    document = {"Statement": [{"Effect": "Allow", "Action": [f"cr:{name}" for name in PUSH_RIGHTS], "Resource": "*"}]}
    world.policies["push"] = Policy("push", "", {"v1": json.dumps(document)}, "v1")
    world.users["pusher"] = User("pusher", "1", attached=[("Custom", "push")])
    return world.add_key("pusher")


def test_a_narrow_identity_may_push_and_what_it_may_not_ask_is_noted(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    scene.key = narrow_key(scene)
    result = scene.sync(scene.rule())
    assert result["changed"], result["msg"]
    assert any("was not checked for its namespaces before copying" in note for note in result["notes"])


def test_names_that_acr_does_not_take_are_all_refused_and_stop_their_own_images_alone(scene: Scene) -> None:
    short = [f"library/{letter}" for letter in "abcdef"]
    for path in (*short, "library/nginx"):
        scene.push(path, "1")
    scene.add_namespace("nginx")

    result = scene.sync(scene.rule(destination="{name}/app"))

    errors = failed(result, "invalid_input")
    bad = [f"{scene.registry.host}/{name}/app" for name in "abcdef"]
    assert [image["destination"] for image in result["images"]] == bad[:3]
    assert result["summary"]["failed"] == len(bad)
    assert f"not written: {', '.join(bad)}" in result["msg"]
    assert all(f"write {scene.registry.host}/mirror/{{name}} as the destination" in error["hint"] for error in errors)
    assert result["summary"]["created"] == 1
    assert set(scene.instance.namespaces["nginx"].repositories) == {"app"}


def test_a_length_that_was_once_a_limit_is_a_warning_and_the_server_is_the_judge(scene: Scene) -> None:
    long = "x" * 62 + "/app"
    for path in ("a", "nginx", long):
        scene.push(f"library/{path}", "1")
    names = [f"{scene.registry.host}/image-syncer/{name}" for name in ("a", long)]

    for check_mode in (True, False):
        result = scene.sync(scene.rule("library/**"), check_mode=check_mode)
        assert result["summary"]["created"] == 3, result["msg"]
        (warning,) = result["warnings"]
        assert "which the registry decides" in str(warning)
        assert f"{names[0]}: it has 1 character, and" in str(warning)
        assert f"{names[1]}: it has 66 characters, and 2 to 64 are usual" in str(warning)
    assert "warnings" not in scene.sync(scene.rule("library/**"))

    scene.instance.namespaces["image-syncer"].repositories.clear()
    scene.instance.name_lengths = range(2, 65)
    scene.add_namespace("strict")
    judged = scene.sync(scene.rule("library/**", "strict"))
    assert [image["error"]["code"] for image in judged["images"] if image["status"] == "failed"] == ["push_denied"] * 2
    assert judged["summary"]["created"] == 1
    assert "which the registry decides" in str(judged["warnings"])


def test_where_acr_takes_none_of_the_names_nothing_is_asked(scene: Scene) -> None:
    scene.push("library/a", "1")
    scene.simulator.calls.clear()
    scene.registry.gate.mark()
    failed(scene.sync(scene.rule(destination="{name}/app")), "invalid_input")
    assert scene.simulator.actions() == []
    assert scene.registry.gate.records() == []


@pytest.mark.parametrize("auto_create", [True, False])
def test_check_mode_of_a_first_run_knows_by_the_api_what_is_not_there(scene: Scene, auto_create: bool) -> None:
    scene.push("library/nginx", "1", "2")
    scene.add_namespace("new", auto_create=auto_create)
    result = scene.sync(scene.rule(destination="new"), check_mode=True, return_images="all")
    if not auto_create:
        failed(result, "destination_missing")
        return
    assert result["summary"]["created"] == 2, result["msg"]
    assert result["summary"]["unknown"] == 0
    assert scene.sync(scene.rule(destination="new"))["summary"]["created"] == 2


def test_check_mode_without_the_api_says_that_it_is_not_shown_what_is_there(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    login = TemporaryLogin("root", "fetched-by-hand-0123456789", scene.simulator.world.now() + 3600)
    scene.instance.temporary.append(login)
    scene.registry.gate.add(error_answer(403, "DENIED"), method="HEAD|GET", target="/manifests/|/tags/", times=None)
    entry = scene.plain_entry(username="cr_temp_user", password=login.password)

    result = scene.sync(scene.rule(), entry=entry, check_mode=True)

    assert result["changed"], result
    assert (result["summary"]["unknown"], result["summary"]["created"]) == (1, 0)
    assert "1 unknown" in result["msg"]
    (image,) = result["images"]
    assert (image["action"], image["status"]) == ("unknown", "done")
    assert "does not show what it has" in image["reason"]


def test_what_the_quota_has_no_room_for_is_not_begun(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    scene.sync(scene.rule())
    scene.push("library/nginx", "2")
    for name in ("redis", "mysql"):
        scene.push(f"library/{name}", "1")
    scene.instance.repository_quota = 2

    result = scene.sync(scene.rule())

    errors = failed(result, "quota_exceeded")
    assert len(errors) == 2
    assert "2 repositories are to be created, and there is room for 1 (quota 2)" in errors[0]["message"]
    assert result["summary"]["created"] == 1
    assert set(scene.instance.namespaces["image-syncer"].repositories) == {"nginx"}
    scene.instance.repository_quota = 3
    assert scene.sync(scene.rule())["summary"]["created"] == 2


@pytest.mark.parametrize(("auto_create", "says"), [(None, "there is no namespace absent"), (False, "does not create")])
def test_a_namespace_that_takes_no_new_repository_is_named(scene: Scene, auto_create: bool | None, says: str) -> None:
    scene.push("library/nginx", "1")
    if auto_create is not None:
        scene.add_namespace("absent", auto_create=auto_create)
    (error,) = failed(scene.sync(scene.rule(destination="absent")), "destination_missing")
    assert says in error["message"]
    assert "imageops.registry.acr_namespace" in error["hint"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"username": "u", "password": "p"}, "the entry has credentials"),
        ({"registry": "acme-registry.cn-shanghai.cr.aliyuncs.com/ns"}, "is a path in a registry"),
        ({"acr": {"instance_id": "cri-1", "access_key_id": "LTAI"}}, "access_key_secret is missing"),
        ({"acr": {"instance_id": "cri-1", "access_key_id": "a", "access_key_secret": "b"}}, "region is missing"),
        ({"acr": {"region": "cn-shanghai"}}, "instance_id"),
    ],
)
def test_what_cannot_be_meant(scene: Scene, change: dict[str, Any], says: str) -> None:
    entry = {**scene.entry(), **change}
    result = scene.sync(scene.rule(), registries=[entry])
    assert result["failed"] and says in result["msg"]
    assert scene.simulator.actions() == []


@pytest.mark.parametrize("environment", [{}, {"ALIBABA_CLOUD_REGION_ID": "no region at all"}])
def test_the_region_may_stand_in_the_hosts_name(scene: Scene, environment: dict[str, str]) -> None:
    scene.environment = environment
    acr = {"instance_id": "cri-1", "access_key_id": "a", "access_key_secret": "b"}
    registries = [{"registry": "acme-registry.cn-shanghai.cr.aliyuncs.com", "acr": acr}]
    assert scene.sync(registries=registries)["msg"] == "no images to copy"


def test_two_entries_of_one_host_must_agree(scene: Scene) -> None:
    other = {**scene.entry(), "acr": {**scene.entry()["acr"], "instance_id": "cri-other"}}
    assert "says otherwise" in scene.sync(scene.rule(), registries=[scene.entry(), other])["msg"]
    assert scene.sync(registries=[scene.entry(), scene.entry()])["msg"] == "no images to copy"


def test_image_info_uses_the_logins_too(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    scene.sync(scene.rule())
    options = {"images": [f"{scene.registry.host}/image-syncer/nginx"], "registries": [scene.entry()]}
    with module("registry_image_info", options, home=scene.home) as running:
        result = running.end().result
    assert [manifest["tag"] for manifest in result["images"][0]["manifests"]] == ["1"]
