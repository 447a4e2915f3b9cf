# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``registry_image_tag`` on real registries: a tag is set without a layer being sent, or removed with all guards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import Before
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.scenes.modules import module, registry_option
from support.scenes.signatures import signature_tag
from support.servers.scripted_registry import ScriptedRegistry, scripted_registry
from support.servers.shared import Servers

ONE, TWO = images.image("tag one"), images.image("tag two")


@dataclass
class Place:
    """A repository with the tags ``1`` and ``2``, and a proxy before it."""

    proxy: FaultProxy
    there: PlainClient
    path: str
    home: Path

    def run(self, tag: str, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        endpoint = self.proxy.endpoint
        given = {
            "image": f"{endpoint.host}/{self.path}:{tag}",
            "registries": [registry_option(endpoint)],
            "docker_config": "",
            "_ansible_diff": True,
            **options,
        }
        with module("registry_image_tag", given, home=self.home, check_mode=check_mode) as running:
            return running.end().result

    def tags(self) -> dict[str, str]:
        return {tag: self.there.manifest(self.path, tag).digest for tag in self.there.tags(self.path)}


@pytest.fixture
def place(
    servers: Servers,
    plain: Callable[[Endpoint], PlainClient],
    faulty: Callable[..., FaultProxy],
    repository: str,
    tmp_path: Path,
) -> Place:
    there = plain(servers.open.endpoint)
    there.push(repository, ONE, "1")
    there.push(repository, TWO, "2")
    return Place(faulty(servers.open.endpoint), there, repository, tmp_path)


@pytest.fixture
def by_tag() -> Iterator[ScriptedRegistry]:
    """A registry that deletes tags alone."""
    with scripted_registry() as registry:
        registry.push("app", ONE, "1", "stable")
        registry.push("app", TWO, "2")
        yield registry


@pytest.mark.parametrize("image", [{"digest": ONE.digest}, {"from_tag": "1"}])
def test_a_tag_is_set_and_no_layer_moves(place: Place, image: dict[str, str]) -> None:
    planned = place.run("stable", check_mode=True, **image)
    assert planned["changed"] and "stable" not in place.tags()

    done = place.run("stable", **image)

    assert (done["changed"], done["previous_digest"], done["digest"]) == (True, None, ONE.digest)
    assert done["digest"] == planned["digest"] and done["diff"] == planned["diff"]
    assert place.tags() == {"1": ONE.digest, "2": TWO.digest, "stable": ONE.digest}
    assert not any("/blobs/" in record.target for record in place.proxy.records())
    assert not place.run("stable", **image)["changed"]


def test_a_tag_is_moved(place: Place) -> None:
    done = place.run("1", digest=TWO.digest)
    assert (done["previous_digest"], done["digest"]) == (ONE.digest, TWO.digest)
    assert ONE.digest in done["diff"]["before"] and TWO.digest in done["diff"]["after"]
    assert place.tags()["1"] == TWO.digest


def test_an_image_that_is_not_there_is_no_tag(place: Place) -> None:
    for image in ({"digest": images.image("elsewhere").digest}, {"from_tag": "3"}):
        failed = place.run("stable", **image)
        assert failed["failed"] and failed["error_codes"] == ["tag_not_found"]
    assert set(place.tags()) == {"1", "2"}


def test_a_tag_is_removed_and_the_second_time_nothing_happens(place: Place) -> None:
    planned = place.run("1", state="absent", check_mode=True)
    assert planned["changed"] and set(place.tags()) == {"1", "2"}

    done = place.run("1", state="absent")

    assert (done["changed"], done["previous_digest"], done["digest"]) == (True, ONE.digest, None)
    assert set(place.tags()) == {"2"}
    assert not place.run("1", state="absent")["changed"]


def test_a_tag_that_has_another_digest_is_not_removed(place: Place) -> None:
    failed = place.run("1", state="absent", digest=TWO.digest)
    assert failed["error_codes"] == ["conflict"]
    assert set(place.tags()) == {"1", "2"}
    assert place.run("1", state="absent", digest=ONE.digest)["changed"]


def test_a_tag_that_is_moved_while_it_is_to_be_removed_stays(place: Place) -> None:
    move = Before(lambda: place.there.push(place.path, TWO, "1"))
    place.proxy.add(move, method="HEAD", target="/manifests/1$", skip=1)
    failed = place.run("1", state="absent", digest=ONE.digest)
    assert failed["error_codes"] == ["conflict"]
    assert place.tags()["1"] == TWO.digest


def test_the_last_tag_is_not_removed(place: Place) -> None:
    place.run("1", state="absent")
    failed = place.run("2", state="absent")
    assert failed["error_codes"] == ["prune_limit"]
    assert set(place.tags()) == {"2"}


def test_an_image_that_another_tag_has_is_not_removed(place: Place) -> None:
    place.there.push(place.path, ONE, "stable")
    failed = place.run("1", state="absent")
    assert failed["error_codes"] == ["delete_unsupported"] and "the tag stable names it" in failed["msg"]
    assert set(place.tags()) == {"1", "2", "stable"}


def test_a_registry_that_deletes_tags_removes_this_one_alone(by_tag: ScriptedRegistry, tmp_path: Path) -> None:
    options = {"image": f"{by_tag.host}/app:1", "state": "absent", "registries": [registry_option(by_tag.endpoint)]}
    with module("registry_image_tag", options, home=tmp_path) as running:
        assert running.end().result["changed"]
    assert set(by_tag.repository("app").tags) == {"2", "stable"}


def test_signatures_go_with_the_last_tag_of_their_image(place: Place) -> None:
    place.there.push(place.path, images.image("signature"), signature_tag(ONE))
    done = place.run("1", state="absent")
    assert set(place.tags()) == {"2"}
    assert done["notes"] == [f"{signature_tag(ONE)}, which refers to it, went with it"]


@pytest.mark.parametrize(
    ("image", "options", "why"),
    [
        ("app", {"from_tag": "1"}, "it is not one tag"),
        (f"app@{ONE.digest}", {"from_tag": "1"}, "it is not one tag"),
        ("app:1", {}, "give one of the two"),
        ("app:1", {"from_tag": "2", "digest": ONE.digest}, "give one of the two"),
        ("app:1", {"state": "absent", "from_tag": "2"}, "a tag that goes is made of none"),
        ("app:1", {"digest": "sha256:short"}, "sha256:short"),
        ("app:1", {"from_tag": "a/b"}, "a/b"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_a_request(
    tmp_path: Path, image: str, options: dict[str, str], why: str
) -> None:
    given = {"image": f"registry.invalid/{image}", **options}
    with module("registry_image_tag", given, home=tmp_path) as running:
        result = running.end().result
    assert result["failed"] and result["error_codes"] == ["invalid_input"] and why in result["msg"]
