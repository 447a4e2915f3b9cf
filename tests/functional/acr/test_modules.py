# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as tasks see them: options, results, diffs, check mode, failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.modules import Modules
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance

PLACE = {"instance_id": "cri-acme0123456789"}
TEAM = {**PLACE, "name": "team"}
NGINX = {**PLACE, "namespace": "team", "name": "nginx"}


@pytest.fixture
def modules(simulator: Simulator, instance: Instance) -> Modules:
    return Modules(simulator, simulator.world.add_key())


def test_namespace(modules: Modules, simulator: Simulator) -> None:
    predicted = modules.succeed("acr_namespace", check=True, **TEAM)
    assert simulator.actions(writes=True) == []
    made = modules.succeed("acr_namespace", **TEAM)
    assert made["changed"]
    assert made["namespace"].pop("namespace_id").startswith("crn-")
    assert made["namespace"] == {
        "name": "team",
        "auto_create_repo": True,
        "default_repo_type": "PRIVATE",
        "tag_immutability": False,
    }
    assert predicted["changed"]
    assert predicted["namespace"] == {**made["namespace"], "namespace_id": ""}
    assert predicted["diff"] == {"before": {}, "after": predicted["namespace"]}
    again = modules.succeed("acr_namespace", **TEAM)
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"]
    gone = modules.succeed("acr_namespace", state="absent", **TEAM)
    assert gone["changed"]
    assert gone["namespace"] is None
    assert gone["diff"]["after"] == {}


def test_repository(modules: Modules, instance: Instance) -> None:
    modules.succeed("acr_namespace", **TEAM)
    made = modules.succeed("acr_repository", summary="web", tag_immutability=True, **NGINX)
    assert made["repository"]["summary"] == "web"
    assert not modules.succeed("acr_repository", summary="web", tag_immutability=True, **NGINX)["changed"]
    assert not modules.succeed("acr_repository", **NGINX)["changed"]
    changed = modules.succeed("acr_repository", repo_type="PUBLIC", **NGINX)
    assert changed["diff"]["before"]["repo_type"] == "PRIVATE"
    assert changed["diff"]["after"]["repo_type"] == "PUBLIC"
    assert modules.succeed("acr_repository", state="absent", **NGINX)["changed"]
    assert not instance.namespaces["team"].repositories


@pytest.mark.parametrize("name", ["a", "x" * 65])
def test_a_repositorys_name_of_an_unusual_length_is_for_the_server_to_judge(
    modules: Modules, instance: Instance, name: str
) -> None:
    modules.succeed("acr_namespace", **TEAM)
    place = {**NGINX, "name": name}
    assert "2 to 64 are usual" in str(modules.succeed("acr_repository", check=True, **place)["warnings"])
    instance.name_lengths = range(2, 65)
    refused = modules.fail("acr_repository", **place)
    assert refused["error"]["api_code"] == "REPO_NAME_INVALID"
    assert "2 to 64 are usual" in str(refused["warnings"])
    instance.name_lengths = range(1, 256)
    assert "warnings" in modules.succeed("acr_repository", **place)


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        ("acr_namespace", {**PLACE, "name": "Team"}, "cannot accept namespace 'Team'"),
        ("acr_namespace", {**PLACE, "name": "-team"}, "cannot accept namespace '-team'"),
        ("acr_repository", {**NGINX, "name": "a//b"}, "cannot accept repository 'a//b'"),
        ("acr_namespace", {**TEAM, "timeout": 0}, "cannot accept timeout 0"),
        ("acr_namespace", {**TEAM, "wait_interval": -1}, "cannot accept wait_interval -1"),
        ("acr_namespace", {**TEAM, "endpoint": "http://cr.example.com"}, "over plain http"),
        ("acr_namespace", {**TEAM, "endpoint": "https://cr.example.com/path"}, "it is not a host name"),
        ("acr_namespace", {**TEAM, "access_key_secret": None}, "access_key_secret is missing"),
        ("acr_namespace", {**TEAM, "endpoint": None, "region": None}, "region is missing"),
        ("acr_namespace", {**TEAM, "endpoint": None, "region": "cn-shanghai.example.com/"}, "cannot accept region"),
    ],
)
def test_what_cannot_be_meant(
    modules: Modules,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    options: dict[str, Any],
    words: str,
) -> None:
    for name in ("ALIBABA_CLOUD_REGION_ID", "ALICLOUD_REGION_ID", "ALICLOUD_REGION"):
        monkeypatch.delenv(name, raising=False)
    failed = modules.fail(module, **options)
    assert words in failed["msg"]
    assert failed["error"]["code"] == "invalid_input"
    assert not failed["changed"]
    assert simulator.calls == []


