# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a whole module in this process against a simulator, as a task would: options in, its printed result out."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any
from unittest.mock import patch

from ansible.module_utils.common import warnings
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi

from .server import Simulator
from .world import Key

_MODULES = "ansible_collections.imageops.registry.plugins.modules"


class Modules:
    """Runs modules as one identity; what is not said is set so that nothing waits for long.

    :param key: who signs; None is nobody
    """

    def __init__(self, simulator: Simulator, key: Key | None) -> None:
        self._defaults: dict[str, Any] = {
            "endpoint": simulator.url,
            "ram_endpoint": simulator.url,
            "sts_endpoint": simulator.url,
            "region": simulator.world.region,
            "retry_delay": 0.001,
            "timeout": 5,
            "wait_interval": 0.001,
            "wait_timeout": 20,
        }
        if key is not None:
            self._defaults |= {"access_key_id": key.key_id, "access_key_secret": key.secret}

    def run(self, module_name: str, /, *, check: bool = False, diff: bool = True, **options: Any) -> dict[str, Any]:
        """Run a module and give its result, a failed one too (``failed``)."""
        arguments = {
            **self._defaults,
            **options,
            "_ansible_check_mode": check,
            "_ansible_diff": diff,
            "_ansible_remote_tmp": "/tmp",
            "_ansible_keep_remote_files": False,
        }
        if "inject_invocation" not in PASS_VARS:  # before 2.20 the result always has the invocation
            arguments.pop("_ansible_inject_invocation", None)
        warnings._global_warnings.clear()  # of the module before; a process runs one otherwise
        printed = io.StringIO()
        module = importlib.import_module(f"{_MODULES}.{module_name}")
        with (
            patch.dict(OpenApi.__init__.__kwdefaults__, {"per_second": 10_000.0}),
            patch_module_args(arguments),
            contextlib.redirect_stdout(printed),
            contextlib.suppress(SystemExit),
        ):
            module.main()
        result: dict[str, Any] = json.loads(printed.getvalue())
        return result

    def succeed(self, module_name: str, /, **options: Any) -> dict[str, Any]:
        """The same, for one that has to succeed."""
        result = self.run(module_name, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def fail(self, module_name: str, /, **options: Any) -> dict[str, Any]:
        """The same, for one that has to fail."""
        result = self.run(module_name, **options)
        assert result.get("failed"), result
        return result
