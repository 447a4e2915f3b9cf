# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RAM's modules as tasks see them: users, policies, attachments, and keys whose secrets must not get lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.modules import Modules
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator

ALLOW = {"Effect": "Allow", "Action": ["cr:Get*", "cr:List*"], "Resource": "*"}
PUSH = {"instance_id": "cri-acme0123456789", "namespaces": ["team"]}


@pytest.fixture
def modules(simulator: Simulator) -> Modules:
    return Modules(simulator, simulator.world.add_key())


def writes(simulator: Simulator) -> list[str]:
    return simulator.actions(writes=True)


class TestUser:
    def test_life(self, modules: Modules, simulator: Simulator) -> None:
        assert modules.succeed("ram_user", name="pusher", check=True)["user"]["display_name"] == "pusher"
        assert writes(simulator) == []
        made = modules.succeed("ram_user", name="pusher", comments="pushes")
        assert made["user"]["user_id"]
        assert made["diff"]["before"] == {}
        assert not modules.succeed("ram_user", name="pusher", comments="pushes")["changed"]
        assert not modules.succeed("ram_user", name="pusher")["changed"]
        changed = modules.succeed("ram_user", name="pusher", display_name="The Pusher")
        assert changed["user"]["comments"] == "pushes"
        assert changed["diff"]["after"]["display_name"] == "The Pusher"
        assert modules.succeed("ram_user", name="pusher", comments="")["user"]["comments"] == ""
        assert modules.succeed("ram_user", name="pusher", state="absent")["changed"]
        assert not modules.succeed("ram_user", name="pusher", state="absent")["changed"]
        assert simulator.world.users == {}

    def test_with_something_hanging_on_it(self, modules: Modules, simulator: Simulator, tmp_path: Path) -> None:
        modules.succeed("ram_user", name="pusher")
        modules.succeed("ram_access_key", user="pusher", secret_file=str(tmp_path / "key"))
        failed = modules.fail("ram_user", name="pusher", state="absent")
        assert failed["error_codes"] == ["acr_exists"]
        assert failed["error"]["api_code"] == "DeleteConflict.User.AccessKey"
        assert "ram_access_key" in failed["error"]["hint"]


