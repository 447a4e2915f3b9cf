# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests in bulk from Harbor to an instance of ACR, by the requests that both get, and lists that are not right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.world import Policy, Tag, User
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.acr_scene import Scene
from support.scenes.images import Image
from support.scenes.modules import registry_option
from support.servers.harbor import Harbor, harbor
from support.servers.harbor_world import GUEST, PULL_ONLY

ROBOT = "robot$sync"


class Mirror:
    """A Harbor and an instance of ACR that have the same tags of one repository."""

    def __init__(self, source: Harbor, scene: Scene) -> None:
        self.source = source
        self.scene = scene
        source.world.add_project("library")
        source.world.add_account(ROBOT, "secret", rights={"library": GUEST})

    def fill(self, tags: Mapping[str, Image]) -> None:
        """Put these tags on both sides, and let the instance list them."""
        with PlainClient(self.source.admin) as client:
            for tag, image in tags.items():
                client.push("library/app", image, tag)
        assert self.sync(bulk=False)["summary"]["created"] == len(tags)
        self.list_at_destination({tag: image.digest for tag, image in tags.items()})

    def fill_with_a_thousand(self) -> None:
        """Put many tags on both sides, past their front doors but for the first."""
        tags = {f"v{number}": alike(number) for number in range(1000)}
        self.fill({"v0": tags["v0"]})
        self.source.registry.plant("library/app", tags)
        self.scene.registry.behind.plant("image-syncer/app", tags)
        self.list_at_destination({tag: image.digest for tag, image in tags.items()})

    def list_at_destination(self, digests: Mapping[str, str]) -> None:
        """Have the instance's API list these digests."""
        repository = self.scene.instance.namespaces["image-syncer"].repositories["app"]
        repository.tags = [Tag(tag, digest, 1) for tag, digest in digests.items()]

    def move(self, tag: str, image: Image) -> None:
        """Let a tag of the source name another image."""
        with PlainClient(self.source.admin) as client:
            client.push("library/app", image, tag)

    def sync(self, **options: Any) -> dict[str, Any]:
        """Run, and count what both sides are asked from the beginning of the run on."""
        self.source.proxy.mark()
        self.scene.registry.gate.mark()
        self.scene.simulator.calls.clear()
        self.scene.registry.face.logins = 0
        rule = {
            "source": f"{self.source.host}/library/app",
            "destination": f"{self.scene.registry.host}/image-syncer/app",
        }
        registries = [self.scene.entry(), registry_option(self.source.endpoint_of(ROBOT))]
        return self.scene.sync(rule, registries=registries, **options)

    def heads(self) -> tuple[int, int]:
        """HEADs of manifests at the source and at the destination."""
        at_source, there = self.source.proxy.counts(), self.scene.registry.gate.counts()
        return at_source["HEAD", "manifest"], there["HEAD", "manifest"]

    def requests(self) -> int:
        """Everything that both sides were asked in the run: the registries, their APIs and their token services."""
        registries = len(self.source.proxy.records()) + len(self.scene.registry.gate.records())
        return registries + len(self.scene.simulator.actions()) + self.scene.registry.face.logins

    def lists(self) -> tuple[int, Counter[str]]:
        """Pages that Harbor's API was asked for, and the calls of ACR's API."""
        pages = [call for call in self.source.api_calls() if "/artifacts?" in call]
        return len(pages), Counter(self.scene.simulator.actions())


@pytest.fixture
def mirror(scene: Scene, tmp_path: Path) -> Iterator[Mirror]:
    with harbor(tmp_path / "harbor") as source:
        yield Mirror(source, scene)


def few() -> dict[str, Image]:
    """Enough tags for a list to be worth it: twelve images for one platform, and two for two."""
    tags = {f"s{number}": alike(number) for number in range(12)}
    return {**tags, "i0": images.multi_arch("bulk 0"), "i1": images.multi_arch("bulk 1")}


def alike(number: object) -> Image:
    """One of many images that share all blobs and have manifests of their own."""
    return images.image("bulk", annotations={"number": str(number)})


def test_a_thousand_unchanged_tags_cost_thirty_three_requests(mirror: Mirror) -> None:
    mirror.fill_with_a_thousand()

    result = mirror.sync()

    assert (result["changed"], result["summary"]["unchanged"]) == (False, 1000), result["msg"]
    assert mirror.lists() == (10, Counter(GetAuthorizationToken=1, GetRepository=1, ListRepoTag=10))
    assert mirror.heads() == (1, 3)
    assert mirror.requests() == 33  # at most 60


