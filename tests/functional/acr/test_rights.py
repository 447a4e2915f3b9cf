# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies of the guide, attached to a RAM user of a simulator that evaluates them, allow what the modules do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator import rights
from ansible_collections.imageops.registry.tests.acr_simulator.modules import Modules
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance
from support.scenes.acr_scene import Scene

GUIDES = Path(__file__).resolve().parents[3] / "docs"
ID = "cri-acme0123456789"
PLACE = {"instance_id": ID}
REMOVAL = {
    "Effect": "Allow",
    "Action": ["cr:DeleteNamespace", "cr:DeleteRepository", "cr:ListRepositoryTag"],
    "Resource": [f"acs:cr:*:*:repository/{ID}/*"],
}


def policies(guide: str) -> list[dict[str, Any]]:
    """The policy documents in a guide, for the simulated instance."""
    text = (GUIDES / guide).read_text(encoding="utf-8").replace("cri-xxxxxxxxxxxxxxxx", ID)
    return [json.loads(found) for found in re.findall(r"```json\n(\{\n  \"Version\".*?\n\})\n```", text, re.DOTALL)]


def signed_by(simulator: Simulator, user: str, *documents: dict[str, Any]) -> Modules:
    """Modules run by a RAM user who has these policies and no others."""
    admin = Modules(simulator, simulator.world.add_key())
    admin.succeed("ram_user", name=user)
    for number, document in enumerate(documents):
        admin.succeed("ram_policy", name=f"{user}-{number}", document=document)
        admin.succeed("ram_user_policy", user=user, policy=f"{user}-{number}")
    return Modules(simulator, simulator.world.add_key(user))


def set_up(modules: Modules, secret_file: Path) -> None:
    """What the role does before it copies."""
    modules.succeed("acr_instance_info", namespaces=True)
    modules.succeed("acr_instance_info", name="acme")
    modules.succeed("acr_namespace", name="image-syncer", **PLACE)
    modules.succeed("acr_namespace", name="image-syncer", tag_immutability=True, **PLACE)
    modules.succeed("acr_repository", namespace="image-syncer", name="nginx", **PLACE)
    modules.succeed("acr_repository", namespace="image-syncer", name="nginx", tag_immutability=True, **PLACE)
    push = {"instance_id": ID, "namespaces": ["image-syncer"]}
    modules.succeed("ram_user", name="pusher")
    modules.succeed("ram_user", name="pusher", comments="pushes")
    modules.succeed("ram_policy", name="push", acr=push)
    modules.succeed("ram_policy", name="push", acr={**push, "namespaces": ["image-syncer", "more"]})
    modules.succeed("ram_user_policy", user="pusher", policy="push")
    modules.succeed("ram_access_key", user="pusher", secret_file=str(secret_file))
    modules.succeed("acr_endpoint", **PLACE)
    entries = [{"entry": "192.0.2.0/24"}]
    modules.succeed("acr_endpoint_acl", entries=entries, **PLACE)
    modules.succeed("acr_endpoint_acl", entries=entries, state="absent", **PLACE)


def take_down(modules: Modules, secret_file: Path) -> None:
    modules.succeed("ram_access_key", user="pusher", secret_file=str(secret_file), state="absent")
    modules.succeed("ram_user_policy", user="pusher", policy="push", state="absent")
    modules.succeed("ram_policy", name="push", state="absent")
    modules.succeed("ram_user", name="pusher", state="absent")
    modules.succeed("acr_endpoint", state="disabled", **PLACE)


def test_the_admins_policy_allows_all_that_the_role_calls(
    simulator: Simulator, instance: Instance, tmp_path: Path
) -> None:
    admin = policies("credentials.md")[0]
    modules = signed_by(simulator, "admin", admin)
    set_up(modules, tmp_path / "key.json")
    take_down(modules, tmp_path / "key.json")


