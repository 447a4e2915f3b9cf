# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as tasks see them: options, results, diffs, check mode, failures."""

from __future__ import annotations

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
