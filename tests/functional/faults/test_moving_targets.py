# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that change while a sync is under way: full, read-only, emptied; tags that others move or delete."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import Before, InTurn
from support.faults.fault_proxy import Action, FaultProxy, Request, Response
from support.scenes import images
from support.scenes.fault_scene import Scene, assert_whole, codes
from support.scenes.runs import Run, only
from support.servers.docker_registry import docker_registry
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]


class Gone(Action):
    """404, as of a manifest that is not there."""

    def answer(self, request: Request) -> Response:
        return Response(404, [("Content-Length", "0")])


# The destination


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    directory.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(directory)], check=False)
    if made.returncode:
        pytest.skip("only root may mount")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def test_a_destination_that_is_full(servers: Servers, plain: Plain, repository: str, tmp_path: Path) -> None:
    source = servers.open.endpoint
    small = images.image(repository)
    large = images.image(f"{repository} large", layers=[images.random_blob(repository, 3_000_000)])
    for tag, image in (("small", small), ("large", large)):
        plain(source).push(repository, image, tag)
    with small_disk(tmp_path / "disk") as root, docker_registry(tmp_path / "registry", root=root) as full:
        (root / "ballast").write_bytes(b"x" * 14_000_000)
        run = Run([source, full.endpoint])
        rule = {"source": f"{source.host}/{repository}", "destination": f"{full.host}/{repository}"}

        result = run.sync(rule, retries=0)

        # What is left of the large layer takes the room of the small ones too, or not, as it happens.
        assert "large" in codes(result) and set(codes(result).values()) <= {"server_error", "retry_budget"}
        arrived = {"small", "large"} - set(codes(result))
        # The registry makes a tag's directory first, so that it may list a tag that it could not write.
        assert arrived <= set(plain(full.endpoint).tags(repository))
        for _tag in arrived:
            assert_whole(plain(full.endpoint), repository, small)
        (root / "ballast").unlink()
        # Files that it could not write stay behind empty, and it takes them for content: see the next test.
        for left in [file for file in root.rglob("*") if file.is_file() and not file.stat().st_size]:
            left.unlink()
        again = run.sync(rule, retries=1)
        assert {image.status for image in again.images} == {"done"}
        for image in (small, large):
            assert_whole(plain(full.endpoint), repository, image)


def test_a_manifest_that_a_full_disk_left_empty(
    servers: Servers, plain: Plain, repository: str, tmp_path: Path
) -> None:
    """The registry accepts it with 201 and keeps the empty file: only who reads it can tell, and the next run does."""
    source = servers.open.endpoint
    image = images.image(repository)
    plain(source).push(repository, image, "v1")
    with docker_registry(tmp_path / "registry") as spoilt:
        data = spoilt.blob_path(image.digest)
        data.parent.mkdir(parents=True)
        data.touch()
        run = Run([source, spoilt.endpoint])
        rule = {"source": f"{source.host}/{repository}", "destination": f"{spoilt.host}/{repository}"}

        assert run.sync(rule).changed
        assert plain(spoilt.endpoint).manifest(repository, image.digest).status == 500
        again = run.sync(rule, retries=1)

        assert codes(again) == {"v1": "server_error"} and not again.changed
        data.unlink()
        assert run.sync(rule).changed
        assert_whole(plain(spoilt.endpoint), repository, image)


