# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule with ``prune`` deletes and what it never does, situation by situation, on stores in memory."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import Overwrite
from ansible_collections.imageops.registry.plugins.module_utils._sync.results import message, report
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.shard import Shard
from helpers.memory_run import MemoryRun, failing, fault, item
from helpers.memory_store import MemoryStore, Request, push
from helpers.pruned import MANY, deleted, scene
from support.scenes import images


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("rule", "gone", "goes"),
    [
        ({"prune": True}, ["1", "2"], {"1", "2"}),
        ({}, ["1", "2"], set()),
        ({"prune": False}, ["1", "2"], set()),
        ({"prune": {"keep": "1"}}, ["1", "2"], {"2"}),
        ({"prune": {"keep": ["[0-9]+"]}}, ["1", "2"], set()),
        ({"prune": True, "tags": {"include": "2.*"}}, ["1", "2"], {"2"}),
        ({"prune": True, "tags": {"exclude": "2"}}, ["1", "2"], {"1"}),
        ({"prune": True, "tags": {"semver": ">=2"}}, ["1", "2"], {"2"}),
        ({"prune": True, "tags": {"newest": 15}}, ["1", "2"], {"1", "2"}),
        ({"prune": True, "tags": {"newest": 18}}, [], set()),
        ({"prune": {"outdated": True}, "tags": {"newest": 18}}, [], {"1", "2"}),
        ({"prune": {"outdated": True}}, [], set()),
    ],
)
def test_what_goes(rule: dict[str, Any], gone: list[str], goes: set[str], check_mode: bool) -> None:
    source, target = scene([tag for tag in MANY if tag not in gone], MANY)
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", **rule), check_mode=check_mode)
    assert deleted(result) == goes
    assert result.changed == bool(goes)
    assert set(target.repository("y").tagged) == set(MANY) - (set() if check_mode else goes)


@pytest.mark.parametrize(
    ("rule", "others"),
    [
        pytest.param({"destination": "b.test/y:{tag}-m"}, [], id="a tag that the template does not make"),
        pytest.param({}, [item("c.test/z:1", "b.test/y")], id="a tag that another rule writes"),
        pytest.param({}, [item("c.test/z:9,8", "b.test/y:1,8")], id="one that another rule writes under another name"),
        pytest.param({}, [item("b.test/y:1", "c.test/copy")], id="a tag that another rule reads"),
        pytest.param({}, [item("a.test/x:/./", "b.test/y")], id="one that another rule may have brought"),
    ],
)
def test_what_never_goes(rule: dict[str, Any], others: list[dict[str, Any]]) -> None:
    source, target = scene(MANY[1:], MANY)
    third = MemoryStore("c.test")
    for tag in ("1", "8", "9"):
        push(third, "z", images.image(f"third {tag}"), tag)
    one = {**item("a.test/x", "b.test/y", prune=True), **rule}
    result = MemoryRun(source, target, third).sync(one, *others)
    assert not deleted(result)
    assert "1" in target.repository("y").tagged


def test_a_tag_goes_that_two_rules_of_one_source_would_both_delete() -> None:
    source, target = scene(MANY[1:], MANY)
    rules = [item("a.test/x", "b.test/y", prune=True), item("a.test/x:/./", "b.test/y", prune=True)]
    assert deleted(MemoryRun(source, target).sync(*rules)) == {"1"}


def test_a_tag_that_a_template_makes_goes_with_its_source() -> None:
    source, target = scene(["2"], ["1", "1-m", "2-m", "m-1"])
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y:{tag}-m", prune=True))
    assert deleted(result) == {"1-m"}
    (gone,) = [image for image in result.images if image.action.value == "delete"]
    assert (str(gone.source), str(gone.destination)) == ("a.test/x:1", "b.test/y:1-m")