class TestPolicy:
    def test_life(self, modules: Modules, simulator: Simulator) -> None:
        made = modules.succeed(
            "ram_policy", name="read", document={"Version": 1, "Statement": [ALLOW]}, description="r"
        )
        assert made["policy"] == {
            "name": "read",
            "description": "r",
            "document": {"Version": "1", "Statement": [ALLOW]},
        }
        same = {"Statement": {**ALLOW, "Action": ["cr:List*", "cr:Get*"], "Resource": ["*"]}}
        assert not modules.succeed("ram_policy", name="read", document=same, description="other")["changed"]
        assert writes(simulator) == ["CreatePolicy"]
        narrower = {"Version": "1", "Statement": [{**ALLOW, "Action": "cr:Get*"}]}
        assert modules.succeed("ram_policy", name="read", document=narrower, check=True)["changed"]
        changed = modules.succeed("ram_policy", name="read", document=narrower)
        assert changed["diff"]["before"]["document"]["Statement"] == [ALLOW]
        assert json.loads(simulator.world.policies["read"].versions["v2"]) == narrower
        assert simulator.world.policies["read"].default == "v2"
        assert modules.succeed("ram_policy", name="read", state="absent")["changed"]
        assert simulator.world.policies == {}
        assert not modules.succeed("ram_policy", name="read", state="absent")["changed"]

    def test_a_document_as_text(self, modules: Modules) -> None:
        text = json.dumps({"Version": "1", "Statement": [ALLOW]})
        assert modules.succeed("ram_policy", name="read", document=text)["changed"]
        assert not modules.succeed("ram_policy", name="read", document=text)["changed"]

    def test_more_versions_than_ram_keeps(self, modules: Modules, simulator: Simulator) -> None:
        for number in range(8):
            document = {"Version": "1", "Statement": [{**ALLOW, "Action": f"cr:Get{number}"}]}
            assert modules.succeed("ram_policy", name="read", document=document)["changed"]
        assert len(simulator.world.policies["read"].versions) == 5
        assert modules.succeed("ram_policy", name="read", state="absent")["changed"]

    def test_for_somebody_who_pushes(self, modules: Modules, simulator: Simulator) -> None:
        made = modules.succeed("ram_policy", name="push", acr=PUSH)
        creating, others = made["policy"]["document"]["Statement"]
        assert creating["Action"] == ["cr:CreateRepository"]
        assert creating["Resource"] == [
            "acs:cr:*:*:repository/cri-acme0123456789/team",
            "acs:cr:*:*:repository/cri-acme0123456789/team/*",
        ]
        assert others["Resource"] == ["acs:cr:*:*:repository/cri-acme0123456789/team/*"]
        assert not modules.succeed("ram_policy", name="push", acr=PUSH)["changed"]
        with_login = {**PUSH, "actions": ["PushRepository", "GetAuthorizationToken"]}
        assert len(modules.succeed("ram_policy", name="push", acr=with_login)["policy"]["document"]["Statement"]) == 2

    def test_one_in_use_is_kept(self, modules: Modules, simulator: Simulator) -> None:
        modules.succeed("ram_user", name="pusher")
        modules.succeed("ram_policy", name="push", acr=PUSH)
        modules.succeed("ram_policy", name="push", acr={**PUSH, "namespaces": ["other"]})
        modules.succeed("ram_user_policy", user="pusher", policy="push")
        for check in (True, False):
            failed = modules.fail("ram_policy", name="push", state="absent", check=check)
            assert failed["error_codes"] == ["acr_exists"]
        assert len(simulator.world.policies["push"].versions) == 2

    @pytest.mark.parametrize(
        "options", [{}, {"document": {"Version": "1"}, "acr": PUSH}, {"document": {"Version": "1"}}]
    )
    def test_what_cannot_be_meant(self, modules: Modules, simulator: Simulator, options: dict[str, Any]) -> None:
        modules.fail("ram_policy", name="push", **options)
        assert writes(simulator) == []


class TestAttachment:
    def test_life(self, modules: Modules, simulator: Simulator) -> None:
        options = {"user": "pusher", "policy": "push"}
        assert modules.succeed("ram_user_policy", check=True, **options)["changed"]
        assert not modules.succeed("ram_user_policy", state="absent", **options)["changed"]
        failed = modules.fail("ram_user_policy", **options)
        assert failed["error"]["api_code"] == "EntityNotExist.User"
        assert "with imageops.registry.ram_user" in failed["error"]["hint"]
        modules.succeed("ram_user", name="pusher")
        failed = modules.fail("ram_user_policy", **options)
        assert failed["error"]["api_code"] == "EntityNotExist.Policy"
        assert "with imageops.registry.ram_policy" in failed["error"]["hint"]
        modules.succeed("ram_policy", name="push", acr=PUSH)
        assert modules.succeed("ram_user_policy", **options)["attachment"] == {**options, "policy_type": "Custom"}
        assert not modules.succeed("ram_user_policy", **options)["changed"]
        modules.succeed(
            "ram_user_policy", policy_type="System", user="pusher", policy="AliyunContainerRegistryReadOnlyAccess"
        )
        assert modules.succeed("ram_user_policy", state="absent", **options)["attachment"] is None
        assert not modules.succeed("ram_user_policy", state="absent", **options)["changed"]
        assert simulator.world.users["pusher"].attached == [("System", "AliyunContainerRegistryReadOnlyAccess")]

    def test_the_new_user_can_do_what_the_policy_says_and_no_more(self, modules: Modules, simulator: Simulator) -> None:
        instance = simulator.world.add_instance()
        modules.succeed("ram_user", name="pusher")
        modules.succeed("ram_policy", name="push", acr={**PUSH, "actions": ["PushRepository", "GetAuthorizationToken"]})
        modules.succeed("ram_user_policy", user="pusher", policy="push")
        pusher = Modules(simulator, simulator.world.add_key("pusher"))
        pusher.succeed("acr_authorization_token", instance_id=instance.instance_id)
        failed = pusher.fail("acr_namespace", instance_id=instance.instance_id, name="team")
        assert failed["error_codes"] == ["acr_forbidden"]
        assert "give pusher the right cr:GetNamespace" in failed["msg"]