def test_a_destination_that_becomes_read_only(servers: Servers, plain: Plain, repository: str, tmp_path: Path) -> None:
    source = servers.open.endpoint
    old, new = images.image(f"{repository} old"), images.image(repository)
    plain(source).push(repository, new, "v1")
    with docker_registry(tmp_path / "registry") as writable:
        plain(writable.endpoint).push(repository, old, "v1")
        root = writable.root
    with docker_registry(tmp_path / "readonly", root=root, readonly=True) as readonly:
        result = Run([source, readonly.endpoint]).sync(
            {"source": f"{source.host}/{repository}", "destination": f"{readonly.host}/{repository}"}
        )
        assert codes(result) == {"v1": "unsupported"}
        assert "read-only" in str(only(result).error)
        assert (only(result).attempts, result.changed) == (1, False)
        assert plain(readonly.endpoint).manifest(repository, "v1").digest == old.digest


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_registry_that_goes_and_comes_back(
    faulty: Callable[..., FaultProxy], plain: Plain, repository: str, tmp_path: Path, side: str, how: str
) -> None:
    """The real process is killed, or frozen, in the middle of a run, and started again or thawed."""
    with docker_registry(tmp_path / "source") as source, docker_registry(tmp_path / "destination") as destination:
        scene = Scene(
            faulty(source.endpoint),
            faulty(destination.endpoint),
            plain(source.endpoint),
            plain(destination.endpoint),
            repository,
        )
        for number in range(6):
            layers = [images.random_blob(f"{repository} {number}", 400_000), images.layer(number)]
            scene.give(f"v{number}", images.image(f"{repository} {number}", layers=layers))
        victim = source if side == "source" else destination
        gone, back = (
            (victim.process.kill, victim.restart) if how == "killed" else (victim.process.pause, victim.process.resume)
        )
        proxy = scene.source if side == "source" else scene.destination
        method, target = ("GET", "/blobs/") if side == "source" else ("PUT", "digest=")
        is_gone = threading.Event()
        proxy.add(Before(gone), method=method, target=target, skip=5)
        proxy.add(Before(is_gone.set), method=method, target=target, skip=5)
        scene.run.settings = Settings(timeout=1.0, retry=RetryPolicy(backoff=0.05, backoff_cap=0.2))

        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(scene.run.sync, scene.rule, retries=3)
            is_gone.wait(60)
            threading.Event().wait(0.5)  # that long it is away
            back()
            result = running.result()

        scene.check(result)
        scene.repair()


@pytest.mark.parametrize("step", ["digest=", "/manifests/sha256:", "/manifests/v"])
def test_a_repository_that_is_deleted_in_the_middle_is_made_again(servers: Servers, scene: Scene, step: str) -> None:
    for number in range(3):
        scene.give(f"v{number}", images.multi_arch(f"{scene.path} {number}", ["linux/amd64", "linux/arm64"]))
    where = servers.relative.repository_path(scene.path)
    # A registry whose files are deleted under a request breaks its own tags.
    requests = InTurn()

    def delete() -> None:
        with requests.turn:
            shutil.rmtree(where)

    scene.destination.add(requests, times=None)
    scene.destination.add(Before(delete), method="PUT", target=step, skip=2)

    scene.run.sync(scene.rule, retries=2)

    # What had been finished before is gone with it, and nobody can know; the next run brings it back.
    scene.visible()
    scene.repair()


def test_nobody_waits_for_an_image_whose_repository_is_deleted(
    servers: Servers, scene: Scene, fresh: Callable[[], str]
) -> None:
    """Those that share layers wait for the first of them. When that begins anew, it must not wait for them."""
    shared = [images.random_blob(f"{scene.path} {number}", 200_000) for number in range(4)]
    paths = [fresh() for _ in range(6)]
    for path in paths:
        scene.origin.push(path, images.image(path, layers=[*shared, images.layer(path)]), "v1")
    for path in paths[:3]:
        where = servers.relative.repository_path(path)
        scene.destination.add(
            Before(lambda where=where: shutil.rmtree(where)),  # type: ignore[misc]
            method="PUT",
            target=f"/{path}/manifests/v1",
        )
    source, destination = scene.source.endpoint.host, scene.destination.endpoint.host

    result = scene.run.sync(
        *({"source": f"{source}/{path}:v1", "destination": f"{destination}/{path}"} for path in paths), retries=0
    )

    assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
    for path in paths:
        assert scene.target.tags(path) == ["v1"]


@pytest.mark.parametrize(
    ("overwrite", "there"),
    [("always", True), ("always", False), ("skip", False), ("fail", False)],  # else it differs at planning already
    ids=["always-another", "always", "skip", "fail"],
)
@pytest.mark.parametrize("of_the_rule", [False, True], ids=["task", "rule"])
def test_a_destination_tag_that_someone_else_writes_meanwhile(
    scene: Scene, overwrite: str, there: bool, of_the_rule: bool
) -> None:
    wanted = scene.give("v1", images.image(scene.path))
    theirs = images.image(f"{scene.path} theirs")
    if there:
        scene.have("v1", images.image(f"{scene.path} old"))
    scene.destination.add(
        Before(lambda: scene.target.push(scene.path, theirs, "v1")), method="POST", target="/blobs/uploads/"
    )

    if of_the_rule:
        other = "skip" if overwrite == "always" else "always"
        result = scene.run.sync({**scene.rule, "overwrite": overwrite}, overwrite=other, retries=1)
    else:
        result = scene.run.sync(scene.rule, overwrite=overwrite, retries=1)

    image, now = only(result), scene.target.manifest(scene.path, "v1").digest
    if overwrite != "skip":
        assert image.previous is None if not there else str(image.previous) == scene.before["v1"].digest
    if overwrite == "always":
        assert (image.status, now) == ("done", wanted.digest)
    elif overwrite == "skip":
        assert (image.action, image.status, now) == ("skip", "done", theirs.digest)
        assert str(image.previous) == theirs.digest
    else:
        assert (codes(result), now) == ({"v1": "conflict"}, theirs.digest)
        assert theirs.digest in str(image.error)


