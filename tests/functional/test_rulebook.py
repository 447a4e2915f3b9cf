# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebook under ansible-rulebook, where that and Java are: pushes to a real registry are copied."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest
from support.clients.plain_client import PlainClient
from support.scenes.images import image
from support.scenes.playbooks import CAN_PLAY
from support.servers.docker_registry import docker_registry
from support.servers.ports import free_port
from support.servers.processes import ServerProcess, wait_until

BIN = Path(sys.executable).parent
TREE = Path(__file__).resolve().parents[2] / ".cache" / "tree"
SECRET = "correct horse battery"

pytestmark = pytest.mark.skipif(
    not (CAN_PLAY and (BIN / "ansible-rulebook").exists() and shutil.which("java")),
    reason="there is no ansible-rulebook with Java here",
)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_what_is_pushed_is_copied_as_far_as_a_rule_covers_it(tmp_path: Path) -> None:
    port = free_port()
    endpoint = {"name": "sync", "url": f"http://127.0.0.1:{port}/", "headers": {"Authorization": [SECRET]}}
    notifications = {"endpoints": [{**endpoint, "timeout": "1s", "threshold": 1, "backoff": "1s"}]}
    with (
        docker_registry(tmp_path / "source", extra={"notifications": notifications}) as source,
        docker_registry(tmp_path / "destination") as destination,
    ):
        variables = {
            "sync_events_registry": source.host,
            "sync_events_port": port,
            "registry_sync_images": [
                {"source": f"{source.host}/team/*", "destination": f"{destination.host}/x/{{name}}"}
            ],
            "registry_sync_registries": [{"registry": end.host, "plain_http": True} for end in (source, destination)],
        }
        (tmp_path / "mirror.json").write_text(json.dumps(variables), encoding="utf-8")
        inventory = f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n"
        (tmp_path / "hosts.ini").write_text(inventory, encoding="utf-8")
        options = ["-i", "hosts.ini", "--vars", "mirror.json", "--env-vars", "IMAGEOPS_WEBHOOK_SECRET"]
        environment = {
            "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
            "ANSIBLE_COLLECTIONS_PATH": str(TREE),
            "IMAGEOPS_WEBHOOK_SECRET": SECRET,
            "HOME": str(tmp_path),
        }
        argv = [str(BIN / "ansible-rulebook"), "--rulebook", "imageops.registry.sync_pushed", *options]
        with ServerProcess("rulebook", argv, tmp_path, environment) as rulebook:
            wait_until(lambda: listens(port), "event source")
            with PlainClient(source.endpoint) as client:
                client.push("other/app", image("other"), "1.0")
                client.push("team/app", image("one"), "1.0")
                client.push("team/app", image("two"), "1.1")

            def copied() -> set[str]:
                return {
                    f"{request.repository}:{request.reference}"
                    for request in destination.requests()
                    if (request.method, request.kind) == ("PUT", "manifest")
                }

            wait_until(lambda: len(copied()) == 2, f"copy of both tags: {rulebook.tail()}")
            assert copied() == {"x/app:1.0", "x/app:1.1"}
