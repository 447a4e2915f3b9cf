# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destinations that take images and nothing else: what becomes of artifacts, and that the second run writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.runs import Run, actions
from support.servers.docker_registry import DockerRegistry, docker_registry
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
Sync = Callable[..., RunResult]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("strict"), classes=["image"]) as found:
        yield found


@pytest.fixture
def gallery(servers: Servers, plain: Plain, repository: str) -> dict[str, images.Image]:
    """An image, an index with an attestation beside each image, one with an index in it, and an artifact by itself."""
    amd, arm = (images.image(f"{repository} {name}", platform=f"linux/{name}") for name in ("amd64", "arm64"))
    notes = [images.artifact(f"{repository} {number}") for number in range(2)]
    attested = images.index(
        [
            (amd, {"platform": images.platform("linux/amd64")}),
            (notes[0], {"platform": images.platform("unknown/unknown")}),
            (arm, {"platform": images.platform("linux/arm64")}),
            (notes[1], {"platform": images.platform("unknown/unknown")}),
        ]
    )
    made = {
        "plain": images.image(f"{repository} plain"),
        "attested": attested,
        "nested": images.index([attested, images.image(f"{repository} bare")]),
        "chart": images.helm_chart(repository),
    }
    for tag, image in made.items():
        plain(servers.open.endpoint).push(repository, image, tag)
    return made


@pytest.fixture
def sync(servers: Servers, strict: DockerRegistry, gallery: dict[str, images.Image], repository: str) -> Sync:
    item = {"source": f"{servers.open.host}/{repository}", "destination": f"{strict.host}/{repository}"}
    return lambda **options: Run([servers.open.endpoint, strict.endpoint]).sync(item, **options)


def test_fail_names_the_option(sync: Sync) -> None:
    result = sync()
    errors = {str(image.destination.tag): image.error for image in result.images if image.error is not None}
    assert set(errors) == {"attested", "nested", "chart"}
    for error in errors.values():
        assert error.code == "unsupported_manifest"
        assert "unsupported_artifacts" in error.hint


def test_skip_leaves_out_whole_images(sync: Sync, strict: DockerRegistry, repository: str, plain: Plain) -> None:
    result = sync(unsupported_artifacts="skip")
    expected = {
        "plain": ("create", "done"),
        "attested": ("skip", "done"),
        "nested": ("skip", "done"),
        "chart": ("skip", "done"),
    }
    assert actions(result) == expected
    assert plain(strict.endpoint).tags(repository) == ["plain"]
    again = sync(unsupported_artifacts="skip")
    assert not again.changed
    assert actions(again) == {**expected, "plain": ("unchanged", "done")}


def test_strip_leaves_out_the_artifacts_alone(
    sync: Sync, strict: DockerRegistry, repository: str, plain: Plain, gallery: dict[str, images.Image]
) -> None:
    result = sync(unsupported_artifacts="strip")
    assert actions(result) == {
        "plain": ("create", "done"),
        "attested": ("create", "done"),
        "nested": ("create", "done"),
        "chart": ("skip", "done"),
    }
    there = plain(strict.endpoint)
    for tag, kept in (("attested", 2), ("nested", 2)):
        answer = there.manifest(repository, tag)
        (image,) = [image for image in result.images if image.destination.tag == tag]
        assert answer.digest == str(image.digest) != gallery[tag].digest
        assert any("2 of the manifests below" in note and "the digest changes" in note for note in image.notes)
        children: list[dict[str, Any]] = answer.json()["manifests"]
        assert len(children) == kept
        assert all(there.manifest(repository, child["digest"]).status == 200 for child in children)

    for check_mode in (True, False):
        again = sync(unsupported_artifacts="strip", check_mode=check_mode)
        states = actions(again)
        assert {states[tag] for tag in ("plain", "attested", "nested")} == {("unchanged", "done")}
    assert not again.changed


def test_a_registry_that_takes_everything_gets_everything(
    servers: Servers, plain: Plain, repository: str, gallery: dict[str, images.Image]
) -> None:
    run = Run([servers.open.endpoint, servers.relative.endpoint])
    item = {"source": f"{servers.open.host}/{repository}", "destination": f"{servers.relative.host}/{repository}"}
    for option in ("strip", "skip"):
        assert {image.status for image in run.sync(item, unsupported_artifacts=option).images} == {"done"}
        for tag, image in gallery.items():
            assert plain(servers.relative.endpoint).manifest(repository, tag).digest == image.digest


def test_a_source_that_moved_on_is_stripped_again(
    sync: Sync, servers: Servers, strict: DockerRegistry, repository: str, plain: Plain
) -> None:
    sync(unsupported_artifacts="strip")
    moved = images.index([images.image(f"{repository} moved"), images.artifact(f"{repository} moved")])
    plain(servers.open.endpoint).push(repository, moved, "attested")
    result = sync(unsupported_artifacts="strip")
    assert actions(result)["attested"] == ("update", "done")
    assert len(plain(strict.endpoint).manifest(repository, "attested").json()["manifests"]) == 1
    assert not sync(unsupported_artifacts="strip").changed