@pytest.mark.parametrize("overwrite", ["skip", "fail"])
def test_a_destination_tag_that_someone_else_writes_with_the_same_image(scene: Scene, overwrite: str) -> None:
    wanted = scene.give("v1", images.image(scene.path))
    scene.destination.add(
        Before(lambda: scene.target.push(scene.path, wanted, "v1")), method="POST", target="/blobs/uploads/"
    )

    result = scene.sync(overwrite=overwrite, retries=0)

    scene.assert_done(result)
    assert (only(result).action, only(result).previous) == ("create", None)


# The source


def after_planning(scene: Scene, happen: Callable[[], object]) -> None:
    """Let something happen between the plan and the first manifest that is read."""
    scene.source.add(Before(happen), method="GET", target="/manifests/")


def test_a_source_tag_that_moves_after_planning_is_copied_as_planned(scene: Scene) -> None:
    planned = scene.give("v1", images.image(scene.path))
    after_planning(scene, lambda: scene.origin.push(scene.path, images.image(f"{scene.path} new"), "v1"))

    result = scene.sync(retries=0)

    assert str(only(result).digest) == planned.digest
    assert scene.visible() == {"v1": planned.digest}


@pytest.mark.parametrize("platforms", [[], ["linux/amd64"]])
def test_a_source_tag_that_moves_and_whose_old_image_is_gone_is_resolved_once_more(
    scene: Scene, platforms: list[str]
) -> None:
    old, new = images.multi_arch(scene.path), images.image(f"{scene.path} new")
    scene.origin.push(scene.path, old, "v1")

    def move() -> None:
        scene.origin.push(scene.path, new, "v1")
        for digest in old.all_manifests():
            scene.origin.delete(scene.path, digest)

    # Planning itself reads the index, and with platforms the children.
    scene.source.add(Before(move), method="GET", target="/manifests/", skip=1)
    scene.images["v1"] = new

    result = scene.run.sync({**scene.rule, "platforms": platforms} if platforms else scene.rule, retries=1)

    image = only(result)
    assert (image.status, str(image.digest)) == ("done", new.digest), str(image.error)
    if platforms:
        assert "moved from" in "; ".join(image.notes)
    else:
        assert f"moved from {old.digest} to {new.digest}" in "; ".join(image.notes)
    assert scene.visible() == {"v1": new.digest}


def test_a_source_tag_that_is_deleted_after_planning(scene: Scene) -> None:
    gone = images.image(scene.path)
    scene.have("v1", images.image(f"{scene.path} old"))
    scene.give("v1", gone)
    scene.give("v2", images.image(f"{scene.path} innocent"))
    scene.source.add(
        Before(lambda: scene.origin.delete(scene.path, gone.digest)), method="GET", target=f"/manifests/{gone.digest}"
    )

    result = scene.sync(retries=2)

    assert codes(result) == {"v1": "tag_not_found"}
    (bad,) = (image for image in result.images if image.error)
    assert bad.attempts == 1
    asked = [record for record in scene.source.records() if record.method == "HEAD" and record.target.endswith("/v1")]
    assert len(asked) == 2  # once more, and no more than that
    assert scene.visible()["v1"] == scene.before["v1"].digest


def test_a_source_that_names_what_it_does_not_have(scene: Scene) -> None:
    wanted = scene.give("v1", images.image(scene.path))
    scene.source.add(Gone(), method="GET", target=wanted.digest, times=None)

    result = scene.sync(retries=1)

    assert codes(result) == {"v1": "tag_not_found"}
    assert "does not have" in str(only(result).error)