def test_the_same_without_lists_costs_a_head_for_each_tag(mirror: Mirror) -> None:
    mirror.fill(few())
    assert mirror.sync(bulk="false")["summary"]["unchanged"] == 14
    assert mirror.lists() == (0, Counter(GetAuthorizationToken=1))
    assert mirror.heads() == (14, 14)
    assert mirror.sync()["summary"]["unchanged"] == 14
    assert mirror.heads() == (2, 3)


def test_what_moved_is_copied(mirror: Mirror) -> None:
    mirror.fill(few())
    mirror.move("s3", alike("moved"))
    result = mirror.sync()
    assert (result["summary"]["updated"], result["summary"]["unchanged"]) == (1, 13), result["msg"]
    assert mirror.heads()[0] == 3


def test_an_instance_that_lists_a_child_of_an_index_is_asked_for_each_tag(mirror: Mirror) -> None:
    tags = few()
    mirror.fill(tags)
    mirror.list_at_destination({tag: (*image.children, image)[0].digest for tag, image in tags.items()})
    assert mirror.sync()["summary"]["unchanged"] == 14
    assert mirror.heads() == (3, 14)


def test_a_harbor_that_lists_a_child_of_an_index_is_asked_for_each_tag(mirror: Mirror) -> None:
    mirror.fill(few())

    def children(tags: dict[str, str]) -> dict[str, str]:
        manifests = {tag: mirror.source.world.manifest(digest) for tag, digest in tags.items()}
        return {
            tag: manifests[tag]["manifests"][0]["digest"] if "manifests" in manifests[tag] else digest
            for tag, digest in tags.items()
        }

    mirror.source.world.listed = children
    assert mirror.sync()["summary"]["unchanged"] == 14
    assert mirror.heads()[0] == 14


def test_a_list_that_is_late_keeps_nothing_back(mirror: Mirror) -> None:
    tags = few()
    mirror.fill(tags)
    late = {tag: image.digest for tag, image in tags.items()}
    for tag in tags:
        mirror.move(tag, alike(f"moved {tag}"))
    mirror.source.world.listed = lambda now: dict(late)
    assert mirror.sync()["summary"]["updated"] == 14


def test_a_list_that_lacks_tags_is_believed_of_the_others(mirror: Mirror) -> None:
    tags = few()
    mirror.fill(tags)
    mirror.list_at_destination({tag: image.digest for tag, image in tags.items() if tag not in ("s4", "s7")})
    mirror.source.world.listed = lambda now: {tag: digest for tag, digest in now.items() if tag != "s1"}
    assert mirror.sync()["summary"]["unchanged"] == 14
    # The tags without a digest in one list are asked for on that side, and then equal what the other list says.
    assert mirror.heads() == (2 + 1, 3 + 2)


def test_an_api_that_refuses_is_asked_once(mirror: Mirror) -> None:
    mirror.fill(few())
    mirror.source.world.add_account(ROBOT, "secret", rights={"library": PULL_ONLY})
    world = mirror.scene.simulator.world
    world.users["narrow"] = User("narrow", "1", attached=[("Custom", "narrow")])
    allowed = '{"Effect": "Allow", "Action": ["cr:GetAuthorizationToken", "cr:P*"], "Resource": "*"}'
    world.policies["narrow"] = Policy("narrow", "", {"v1": f'{{"Statement": [{allowed}]}}'})
    mirror.scene.key = world.add_key("narrow")

    result = mirror.sync()

    assert result["summary"]["unchanged"] == 14, result["msg"]
    assert mirror.lists() == (1, Counter(GetAuthorizationToken=1, GetRepository=1))
    assert mirror.heads() == (14, 14)
    assert result.get("warnings", []) == []


def test_an_api_that_is_out_of_order_is_asked_once(mirror: Mirror) -> None:
    mirror.fill(few())
    mirror.source.failures += [500]
    mirror.scene.simulator.faults.add("GetRepository", Kind.SYSTEM_ERROR, times=99)
    assert mirror.sync()["summary"]["unchanged"] == 14
    assert mirror.lists() == (1, Counter(GetAuthorizationToken=1, GetRepository=1))
    assert mirror.heads() == (14, 14)
