# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a group share the images of a migration; the instance is set up once, and each host has the login."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scene import open_scene
from support.scenes.images import image

from playbooks import Ansible

HOSTS = ("m0", "m1", "m2")
ONCE = {"Look at the instance", "Keep the namespaces", "Keep the user", "Keep the policy", "Keep the access key"}


def test_the_instance_is_set_up_once_and_each_host_copies_its_share(ansible: Ansible, tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        paths = [f"library/app{number}" for number in range(6)]
        for path in paths:
            scene.push(path, image(path), "1")
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        groups = {"mirrors": {"hosts": dict.fromkeys(HOSTS, local)}}
        inventory = ansible.write("hosts.json", {"all": {"children": groups}})
        rule = {
            "source": f"{scene.source.host}/library/*",
            "destination": "{{ registry_sync_destination }}/image-syncer/{name}",
        }
        variables = scene.variables(
            sync_hosts="mirrors",
            registry_sync_spread=True,
            registry_sync_images=[rule],
            registry_sync_report_path=str(tmp_path / "all.json"),
        )
        ansible.write("spread.json", variables)
        run = ansible.run("imageops.registry.harbor_to_acr", "-i", str(inventory), "-e", "@spread.json")
        assert run.code == 0, run.text
        assert all(scene.arrived(f"image-syncer/{path.partition('/')[2]}", "1") for path in paths)
        report = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
        assert [shard["state"] for shard in report["shards"]] == ["done"] * len(HOSTS)
        assert report["summary"]["created"] == len(paths)
        names = [task.task for task in run.tasks if task.status != "skipped"]
        counts = {name: names.count(name) for name in ONCE if name in names}
        assert len(counts) > 2 and set(counts.values()) == {1}, counts
        assert names.count("Copy what is not there") == len(HOSTS)
