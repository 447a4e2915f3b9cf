# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who pushes, and with which login; and what is said when nobody gets in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.world import AclEntry, User
from scene import NAMESPACE, SOURCE_PASSWORD, Scene, open_scene
from support.scenes.images import image

from playbooks import Ansible, Elsewhere, PlaybookRun, elsewhere_of

MIGRATE = "imageops.registry.harbor_to_acr"
REPOSITORY = f"{NAMESPACE}/nginx"
COPY = "Copy what is not there"
PASSWORD = "Keep the fixed password"


@pytest.fixture
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """An account whose instance is open to this machine, and one image to bring there."""
    with open_scene(tmp_path_factory.mktemp("scene")) as opened:
        opened.push("library/nginx", image("1.0"), "1.0")
        endpoint = opened.instance.endpoints["Registry"]
        endpoint.enable, endpoint.status = True, "RUNNING"
        endpoint.entries = [AclEntry("127.0.0.1/32", "default"), AclEntry("203.0.113.7/32", "migration host")]
        yield opened


@pytest.fixture
def elsewhere(ansible: Ansible, tmp_path: Path) -> Elsewhere:
    """Another machine, or where that takes rights that we don't have, this one."""
    return elsewhere_of(ansible, tmp_path / "elsewhere")


def migrate(ansible: Ansible, scene: Scene, *options: str, **variables: Any) -> PlaybookRun:
    ansible.write("migration.yml", scene.variables(**variables))
    return ansible.run(MIGRATE, "-e", "@migration.yml", *options)


def signers(scene: Scene, action: str) -> set[str]:
    return {call.user for call in scene.simulator.calls if call.action == action}


def test_a_fixed_password_by_another_machine(ansible: Ansible, scene: Scene, elsewhere: Elsewhere) -> None:
    """Every file is where the tasks run, and no secret is shown on the way there."""
    options = {
        "registry_sync_login": "password",
        "registry_sync_login_username": "registry-sync@acme",
        "registry_sync_login_password": "correct7horse",
        "registry_sync_run_endpoint": False,
        "registry_sync_report_path": "report.json",
        "registry_sync_log_path": "log.txt",
    }
    first = migrate(ansible, scene, "-vvv", *elsewhere.options, **options)
    assert first.code == 0, first.text
    assert first.changed()[-2:] == [PASSWORD, COPY]
    (policy,) = scene.simulator.world.policies.values()
    assert json.loads(policy.versions[policy.default])["Statement"][-1]["Action"] == ["cr:ResetLoginPassword"]
    assert signers(scene, "ResetLoginPassword") == {"registry-sync"}
    assert signers(scene, "GetAuthorizationToken") == set()
    assert scene.arrived(REPOSITORY, "1.0") == image("1.0").digest
    made = {"pusher.json", "report.json", "log.txt"}
    assert made <= {path.name for path in elsewhere.directory.iterdir()}
    assert elsewhere.is_here or not made & {path.name for path in ansible.directory.iterdir()}
    key = json.loads((elsewhere.directory / "pusher.json").read_text())
    secrets = ("correct7horse", scene.admin.secret, SOURCE_PASSWORD, key["access_key_secret"])
    assert [secret for secret in secrets if secret in first.text] == []

    second = migrate(ansible, scene, *elsewhere.options, **options)
    assert (second.code, second.changed()) == (0, []), second.text


ROLE_ARN = "acs:ram::1:role/pusher"
OF_STS = {
    "ecs": {"ecs_ram_role": "node"},
    "role": {"assume_role": {"role_arn": ROLE_ARN}},
    "profile": {"profile": "pusher"},
    "file": {"secret_file": "sts.json"},
}


@pytest.mark.parametrize("pusher", sorted(OF_STS))
def test_a_fixed_password_with_a_temporary_key_is_refused_before_anything_is_made(
    ansible: Ansible, scene: Scene, pusher: str
) -> None:
    key = {"access_key_id": scene.admin.key_id, "access_key_secret": scene.admin.secret}
    ansible.write("sts.json", {**key, "security_token": "sts-0123456789"})
    (ansible.directory / ".aliyun").mkdir(exist_ok=True)
    profile = {**key, "name": "pusher", "mode": "RamRoleArn", "ram_role_arn": ROLE_ARN}
    ansible.write(".aliyun/config.json", {"current": "pusher", "profiles": [profile]})
    run = migrate(
        ansible,
        scene,
        registry_sync_login="password",
        registry_sync_login_username="ci@acme",
        registry_sync_login_password="correct7horse",
        registry_sync_pusher=OF_STS[pusher],
    )
    assert run.code == 2
    assert "refuses temporary keys of STS" in run.failed()[0].result["msg"]
    assert "use temporary logins" in run.failed()[0].result["error"]["hint"]
    assert scene.simulator.actions(writes=True) == []


