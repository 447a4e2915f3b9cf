# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests in bulk from Harbor to an instance of ACR, by the requests that both get, and lists that are not right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.world import Policy, User
from support.scenes import images
from support.scenes.acr_scene import Scene
from support.scenes.images import Image
from support.scenes.mirror import ROBOT, Mirror, alike
from support.servers.harbor import harbor
from support.servers.harbor_world import PULL_ONLY


@pytest.fixture
def mirror(scene: Scene, tmp_path: Path) -> Iterator[Mirror]:
    with harbor(tmp_path / "harbor") as source:
        yield Mirror(source, scene)


def few() -> dict[str, Image]:
    """Enough tags for a list to be worth it: twelve images for one platform, and two for two."""
    tags = {f"s{number}": alike(number) for number in range(12)}
    return {**tags, "i0": images.multi_arch("bulk 0"), "i1": images.multi_arch("bulk 1")}


def test_a_thousand_unchanged_tags_cost_thirty_three_requests(mirror: Mirror) -> None:
    mirror.fill_with_many(1000)

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