def test_a_failure_says_what_the_api_said(modules: Modules, simulator: Simulator) -> None:
    simulator.forms = "http"
    failed = modules.fail("acr_namespace", instance_id="cri-nobody", name="team")
    assert failed["error_codes"] == ["acr_not_found"]
    assert failed["error"]["api_code"] == "INSTANCE_NOT_EXIST"
    assert failed["error"]["status"] == 404
    assert failed["error"]["request_id"]
    assert failed["msg"].startswith("cannot read the namespace team of cri-nobody: there is no such instance")


def test_a_failure_after_a_write_is_a_change(modules: Modules, simulator: Simulator) -> None:
    simulator.world.looks.namespace_shows = 10**6
    failed = modules.fail("acr_namespace", wait_timeout=0, **TEAM)
    assert failed["error_codes"] == ["acr_wait_timeout"]
    assert failed["changed"]


def test_keys_come_from_the_environment(
    simulator: Simulator, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = simulator.world.add_key(security_token="token")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", key.key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", key.secret)
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token")
    assert Modules(simulator, None).succeed("acr_namespace", **TEAM)["changed"]


def test_no_secret_is_said(modules: Modules, simulator: Simulator) -> None:
    key = next(iter(simulator.world.keys.values()))
    simulator.faults.add("*", Kind.UNAVAILABLE, times=100)
    assert key.secret not in repr(modules.fail("acr_namespace", **TEAM))


def test_endpoint_and_white_list(modules: Modules, simulator: Simulator, instance: Instance) -> None:
    office = {"entry": "192.0.2.0/24", "comment": "office"}
    home = {"entry": "203.0.113.7", "comment": "home"}
    default = {"entry": "127.0.0.1/32", "comment": "default"}

    predicted = modules.succeed("acr_endpoint", check=True, **PLACE)
    assert predicted["changed"]
    assert predicted["endpoint"]["enabled"]
    predicted = modules.succeed("acr_endpoint_acl", check=True, entries=[office], purge=True, **PLACE)
    assert predicted["changed"]
    assert "the endpoint is off" in str(predicted["warnings"])
    assert simulator.actions(writes=True) == []

    made = modules.succeed("acr_endpoint", **PLACE)
    assert made["endpoint"] == {
        "module": "Registry",
        "enabled": True,
        "status": "RUNNING",
        "entries": [default],
        "domains": ["acme-registry.cn-shanghai.cr.aliyuncs.com"],
        "custom_domains": [],
    }
    assert made["diff"]["before"]["enabled"] is False
    listed = modules.succeed("acr_endpoint_acl", entries=[office, home], purge=True, **PLACE)
    assert listed["entries"] == [default, office, {"entry": "203.0.113.7/32", "comment": "home"}]
    assert not listed["unrestricted"]
    assert not modules.succeed("acr_endpoint", **PLACE)["changed"]
    assert not modules.succeed("acr_endpoint_acl", entries=[office, home], purge=True, **PLACE)["changed"]
    assert not modules.succeed("acr_endpoint_acl", entries=[{"entry": "203.0.113.7"}], **PLACE)["changed"]
    gone = modules.succeed("acr_endpoint_acl", entries=[home], state="absent", **PLACE)
    assert gone["entries"] == [default, office]
    assert gone["diff"]["before"] == {"entries": listed["entries"]}
    assert simulator.world.exposed == []
    assert modules.succeed("acr_endpoint", state="disabled", **PLACE)["changed"]
    assert not instance.endpoints["Registry"].enable


def test_a_white_list_of_an_endpoint_that_is_off(modules: Modules, simulator: Simulator) -> None:
    options = {**PLACE, "entries": [{"entry": "192.0.2.0/24"}]}
    for check in (True, False):
        gone = modules.succeed("acr_endpoint_acl", check=check, state="absent", **options)
        assert (gone["changed"], gone["entries"], gone["unrestricted"]) == (False, [], False)
    failed = modules.fail("acr_endpoint_acl", **options)
    assert failed["error_codes"] == ["acr_state"]
    assert "imageops.registry.acr_endpoint" in failed["msg"]


def test_opening_to_the_world_has_to_be_said(modules: Modules, simulator: Simulator) -> None:
    modules.succeed("acr_endpoint", component="chart", **PLACE)
    options = {**PLACE, "component": "chart", "state": "absent", "entries": [{"entry": "127.0.0.1/32"}]}
    failed = modules.fail("acr_endpoint_acl", **options)
    assert failed["error_codes"] == ["acr_state"]
    assert "allow_unrestricted" in failed["error"]["hint"]
    assert simulator.world.exposed == []
    opened = modules.succeed("acr_endpoint_acl", allow_unrestricted=True, **options)
    assert opened["unrestricted"]
    assert opened["entries"] == []


