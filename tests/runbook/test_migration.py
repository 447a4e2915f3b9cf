# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration from the first look to the last: each test goes on from where the one before has left the account."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Iterator

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.world import AclEntry, Policy, User
from scene import NAMESPACE, SOURCE_PASSWORD, Scene, open_scene
from support.scenes.images import Image, image, index

from playbooks import ROOT, Ansible, PlaybookRun

MIGRATE, VERIFY, TEARDOWN = (f"imageops.registry.{name}" for name in ("harbor_to_acr", "verify", "teardown"))
SET_UP = [
    "Keep each namespace",
    "Keep the user",
    "Keep the policy",
    "Give the user the policy",
    "Keep the user's access key",
    "Turn the endpoint on",
    "Keep the white list",
]
COPY = "Copy what is not there"
IMAGES: dict[str, Image] = {
    "1.0": image("1.0"),
    "1.1": image("1.1"),
    "2.0": index([image("2.0 amd64"), image("2.0 arm64", platform="linux/arm64")]),
}
REPOSITORY = f"{NAMESPACE}/nginx"
USER = "registry-sync"
ADMIN = "migration-admin"
OURS = "203.0.113.7/32"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, ansible: Ansible) -> Iterator[Scene]:
    """An account with an instance and nothing else, and a project with four tags to bring there."""
    with open_scene(tmp_path_factory.mktemp("scene")) as opened:
        for tag, each in IMAGES.items():
            opened.push("library/nginx", each, tag)
        opened.push("library/redis", image("redis"), "7.2")
        variables = opened.variables(registry_sync_admin=least_admin(opened))
        shutil.copy(variables["registry_sync_api"]["ca_path"], ansible.directory / "ca.pem")
        variables["registry_sync_api"]["ca_path"] = "./ca.pem"
        variables["registry_sync_registries"].append({"registry": opened.destination, "ca_path": "ca.pem"})
        ansible.write("migration.yml", variables)
        yield opened


def migrate(ansible: Ansible, *options: str) -> PlaybookRun:
    return ansible.run(MIGRATE, "-e", "@migration.yml", *options)


def test_check_mode_from_an_empty_account(ansible: Ansible, scene: Scene) -> None:
    run = migrate(ansible, "--check", "--diff")
    assert run.code == 0, run.text
    assert run.changed() == SET_UP
    assert scene.simulator.actions(writes=True) == []
    assert scene.gate.records() == []
    assert not (ansible.directory / "pusher.json").exists()
    said = run.named("Say what check mode has not looked at").result["msg"]
    assert "its access key, the public endpoint, its white list" in said
    assert [line for line in run.warnings() if "the endpoint is off" not in line] == []


def test_the_first_run_does_everything(ansible: Ansible, scene: Scene) -> None:
    world = scene.simulator.world
    scene.mark()
    right_comes_late(scene)
    run = migrate(ansible)
    assert run.code == 0, run.text
    assert run.changed() == [*SET_UP, COPY]
    assert {tag: scene.arrived(REPOSITORY, tag) for tag in IMAGES} == {tag: each.digest for tag, each in IMAGES.items()}
    assert scene.arrived(f"{NAMESPACE}/redis", "7.2") == image("redis").digest

    namespace = scene.instance.namespaces[NAMESPACE]
    assert (namespace.auto_create_repo, namespace.default_repo_type) == (True, "PRIVATE")
    assert world.users[USER].attached == [("Custom", f"{USER}-{scene.instance.instance_id}")]
    policy = world.policies[f"{USER}-{scene.instance.instance_id}"]
    create, push, login = json.loads(policy.versions[policy.default])["Statement"]
    assert create["Action"] == ["cr:CreateRepository"]
    assert f"acs:cr:*:*:repository/{scene.instance.instance_id}/{NAMESPACE}" in create["Resource"]
    actions = ("UpdateRepository", "PushRepository", "PullRepository", "GetRepository", "ListRepositoryTag")
    assert push["Action"] == [f"cr:{action}" for action in actions]
    assert push["Resource"] == [f"acs:cr:*:*:repository/{scene.instance.instance_id}/{NAMESPACE}/*"]
    assert (login["Action"], login["Resource"]) == (["cr:GetAuthorizationToken"], ["*"])
    assert white_list(scene) == {"127.0.0.1/32": "default", OURS: "migration host"}
    assert world.exposed == []


