# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs of the runbook's demo, each shown as it happens and seen to do what it must."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from scene import NAMESPACE, Scene, open_scene
from support.scenes.images import Image, image, index

from playbooks import Ansible, PlaybookRun, install

IMAGES: dict[tuple[str, str], Image] = {
    ("nginx", "1.27"): index([image("amd64"), image("arm64", platform="linux/arm64")]),
    ("nginx", "1.28"): image("nginx 1.28"),
    ("redis", "7.2"): image("redis 7.2"),
}
TEARDOWN = "registry_sync_teardown=key,policy,user,white_list,endpoint"


class Unexpected(Exception):
    """A run did other than it must."""


@dataclass(frozen=True)
class Step:
    """A run of a playbook.

    :ivar changes: whether it has to change something; otherwise it may not
    """

    heading: str
    playbook: str
    options: tuple[str, ...] = ()
    changes: bool = True

    @property
    def command(self) -> list[str]:
        return [f"imageops.registry.{self.playbook}", "-e", "@migration.yml", *self.options]


class Runbook:
    """The runs, shown as they happen."""

    def __init__(self, ansible_bin: Path, collections: Path, directory: Path, scene: Scene) -> None:
        self._places = (ansible_bin, collections, directory)
        self._scene = scene
        Ansible(*self._places).write("migration.yml", scene.variables())

    def run(self, *steps: Step) -> None:
        """Run playbooks at the same time and show what they changed; they have to succeed, and do what they must."""
        with ThreadPoolExecutor(len(steps)) as pool:
            for step, playing in [(step, pool.submit(self._play, step)) for step in steps]:
                print(f"\n{step.heading}\n   $ ansible-playbook {' '.join(step.command)}", flush=True)
                ran, seconds = playing.result()
                _show(ran, seconds)
                if ran.code != 0 or bool(ran.changed()) != step.changes:
                    raise Unexpected(ran.text)

    def _play(self, step: Step) -> tuple[PlaybookRun, float]:
        begun = time.monotonic()
        ran = Ansible(*self._places, step.playbook).run(*step.command)
        return ran, time.monotonic() - begun

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
        book = Runbook(ansible_bin, installing.result(), directory / "elsewhere", scene)
        print(f"   Harbor http://{scene.source.host} with the project library: {len(IMAGES)} images")
        print(f"   a simulated account with the instance {scene.instance.instance_id}, and nothing else")
        book.run(Step("Check mode, from an empty account", "harbor_to_acr", ("--check",)))
        if scene.simulator.actions(writes=True):
            raise Unexpected("check mode wrote something")
        book.run(Step("The first run does everything", "harbor_to_acr"))
        book.compare()
        book.run(
            Step("The second run changes nothing", "harbor_to_acr", changes=False),
            Step("Verify, at the same time, writes nothing and agrees", "verify", changes=False),
        )
        book.run(Step("Take down what only the migration needed", "teardown", ("-e", TEARDOWN)))
        print(
            f"\nThe vendor's APIs got {len(scene.simulator.calls)} signed calls. Images are still where they are to be."
        )
