# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module hands to Ansible at its end: secrets, warnings, and one result."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._modules import task as task_module
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError


class EndedError(Exception):
    """The module has ended."""


class FakeModule:
    """As much of AnsibleModule as a task uses."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.check_mode = False
        self._diff = False
        self.no_log_values = {"given"}
        self.warnings: list[str] = []
        self.result: dict[str, Any] = {}
        self.commands: list[tuple[list[str], dict[str, Any]]] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def run_command(self, argv: list[str], **options: Any) -> tuple[int, str, str]:
        self.commands.append((argv, options))
        return 3, "out", "err"

    def exit_json(self, **result: Any) -> NoReturn:
        self.result = result
        raise EndedError

    def fail_json(self, **result: Any) -> NoReturn:
        self.result = {"failed": True, **result}
        raise EndedError


@pytest.fixture
def module() -> FakeModule:
    return FakeModule()


@pytest.fixture
def task(module: FakeModule) -> Task:
    return Task(module)


def test_secrets_and_warnings_are_handed_over_at_the_end(module: FakeModule, task: Task) -> None:
    task.secrets.add("learnt")
    for _again in range(2):
        task.warn("beware of learnt and given")
    assert module.no_log_values == {"given"}
    with pytest.raises(EndedError):
        task.succeed({"changed": False})
    assert module.no_log_values == {"given", "learnt", "Z2l2ZW4=", "bGVhcm50"}  # as they are, and in base64
    assert module.warnings == ["beware of ******** and ********"]
    assert module.result == {"changed": False}


def test_secrets_are_registered_where_ansible_can(
    module: FakeModule, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: list[str] = []
    monkeypatch.setattr(task_module, "register_secret", registered.append)
    task.secrets.add("learnt")
    with pytest.raises(EndedError):
        task.fail("no")
    assert set(registered) == {"given", "learnt", "Z2l2ZW4=", "bGVhcm50"}


def test_an_error_of_the_whole_task_has_its_code(module: FakeModule, task: Task) -> None:
    with pytest.raises(EndedError):
        task.refuse(InputError(subject="the option given", cause="no"))
    assert module.result == {
        "failed": True,
        "msg": "cannot accept the option ********: no",
        "error_codes": ["invalid_input"],
    }


def test_programs_are_run_as_they_are_named(module: FakeModule, task: Task) -> None:
    assert task.run(["docker-credential-x", "get"], "quay.io") == (3, "out", "err")
    ((argv, options),) = module.commands
    assert argv == ["docker-credential-x", "get"]
    assert options["data"] == "quay.io"
    assert options["expand_user_and_vars"] is options["handle_exceptions"] is False


def test_programs_need_not_read_what_they_are_given(module: FakeModule, task: Task) -> None:
    task.run(["docker-credential-x", "get"], "quay.io")
    reading, writing = os.pipe()
    os.close(reading)
    process = SimpleNamespace(stdin=os.fdopen(writing, "wb"))
    ((_argv, options),) = module.commands
    options["before_communicate_callback"](process)
    process.stdin.write(options["data"].encode())
    process.stdin.close()
    with pytest.raises(OSError):
        os.fstat(writing)


def test_a_missing_requests_names_the_interpreter(
    module: FakeModule, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)  # as if it were not there
    with pytest.raises(EndedError):
        task.need_libraries()
    assert "requests" in module.result["msg"] and sys.executable in module.result["msg"]
    assert module.result["error_codes"] == ["invalid_input"]


def test_what_is_here_is_enough(module: FakeModule, task: Task) -> None:
    task.need_libraries()
    assert module.result == {}
