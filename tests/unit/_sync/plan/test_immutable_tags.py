# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags that never move are not compared where both sides have them, and what asks for a comparison gets one."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.memory_run import MemoryRun, item
from helpers.memory_store import MemoryStore, Request, push
from support.scenes import images

RELEASES = r"\d+\.\d+\.\d+"


@pytest.fixture
def source() -> MemoryStore:
    """A source with two releases and two tags that move."""
    store = MemoryStore("a.test")
    for tag in ("1.0.0", "1.0.1", "1.0", "latest"):
        push(store, "x", images.image(f"new {tag}"), tag)
    return store


@pytest.fixture
def target() -> MemoryStore:
    """A destination with one release and one moving tag, both other images than at the source."""
    store = MemoryStore("b.test")
    for tag in ("1.0.0", "1.0"):
        push(store, "y", images.image(f"old {tag}"), tag)
    return store


def actions(run: MemoryRun, *items: dict[str, Any], **options: Any) -> dict[str | None, tuple[str, str]]:
    result = run.sync(*items, **options)
    return {image.destination.tag: (image.action.value, image.reason) for image in result.images}


def resolved(store: MemoryStore) -> set[str]:
    return {request.ref for request in store.requests if request.method == "resolve"}


def test_what_both_sides_list_is_not_asked_about(source: MemoryStore, target: MemoryStore) -> None:
    run = MemoryRun(source, target)
    found = actions(run, item("a.test/x", "b.test/y", tags={"immutable": RELEASES}))
    assert found["1.0.0"] == ("unchanged", "not compared")
    assert found["1.0.1"][0] == "create"
    assert found["1.0"][0] == "update"
    assert "1.0.0" not in resolved(source) | resolved(target)


@pytest.mark.parametrize("options", [{"check_mode": True}, {"rewrite": True}])
def test_check_mode_and_rewrite_compare_all(source: MemoryStore, target: MemoryStore, options: dict[str, Any]) -> None:
    run = MemoryRun(source, target)
    found = actions(run, item("a.test/x", "b.test/y", tags={"immutable": RELEASES}), **options)
    assert found["1.0.0"][0] == "update"
    assert "1.0.0" in resolved(source) & resolved(target)


def test_a_tag_that_is_named_is_looked_for_at_the_destination_alone(source: MemoryStore, target: MemoryStore) -> None:
    run = MemoryRun(source, target)
    result = run.sync(item("a.test/x:1.0.0", "b.test/y", tags={"immutable": ".*"}))
    (image,) = result.images
    assert (image.action, image.reason) == ("unchanged", "not compared")
    assert image.digest == image.previous == target.repository("y").tagged["1.0.0"]
    assert not source.requests
    assert [request.method for request in target.requests] == ["resolve"]


def test_a_tag_that_is_named_and_missing_is_copied(source: MemoryStore, target: MemoryStore) -> None:
    found = actions(MemoryRun(source, target), item("a.test/x:1.0.1", "b.test/y", tags={"immutable": ".*"}))
    assert found["1.0.1"][0] == "create"


def test_the_pattern_is_about_the_tag_at_the_source(source: MemoryStore, target: MemoryStore) -> None:
    rule = item("a.test/x:1.0.1", "b.test/y:1.0", tags={"immutable": RELEASES})
    assert actions(MemoryRun(source, target), rule)["1.0"] == ("unchanged", "not compared")


def test_a_digest_is_always_compared(source: MemoryStore, target: MemoryStore) -> None:
    digest = source.repository("x").tagged["1.0.0"]
    rule = item(f"a.test/x:1.0.0@{digest}", "b.test/y", tags={"immutable": ".*"})
    assert actions(MemoryRun(source, target), rule)["1.0.0"][0] == "update"


def test_what_two_sources_are_to_be_written_to_is_compared(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "other", images.image("other"), "1.0.0")
    rules = [
        item("a.test/x:/^1.0.0$/", "b.test/y", tags={"immutable": ".*"}),
        item("a.test/other:/^1.0.0$/", "b.test/y"),
    ]
    assert actions(MemoryRun(source, target), *rules)["1.0.0"][0] == "conflict"


def test_named_tags_need_no_long_list_of_the_destination(
    source: MemoryStore, target: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = target.repository("y")
    monkeypatch.setattr(repository, "few_tags", lambda: target.requests.append(Request("few_tags", "b.test/y")))
    monkeypatch.setattr(source.repository("x"), "few_tags", lambda: None)
    found = actions(
        MemoryRun(source, target), item("a.test/x:1.0.0,1.0.1,1.0", "b.test/y", tags={"immutable": "1.0.0"})
    )
    assert {tag: action for tag, (action, _reason) in found.items()} == {
        "1.0.0": "unchanged",
        "1.0.1": "create",
        "1.0": "update",
    }
    assert target.counts()["few_tags"] == 1
    assert "tags" not in target.counts()
    assert "tags" not in source.counts()