@pytest.mark.parametrize(
    ("there", "kept", "prune", "goes"),
    [
        (1, 0, {}, 0),  # the last tag
        (2, 0, {"max_share": 100}, 0),
        (2, 1, {}, 1),  # one may always go
        (2, 1, {"max_share": 0}, 1),
        (19, 17, {}, 0),  # 10 percent of 19 is 1
        (20, 18, {}, 2),
        (20, 17, {}, 0),
        (20, 17, {"max_share": 15}, 3),
        (20, 18, {"max_total": 1}, 0),
        (20, 18, {"max_total": 2}, 2),
        (60, 9, {"max_share": 100}, 0),  # 51 of 60 is a share that may go, and more than 50 in all
        (60, 9, {"max_share": 100, "max_total": 51}, 51),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_how_many_may_go(there: int, kept: int, prune: dict[str, Any], goes: int, check_mode: bool) -> None:
    tags = [f"v{number}" for number in range(there)]
    source, target = scene([*tags[:kept], *([] if kept else ["other"])], tags)
    rule = item("a.test/x:/^v/" if kept else "a.test/x", "b.test/y", prune=prune or True)
    if not kept:
        rule["tags"] = {"include": "v.*"}
    result = MemoryRun(source, target).sync(rule, check_mode=check_mode)
    assert len(deleted(result)) == goes
    assert len(target.repository("y").tagged) == there - (0 if check_mode else goes)
    if not goes:
        refused = [image for image in result.images if image.error is not None]
        assert len(refused) == there - kept
        assert {image.error.code for image in refused if image.error} == {"prune_limit"}
        assert "delete_tag" not in target.counts() and "delete_manifest" not in target.counts()
        assert report.failed_rules(result) == []
        assert "not deleted: b.test/y:v" in message.failure_message(result, check_mode=check_mode)


def test_too_many_in_one_repository_are_no_deletion_in_any() -> None:
    source, target = scene(MANY[1:], MANY)
    push(source, "few", images.image("few"), "1")
    for tag in ("1", "2", "3"):
        push(target, "few", images.image("few"), tag)
    result = MemoryRun(source, target).sync(
        item("a.test/x", "b.test/y", prune=True), item("a.test/few", "b.test/few", prune=True)
    )
    assert not deleted(result)
    assert {str(image.destination): image.error.code for image in result.images if image.error} == dict.fromkeys(
        ("b.test/y:1", "b.test/few:2", "b.test/few:3"), "prune_limit"
    )
    assert "max_share" in str(result.images[0].error or result.images[1].error)


def test_a_tag_that_the_run_brings_counts_as_one_that_is_left() -> None:
    source, target = scene(["2"], ["1"])
    assert deleted(MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))) == {"1"}
    assert set(target.repository("y").tagged) == {"2"}


def failing_put(store: MemoryStore) -> None:
    store.around = failing("put_manifest", fault("push_denied", transient=False, status=403), 99, "new")


def failing_source(store: MemoryStore) -> None:
    store.around = failing("resolve", fault("server_error", transient=False), 99, "3")


@pytest.mark.parametrize("check_mode", [False, True])
def test_nothing_goes_while_an_image_of_the_run_fails(check_mode: bool) -> None:
    source, target = scene(MANY[1:], MANY)
    failing_source(source)
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True), check_mode=check_mode)
    assert not deleted(result) and set(target.repository("y").tagged) == set(MANY)
    (kept,) = [image for image in result.images if image.action.value == "delete"]
    assert kept.status.value == "pending"
    assert "nothing is deleted in this run: not every image" in " ".join(result.not_taken)


def test_nothing_goes_when_an_image_could_not_be_written() -> None:
    source, target = scene([*MANY[1:], "new"], MANY)
    failing_put(target)
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))
    assert not deleted(result) and set(target.repository("y").tagged) == set(MANY)


def test_nothing_goes_anywhere_when_another_rule_of_the_task_fails() -> None:
    source, target = scene(MANY[1:], MANY)
    result = MemoryRun(source, target).sync(
        item("a.test/x", "b.test/y", prune=True), item("a.test/missing:1", "b.test/other")
    )
    assert not deleted(result) and set(target.repository("y").tagged) == set(MANY)


def test_nothing_goes_where_the_run_is_not_shown_what_is_there() -> None:
    source, target = scene(MANY[1:], MANY)
    push(target, "hidden", images.image("hidden"), "1")
    refuse = fault("pull_denied", transient=False, status=403)
    target.around = lambda request: (
        failing("resolve", refuse, 1)(request) if "hidden" in request.name else nullcontext()
    )
    rules = [item("a.test/x", "b.test/y", prune=True), item("a.test/x:2", "b.test/hidden")]
    result = MemoryRun(source, target).sync(*rules, check_mode=True)
    assert not deleted(result)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("side", ["source", "target"])
