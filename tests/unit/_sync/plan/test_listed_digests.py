# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of digests in place of HEADs: what they prove, how they are checked, and lists that are not what they seem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import Descriptor
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import Bulk, Overwrite
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from helpers.memory_run import MemoryRun, fault, item
from helpers.memory_store import MemoryStore, push
from support.scenes import images

SINGLES, INDEXES = 12, 2
TAGS = SINGLES + INDEXES
Listing = dict[str, Descriptor]


class Api:
    """What stands for the API of a product: it lists what a store has, and a test may change the list.

    :ivar typed: whether it tells media types
    :ivar change: what becomes of a list
    :ivar asked: the repositories whose lists were asked for
    """

    def __init__(self, store: MemoryStore, *, typed: bool = True) -> None:
        self.store = store
        self.typed = typed
        self.change: Callable[[Listing], Listing] = lambda listing: listing
        self.asked: list[str] = []

    def listed_digests(self, path: str, *, patience: float) -> Mapping[str, Descriptor]:
        assert patience == 5.0
        self.asked.append(path)
        kept = self.store.repository(path)
        return self.change(
            {
                tag: Descriptor(kept.manifests[digest].media_type if self.typed else "", digest, 0)
                for tag, digest in kept.tagged.items()
            }
        )

    def obstacles(self, paths: list[str]) -> Any:
        return SimpleNamespace(faults={}, unknown=[], absent=[])

    def delete_tag(self, path: str, tag: str) -> None:
        self.store.repository(path).delete_tag(tag)

    def close(self) -> None:
        pass


class World:
    """A source and a destination with the same tags, both of which list digests."""

    def __init__(self, *, source_typed: bool = True, destination_typed: bool = True) -> None:
        self.source, self.destination = MemoryStore("a.test"), MemoryStore("b.test")
        self.api_of_source = Api(self.source, typed=source_typed)
        self.api_of_destination = Api(self.destination, typed=destination_typed)
        self.run = MemoryRun(self.source, self.destination)
        self.run.managed = {"a.test": self.api_of_source, "b.test": self.api_of_destination}
        for number in range(SINGLES):
            self.push(f"s{number}", images.image(f"single {number}"))
        for number in range(INDEXES):
            self.push(f"i{number}", images.multi_arch(f"index {number}"))

    def push(self, tag: str, image: images.Image, path: str = "ns/app") -> None:
        push(self.source, path, image, tag)
        push(self.destination, path, image, tag)

    def sync(self, *items: dict[str, Any], **options: Any) -> RunResult:
        self.source.requests.clear()
        self.destination.requests.clear()
        result = self.run.sync(*(items or (item("a.test/ns/app", "b.test/ns/app"),)), **options)
        assert not [image.error for image in result.images if image.error is not None]
        return result

    def heads(self) -> tuple[int, int]:
        """How many HEADs each side has got for tags since the run began."""
        return self.source.counts().get("resolve", 0), self.destination.counts().get("resolve", 0)

    def is_mirrored(self, path: str = "ns/app") -> bool:
        return self.source.repository(path).tagged == self.destination.repository(path).tagged


def actions(result: RunResult) -> dict[str, int]:
    found = [image.action.value for image in result.images]
    return {action: found.count(action) for action in found}


def test_an_unchanged_repository_costs_a_list_and_a_head_of_each_kind() -> None:
    world = World()
    result = world.sync()
    assert actions(result) == {"unchanged": TAGS}
    assert world.heads() == (2, 2)
    assert {image.digest for image in result.images} == set(world.source.repository("ns/app").tagged.values())
    assert {image.reason for image in result.images} == {"both sides have the same digest"}


def test_where_media_types_are_missing_three_tags_are_looked_at() -> None:
    world = World(destination_typed=False)
    assert actions(world.sync()) == {"unchanged": TAGS}
    assert world.heads() == (2, 3)


def test_where_both_lists_have_no_media_types_the_source_is_asked() -> None:
    world = World(source_typed=False, destination_typed=False)
    assert actions(world.sync()) == {"unchanged": TAGS}
    assert world.heads() == (TAGS, 3)


@pytest.mark.parametrize("side", ["a.test", "b.test"])
def test_one_side_with_a_list_is_not_asked(side: str) -> None:
    world = World()
    del world.run.managed["b.test" if side == "a.test" else "a.test"]
    assert actions(world.sync()) == {"unchanged": TAGS}
    assert world.heads() == ((2, TAGS) if side == "a.test" else (TAGS, 2))


def test_what_differs_and_what_is_new_is_asked_for_by_head() -> None:
    world = World()
    push(world.source, "ns/app", images.image("moved"), "s3")
    push(world.source, "ns/app", images.image("new"), "new")
    result = world.sync()
    assert actions(result) == {"unchanged": TAGS - 1, "update": 1, "create": 1}
    assert world.is_mirrored()
    asked = {request.ref for request in world.source.requests if request.method == "resolve"}
    assert {"s3", "new"} <= asked and len(asked) == 4


def test_a_source_of_two_destinations_is_asked_where_one_of_them_differs() -> None:
    world = World()
    push(world.source, "ns/app", images.image("moved"), "s3")
    push(world.destination, "ns/web", images.image("moved"), "s3")
    result = world.sync(item("a.test/ns/app", "b.test/ns/app", "b.test/ns/web"))
    assert actions(result) == {"unchanged": TAGS, "update": 1, "create": TAGS - 1}
    assert world.is_mirrored() and world.source.counts()["resolve"] == TAGS