def test_who_signed_what(scene: Scene) -> None:
    by_pusher = {call.action for call in scene.simulator.calls if call.user == USER}
    assert "GetAuthorizationToken" in by_pusher
    assert not {action for action in by_pusher if action.startswith(("Create", "Update", "Delete", "Attach"))}
    assert "GetAuthorizationToken" not in {call.action for call in scene.simulator.calls if call.user != USER}


def test_the_second_run_changes_nothing_and_shows_no_secret(ansible: Ansible, scene: Scene) -> None:
    scene.mark()
    run = migrate(ansible, "-vvv")
    assert run.code == 0, run.text
    assert run.changed() == []
    assert run.warnings() == []
    assert scene.simulator.actions(writes=True) == []
    assert scene.writes() == []
    key_file = ansible.directory / "pusher.json"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    secret = json.loads(key_file.read_text())["access_key_secret"]
    passwords = [login.password for login in scene.instance.temporary]
    keys = [key.secret for key in scene.simulator.world.keys.values()]
    shown = [each for each in (secret, *keys, SOURCE_PASSWORD, *passwords) if each in run.text]
    assert shown == []


def test_check_mode_when_all_is_done(ansible: Ansible, scene: Scene) -> None:
    scene.mark()
    run = migrate(ansible, "--check", "--diff")
    assert run.code == 0, run.text
    assert run.changed() == []
    assert run.named(COPY).result["summary"]["unchanged"] == len(IMAGES) + 1
    assert scene.simulator.actions(writes=True) == []


def test_verify_agrees(ansible: Ansible, scene: Scene) -> None:
    scene.mark()
    run = ansible.run(VERIFY, "-e", "@migration.yml")
    assert run.code == 0, run.text
    assert (run.changed(), run.warnings()) == ([], [])
    assert scene.simulator.actions(writes=True) == []
    assert scene.writes() == []


def test_verify_names_what_is_missing_or_differs(ansible: Ansible, scene: Scene) -> None:
    scene.lose(REPOSITORY, "1.0")
    scene.push("library/nginx", image("1.1 again"), "1.1")
    scene.mark()
    # Options that leave tags alone, stop early or return little keep no difference from being seen.
    options = {"overwrite": "skip", "return_images": "none", "max_runtime": 1}
    files = {f"{kind}_path": f"{kind}.txt" for kind in ("report", "verify_report", "log")}
    given = {f"registry_sync_{name}": value for name, value in {**options, **files}.items()}
    run = ansible.run(VERIFY, "-e", "@migration.yml", "-e", json.dumps(given))
    assert run.code == 2, run.text
    (failed,) = run.failed()
    assert failed.result["msg"].splitlines() == [
        "1 of 4 tags are missing, 1 differ",
        f"missing: {scene.destination}/{REPOSITORY}:1.0",
        f"differs: {scene.destination}/{REPOSITORY}:1.1",
    ]
    assert run.changed() == []
    assert scene.writes() == []
    assert [each for each in files.values() if (ansible.directory / each).exists()] == ["verify_report.txt"]


def test_drift_is_repaired(ansible: Ansible, scene: Scene) -> None:
    world = scene.simulator.world
    namespace, user = scene.instance.namespaces[NAMESPACE], world.users[USER]
    policy = world.policies[f"{USER}-{scene.instance.instance_id}"]
    namespace.auto_create_repo, namespace.default_repo_type = False, "PUBLIC"
    user.comments = "somebody's"
    policy.versions[policy.default] = policy.versions[policy.default].replace("PushRepository", "*")
    user.attached.clear()
    (ansible.directory / "pusher.json").chmod(0o644)
    (ours,) = [each for each in entries(scene) if each.comment == "migration host"]
    ours.comment = "who is this?"

    run = migrate(ansible)
    assert run.code == 0, run.text
    assert run.changed() == [name for name in SET_UP if name != "Turn the endpoint on"] + [COPY]
    assert (namespace.auto_create_repo, namespace.default_repo_type) == (True, "PRIVATE")
    assert user.comments != "somebody's"
    assert "PushRepository" in policy.versions[policy.default]
    assert user.attached == [("Custom", policy.name)]
    assert stat.S_IMODE((ansible.directory / "pusher.json").stat().st_mode) == 0o600
    assert white_list(scene)[OURS] == "migration host"
    assert scene.arrived(REPOSITORY, "1.0") == IMAGES["1.0"].digest
    assert scene.arrived(REPOSITORY, "1.1") == image("1.1 again").digest
    assert world.exposed == []


