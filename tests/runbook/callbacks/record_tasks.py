# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a line of JSON for every result of every task, to the file that RECORD_TASKS names. For tests."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record_tasks
type: notification
short_description: write down what every task did
description: Writes a line of JSON for every result of every task.
"""


class CallbackModule(CallbackBase):
    """Items of loops are left out; the result of their task stands for them."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record_tasks"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write(result, "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write(result, "unreachable")

    def _write(self, result: Any, status: str) -> None:
        if hasattr(result, "task"):
            task, values = result.task, result.result
        else:  # before ansible-core 2.19
            task, values = result._task, result._result
        line = {
            "task": task.get_name().rpartition(" : ")[2],
            "action": task.resolved_action or task.action,
            "status": status,
            "changed": bool(values.get("changed")),
            "result": json.loads(self._dump_results(values)) if not task.no_log else {},
        }
        with open(os.environ["RECORD_TASKS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
