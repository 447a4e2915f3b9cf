# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bad day costs at most: retries, logins, time; and how far the fault of one image or registry reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import (
    Registry,
    RegistryRepository,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Repository
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import Answer, CutRequest, CutResponse, error_answer
from support.faults.fault_proxy import Action, FaultProxy
from support.scenes import images
from support.scenes.fault_scene import Guarded, Scene, codes
from support.scenes.runs import Run
from support.servers.ports import dead_host, silent_host
from support.servers.shared import PASSWORD, USER, Servers

Plain = Callable[[Endpoint], PlainClient]


# Retries


@pytest.mark.parametrize(
    ("side", "method", "target", "action"),
    [
        ("destination", "POST", "/blobs/uploads/", Answer(500)),
        ("destination", "PUT", "digest=", CutRequest(after=10)),
        ("destination", "PUT", "/manifests/v", Answer(503)),
        ("destination", "PUT", "/manifests/v", CutRequest()),
        ("destination", "PUT", "/manifests/v", error_answer(404, "MANIFEST_BLOB_UNKNOWN")),
        ("source", "GET", "/blobs/", CutResponse(after=10)),
        ("source", "GET", "/blobs/", Answer(500)),
        ("source", "HEAD|GET", "/manifests/", CutRequest()),
    ],
)
def test_all_retries_of_a_run_together_are_bounded(
    scene: Scene, side: str, method: str, target: str, action: Action
) -> None:
    for number in range(16):
        scene.give(f"v{number}", images.image(f"{scene.path} {number}", layers=[images.layer(number)]))
    {"source": scene.source, "destination": scene.destination}[side].add(
        action, method=method, target=target, times=None
    )

    result = scene.sync(retries=5)

    assert {image.status for image in result.images} == {"failed"}
    blobs = {digest for image in scene.images.values() for digest in image.all_blobs()}
    # On each side a list of tags, and one request that finds out what it can do: list referrers, be believed at HEAD.
    # Of each image a HEAD, a GET and a PUT; of each blob a GET, a POST and a PUT.
    clean = 4 + 3 * len(scene.images) + 3 * len(blobs)
    retries = 50 + clean / 2
    # Reads are tried again by themselves; the upload that waits for one may have to begin anew.
    begun = sum(record.method == "POST" for record in scene.destination.records()) if side == "source" else 0
    made = len(scene.source.records()) + len(scene.destination.records()) - max(0, begun - len(blobs))
    assert made <= clean + retries and begun <= len(blobs) + retries
    given_up = [image.error for image in result.images if image.error is not None and image.error.given_up]
    assert given_up and all("this run's retries" in error.cause for error in given_up)


def test_tries_of_both_sides_do_not_multiply(scene: Scene) -> None:
    large = images.random_blob(scene.path, 300_000)
    scene.give("v1", images.image(scene.path, layers=[large]))
    for skip in (0, 3, 6, 9, 12):  # two of three reads break, and every upload is refused
        scene.source.add(CutResponse(after=1000), method="GET", target=large.digest, skip=skip, times=2)
    scene.destination.add(Answer(500), method="PUT", target=large.digest, times=None)

    scene.sync(retries=0)

    asked = Counter(
        record.method
        for record in [*scene.source.records(), *scene.destination.records()]
        if large.digest in record.target and record.method in ("GET", "PUT")
    )
    assert asked["PUT"] <= 5
    assert asked["GET"] <= 5 + 4  # a fresh read for each upload, and four breaks in all of them


def test_a_run_that_is_out_of_retries_still_does_what_works_at_once(scene: Scene) -> None:
    for number in range(24):
        scene.give(f"v{number}", images.image(f"{scene.path} {number}", layers=[images.layer(number)]))
    scene.destination.add(Answer(500), method="PUT", target="/manifests/v[12]?[0-8]$", times=None)

    result = scene.sync(retries=5)

    done = {str(image.destination.tag) for image in result.images if image.status == "done"}
    assert done == {"v9", "v19"}


# Logins


