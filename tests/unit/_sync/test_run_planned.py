# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that apply a plan: just what was planned, or nothing at all; on stores in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results import report
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.plan_entries import plan_entries
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.approved_plan import (
    ApprovedPlan,
    parse_plan,
)
from helpers.memory_run import MemoryRun, errors, failing, fault, item
from helpers.memory_store import MemoryStore, Request, push
from support.scenes import images

OLD, NEW, OTHER, SAME = (images.image(name) for name in ("old", "new", "other", "same"))
WRITES = {"put_blob", "mount_blob", "put_manifest", "delete_tag", "delete_manifest"}
ALL = item("a.test/x", "b.test/y")


@pytest.fixture
def source() -> MemoryStore:
    """Three tags: one that the destination has, one that it has otherwise, one that it lacks."""
    store = MemoryStore("a.test")
    for tag, image in (("same", SAME), ("moved", NEW), ("new", OTHER)):
        push(store, "x", image, tag)
    return store


@pytest.fixture
def target() -> MemoryStore:
    store = MemoryStore("b.test")
    push(store, "y", SAME, "same")
    push(store, "y", OLD, "moved")
    return store


def plan_of(result: RunResult) -> ApprovedPlan:
    """The plan that a run in check mode reports, written and read again."""
    content = report.full(result, check_mode=True, mask=str)
    content["plan"] = plan_entries(result, made=0.0, asked="digest")
    return parse_plan(json.dumps(content).encode())


def planned(source: MemoryStore, target: MemoryStore, *items: Any, **options: Any) -> ApprovedPlan:
    plan = plan_of(MemoryRun(source, target).sync(*(items or (ALL,)), check_mode=True, **options))
    target.requests.clear()
    return plan


def apply(source: MemoryStore, target: MemoryStore, plan: ApprovedPlan, *items: Any, **options: Any) -> RunResult:
    return MemoryRun(source, target).sync(*(items or (ALL,)), plan=plan, **options)


def tagged(store: MemoryStore, path: str = "y") -> dict[str, str]:
    return {tag: str(digest) for tag, digest in store.repository(path).tagged.items()}


def writes(store: MemoryStore) -> list[Request]:
    return [request for request in store.requests if request.method in WRITES]


BEFORE = {"same": SAME.digest, "moved": OLD.digest}
AFTER = {"same": SAME.digest, "moved": NEW.digest, "new": OTHER.digest}


def test_what_was_planned_is_done(source: MemoryStore, target: MemoryStore) -> None:
    plan = planned(source, target)
    result = apply(source, target, plan)
    assert {image.source.tag: str(image.action) for image in result.images} == {
        "same": "unchanged",
        "moved": "update",
        "new": "create",
    }
    assert tagged(target) == AFTER


def test_tags_that_never_move_are_compared_with_the_plan(source: MemoryStore, target: MemoryStore) -> None:
    rule = item("a.test/x", "b.test/y", tags={"immutable": ".*"})
    result = apply(source, target, planned(source, target, rule), rule)
    assert (errors(result), tagged(target)) == ([], AFTER)


def test_a_tag_that_was_added_since_is_not_taken(source: MemoryStore, target: MemoryStore) -> None:
    plan = planned(source, target)
    push(source, "x", SAME, "later")
    result = apply(source, target, plan)
    assert errors(result) == []
    assert tagged(target) == AFTER


