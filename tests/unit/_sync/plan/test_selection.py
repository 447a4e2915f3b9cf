# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lists of tags are read: those that a rule chooses from, and no long one for tags that it names."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.memory_run import MemoryRun, item
from helpers.memory_store import MemoryStore, push
from support.scenes import images


@pytest.fixture
def stores() -> tuple[MemoryStore, MemoryStore]:
    """A repository with 50,000 tags, and one that has all but 1.0 of them."""
    source, target = MemoryStore("a.test"), MemoryStore("b.test")
    for store in (source, target):
        push(store, "x", images.image("old"), "old", *(f"build-{number}" for number in range(50_000)))
    push(source, "x", images.image("new"), "1.0")
    return source, target


@pytest.mark.parametrize("tags", [None, {"immutable": ".*"}])
def test_a_tag_that_is_named_needs_no_list(stores: tuple[MemoryStore, MemoryStore], tags: Any) -> None:
    result = MemoryRun(*stores).sync(item("a.test/x:1.0", "b.test/x", referrers=False, tags=tags))
    assert [image.action.value for image in result.images] == ["create"]
    assert not [store.host for store in stores if "tags" in store.counts()]


def test_several_tags_that_are_named_need_the_first_page_of_the_destination_alone(
    stores: tuple[MemoryStore, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores
    pages: list[str] = []
    monkeypatch.setattr(target.repository("x"), "few_tags", lambda: pages.append("more follow"))
    rule = item("a.test/x:1.0,old,build-7", "b.test/x", referrers=False, tags={"immutable": "build-.*"})
    result = MemoryRun(*stores).sync(rule)
    assert [image.action.value for image in result.images] == ["create", "unchanged", "unchanged"]
    assert "tags" not in source.counts()
    assert "tags" not in target.counts()
    assert len(pages) == 1


def test_what_refers_to_an_image_is_looked_for_in_the_first_page_of_the_source_alone(
    stores: tuple[MemoryStore, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores
    pages: list[str] = []
    monkeypatch.setattr(source.repository("x"), "few_tags", lambda: pages.append("more follow"))
    MemoryRun(*stores).sync(item("a.test/x:1.0", "b.test/x"))
    assert "tags" not in source.counts()
    assert "tags" not in target.counts()
    assert len(pages) == 1
