# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module as Ansible would, shows how far it is, and ends it when the task ends before it does."""

from __future__ import annotations

import copy
import getpass
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.imageops.registry.plugins.plugin_utils.follower import Files, Follower, LocalFiles, RemoteFiles
from ansible_collections.imageops.registry.plugins.plugin_utils.module_code import UTILS, sent_code

_MODULE = "imageops.registry.registry_image_sync"
_STARTER = f"{_MODULE}_start"
_PROGRESS = 5.0
_LEASE = 60.0
_SHOWS_NO_MESSAGE = ("default", "ansible.builtin.default", "ansible.legacy.default")

display = Display()


def _starter(task_vars: dict[str, Any]) -> dict[str, str]:
    """Return who runs the play: the controller's user and host, the play, and the job of AWX where there is one."""
    job = task_vars.get("awx_job_id") or task_vars.get("tower_job_id")
    known = {
        "user": task_vars.get("awx_user_name") or getpass.getuser(),
        "host": socket.gethostname(),
        "play": task_vars.get("ansible_play_name"),
        "job": f"AWX {job}" if job else None,
    }
    return {name: str(value) for name, value in known.items() if value}


class ActionModule(ActionBase):  # type: ignore[misc]
    """The action of C(registry_image_sync)."""

    _supports_check_mode = True
    _supports_async = True
    _problem = ""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module; return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._task.async_val:  # nothing here waits for it then
            result.update(self._execute_module(task_vars=task_vars, wrap_async=True))
            return result
        interval, lease = self._seconds("progress", _PROGRESS), self._seconds("lease", _LEASE)
        arguments, follower = self._followed(interval, lease, task_vars or {})
        ended = False
        try:
            if follower is not None:
                follower.start()
            result.update(self._run_module(arguments, task_vars))
            ended = True
        finally:
            if follower is not None:
                follower.close(revoke=not ended or self._connection.transport == "local")
        self._say(result)
        return result

    def _run_module(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Run the module by the first way that brings it its code."""
        result: dict[str, Any] = {}
        for module, code in self._ways():
            result = self._execute_module(module, {**arguments, **code}, task_vars=task_vars)
            if not result.get("code_is_needed"):
                break
        return result

    def _ways(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield modules to run and the option that has their code, the quickest first; the last one has its code."""
        if "code" in self._task.args:  # the complete module says that it has no such option
            yield _MODULE, {}
            return
        if self._connection.transport == "local" and not self._connection.become:
            display.vvv(f"{_MODULE} runs from {UTILS}")
            yield _STARTER, {"code": {"path": str(UTILS)}}
        sources = sent_code(Path(C.DEFAULT_LOCAL_TMP))
        display.vvv(f"the code of {_MODULE} is sent: {len(sources):,} bytes")
        yield _STARTER, {"code": {"sources": sources}}
        display.vvv(f"{_MODULE} is packed by Ansible")
        yield _MODULE, {}

    def _update_module_args(self, module_name: str, *arguments: Any, **keywords: Any) -> None:
        """Call the module in messages and logs by the name that a task has."""
        super()._update_module_args(_MODULE if module_name == _STARTER else module_name, *arguments, **keywords)

    def _seconds(self, option: str, default: float) -> float:
        """Return an option's seconds; what is no number is for the module to refuse."""
        try:
            return max(0.0, float(self._task.args.get(option, default)))
        except (TypeError, ValueError):
            return default

    def _followed(
        self, interval: float, lease: float, task_vars: dict[str, Any]
    ) -> tuple[dict[str, Any], Follower | None]:
        """Return the module's arguments with the paths of its two files, and what follows it by them."""
        arguments: dict[str, Any] = {**self._task.args, "controller": {"started_by": _starter(task_vars)}}
        base = f"/tmp/imageops-registry-{uuid.uuid4().hex}"
        progress_path, lease_path = f"{base}.json", f"{base}.lease"
        local, host = self._connection.transport == "local", task_vars.get("inventory_hostname", "")
        try:
            files: Files
            if local:
                files = LocalFiles(progress_path, lease_path, self._run_beside if self._connection.become else None)
            else:
                files = RemoteFiles(progress_path, lease_path, self._run_beside)
        except OSError as error:
            self._cannot_follow(str(error))
            return arguments, None
        arguments["controller"].update(progress_path=progress_path, lease_path=lease_path)
        return arguments, Follower(
            files,
            interval=interval,
            lease=max(lease, 1.0),
            local=local,
            counts_only=bool(self._task.no_log),
            show=lambda text: display.display(f"[{host}] {text}", stderr=True),
            problem=self._cannot_follow,
        )

    def _run_beside(self, command: str) -> str:
        """Run a command on the target over a second connection, as the user that the module runs as."""
        beside = getattr(self, "_beside", None)
        if beside is None:
            beside = self._beside = self._second_action()
        outcome = beside._low_level_execute_command(command)
        if outcome["rc"]:
            raise AnsibleError(outcome["stderr"].strip() or f"exit code {outcome['rc']}")
        return str(outcome["stdout"])

    def _second_action(self) -> ActionBase:
        loader = self._shared_loader_obj.connection_loader
        connection = loader.get(self._connection.ansible_name or self._connection.transport, self._play_context, None)
        connection.set_options(direct=self._connection.get_options())
        if self._connection.become:
            connection.set_become_plugin(copy.copy(self._connection.become))
        return ActionModule(
            self._task, connection, self._play_context, self._loader, self._templar, self._shared_loader_obj
        )

    def _cannot_follow(self, why: str) -> None:
        if why != self._problem:
            self._problem = why
            display.v(f"the progress of {self._task.action} cannot be followed: {why}")

    def _say(self, result: dict[str, Any]) -> None:
        """Show the message of a good run where the callback shows only its state."""
        quiet = C.DEFAULT_STDOUT_CALLBACK in _SHOWS_NO_MESSAGE and display.verbosity == 0
        if quiet and not self._task.no_log and not result.get("failed") and result.get("msg"):
            display.display(str(result["msg"]), stderr=True)