def test_purging_what_is_to_be_absent_makes_no_sense(modules: Modules) -> None:
    failed = modules.fail("acr_endpoint_acl", entries=[], purge=True, state="absent", **PLACE)
    assert failed["error_codes"] == ["invalid_input"]


def test_instances(modules: Modules, simulator: Simulator, instance: Instance) -> None:
    modules.succeed("acr_namespace", **TEAM)
    modules.succeed("acr_endpoint", **PLACE)
    [found] = modules.succeed("acr_instance_info", namespaces=True, **PLACE)["instances"]
    assert found["name"] == "acme"
    assert found["region"] == "cn-shanghai"
    assert found["usage"]["namespaces"] == {"limit": 25, "used": 1}
    assert found["public_domains"] == ["acme-registry.cn-shanghai.cr.aliyuncs.com"]
    assert found["vpc_domains"] == ["acme-registry-vpc.cn-shanghai.cr.aliyuncs.com"]
    assert [each["name"] for each in found["namespaces"]] == ["team"]
    assert modules.succeed("acr_instance_info", name="acme")["instances"][0]["instance_id"] == PLACE["instance_id"]
    simulator.world.add_instance("other", instance_id="cri-other")
    assert len(modules.succeed("acr_instance_info")["instances"]) == 2
    assert "there are: acme, other" in modules.fail("acr_instance_info", name="acm")["msg"]


def test_several_repositories_at_once(modules: Modules, simulator: Simulator, instance: Instance) -> None:
    modules.succeed("acr_namespace", **TEAM)
    modules.succeed("acr_repository", **NGINX)
    paths = ["team/nginx", "team/web/shop"]
    frozen = {**PLACE, "repositories": paths, "create": False, "tag_immutability": True}
    predicted = modules.succeed("acr_repository", check=True, **frozen)
    changed = modules.succeed("acr_repository", **frozen)
    assert predicted["changed"]
    assert changed["changed"]
    assert [each["name"] for each in changed["repositories"]] == ["nginx"]
    assert changed["diff"]["before"]["repositories"][0]["tag_immutability"] is False
    assert not modules.succeed("acr_repository", **frozen)["changed"]
    made = modules.succeed("acr_repository", **{**frozen, "create": True})
    assert [each["name"] for each in made["repositories"]] == ["nginx", "web/shop"]
    repositories = instance.namespaces["team"].repositories.values()
    assert [each.tag_immutability for each in repositories] == [True, True]
    for wrong in ({"repositories": ["nginx"]}, {"repositories": paths, "name": "x", "namespace": "y"}, {}):
        assert modules.fail("acr_repository", **PLACE, **wrong)["failed"]


@pytest.mark.parametrize("status", ["STOPPED", "EXPIRED", "CREATING"])
def test_an_instance_that_does_not_run_hides_no_other(modules: Modules, simulator: Simulator, status: str) -> None:
    simulator.world.add_instance("idle", instance_id="cri-idle", status=status)
    result = modules.succeed("acr_instance_info", namespaces=True)
    shown = {each["name"]: each for each in result["instances"]}
    assert shown["acme"]["usage"]
    assert shown["acme"]["endpoints"]
    assert (shown["idle"]["status"], shown["idle"]["endpoints"], shown["idle"]["public_domains"]) == (status, None, [])
    assert "cri-idle" in str(result["warnings"])


def test_a_custom_domain_is_no_push_host_by_itself(modules: Modules, instance: Instance) -> None:
    endpoint = instance.endpoints["Registry"]
    endpoint.domains.insert(0, ("images.example.com", "USER"))
    switched = modules.succeed("acr_endpoint", **PLACE)["endpoint"]
    assert switched["domains"] == ["acme-registry.cn-shanghai.cr.aliyuncs.com"]
    assert switched["custom_domains"] == ["images.example.com"]
    [found] = modules.succeed("acr_instance_info", **PLACE)["instances"]
    assert found["public_domains"] == ["acme-registry.cn-shanghai.cr.aliyuncs.com"]
    assert found["custom_domains"] == ["images.example.com"]