def test_removing_needs_the_rights_that_the_guide_names(simulator: Simulator, instance: Instance) -> None:
    admin = policies("credentials.md")[0]
    modules = signed_by(simulator, "admin", admin, {"Version": "1", "Statement": [REMOVAL]})
    modules.succeed("acr_namespace", name="team", **PLACE)
    modules.succeed("acr_repository", namespace="team", name="nginx", **PLACE)
    modules.succeed("acr_repository", namespace="team", name="nginx", state="absent", **PLACE)
    modules.succeed("acr_namespace", name="team", state="absent", **PLACE)


@pytest.mark.parametrize(
    ("number", "module", "options"),
    [
        (0, "acr_instance_info", {}),
        (1, "acr_endpoint", PLACE),
        (2, "acr_namespace", {**PLACE, "name": "image-syncer"}),
        (3, "ram_user", {"name": "pusher"}),
    ],
)
def test_no_statement_of_the_admins_policy_is_for_nothing(
    simulator: Simulator, instance: Instance, number: int, module: str, options: dict[str, Any]
) -> None:
    admin = policies("credentials.md")[0]
    kept = [each for place, each in enumerate(admin["Statement"]) if place != number]
    modules = signed_by(simulator, "admin", {**admin, "Statement": kept})
    assert modules.fail(module, **options)["error_codes"] == ["acr_forbidden"]


def test_an_admin_who_pushes(scene: Scene, tmp_path: Path) -> None:
    admin, pushing = policies("credentials.md")[:2]
    own = {**admin, "Statement": [*admin["Statement"][:3], *pushing["Statement"]]}
    modules = signed_by(scene.simulator, "admin", own)
    modules.succeed("acr_authorization_token", **PLACE)
    scene.key = scene.simulator.world.add_key("admin")
    scene.push("library/nginx", "1")
    result = scene.sync(scene.rule())
    assert result["summary"]["created"] == 1
    assert not [note for note in result["notes"] if "was not checked" in note]


@pytest.mark.parametrize("guide", ["harbor-to-acr.md", "harbor-to-acr.zh.md"])
def test_the_pushers_policy_lets_a_push_make_the_repository(scene: Scene, guide: str) -> None:
    [document] = policies(guide)
    signed_by(scene.simulator, "pusher", document)
    scene.key = scene.simulator.world.add_key("pusher")
    scene.push("library/nginx", "1")
    assert scene.sync(scene.rule())["summary"]["created"] == 1


def test_the_repositories_alone_do_not_let_a_push_make_one(simulator: Simulator, instance: Instance) -> None:
    """The simulator authorises CreateRepository on the namespace, as the vendor's reference says."""
    statement = {
        "Effect": "Allow",
        "Action": ["cr:CreateRepository"],
        "Resource": [f"acs:cr:*:*:repository/{ID}/image-syncer/*"],
    }
    signed_by(simulator, "narrow", {"Version": "1", "Statement": [statement]})
    resource = f"acs:cr:cn-shanghai:1234567890123456:repository/{ID}/image-syncer"
    assert not rights.allowed(simulator.world, "narrow", "cr:CreateRepository", resource)


def test_a_policy_that_the_module_writes_allows_every_action_that_it_names(
    simulator: Simulator, instance: Instance
) -> None:
    admin = Modules(simulator, simulator.world.add_key())
    actions = ["ListInstance", "ListNamespace", "GetInstance", "GetInstanceUsage", "ListInstanceEndpoint"]
    actions += ["GetNamespace", "CreateNamespace", "CreateRepository", "GetRepository", "ListRepository"]
    push = {"instance_id": ID, "namespaces": ["team"], "actions": actions}
    admin.succeed("ram_user", name="reader")
    admin.succeed("ram_policy", name="read", acr=push)
    admin.succeed("ram_user_policy", user="reader", policy="read")
    modules = Modules(simulator, simulator.world.add_key("reader"))
    result = modules.succeed("acr_instance_info", namespaces=True)
    assert "warnings" not in result
    modules.succeed("acr_namespace", name="team", **PLACE)
    modules.succeed("acr_repository", namespace="team", name="nginx", **PLACE)
    assert modules.fail("acr_namespace", name="other", **PLACE)["error_codes"] == ["acr_forbidden"]