def test_a_tag_that_was_added_since_pushes_out_none(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", NEW, "1")
    rule = item("a.test/x", "b.test/y", tags={"include": "[0-9]+", "newest": 1})
    plan = planned(source, target, rule)
    push(source, "x", OTHER, "2")
    apply(source, target, plan, rule)
    assert tagged(target) == {**BEFORE, "1": NEW.digest}


def moved_source(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", SAME, "new")


def moved_source_of_what_is_equal(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", NEW, "same")


def moved_destination(source: MemoryStore, target: MemoryStore) -> None:
    push(target, "y", OTHER, "moved")


def moved_destination_of_what_was_equal(source: MemoryStore, target: MemoryStore) -> None:
    push(target, "y", OTHER, "same")


def somebody_wrote_what_was_new(source: MemoryStore, target: MemoryStore) -> None:
    push(target, "y", SAME, "new")


def lost_destination(source: MemoryStore, target: MemoryStore) -> None:
    del target.repository("y").tagged["moved"]


def lost_source(source: MemoryStore, target: MemoryStore) -> None:
    del source.repository("x").tagged["new"]


def lost_source_of_what_is_equal(source: MemoryStore, target: MemoryStore) -> None:
    del source.repository("x").tagged["same"]


def new_signature(source: MemoryStore, target: MemoryStore) -> None:
    source.lists_referrers = target.lists_referrers = True
    push(source, "x", images.artifact("signature", subject=SAME))


CHANGES = [
    moved_source,
    moved_source_of_what_is_equal,
    moved_destination,
    moved_destination_of_what_was_equal,
    somebody_wrote_what_was_new,
    lost_destination,
    lost_source,
    lost_source_of_what_is_equal,
    new_signature,
]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_any_difference_and_nothing_is_written(
    source: MemoryStore,
    target: MemoryStore,
    change: Callable[[MemoryStore, MemoryStore], None],
    check_mode: bool,
) -> None:
    plan = planned(source, target)
    change(source, target)
    there = tagged(target)
    result = apply(source, target, plan, check_mode=check_mode)
    assert errors(result) == ["plan_changed"]
    assert [str(image.status) for image in result.images].count("pending") >= 1
    assert not writes(target)
    assert tagged(target) == there


def test_every_difference_is_told(source: MemoryStore, target: MemoryStore) -> None:
    plan = planned(source, target)
    moved_source(source, target)
    moved_destination(source, target)
    lost_source_of_what_is_equal(source, target)
    result = apply(source, target, plan)
    causes = {image.destination.tag: image.error.cause for image in result.images if image.error is not None}
    assert causes == {
        "new": f"the source has {SAME.digest} now, and had {OTHER.digest} when it was planned",
        "moved": f"the destination has {OTHER.digest} now, and had {OLD.digest} then",
        "same": "the source does not have it, and it was to be unchanged then",
    }


def test_what_cannot_be_asked_about_stops_the_run_with_its_own_code(source: MemoryStore, target: MemoryStore) -> None:
    plan = planned(source, target)
    source.around = failing("resolve", fault("server_error"), 99, ref="new")
    result = apply(source, target, plan)
    assert errors(result) == ["server_error"]
    assert not writes(target)


def test_what_an_earlier_run_wrote_counts_as_done(source: MemoryStore, target: MemoryStore) -> None:
    plan = planned(source, target)
    push(target, "y", NEW, "moved")
    result = apply(source, target, plan)
    assert errors(result) == []
    assert {image.source.tag: str(image.action) for image in result.images}["moved"] == "unchanged"
    assert tagged(target) == AFTER
    again = apply(source, target, plan)
    assert (errors(again), again.changed) == ([], False)


def test_a_run_that_broke_off_before_a_signature_is_completed(source: MemoryStore, target: MemoryStore) -> None:
    source.lists_referrers = target.lists_referrers = True
    signature = images.artifact("signature", subject=OTHER)
    push(source, "x", signature)
    plan = planned(source, target)
    push(target, "y", OTHER, "new")
    assert errors(apply(source, target, plan)) == []
    assert Digest.parse(signature.digest) in target.repository("y").manifests
    push(source, "x", images.artifact("another", subject=OTHER))
    assert errors(apply(source, target, plan)) == ["plan_changed"]


def test_a_destination_that_is_written_during_the_run_is_left(source: MemoryStore, target: MemoryStore) -> None:
    plan = planned(source, target)

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "put_blob":
            push(target, "y", SAME, "moved")
        return nullcontext()

    target.around = around
    result = apply(source, target, plan)
    assert errors(result) == ["plan_changed"]
    assert tagged(target)["moved"] == SAME.digest


def test_a_source_that_moves_during_the_run_is_not_followed(source: MemoryStore, target: MemoryStore) -> None:
    plan = planned(source, target)

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "manifest" and request.ref == NEW.digest:
            source.repository("x").manifests.pop(Digest.parse(NEW.digest), None)
            push(source, "x", SAME, "moved")
        return nullcontext()

    source.around = around
    result = apply(source, target, plan)
    assert errors(result) == ["plan_changed"]
    assert tagged(target) == {"same": SAME.digest, "moved": OLD.digest, "new": OTHER.digest}


@pytest.mark.parametrize(
    "rules",
    [
        [item("a.test/x", "b.test/y:{tag}-a", "b.test/y:{tag}-b", "b.test/z")],
        [item(f"a.test/x@{NEW.digest}", "b.test/y"), item(f"a.test/x:new@{OTHER.digest}", "b.test/y:here")],
        [item("a.test/*", "b.test/all")],
        [item("a.test/x", "b.test/y"), item("b.test/y", "b.test/z")],
        [item("a.test/x:new,moved", "b.test/y:one,two")],
        [item("a.test/x:/^n/", "b.test/y", overwrite="fail"), item("a.test/x:same", "b.test/y")],
    ],
    ids=["names", "digests", "project", "stages", "renamed", "two rules"],
)
def test_every_form_of_a_rule(source: MemoryStore, target: MemoryStore, rules: list[Any]) -> None:
    wanted = MemoryStore("b.test")
    for tag, image in (("same", SAME), ("moved", OLD)):
        push(wanted, "y", image, tag)
    MemoryRun(source, wanted).sync(*rules)
    plan = planned(source, target, *rules)
    result = apply(source, target, plan, *rules)
    assert errors(result) == []
    for path in ("y", "z", "all/x"):
        assert tagged(target, path) == tagged(wanted, path)
    assert target.repository("y").manifests.keys() == wanted.repository("y").manifests.keys()


def test_every_shape_of_an_image(source: MemoryStore, target: MemoryStore) -> None:
    for tag, image in images.gallery("plan").items():
        push(source, "x", image, tag)
    wanted = MemoryStore("b.test")
    MemoryRun(source, wanted).sync(ALL)
    plan = planned(source, target)
    assert errors(apply(source, target, plan)) == []
    assert tagged(target) == tagged(wanted)
    again = apply(source, target, plan)
    assert (errors(again), again.changed) == ([], False)


def test_platforms_are_chosen_as_planned(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", images.multi_arch("planned"), "multi")
    rule = item("a.test/x:multi", "b.test/y", platforms=["linux/arm64"])
    plan = planned(source, target, rule)
    assert errors(apply(source, target, plan, rule)) == []
    push(source, "x", images.multi_arch("other"), "multi")
    assert errors(apply(source, target, plan, rule)) == ["plan_changed"]