def test_a_pusher_that_there_is_sets_its_fixed_password(ansible: Ansible, scene: Scene) -> None:
    world = scene.simulator.world
    world.users["ci"] = User("ci", "20000000000000001", attached=[("System", "AliyunContainerRegistryFullAccess")])
    key = world.add_key("ci")
    ansible.write("ci.json", {"access_key_id": key.key_id, "access_key_secret": key.secret})
    given = {
        "registry_sync_login": "password",
        "registry_sync_login_username": world.login_name("ci"),
        "registry_sync_login_password": "correct7horse",
        "registry_sync_pusher": {"secret_file": "ci.json"},
        "registry_sync_run_endpoint": False,
    }
    first = migrate(ansible, scene, **given)
    assert first.code == 0, first.text
    assert first.changed() == ["Keep each namespace", PASSWORD, COPY]
    assert signers(scene, "ResetLoginPassword") == {"ci"}
    assert len([call for call in scene.simulator.calls if call.action == "ResetLoginPassword"]) == 1
    second = migrate(ansible, scene, **given)
    assert (second.code, second.changed()) == (0, []), second.text


def test_a_pusher_that_there_is(ansible: Ansible, scene: Scene) -> None:
    world = scene.simulator.world
    world.users["ci"] = User("ci", "20000000000000001", attached=[("System", "AliyunContainerRegistryFullAccess")])
    key = world.add_key("ci")
    ansible.write("ci.json", {"access_key_id": key.key_id, "access_key_secret": key.secret})
    given = {"registry_sync_pusher": {"secret_file": "ci.json"}, "registry_sync_run_endpoint": False}
    looked = migrate(ansible, scene, "--check", **given)
    assert looked.code == 0, looked.text
    assert looked.changed() == ["Keep each namespace"]
    assert f"not made or changed {NAMESPACE}." in looked.named("Say what check mode has not made").result["msg"]

    run = migrate(ansible, scene, **given)
    assert run.code == 0, run.text
    assert run.changed() == ["Keep each namespace", COPY]
    assert signers(scene, "GetAuthorizationToken") == {"ci"}
    assert list(world.users) == ["ci"]

    scene.push("library/nginx", image("1.1"), "1.1")
    scene.mark()
    without = {f"registry_sync_run_{step}": False for step in ("instance", "namespaces", "endpoint")}
    nightly = migrate(
        ansible,
        scene,
        registry_sync_admin={},
        registry_sync_pusher={"secret_file": "ci.json"},
        registry_sync_registry=scene.destination,
        **without,
    )
    assert nightly.code == 0, nightly.text
    assert nightly.changed() == [COPY]
    assert {call.user for call in scene.simulator.calls} == {"ci"}


def test_not_on_the_white_list(ansible: Ansible, scene: Scene) -> None:
    scene.simulator.world.client_address = "192.0.2.1"
    without = {f"registry_sync_run_{step}": False for step in ("namespaces", "ram", "endpoint")}
    run = migrate(ansible, scene, registry_sync_timeout=1, **without)
    assert run.code == 2, run.text
    said = run.failed()[0].result["msg"]
    assert "timed out" in said
    assert "registry_sync_white_list" in said
    assert run.failed()[0].task == "Fail when it does not answer"


def test_the_endpoint_is_off(ansible: Ansible, scene: Scene) -> None:
    endpoint = scene.instance.endpoints["Registry"]
    endpoint.enable, endpoint.status, endpoint.entries = False, "", []
    without = {f"registry_sync_run_{step}": False for step in ("namespaces", "ram", "endpoint")}
    run = migrate(ansible, scene, **without)
    assert run.code == 2, run.text
    assert "public endpoint is off" in run.failed()[0].result["msg"]
    assert "imageops.registry.acr_endpoint" in run.failed()[0].result["msg"]


def test_a_pusher_without_the_right(ansible: Ansible, scene: Scene) -> None:
    scene.simulator.world.users["ci"] = User("ci", "20000000000000001")
    key = scene.simulator.world.add_key("ci")
    pusher = {"access_key_id": key.key_id, "access_key_secret": key.secret}
    without = {f"registry_sync_run_{step}": False for step in ("namespaces", "endpoint")}
    run = migrate(ansible, scene, registry_sync_pusher=pusher, **without)
    assert run.code == 2, run.text
    assert "give ci the right cr:GetAuthorizationToken" in run.failed()[0].result["msg"]
    assert key.secret not in run.text
