# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each image of a task is in exactly one shard, on stores in memory."""

from __future__ import annotations

from collections import Counter
from typing import Any
from zlib import crc32

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Reference
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.shard import Shard, parse_shard
from helpers.memory_run import MemoryRun, item
from helpers.memory_store import MemoryStore, push
from hypothesis import given
from hypothesis import strategies as st
from support.scenes import images

PATHS = [f"team/app{number}" for number in range(20)]
TAGS = [f"1.{number}" for number in range(20)]


def shard(index: int, count: int, **more: Any) -> Shard:
    found = parse_shard({"index": index, "count": count, "by": "repository", "with_destinations": False, **more})
    assert found is not None
    return found


@pytest.fixture
def source() -> MemoryStore:
    store = MemoryStore("a.test")
    for path in PATHS:
        push(store, path, images.image(path), "1.0", "latest")
    for tag in TAGS:
        push(store, "huge", images.image(tag), tag)
    return store


def written(source: MemoryStore, rule: dict[str, Any], one: Shard) -> Counter[str]:
    """Run one shard on empty destinations, and give the destinations that it has written."""
    places = MemoryStore("b.test"), MemoryStore("c.test")
    result = MemoryRun(source, *places).sync(rule, shard=one)
    assert {image.status.value for image in result.images} <= {"done"}
    return Counter(str(image.destination) for image in result.images)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_each_image_is_in_one_shard(source: MemoryStore, count: int) -> None:
    rule = item("a.test/team/**", "b.test/x/{path}", "c.test/y/{name}")
    together = sum((written(source, rule, shard(index, count)) for index in range(count)), Counter[str]())
    assert set(together.values()) == {1}
    assert len(together) == len(PATHS) * 2 * 2


def test_a_shard_has_whole_repositories_by_the_crc_32_of_their_names(source: MemoryStore) -> None:
    found = written(source, item("a.test/team/**", "b.test/x/{path}"), shard(2, 5))
    names = (f"b.test/x/{path[len('team/') :]}" for path in PATHS)
    expected = [name for name in names if crc32(name.encode()) % 5 == 2]
    assert expected and found == Counter(f"{name}:{tag}" for name in expected for tag in ("1.0", "latest"))


def test_all_destinations_of_a_source_can_be_in_one_shard(source: MemoryStore) -> None:
    rule = item("a.test/team/**", "b.test/x/{path}", "c.test/y/{path}")
    for index in range(3):
        found = written(source, rule, shard(index, 3, with_destinations=True))
        assert {name[9:] for name in found if name[0] == "b"} == {name[9:] for name in found if name[0] == "c"}


def test_the_tags_of_one_repository_can_be_divided(source: MemoryStore) -> None:
    found = [written(source, item("a.test/huge", "b.test/huge"), shard(index, 4, by="tag")) for index in range(4)]
    assert all(found)
    assert sum(found, Counter[str]()) == Counter(f"b.test/huge:{tag}" for tag in TAGS)


def test_a_shard_without_images_does_nothing_and_succeeds(source: MemoryStore) -> None:
    name = crc32(b"b.test/huge") % 2
    result = MemoryRun(source, MemoryStore("b.test")).sync(item("a.test/huge", "b.test/huge"), shard=shard(1 - name, 2))
    assert (result.images, result.changed) == ([], False)


def test_what_two_sources_would_share_is_refused_by_the_shard_that_has_it(source: MemoryStore) -> None:
    push(source, "other/app1", images.image("other"), "1.0")
    rule = item("a.test/**", "b.test/x/{name}")
    owner = crc32(b"b.test/x/app1") % 2
    for index in range(2):
        result = MemoryRun(source, MemoryStore("b.test")).sync(rule, shard=shard(index, 2))
        failed = {image.destination.name for image in result.images if image.error is not None}
        assert failed == ({"b.test/x/app1"} if index == owner else set())


def test_rules_that_build_on_each_other_are_refused(source: MemoryStore) -> None:
    rules = [item("a.test/huge:1.1", "b.test/x"), item("b.test/x:1.1", "c.test/y")]
    with pytest.raises(InputError, match=r"images\[1\] copies what another rule writes"):
        MemoryRun(source, MemoryStore("b.test"), MemoryStore("c.test")).sync(*rules, shard=shard(0, 2))


@pytest.mark.parametrize(("index", "count"), [(-1, 2), (2, 2), (0, 0), (0, -1), (0, 10_001)])
def test_numbers_without_sense_are_refused(index: int, count: int) -> None:
    with pytest.raises(InputError, match=r"shard\.(index|count)"):
        shard(index, count)


@given(st.text(min_size=1), st.integers(1, 50))
def test_every_name_has_one_shard(name: str, count: int) -> None:
    ref = Reference("a.test", name)
    assert sum(shard(index, count).takes(ref, ref) for index in range(count)) == 1
