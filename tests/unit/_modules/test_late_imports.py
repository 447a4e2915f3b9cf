# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task loads only where it needs it: each file is compiled anew in each task, so all that is loaded costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[3] / ".cache" / "tree"
UTILS = "ansible_collections.imageops.registry.plugins.module_utils"
PROGRAM = f"""
import json, sys
sys.path.insert(0, sys.argv[1])
import ansible.module_utils.basic
before = set(sys.modules)
from {UTILS}._modules import images, options
from {UTILS}._modules.task import Task
from {UTILS}._sync import engine
from {UTILS}._oci.registry.registry import Registry
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """What is loaded when a sync begins, beside what every module of Ansible loads."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(TREE)], capture_output=True, text=True, timeout=120, check=True
    )
    return set(json.loads(ended.stdout))


@pytest.mark.parametrize(
    "name",
    [
        "asyncio",
        "requests",
        "email.utils",
        f"{UTILS}._acr.api.client",
        f"{UTILS}._harbor",
        f"{UTILS}._hosted.tag_lists",
        f"{UTILS}._oci.layout",
        f"{UTILS}._oci.signatures",
        f"{UTILS}._sync.copy",
        f"{UTILS}._sync.deletion",
        f"{UTILS}._sync.results.html_report",
        f"{UTILS}._sync.rules.image_syncer",
        f"{UTILS}._sync.rules.re2",
    ],
)
def test_what_few_tasks_need_is_not_loaded(loaded: set[str], name: str) -> None:
    assert f"{UTILS}._sync.engine" in loaded
    assert name not in loaded