@pytest.mark.parametrize("kind", ["basic", "token"])
@pytest.mark.parametrize("side", ["source", "destination"])
def test_one_wrong_password_and_many_images(
    servers: Servers,
    guarded: Guarded,
    faulty: Callable[..., FaultProxy],
    plain: Plain,
    fresh: Callable[[], str],
    whole: bool,
    kind: str,
    side: str,
) -> None:
    locked = faulty((servers.htpasswd if kind == "basic" else guarded.source).endpoint)
    unlocked = servers.open.endpoint
    wrong = locked.endpoint.as_user(USER, "not his password")
    number, path = 1000 if whole else 100, fresh()
    tags = ",".join(f"v{tag}" for tag in range(number // 2))
    paths = [path, f"{path}/other"]
    if side == "destination":
        for name in paths:
            plain(unlocked).push(name, images.image(name), *tags.split(","))
    guarded.tokens.mark()
    rules = []
    for name in paths:
        ends = [f"{wrong.host}/{name}:{tags}", f"{unlocked.host}/{name}"]
        if side == "destination":
            ends = [f"{unlocked.host}/{name}:{tags}", f"{wrong.host}/{name}"]
        rules.append({"source": ends[0], "destination": ends[1]})

    result = Run([wrong, unlocked]).sync(*rules, retries=3)

    assert len(result.images) == number // 2 * 2
    assert {image.error.code for image in result.images if image.error} == {"bad_credentials"}
    logins = [record for record in locked.records() if "authorization" in record.headers]
    assert (len(logins), len(guarded.tokens.refused())) == ((1, 0) if kind == "basic" else (0, 1))
    assert PASSWORD not in str(result.images[0].error)


# Registries that are not there

MOST_FOR_THE_DEAD = 25
"""Requests, where 25 images with five tries in three rounds would make 375."""


@pytest.fixture(params=[dead_host, silent_host], ids=["refuses", "says nothing"])
def gone(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """A registry that is not there."""
    with request.param() as host:
        yield Endpoint(host)


# Of a registry that says nothing the time-out is waited for once a round, with a first contact before it or without.
@pytest.mark.parametrize("patience", [{"timeout": 0.3}, {"timeout": 1.0, "first_contact": 0.3}], ids=["short", "long"])
def test_a_dead_registry_among_live_ones_costs_seconds(
    servers: Servers, plain: Plain, fresh: Callable[[], str], gone: Endpoint, patience: dict[str, float]
) -> None:
    source, alive = servers.open.endpoint, servers.relative.endpoint
    path = fresh()
    for number in range(24):
        plain(source).push(path, images.image(f"{path} {number}", layers=[images.layer(number)]), f"v{number}")

    result = Run(
        [source, alive, gone], settings=Settings(**patience, retry=RetryPolicy(backoff=0.01, backoff_cap=0.05))
    ).sync(
        {"source": f"{source.host}/{path}", "destination": [f"{alive.host}/{path}", f"{gone.host}/{path}"]},
        {"source": f"{gone.host}/{path}", "destination": f"{alive.host}/{path}/from-the-dead"},
        retries=2,
    )

    outcomes: dict[str, set[str]] = {}
    for image in result.images:
        outcomes.setdefault(image.destination.name, set()).add(image.status)
    assert outcomes[f"{alive.host}/{path}"] == {"done"}
    assert outcomes[f"{gone.host}/{path}"] == {"failed"}
    assert outcomes[f"{alive.host}/{path}/from-the-dead"] == {"failed"}
    assert sorted(plain(alive).tags(path)) == sorted(f"v{number}" for number in range(24))
    assert {image.error.code for image in result.images if image.error} <= {
        "registry_down",
        "connection_failed",
        "timeout",
    }
    assert result.registries[gone.host].requests <= MOST_FOR_THE_DEAD


def test_a_destination_that_dies_in_the_middle_fails_alone(
    servers: Servers, faulty: Callable[..., FaultProxy], plain: Plain, fresh: Callable[[], str]
) -> None:
    source, one, other = servers.open.endpoint, servers.relative.endpoint, servers.htpasswd.endpoint
    dying = faulty(one)
    path = fresh()
    made = {f"v{number}": images.image(f"{path} {number}") for number in range(10)}
    for tag, image in made.items():
        plain(source).push(path, image, tag)
    dying.add(CutRequest(reset=True), method="PUT|POST|PATCH", skip=8, times=None)

    result = Run([source, dying.endpoint, other]).sync(
        {"source": f"{source.host}/{path}", "destination": [f"{dying.endpoint.host}/{path}", f"{other.host}/{path}"]},
        retries=0,
    )

    assert {image.status for image in result.images if image.destination.registry == other.host} == {"done"}
    assert all(plain(other).manifest(path, tag).digest == image.digest for tag, image in made.items())
    assert "failed" in {image.status for image in result.images if image.destination.registry != other.host}


# Faults that nobody expected


class Cursed(Repository):
    """A repository of which one call fails as no call should."""

    def __init__(self, real: Repository, call: str, number: int) -> None:
        self.real, self.call, self.left = real, call, number
        self.name = real.name

    def __getattribute__(self, name: str) -> Any:
        mine = super().__getattribute__
        if name in ("real", "call", "left", "name", "__class__"):
            return mine(name)
        if name == mine("call"):
            self.left -= 1
            if self.left < 0:
                return _fail
        return getattr(mine("real"), name)


Cursed.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]


def _fail(*arguments: object, **options: object) -> None:
    raise ZeroDivisionError("nobody expected this")


@contextmanager
def cursed(run: Run, host: str, call: str, number: int) -> Iterator[None]:
    """Let a call of one registry's repositories fail from its nth use on."""
    made: dict[str, Cursed] = {}
    real = Registry.repository

    def repository(self: Registry, path: str) -> Any:
        found = real(self, path)
        if self.host != host:
            return found
        return made.setdefault(path, Cursed(found, call, number))

    patch = pytest.MonkeyPatch()
    patch.setattr(Registry, "repository", repository)
    try:
        yield
    finally:
        patch.undo()


CALLS = [
    ("source", "tags"),
    ("source", "resolve"),
    ("source", "manifest"),
    ("source", "open_blob"),
    ("destination", "tags"),
    ("destination", "resolve"),
    ("destination", "mount_blob"),
    ("destination", "put_blob"),
    ("destination", "put_manifest"),
]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(("side", "call"), CALLS)
def test_an_unexpected_exception_is_the_failure_of_its_images(scene: Scene, side: str, call: str, number: int) -> None:
    for tag in range(3):
        scene.have(f"v{tag}", images.image(f"{scene.path} {tag} old"))
        scene.give(f"v{tag}", images.image(f"{scene.path} {tag}"))
    host = {"source": scene.source, "destination": scene.destination}[side].endpoint.host

    with cursed(scene.run, host, call, number):
        result = scene.sync(retries=1)

    failed = [image for image in result.images if image.status == "failed"]
    assert {image.status for image in result.images} <= {"done", "failed"}
    if call != "tags":
        assert failed
    elif side == "source":
        assert bool(failed) == (number == 0)
    assert {image.error.code for image in failed if image.error} <= {"unexpected"}
    if failed:
        assert any("Traceback" in line and "ZeroDivisionError" in line for line in scene.run.log)
    scene.repair()


@pytest.mark.parametrize("call", ["resolve", "manifest", "mount_blob", "open_blob", "put_blob", "put_manifest"])
def test_an_unexpected_exception_stops_no_other_image(scene: Scene, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    for tag in range(3):
        scene.give(f"v{tag}", images.image(f"{scene.path} {tag}", layers=[images.layer(f"{scene.path} {tag}")]))
    bad = scene.images["v1"]
    own = {"v1", bad.digest, *bad.all_blobs()} - set(scene.images["v0"].all_blobs())
    real = getattr(RegistryRepository, call)

    def fail_for_one(self: RegistryRepository, *arguments: Any, **options: Any) -> Any:
        named = {str(getattr(argument, "digest", argument)) for argument in arguments}
        return _fail() if named & own else real(self, *arguments, **options)

    monkeypatch.setattr(RegistryRepository, call, fail_for_one)
    result = scene.sync(retries=1)

    assert codes(result) == {"v1": "unexpected"}
    assert {image.status for image in result.images if image.destination.tag != "v1"} == {"done"}
    assert any("Traceback" in line and "ZeroDivisionError" in line for line in scene.run.log)


def test_an_exception_that_is_no_images_own_fails_what_is_left(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for tag in range(3):
        scene.give(f"v{tag}", images.image(f"{scene.path} {tag}"))
    engine = scene.run.engine([scene.rule])
    monkeypatch.setattr(engine, "_begin_copying", _fail)

    result = engine.run()

    assert {(image.status, image.error.code) for image in result.images if image.error} == {("failed", "unexpected")}
    assert len(result.images) == 3
    scene.repair()
