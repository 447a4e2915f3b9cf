# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several at once, many at once, and nothing left behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.clients.skopeo import push
from support.faults.actions import CutRequest, HoldRequest, Redirect, StallRequest, error_answer
from support.faults.fault_proxy import Action, FaultProxy, Request, Response
from support.scenes import images
from support.scenes.fault_scene import Scene, assert_whole
from support.scenes.modules import module, registry_option
from support.scenes.runs import Run
from support.servers.processes import wait_until
from support.servers.shared import Servers
from support.servers.synthetic import MIB, synthetic_sink, synthetic_source

Plain = Callable[[Endpoint], PlainClient]


def test_several_runs_at_once_to_one_destination(servers: Servers, plain: Plain, fresh: Callable[[], str]) -> None:
    source, destination = servers.open.endpoint, servers.relative.endpoint
    shared = [images.random_blob(f"{fresh()} {number}", 30_000) for number in range(3)]
    paths = [fresh() for _ in range(3)]
    made = {}
    for path in paths:
        for tag in range(5):
            made[path, f"v{tag}"] = images.image(f"{path} {tag}", layers=[*shared, images.layer(f"{path} {tag}")])
            plain(source).push(path, made[path, f"v{tag}"], f"v{tag}")
    rules = [{"source": f"{source.host}/{path}", "destination": f"{destination.host}/{path}"} for path in paths]

    with ThreadPoolExecutor(4) as threads:
        results = list(
            threads.map(lambda turn: Run([source, destination]).sync(*rules[turn:], *rules[:turn]), [0, 1, 2, 0])
        )

    for result in results:
        assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
    with PlainClient(destination) as there:
        for (path, tag), image in made.items():
            assert there.manifest(path, tag).digest == image.digest
            assert_whole(there, path, image)


def test_beside_a_push_of_the_same_tags(scene: Scene, servers: Servers, tmp_path: Path) -> None:
    """skopeo pushes other images under the tags that a run writes: each tag ends as one of the two, and whole."""
    theirs = {f"v{tag}": images.image(f"{scene.path} {tag} theirs", docker=True) for tag in range(4)}
    for tag, image in theirs.items():
        scene.give(tag, images.image(f"{scene.path} {tag} ours"))
        scene.origin.push(f"{scene.path}/theirs", image, tag)
    begun = threading.Event()

    def pushing() -> None:
        for tag in theirs:
            push(servers.open.endpoint, f"{scene.path}/theirs", tag, servers.relative.endpoint, scene.path)
            begun.set()

    with ThreadPoolExecutor(1) as threads:
        pushes = threads.submit(pushing)
        begun.wait(60)
        result = scene.run.sync(scene.rule)
        pushes.result()

    assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
    for tag in scene.images:
        digest = scene.target.manifest(scene.path, tag).digest
        winner = next(image for image in (scene.images[tag], theirs[tag]) if image.digest == digest)
        assert_whole(scene.target, scene.path, winner)


def test_many_images_in_one_run(tmp_path: Path, whole: bool) -> None:
    number = 2000 if whole else 200
    for name in ("source", "sink"):
        (tmp_path / name).mkdir()
    tags = {f"v{tag}": () for tag in range(number)}
    with synthetic_source(tmp_path / "source", tags) as source, synthetic_sink(tmp_path / "sink") as sink:
        options = {
            "images": [{"source": f"{source.host}/a/b", "destination": f"{sink.host}/a/b"}],
            "registries": [registry_option(source.endpoint), registry_option(sink.endpoint)],
            "concurrency": 10,
        }
        with module("registry_image_sync", options, home=tmp_path) as running:
            usage = Usage(running.process.pid)
            ended = running.end()
            usage.stop()
    assert ended.code == 0, ended.text
    assert ended.result["summary"]["created"] == number
    print(f"{number} images: {usage.descriptors} descriptors, {usage.threads} threads, {ended.memory / MIB:.0f} MiB")
    assert usage.descriptors < 100
    assert usage.threads < 60
    assert ended.memory < 100 * MIB


class Usage:
    """The most file descriptors and threads that a process had, looked at again and again."""

    def __init__(self, pid: int) -> None:
        self.descriptors = self.threads = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            try:
                self.descriptors = max(self.descriptors, len(os.listdir(f"/proc/{self._pid}/fd")))
                self.threads = max(self.threads, len(os.listdir(f"/proc/{self._pid}/task")))
            except OSError:
                return

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()


