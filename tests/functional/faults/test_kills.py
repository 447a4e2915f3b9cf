# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at moments spread over one sync: no tag is ever incomplete, and the next run sends what was not there."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

from support.clients.plain_client import PlainClient
from support.faults.fault_proxy import Action, FaultProxy, Request, Response
from support.scenes import images
from support.scenes.fault_scene import Scene
from support.scenes.modules import module, registry_option
from support.servers.processes import wait_until

QUICK, WHOLE = 10, 100
WHEN = ("before it is sent on", "in its body", "before it is answered", "in the answer's body")


class KillAt(Action):
    """Kill the client at one of its requests, counted over every proxy that has this action.

    :ivar pid: whom
    :ivar number: at which request
    """

    def __init__(self, number: int | None, when: str) -> None:
        self.number = number
        self.when = when
        self.pid: int | None = None
        self.seen = 0
        self._lock = threading.Lock()
        self._chosen: Request | None = None

    def on_request(self, request: Request) -> None:
        with self._lock:
            self.seen += 1
            if self.seen != self.number:
                return
            self._chosen = request
        if self.when == WHEN[0]:
            self.kill()
        elif self.when == WHEN[1]:
            request.body = self._killing(request.body)

    def on_response(self, request: Request, response: Response) -> None:
        if request is not self._chosen:
            return
        if self.when == WHEN[3]:
            response.body = self._killing(response.body)
        else:
            self.kill()  # likewise

    def _killing(self, body: Iterator[bytes]) -> Iterator[bytes]:
        for block in body:
            yield block[: len(block) // 2]
            self.kill()
            yield block[len(block) // 2 :]
        self.kill()  # also where there was no body to do it in

    def kill(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)


def fill(scene: Scene) -> None:
    """Tags that share layers, an index, a layer of some size, and two tags that move."""
    base = [images.random_blob(f"{scene.path} base {number}", 20_000) for number in range(2)]
    for number in range(3):
        scene.give(f"v{number}", images.image(f"{scene.path} {number}", layers=[*base, images.layer(number)]))
    scene.give("large", images.image(f"{scene.path} large", layers=[images.random_blob(scene.path, 1_500_000)]))
    scene.give("multi", images.multi_arch(scene.path, attestations=True, shared=base))
    for tag in ("v0", "multi"):
        scene.have(tag, images.multi_arch(f"{scene.path} {tag} old", ["linux/amd64"]))


def run_until_killed(scene: Scene, killer: KillAt, home: Path) -> int:
    for proxy in (scene.source, scene.destination):
        proxy.add(killer, times=None)
    options = {
        "images": [scene.rule],
        "registries": [registry_option(proxy.endpoint) for proxy in (scene.source, scene.destination)],
        "concurrency": 4,
    }
    with module("registry_image_sync", options, home=home) as running:
        killer.pid = running.process.pid
        code = running.end().code
        killer.pid = None
    # What was under way at the registry still comes to its end.
    records = [record for proxy in (scene.source, scene.destination) for record in proxy.records()]
    wait_until(lambda: all(record.finished for record in records), "the end of what was under way")
    for proxy in (scene.source, scene.destination):
        proxy.clear()
    return code


def stored(proxy: FaultProxy) -> int:
    """How many blobs were certainly stored."""
    return sum(
        record.method == "PUT" and "digest=" in record.target and record.status == 201 for record in proxy.records()
    )


def test_killed_at_any_moment(scene: Scene, fresh: Callable[[], str], tmp_path: Path, whole: bool, seed: int) -> None:
    chance = random.Random(seed)
    fill(scene)
    counter = KillAt(None, WHEN[0])
    assert run_until_killed(scene, counter, tmp_path) == 0
    blobs = {digest for image in scene.images.values() for digest in image.all_blobs()}
    assert stored(scene.destination) == len(blobs)

    kills = WHOLE if whole else QUICK
    killed = 0
    for number in range(kills):
        scene.source.mark()
        scene.destination.mark()
        scene = Scene(scene.source, scene.destination, scene.origin, scene.target, fresh())
        fill(scene)
        moment = 1 + (counter.seen * number + chance.randrange(counter.seen)) // kills
        killer = KillAt(moment, chance.choice(WHEN))

        code = run_until_killed(scene, killer, tmp_path)

        killed += code == -signal.SIGKILL
        there, before = scene.visible(), stored(scene.destination)
        scene.destination.mark()
        result = scene.sync(retries=0)
        scene.assert_done(result)
        assert stored(scene.destination) <= len(blobs) - before, f"killed at {moment}, {killer.when}"
        unchanged = {image.destination.tag for image in result.images if image.action == "unchanged"}
        assert unchanged == {tag for tag, digest in there.items() if digest == scene.images[tag].digest}
        assert not scene.sync().changed
    assert killed >= 0.9 * kills  # the last request may come after the end


class LookBelow(Action):
    """Ask the registry itself, right before a tag is written, for everything that its image names.

    :ivar missing: what was not there, by tag
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.missing: dict[str, list[str]] = {}

    def on_request(self, request: Request) -> None:
        tag = request.target.rpartition("/")[2]
        image = self.scene.images[tag]
        with PlainClient(self.scene.target.endpoint) as registry:
            missing = [digest for digest in image.all_blobs() if not registry.has_blob(self.scene.path, digest)]
            below = [digest for digest in image.all_manifests() if digest != image.digest]
            missing += [digest for digest in below if registry.manifest(self.scene.path, digest).status != 200]
        self.missing.setdefault(tag, []).extend(missing)


def test_a_tag_is_written_when_all_below_it_is_there(scene: Scene) -> None:
    """Not every registry refuses a manifest that names what it does not have, as the one here does."""
    fill(scene)
    look = LookBelow(scene)
    scene.destination.add(look, method="PUT", target="/manifests/(?!sha256:)", times=None)

    scene.assert_done(scene.sync(retries=0))

    assert look.missing == {tag: [] for tag in scene.images}
