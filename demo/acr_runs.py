# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs of the runbook's demo, each shown as it happens and seen to do what it must."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from scene import NAMESPACE, Scene, open_scene
from support.images import Image, image, index

from playbooks import Ansible, PlaybookRun, install

IMAGES: dict[tuple[str, str], Image] = {
    ("nginx", "1.27"): index([image("amd64"), image("arm64", platform="linux/arm64")]),
    ("nginx", "1.28"): image("nginx 1.28"),
    ("redis", "7.2"): image("redis 7.2"),
}
TEARDOWN = "registry_sync_teardown=key,policy,user,white_list,endpoint"


class Unexpected(Exception):
    """A run did other than it must."""


class Runbook:
    """The runs, shown as they happen."""

    def __init__(self, ansible: Ansible, scene: Scene) -> None:
        self._ansible = ansible
        self._scene = scene

    def run(self, heading: str, playbook: str, *options: str, changes: bool) -> None:
        """Run a playbook and show what it changed; it has to succeed, and to change something or nothing."""
        command = " ".join(["ansible-playbook", f"imageops.registry.{playbook}", "-e @migration.yml", *options])
        print(f"\n{heading}\n   $ {command}", flush=True)
        begun = time.monotonic()
        ran = self._ansible.run(f"imageops.registry.{playbook}", "-e", "@migration.yml", *options)
        _show(ran, time.monotonic() - begun)
        if ran.code != 0 or bool(ran.changed()) != changes:
            raise Unexpected(ran.text)

    def compare(self) -> None:
        """See that every digest at the instance is the one that was put into Harbor."""
        print("\nWhat the instance's storage has, beside what was put into Harbor")
        for (name, tag), each in IMAGES.items():
            found = self._scene.arrived(f"{NAMESPACE}/{name}", tag)
            print(f"   {NAMESPACE}/{name}:{tag}  {found}  {'the same' if found == each.digest else each.digest}")
            if found != each.digest:
                raise Unexpected(f"{name}:{tag} is another image")


def _show(ran: PlaybookRun, seconds: float) -> None:
    for task in ran.tasks:
        if task.changed:
            print(f"   changed  {task.task}")
        elif task.action.endswith("debug") and task.status == "ok":
            print(f"   {task.result.get('msg') or task.result.get('registry_sync_result.msg')}")
    recap = next((line for line in ran.text.splitlines() if line.startswith("localhost ")), "")
    print(f"   {' '.join(recap.split())}  in {seconds:.0f} s", flush=True)


def show(directory: Path) -> None:
    """All of it."""
    ansible_bin = Path(sys.executable).parent
    (directory / "elsewhere").mkdir()
    with ExitStack() as stack:
        installing = stack.enter_context(ThreadPoolExecutor(1)).submit(install, ansible_bin, directory / "collections")
        scene = stack.enter_context(open_scene(directory / "scene"))
        for (name, tag), each in IMAGES.items():
            scene.push(f"library/{name}", each, tag)
        ansible = Ansible(ansible_bin, installing.result(), directory / "elsewhere")
        ansible.write("migration.yml", scene.variables())
        book = Runbook(ansible, scene)
        print(f"   Harbor http://{scene.source.host} with the project library: {len(IMAGES)} images")
        print(f"   a simulated account with the instance {scene.instance.instance_id}, and nothing else")
        book.run("Check mode, from an empty account", "harbor_to_acr", "--check", changes=True)
        if scene.simulator.actions(writes=True):
            raise Unexpected("check mode wrote something")
        book.run("The first run does everything", "harbor_to_acr", changes=True)
        book.compare()
        book.run("The second run changes nothing", "harbor_to_acr", changes=False)
        book.run("Verify writes nothing, and agrees", "verify", changes=False)
        book.run("Take down what only the migration needed", "teardown", "-e", TEARDOWN, changes=True)
        print(
            f"\nThe vendor's APIs got {len(scene.simulator.calls)} signed calls. Images are still where they are to be."
        )
