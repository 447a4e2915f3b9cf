# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules in playbooks: from an empty account to done, once more, after drift, and back to nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, NamedTuple

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import AclEntry, Instance
from support.scenes.playbooks import CAN_PLAY, PROGRAM, environment_of

PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"

pytestmark = [
    pytest.mark.skipif(not CAN_PLAY, reason="this Python is one of managed hosts only"),
    pytest.mark.timeout(900),  # some fifty tasks of a process each
]


class Recap(NamedTuple):
    """What a run did to its one host, and what it showed."""

    ok: int
    changed: int
    failed: int
    shown: str


Play = Callable[..., Recap]


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    return tmp_path / "pusher.json"


@pytest.fixture
def play(simulator: Simulator, instance: Instance, tmp_path: Path, secret_file: Path) -> Play:
    simulator.front(instance.instance_id)
    key = simulator.world.add_key()
    environ = {
        **environment_of(tmp_path),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.secret,
    }
    variables = {
        "ansible_connection": "local",
        "simulator": simulator.url,
        "certificate": str(simulator.identity.certificate_path),
        "secret_file": str(secret_file),
    }

    def run(playbook: str, *options: str) -> Recap:
        argv = [str(PROGRAM), "-i", "localhost,", str(PLAYBOOKS / playbook), "-e", json.dumps(variables), *options]
        found = subprocess.run(argv, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
        counts = re.search(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)", found.stdout)
        assert counts, found.stdout + found.stderr
        return Recap(*map(int, counts.groups()), found.stdout + found.stderr)

    return run


def test_from_nothing_to_done_once_more_after_drift_and_back(
    play: Play, simulator: Simulator, instance: Instance, secret_file: Path
) -> None:
    """One story, since each run takes long."""
    predicted = play("set_up.yml", "--check", "--diff")
    assert predicted.failed == 0, predicted.shown
    assert predicted.changed == 10
    assert simulator.actions(writes=True) == []

    done = play("set_up.yml", "--diff")
    assert done.failed == 0, done.shown
    assert done.changed == 10
    secret = json.loads(secret_file.read_text())["access_key_secret"]
    for hidden in (secret, "correct7horse"):
        assert hidden not in predicted.shown + done.shown
    assert simulator.world.exposed == []

    written = len(simulator.actions(writes=True))
    again = play("set_up.yml", "--diff")
    assert (again.failed, again.changed) == (0, 0), again.shown
    assert len(simulator.actions(writes=True)) == written
    checked = play("set_up.yml", "--check")
    assert (checked.failed, checked.changed) == (0, 0), checked.shown

    drift(simulator, instance, secret_file)
    repaired = play("set_up.yml")
    assert (repaired.failed, repaired.changed) == (0, 9), repaired.shown

    down = play("take_down.yml")
    assert (down.failed, down.changed) == (0, 7), down.shown
    assert play("take_down.yml").changed == 0
    assert instance.namespaces == {}
    assert simulator.world.users == {}
    assert simulator.world.policies == {}
    assert not secret_file.exists()


def drift(simulator: Simulator, instance: Instance, secret_file: Path) -> None:
    """Change one thing of every module's behind its back."""
    instance.namespaces["image-syncer"].default_repo_type = "PUBLIC"
    instance.namespaces["by-hand"].auto_create_repo = True
    instance.namespaces["by-hand"].repositories["nginx"].summary = "something else"
    user = simulator.world.users["pusher"]
    user.comments = ""
    user.attached.clear()
    policy = simulator.world.policies["push-image-syncer"]
    policy.versions[policy.default] = '{"Version": "1", "Statement": []}'
    secret_file.chmod(0o644)
    instance.endpoints["Registry"].entries.append(AclEntry("198.51.100.1/32", "stranger"))
    instance.passwords["acme"] = "another7one"