def test_nothing_goes_after_a_list_that_was_read_in_part(side: str, check_mode: bool) -> None:
    source, target = scene(MANY[1:], MANY)
    lists = {"source": source.repository("x"), "target": target.repository("y")}
    lists[side].tags_are_whole = False
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True), check_mode=check_mode)
    assert not deleted(result) and set(target.repository("y").tagged) == set(MANY)
    assert "could be read only in part" in " ".join(result.not_taken)


@pytest.mark.parametrize("check_mode", [False, True])
def test_nothing_goes_anywhere_after_an_empty_list(check_mode: bool) -> None:
    source, target = scene(MANY[1:], MANY)
    source.repository("x2")
    push(target, "m/x", images.image(1), *MANY)
    push(target, "m/x2", images.image(1), *MANY)
    result = MemoryRun(source, target).sync(item("a.test/*", "b.test/m", prune=True), check_mode=check_mode)
    assert not deleted(result)
    assert set(target.repository("m/x2").tagged) == set(target.repository("m/x").tagged) == set(MANY)
    assert "the list of the tags of a.test/x2 is empty" in " ".join(result.not_taken)


def test_nothing_goes_after_a_list_of_the_destination_that_cannot_be_read() -> None:
    source, target = scene(MANY[1:], MANY)
    push(target, "other", images.image(1), *MANY)
    refuse = fault("pull_denied", transient=False, status=403)
    target.around = lambda request: failing("tags", refuse, 9)(request) if "other" in request.name else nullcontext()
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", "b.test/other", prune=True))
    assert not deleted(result)
    assert "the tags of b.test/other could not be listed" in " ".join(result.not_taken)


def test_nothing_goes_in_a_run_that_is_stopped() -> None:
    source, target = scene([*MANY[1:], "new"], MANY)
    run = MemoryRun(source, target)

    def stop(request: Request) -> AbstractContextManager[object]:
        if request.method == "put_manifest" and request.ref == "new":
            run.stop.set()
        return nullcontext()

    target.around = stop
    result = run.sync(item("a.test/x", "b.test/y", prune=True))
    assert result.interrupted and not deleted(result)
    assert set(MANY) <= set(target.repository("y").tagged)


# -- refused before anything is asked ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([item("a.test/x:1", "b.test/y", prune=True)], "names what is taken"),
        ([item("a.test/x", "b.test/y:latest", prune=True)], "one tag stands for any"),
        ([item("a.test/x", "a.test/x:{tag}-m", prune=True)], "is its source as well"),
        ([item("a.test/x", "b.test/y", prune=True, overwrite="skip")], "overwrite is skip"),
        ([item("a.test/x", "b.test/y", prune=True, overwrite="fail")], "overwrite is fail"),
        (
            [item("a.test/x", "b.test/y", prune=True), item("c.test/z", "b.test/y")],
            'writes "c.test/z" to b.test/y',
        ),
        ([item("a.test/x", "b.test/y", prune={"max_share": 101})], "from 0 to 100"),
        ([item("a.test/x", "b.test/y", prune={"keeep": "1"})], "did you mean keep?"),
        ([item("a.test/x", "b.test/y", prune="sometimes")], "neither true nor false"),
        ([item("a.test/x", "b.test/y", prune={"repositories": True})], "for all repositories of one project"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(rules: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(InputError, match=re.escape(why)):
        MemoryRun().sync(*rules)


def test_the_overwrite_of_the_task_counts_as_well() -> None:
    with pytest.raises(InputError, match="overwrite is skip"):
        MemoryRun().sync(item("a.test/x", "b.test/y", prune=True), overwrite=Overwrite.SKIP)


def test_a_share_of_the_images_deletes_nothing() -> None:
    with pytest.raises(InputError, match="a shard does not know"):
        MemoryRun().sync(item("a.test/x", "b.test/y", prune=True), shard=Shard(1, 2))