def of_children(store: MemoryStore) -> Callable[[Listing], Listing]:
    """A list that has for each index the digest of its first image."""

    def change(listing: Listing) -> Listing:
        manifests = store.repository("ns/app").manifests
        return {
            tag: Descriptor(found.media_type, (manifests[found.digest].children or (found,))[0].digest, 0)
            for tag, found in listing.items()
        }

    return change


@pytest.mark.parametrize("typed", [True, False])
def test_a_list_with_digests_of_children_is_not_used(typed: bool) -> None:
    world = World(destination_typed=typed)
    world.api_of_destination.change = of_children(world.destination)
    assert actions(world.sync()) == {"unchanged": TAGS}
    assert world.heads()[1] == TAGS
    assert any("b.test lists sha256:" in line and "which is not so" in line for line in world.run.log)


@pytest.mark.parametrize("typed", [True, False])
def test_an_index_that_lost_an_image_is_seen_where_both_lists_have_digests_of_children(typed: bool) -> None:
    world = World(source_typed=typed, destination_typed=typed)
    for store, api in ((world.source, world.api_of_source), (world.destination, world.api_of_destination)):
        api.change = of_children(store)
    before = images.multi_arch("index 0")
    smaller = images.index(before.children[:1])
    push(world.source, "ns/app", smaller, "i0")
    assert actions(world.sync()) == {"unchanged": TAGS - 1, "update": 1}
    assert world.is_mirrored()


def test_a_list_that_is_a_minute_late_is_not_used() -> None:
    world = World()
    late = world.api_of_source.listed_digests("ns/app", patience=5.0)
    for tag in world.source.repository("ns/app").tagged:
        push(world.source, "ns/app", images.image(f"moved {tag}"), tag)
    world.api_of_source.change = lambda listing: dict(late)
    assert actions(world.sync()) == {"update": TAGS}
    assert world.is_mirrored()


def test_a_late_destination_shows_by_one_tag_that_differs() -> None:
    world = World()
    late = world.api_of_destination.listed_digests("ns/app", patience=5.0)
    world.push("s7", images.image("moved on both sides"))
    world.api_of_destination.change = lambda listing: dict(late)
    assert actions(world.sync()) == {"unchanged": TAGS}
    assert world.heads()[1] == TAGS


def test_tags_that_a_list_lacks_are_asked_for_and_the_rest_is_believed() -> None:
    world = World()
    world.api_of_source.change = lambda listing: {tag: listing[tag] for tag in listing if not tag.endswith("9")}
    assert actions(world.sync()) == {"unchanged": TAGS}
    assert world.heads() == (2 + 1, 2)


def refuse(listing: Listing) -> Listing:
    raise fault("pull_denied", transient=False, status=403)


def test_a_list_that_is_refused_is_asked_for_once_in_a_registry() -> None:
    world = World()
    for number in range(SINGLES):
        world.push(f"s{number}", images.image(f"more {number}"), "ns/web")
    world.api_of_source.change = refuse
    result = world.sync(item("a.test/ns/app", "b.test/ns/app"), item("a.test/ns/web", "b.test/ns/web"))
    assert actions(result) == {"unchanged": TAGS + SINGLES}
    assert len(world.api_of_source.asked) == 1
    assert world.heads() == (TAGS + SINGLES, 2 + 1)
    assert any("the tags of a.test are asked for one by one" in line for line in world.run.log)


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ({}, {"bulk": Bulk.FALSE}),
        ({}, {"overwrite": Overwrite.SKIP}),
        ({}, {"overwrite": Overwrite.FAIL}),
        ({"overwrite": "skip"}, {}),
        ({}, {"rewrite": True}),
        ({}, {"compare_all": True}),
        ({"platforms": ["linux/amd64"]}, {}),
    ],
)
def test_no_list_is_asked_for_where_more_depends_on_it(rule: dict[str, Any], options: dict[str, Any]) -> None:
    world = World()
    world.sync(item("a.test/ns/app", "b.test/ns/app", **rule), **options)
    assert world.api_of_source.asked == world.api_of_destination.asked == []
    assert world.heads() == (TAGS, TAGS)


def test_a_tag_that_is_deleted_is_asked_for_whatever_lists_say() -> None:
    world = World()
    push(world.destination, "ns/app", images.image("gone"), "gone")
    result = world.sync(item("a.test/ns/app", "b.test/ns/app", prune=True))
    assert actions(result) == {"unchanged": TAGS, "delete": 1}
    assert world.is_mirrored()
    asked = [request.ref for request in world.destination.requests if request.method == "resolve"]
    assert "gone" in asked and world.api_of_destination.asked == ["ns/app"]


def test_a_list_that_costs_more_than_it_saves_is_not_asked_for() -> None:
    world = World()
    assert actions(world.sync(item("a.test/ns/app:/^s[0-4]$/", "b.test/ns/app"))) == {"unchanged": 5}
    assert world.api_of_source.asked == []
    assert world.heads() == (5, 5)


def test_a_repository_is_listed_once_in_a_run() -> None:
    world = World()
    push(world.source, "ns/app", images.image("new"), "new")
    left = [fault("server_error")]

    def around(request: Any) -> Any:
        if request.method == "put_manifest" and left:
            raise left.pop()
        return type(world.source)("other").around(request)

    world.destination.around = around
    assert actions(world.sync()) == {"unchanged": TAGS, "create": 1}
    assert world.is_mirrored()
    assert world.api_of_source.asked == world.api_of_destination.asked == ["ns/app"]