def test_one_step_alone_turns_the_endpoint_on_again(ansible: Ansible, scene: Scene) -> None:
    endpoint = scene.instance.endpoints["Registry"]
    endpoint.enable, endpoint.status, endpoint.entries = False, "", []
    scene.mark()
    others = ("namespaces", "ram", "credentials", "reachable", "sync")
    run = migrate(ansible, "-e", json.dumps({f"registry_sync_run_{step}": False for step in others}))
    assert run.code == 0, run.text
    assert run.changed() == ["Turn the endpoint on", "Keep the white list"]
    assert white_list(scene) == {"127.0.0.1/32": "default", OURS: "migration host"}
    assert scene.gate.records() == []


def test_teardown_takes_down_what_is_asked_for(ansible: Ansible, scene: Scene) -> None:
    entries(scene).append(AclEntry("198.51.100.0/24", "somebody else's"))
    nothing = ansible.run(TEARDOWN, "-e", "@migration.yml", "-e", '{"registry_sync_teardown": []}')
    assert nothing.code == 2, nothing.text
    assert "key, policy, user, white_list and endpoint" in nothing.failed()[0].result["msg"]

    scene.mark()
    everything = ("-e", "@migration.yml", "-e", "registry_sync_teardown=key,policy,user,white_list,endpoint")
    looked = ansible.run(TEARDOWN, *everything, "--check", "--diff")
    assert looked.code == 0, looked.text
    assert scene.simulator.actions(writes=True) == []

    first = ansible.run(TEARDOWN, *everything)
    assert first.code == 0, first.text
    assert first.changed() == looked.changed()
    assert (set(scene.simulator.world.users), set(scene.simulator.world.policies)) == ({ADMIN}, {ADMIN})
    assert [key.user for key in scene.simulator.world.keys.values()] == ["root", ADMIN]
    assert not (ansible.directory / "pusher.json").exists()
    removed = [call for call in scene.simulator.calls if call.action == "DeleteInstanceEndpointAclPolicy"]
    assert [call.parameters["Entry"] for call in removed] == [OURS]
    assert not scene.instance.endpoints["Registry"].enable

    again = ansible.run(TEARDOWN, *everything)
    assert again.code == 0, again.text
    assert (again.changed(), again.warnings()) == ([], [])
    assert scene.arrived(REPOSITORY, "1.0") == IMAGES["1.0"].digest


def least_admin(scene: Scene) -> dict[str, str]:
    """The key of a user with the policy that the documentation has for the admin, and no more."""
    texts = re.findall(r"^```json\n(.*?)^```$", (ROOT / "docs" / "credentials.md").read_text(), re.M | re.S)
    (document,) = [text for text in texts if "ram:" in text]
    document = document.replace("cri-xxxxxxxxxxxxxxxx", scene.instance.instance_id)
    world = scene.simulator.world
    world.policies[ADMIN] = Policy(ADMIN, "", {"v1": document}, "v1")
    world.users[ADMIN] = User(ADMIN, "20000000000000009", attached=[("Custom", ADMIN)])
    key = world.add_key(ADMIN)
    return {"access_key_id": key.key_id, "access_key_secret": key.secret}


def right_comes_late(scene: Scene) -> None:
    """Let a new right be heeded only at the second call, as it may be at the vendor's."""
    before, user = scene.simulator.before, scene.simulator.world.users

    def not_yet() -> None:
        attached = user[USER].attached.copy()
        user[USER].attached.clear()
        before["GetAuthorizationToken"] = lambda: user[USER].attached.extend(attached)

    before["GetAuthorizationToken"] = not_yet


def entries(scene: Scene) -> list[AclEntry]:
    return scene.instance.endpoints["Registry"].entries


def white_list(scene: Scene) -> dict[str, str]:
    return {each.entry: each.comment for each in entries(scene)}