class TestAccessKey:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "pusher.json"

    @pytest.fixture
    def options(self, modules: Modules, file: Path) -> dict[str, Any]:
        modules.succeed("ram_user", name="pusher")
        return {"user": "pusher", "secret_file": str(file)}

    @staticmethod
    def at_ram(simulator: Simulator) -> list[str]:
        return [key.key_id for key in simulator.world.keys.values() if key.user == "pusher"]

    def test_life(self, modules: Modules, simulator: Simulator, options: dict[str, Any], file: Path) -> None:
        assert modules.succeed("ram_access_key", check=True, **options)["changed"]
        assert self.at_ram(simulator) == []
        assert not file.exists()
        made = modules.succeed("ram_access_key", **options)
        stored = json.loads(file.read_text())
        assert [stored["access_key_id"]] == self.at_ram(simulator)
        assert stored["access_key_secret"] == simulator.world.keys[stored["access_key_id"]].secret
        assert stored["user"] == "pusher"
        assert file.stat().st_mode & 0o777 == 0o600
        assert stored["access_key_secret"] not in str(made)
        assert made["access_key"]["access_key_id"] == stored["access_key_id"]
        assert not modules.succeed("ram_access_key", **options)["changed"]
        assert not modules.succeed("ram_access_key", rotate=True, **options)["changed"]
        assert modules.succeed("ram_access_key", state="absent", check=True, **options)["changed"]
        assert modules.succeed("ram_access_key", state="absent", **options)["changed"]
        assert self.at_ram(simulator) == []
        assert not file.exists()
        assert not modules.succeed("ram_access_key", state="absent", **options)["changed"]

    def test_a_file_that_is_open_to_others_is_closed(
        self, modules: Modules, options: dict[str, Any], file: Path
    ) -> None:
        modules.succeed("ram_access_key", **options)
        file.chmod(0o644)
        assert modules.succeed("ram_access_key", check=True, **options)["changed"]
        changed = modules.succeed("ram_access_key", **options)
        assert (changed["diff"]["before"]["private"], changed["diff"]["after"]["private"]) == (False, True)
        assert file.stat().st_mode & 0o777 == 0o600

    def test_a_key_without_its_file(
        self, modules: Modules, simulator: Simulator, options: dict[str, Any], file: Path
    ) -> None:
        modules.succeed("ram_access_key", **options)
        [lost] = self.at_ram(simulator)
        file.unlink()
        for state in ("present", "absent"):
            failed = modules.fail("ram_access_key", state=state, **options)
            assert failed["error_codes"] == ["acr_exists"]
            assert "rotate: true" in failed["error"]["hint"]
            assert lost in failed["msg"]
        assert self.at_ram(simulator) == [lost]
        assert modules.succeed("ram_access_key", rotate=True, **options)["changed"]
        [fresh] = self.at_ram(simulator)
        assert fresh != lost
        assert json.loads(file.read_text())["access_key_id"] == fresh

    def test_rotation_with_two_keys(
        self, modules: Modules, simulator: Simulator, options: dict[str, Any], file: Path
    ) -> None:
        simulator.world.add_key("pusher")
        newer = simulator.world.add_key("pusher")
        newer.status = "Inactive"
        modules.succeed("ram_access_key", rotate=True, **options)
        [fresh] = self.at_ram(simulator)
        assert json.loads(file.read_text())["access_key_id"] == fresh
        deleted = [call.parameters["UserAccessKeyId"] for call in simulator.calls if call.action == "DeleteAccessKey"]
        order = [action for action in writes(simulator) if "AccessKey" in action]
        assert deleted[0] == newer.key_id
        assert order == ["DeleteAccessKey", "CreateAccessKey", "DeleteAccessKey"]

    def test_other_keys_stay_while_the_file_is_good(
        self, modules: Modules, simulator: Simulator, options: dict[str, Any]
    ) -> None:
        modules.succeed("ram_access_key", **options)
        other = simulator.world.add_key("pusher").key_id
        assert not modules.succeed("ram_access_key", rotate=True, **options)["changed"]
        modules.succeed("ram_access_key", state="absent", **options)
        assert self.at_ram(simulator) == [other]
        assert modules.succeed("ram_access_key", state="absent", rotate=True, **options)["changed"]
        assert self.at_ram(simulator) == []

    def test_a_file_whose_key_is_gone(
        self, modules: Modules, simulator: Simulator, options: dict[str, Any], file: Path
    ) -> None:
        modules.succeed("ram_access_key", **options)
        [old] = self.at_ram(simulator)
        del simulator.world.keys[old]
        assert modules.succeed("ram_access_key", **options)["changed"]
        [fresh] = self.at_ram(simulator)
        assert json.loads(file.read_text())["access_key_id"] == fresh

    def test_nothing_is_made_that_cannot_be_written(
        self, modules: Modules, simulator: Simulator, options: dict[str, Any], tmp_path: Path
    ) -> None:
        options["secret_file"] = str(tmp_path / "none" / "key.json")
        failed = modules.fail("ram_access_key", **options)
        assert failed["error_codes"] == ["acr_secret_file"]
        assert "a directory that is there" in failed["error"]["hint"]
        assert not failed["changed"] or "CreateAccessKey" not in writes(simulator)
        assert self.at_ram(simulator) == []

    def test_a_key_that_could_not_be_written_is_deleted_again(
        self,
        modules: Modules,
        simulator: Simulator,
        options: dict[str, Any],
        file: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # The disk is full in the worst moment: when the key is made already.
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        failed = modules.fail("ram_access_key", **options)
        assert failed["error_codes"] == ["acr_secret_file"]
        assert "no space left on device" in failed["msg"]
        assert writes(simulator)[-2:] == ["CreateAccessKey", "DeleteAccessKey"]
        assert self.at_ram(simulator) == []
        assert list(file.parent.glob("pusher*")) == []

    def test_a_key_whose_answer_got_lost_is_deleted(
        self, modules: Modules, simulator: Simulator, options: dict[str, Any], file: Path
    ) -> None:
        simulator.faults.add("CreateAccessKey", Kind.CUT_AFTER)
        failed = modules.fail("ram_access_key", **options)
        assert failed["error_codes"] == ["connection_failed"]
        assert self.at_ram(simulator) == []
        assert not file.exists()
        assert modules.succeed("ram_access_key", **options)["changed"]

    def test_a_disabled_key(self, modules: Modules, simulator: Simulator, options: dict[str, Any]) -> None:
        modules.succeed("ram_access_key", **options)
        simulator.world.keys[self.at_ram(simulator)[0]].status = "Inactive"
        failed = modules.fail("ram_access_key", **options)
        assert failed["error_codes"] == ["acr_state"]

    def test_another_users_file(self, modules: Modules, options: dict[str, Any]) -> None:
        modules.succeed("ram_access_key", **options)
        modules.succeed("ram_user", name="other")
        failed = modules.fail("ram_access_key", user="other", secret_file=options["secret_file"])
        assert failed["error_codes"] == ["invalid_input"]

    def test_no_user(self, modules: Modules, tmp_path: Path) -> None:
        options = {"user": "nobody", "secret_file": str(tmp_path / "key.json")}
        assert modules.succeed("ram_access_key", check=True, **options)["changed"]
        assert modules.fail("ram_access_key", **options)["error"]["api_code"] == "EntityNotExist.User"
        assert list(tmp_path.glob("key*")) == []
        assert not modules.succeed("ram_access_key", state="absent", **options)["changed"]
