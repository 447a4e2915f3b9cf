# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ansible_collections.imageops.registry.plugins.module_utils._acr.api.signature import AccessKey
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.instance import find_instance
from ansible_collections.imageops.registry.tests.acr_simulator.clients import open_api

TREE = Path(__file__).resolve().parents[3] / ".cache" / "tree"


def test_it_says_how_to_reach_it_and_ends_when_told() -> None:
    argv = [sys.executable, "-m", "ansible_collections.imageops.registry.tests.acr_simulator", "--name", "shop"]
    with subprocess.Popen(argv, cwd=TREE, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout
            told = json.loads(program.stdout.readline())
            key = AccessKey(told["access_key_id"], told["access_key_secret"])
            with open_api(told["endpoint"], key) as api:
                assert find_instance(api, told["region"], "shop").instance_id == told["instance_id"]
            assert Path(told["ca_path"]).is_file()
        finally:
            program.terminate()
    assert program.returncode == 0