def test_instance_by_its_registry(
    simulator: Simulator, instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.front(instance.instance_id)
    asked = {
        "registry": instance.endpoints["Registry"].domains[0][0],
        "ca_path": str(simulator.identity.certificate_path),
        "region": None,
    }
    known = Modules(simulator, simulator.world.add_key()).succeed("acr_instance_info", **asked)["instances"]
    assert (known[0]["name"], known[0]["region"]) == ("acme", "cn-shanghai")
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    [unknown] = Modules(simulator, None).succeed("acr_instance_info", **asked)["instances"]
    assert (unknown["instance_id"], unknown["region"]) == (PLACE["instance_id"], "cn-shanghai")
    assert (unknown["name"], unknown["public_domains"]) == (None, [])


def test_an_instance_that_a_narrow_key_may_not_read(simulator: Simulator, instance: Instance) -> None:
    simulator.front(instance.instance_id)
    Modules(simulator, simulator.world.add_key()).succeed("ram_user", name="pusher")
    asked = {
        "registry": instance.endpoints["Registry"].domains[0][0],
        "ca_path": str(simulator.identity.certificate_path),
    }
    result = Modules(simulator, simulator.world.add_key("pusher")).succeed("acr_instance_info", **asked)
    assert result["instances"][0]["instance_id"] == PLACE["instance_id"]
    assert "cr:GetInstance" in str(result["warnings"])


def test_what_a_narrow_key_may_not_read_is_said(simulator: Simulator, instance: Instance) -> None:
    admin = Modules(simulator, simulator.world.add_key())
    admin.succeed("ram_user", name="reader")
    document = {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": ["cr:GetInstance", "cr:ListInstanceEndpoint"], "Resource": "*"}],
    }
    admin.succeed("ram_policy", name="read", document=document)
    admin.succeed("ram_user_policy", user="reader", policy="read")
    narrow = Modules(simulator, simulator.world.add_key("reader"))
    result = narrow.succeed("acr_instance_info", **PLACE)
    assert result["instances"][0]["usage"] is None
    assert "cr:GetInstanceUsage" in str(result["warnings"])


def test_login_password(simulator: Simulator, modules: Modules, instance: Instance) -> None:
    face = simulator.front(instance.instance_id)
    instance.endpoints["Registry"].enable = True
    options = {
        **PLACE,
        "username": "acme",
        "password": "correct7horse",
        "ca_path": str(simulator.identity.certificate_path),
    }
    predicted = modules.succeed("acr_login_password", check=True, **options)
    assert predicted["diff"]["before"] == {"username": "acme", "password": "refused"}
    assert predicted["diff"]["after"] == {"username": "acme", "password": "accepted"}
    assert predicted["changed"]
    assert simulator.received["ResetLoginPassword"] == 0
    first = modules.succeed("acr_login_password", **options)
    assert first["changed"]
    assert first["registry"] == instance.endpoints["Registry"].domains[0][0]
    assert "correct7horse" not in str({**first, "invocation": None})
    again = modules.succeed("acr_login_password", **options)
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"]
    face.token_status = 503
    assert modules.fail("acr_login_password", **options)["error_codes"] == ["server_error"]
    assert simulator.received["ResetLoginPassword"] == 1
    assert modules.succeed("acr_login_password", update_password="always", **options)["changed"]
    assert simulator.received["ResetLoginPassword"] == 2


@pytest.mark.parametrize("update", ["on_refusal", "always"])
def test_login_password_that_the_vendor_would_not_take(modules: Modules, simulator: Simulator, update: str) -> None:
    failed = modules.fail(
        "acr_login_password", check=True, username="acme", password="onlyletters", update_password=update, **PLACE
    )
    assert failed["error_codes"] == ["invalid_input"]
    assert simulator.calls == []


def test_login_password_needs_a_way_in(modules: Modules) -> None:
    failed = modules.fail("acr_login_password", username="acme", password="correct7horse", **PLACE)
    assert failed["error_codes"] == ["acr_state"]
    assert "imageops.registry.acr_endpoint" in failed["msg"]
    assert "username" in modules.fail("acr_login_password", password="correct7horse", **PLACE)["msg"]
    guessed = modules.succeed("acr_login_password", check=True, username="acme", password="correct7horse", **PLACE)
    assert guessed["changed"]
    assert "is a guess" in str(guessed["warnings"])


def test_authorization_token(modules: Modules, instance: Instance) -> None:
    result = modules.succeed("acr_authorization_token", check=True, **PLACE)
    assert not result["changed"]
    assert result["username"] == "cr_temp_user"
    assert result["password"] == instance.temporary[0].password
    assert result["expires_at"].endswith("Z")
    assert modules.fail("acr_authorization_token", expires_in_hours=25, **PLACE)["error_codes"] == ["invalid_input"]