class AtOnce(Action):
    """Counts the answers that are under way at once; each waits a little for more than there should be.

    :ivar most: at any time
    """

    def __init__(self, allowed: int) -> None:
        self.most = 0
        self._allowed = allowed
        self._now = 0
        self._changed = threading.Condition()

    def on_response(self, request: Request, response: Response) -> None:
        response.body = self._counted(response.body)

    def _counted(self, body: Iterator[bytes]) -> Iterator[bytes]:
        with self._changed:
            self._now += 1
            self.most = max(self.most, self._now)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most > self._allowed, timeout=0.1)
        try:
            yield from body
        finally:
            with self._changed:
                self._now -= 1


@pytest.mark.parametrize("of_the_run", [True, False], ids=["run", "registry"])
def test_no_more_blobs_are_in_flight_than_are_allowed(scene: Scene, of_the_run: bool) -> None:
    layers = [images.random_blob(f"{scene.path} {number}", 100_000) for number in range(8)]
    scene.give("v1", images.image(scene.path, layers=layers))
    count = AtOnce(allowed=2)
    scene.source.add(count, method="GET", target="/blobs/", times=None)
    if not of_the_run:
        scene.run.access = {scene.source.host: {"concurrency": 2}}

    result = scene.sync(retries=0, **({"concurrency": 2} if of_the_run else {}))

    scene.assert_done(result)
    assert count.most == 2


# Nothing left behind


def my_sockets() -> set[str]:
    """The sockets of this process."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:
            continue
    return {target for target in found if target.startswith("socket:")}


ENDINGS: dict[str, Action | None] = {
    "well": None,
    "in refusals": error_answer(403, "DENIED"),
    "in cuts": CutRequest(after=10),
    "in stalls": StallRequest(after=1000),
    "in silence": HoldRequest(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_socket_and_no_thread_is_left_behind(scene: Scene, faulty: Callable[..., FaultProxy], ending: str) -> None:
    """Neither to the registries nor to a storage that one of them redirects to, while the engine is still there."""
    storage = faulty(scene.source.upstream)
    for tag in range(5):
        scene.give(
            f"v{tag}", images.image(f"{scene.path} {tag}", layers=[images.random_blob(f"{scene.path} {tag}", 300_000)])
        )
    scene.source.add(Redirect(storage.endpoint.url), method="GET", target="/blobs/", times=None)
    action = ENDINGS[ending]
    if action is not None:
        scene.destination.add(action, method="PUT", target="/blobs/", times=None)
    patient = Settings(timeout=0.2, retry=RetryPolicy(attempts=2, backoff=0.001))
    names = {scene.source.host, scene.destination.host, "transfer", "fan-out", "work", "interrupt"}

    scene.run.settings = patient
    engine = scene.run.engine(
        [{**scene.rule, "destination": [scene.rule["destination"], f"{scene.rule['destination']}/b"]}], retries=0
    )
    result = engine.run()
    scene.source.clear()
    scene.destination.clear()

    assert (ending == "well") == all(image.status == "done" for image in result.images)
    wait_until(lambda: not left_threads(names), f"threads to end: {left_threads(names)}")
    ports = {int(proxy.host.rpartition(":")[2]) for proxy in (scene.source, scene.destination, storage)}
    wait_until(lambda: not client_sockets(ports), "connections to end")
    assert storage.records()
    del engine


def left_threads(names: set[str]) -> set[str]:
    return {
        thread.name
        for thread in threading.enumerate()
        if thread.name.rpartition("-")[0] in names or thread.name in names
    }


def client_sockets(ports: set[int]) -> list[str]:
    """The connections of this process to one of these ports of 127.0.0.1, from the client's side."""
    mine = my_sockets()
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        port = int(fields[2].rpartition(":")[2], 16)
        if port in ports and f"socket:[{fields[9]}]" in mine:
            found.append(line)
    return found


def test_an_engine_that_is_closed_in_the_middle_lets_go(scene: Scene) -> None:
    for tag in range(5):
        scene.give(f"v{tag}", images.image(f"{scene.path} {tag}"))
    scene.destination.add(HoldRequest(), times=None)
    engine = scene.run.engine([scene.rule], retries=0)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(engine.run)
        scene.destination.wait_for()
        scene.run.stop.set()
        engine.close()
        result = running.result(30)  # long before the time-out of 20 s a request
    assert result.interrupted
    scene.destination.clear()
    names = {scene.source.host, scene.destination.host, "transfer", "fan-out"}
    wait_until(lambda: not left_threads(names), "threads to end")
