# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the code of the module gets to where it runs: from its place, sent by the action plugin, packed by Ansible."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.plugin_utils.module_code import UTILS
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import registry_option
from support.scenes.playbooks import CAN_PLAY, Played, play
from support.servers.shared import Servers
from support.servers.ssh_server import PROGRAM as SSHD
from support.servers.ssh_server import ssh_server

pytestmark = pytest.mark.skipif(
    not (CAN_PLAY and SSHD.exists()), reason="this Python is one of managed hosts only, or there is no sshd"
)

SYNC = "imageops.registry.registry_image_sync"
MOST = 400_000
"""Bytes that Ansible may send for the module, in base64: a module that does nothing has 180,000."""
UNSHARED = {"ansible_ssh_args": "-o ControlMaster=no"}
"""Each command has a connection of its own: the path of a shared one may be too long for a socket."""
NOT_OURS = (
    *("ansible_job_id", "finished", "results_file", "started", "stdout", "stderr", "stdout_lines", "stderr_lines"),
    *("exception", "invocation", "warnings", "deprecations"),
)
"""What Ansible adds to results: of tasks that it looks after now and then, and of any."""
OF_THE_MOMENT = ("seconds", "registries")
"""What differs from run to run: a registry that is slow at first is asked once more whether it is there."""


@pytest.fixture
def tasks(servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str) -> list[dict[str, Any]]:
    """A copy, the same with nothing to do, and tasks that are refused at each step."""
    source, target = servers.open, servers.relative
    plain(source.endpoint).push(repository, images.image(repository), "v1")
    options = {
        "images": [
            {"source": f"{source.host}/{repository}:v1", "destination": f"{target.host}/{repository}/{{{{ way }}}}"}
        ],
        "registries": [registry_option(each.endpoint) for each in (source, target)],
        "docker_config": "",
    }
    given = {
        "copy": options,
        "copy again": options,
        "no file": {**options, "images": [], "images_file": "/dev/null/none.yml"},
        "unknown option": {**options, "image": []},
        "wrong value": {**options, "retries": "many"},
        "no image": {**options, "images": [{"source": "::", "destination": "example.com/a"}]},
    }
    return [{"name": name, SYNC: each, "ignore_errors": True} for name, each in given.items()]


def results(played: Played, way: str) -> Mapping[str, Any]:
    """What tasks returned, without what differs from run to run."""
    return {name: (status, _steady(result, way)) for name, (status, result) in played.tasks.items()}


def _steady(value: Any, way: str) -> Any:
    if isinstance(value, dict):
        return {key: _steady(each, way) for key, each in value.items() if key not in (*NOT_OURS, *OF_THE_MOMENT)}
    if isinstance(value, list):
        return [_steady(each, way) for each in value]
    return re.sub(r" in \d.*", "", value.replace(f"/{way}", "/way")) if isinstance(value, str) else value


def test_the_same_comes_out_on_every_way(tasks: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "ssh").mkdir(mode=0o700)
    with ssh_server(tmp_path / "ssh") as machine:
        ways = {
            "beside": ({}, f"{SYNC} runs from "),
            "sent": ({**machine.variables, **UNSHARED}, f"the code of {SYNC} is sent: "),
            "packed": ({"ansible_async_dir": str(tmp_path / "async")}, ""),
        }
        found = {}
        for way, (variables, said) in ways.items():
            (tmp_path / way).mkdir()
            unwatched = {"async": 300, "poll": 1} if way == "packed" else {}
            plays = [{"hosts": "all", "gather_facts": False, "tasks": [{**task, **unwatched} for task in tasks]}]
            played = play(tmp_path / way, plays, {**variables, "way": way}, verbosity=3)
            assert played.text.count(said or " is sent: ") == (len(tasks) if said else 0), played.text
            assert f"{SYNC}_start)" not in played.text
            found[way] = results(played, way)

    assert [status for status, _result in found["packed"].values()] == ["ok"] * 2 + ["failed"] * 4
    assert found["packed"]["copy"][1]["summary"]["created"] == 1
    refused = str(found["packed"]["unknown option"])
    assert "Unsupported parameters for (imageops.registry.registry_image_sync) module: image." in refused
    assert found["beside"] == found["packed"]
    assert found["sent"] == found["packed"]
    starts = list((tmp_path / "payloads").glob("*registry_image_sync_start*"))
    assert starts and all(path.stat().st_size * 4 // 3 <= MOST for path in starts)


@pytest.mark.parametrize(
    ("spoilt", "last"),
    [(f"s#{UTILS}#/nowhere#", "is sent: "), (f's#{UTILS}#/nowhere#; s#"sources"#"lost"#', "is packed by Ansible")],
    ids=["sent", "packed"],
)
def test_code_that_does_not_arrive_goes_another_way(
    tasks: list[dict[str, Any]], tmp_path: Path, spoilt: str, last: str
) -> None:
    """As where the interpreter is a program in a container, or one that changes the user."""
    elsewhere = tmp_path / "python"
    elsewhere.write_text(f"#!/bin/sh\nsed '{spoilt}' | exec {sys.executable} \"$@\"\n", encoding="utf-8")
    elsewhere.chmod(0o755)
    variables = {"ansible_python_interpreter": str(elsewhere), "way": "elsewhere"}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks[:1]}]
    played = play(tmp_path, plays, variables, verbosity=3)
    assert played.result("copy")["summary"]["created"] == 1
    said = [line for line in played.text.splitlines() if SYNC in line and line.startswith((SYNC, "the code of"))]
    assert said[0].startswith(f"{SYNC} runs from ") and last in said[-1]


def test_sent_code_is_in_no_output(servers: Servers, tmp_path: Path) -> None:
    """Not where Ansible's own check of options ends early, either, with all that was given in the result."""
    (tmp_path / "ssh").mkdir(mode=0o700)
    tasks = [{"name": "wrong", SYNC: {"images": [], "registries": ["no mapping"]}}]
    with ssh_server(tmp_path / "ssh") as machine:
        plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        played = play(tmp_path, plays, {**machine.variables, **UNSHARED}, verbosity=3)
    assert played.tasks["wrong"][0] == "failed"
    assert f"the code of {SYNC} is sent: " in played.text
    assert len(played.text) < 100_000


@pytest.mark.parametrize("value", ["", {"path": "/tmp"}])
def test_the_code_is_no_option_of_a_task(tmp_path: Path, value: Any) -> None:
    tasks = [{"name": "wrong", SYNC: {"images": [], "code": value}}]
    played = play(tmp_path, [{"hosts": "all", "gather_facts": False, "tasks": tasks}], {})
    assert played.tasks["wrong"][0] == "failed"
    assert f"Unsupported parameters for ({SYNC}) module: code." in played.tasks["wrong"][1]["msg"]


def test_only_the_action_plugin_runs_what_starts_it(tmp_path: Path) -> None:
    tasks = [{"name": "start", f"{SYNC}_start": {"code": {}}}]
    played = play(tmp_path, [{"hosts": "all", "gather_facts": False, "tasks": tasks}], {})
    assert played.tasks["start"][0] == "failed"
    assert played.tasks["start"][1]["msg"] == "only action plugins run this module"
