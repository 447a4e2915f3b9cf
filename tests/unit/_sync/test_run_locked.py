# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that copy what a lock has, whatever tags name, and what of a run is put into a lock; on stores in memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest, Reference
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import LockMissing
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.arrivals import arrived
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.lock import Lock, LockUse
from helpers.memory_run import MemoryRun, errors, failing, fault, item, only
from helpers.memory_store import MemoryStore, push
from support.scenes import images

OLD, NEW, OTHER = (images.image(name) for name in ("old", "new", "other"))
WRITES = {"put_blob", "mount_blob", "put_manifest", "delete_tag", "delete_manifest"}
ALL = item("a.test/x", "b.test/y")


@pytest.fixture
def source() -> MemoryStore:
    """The tag ``1`` has moved from what is locked, and ``2`` was added since."""
    store = MemoryStore("a.test")
    push(store, "x", OLD)
    push(store, "x", NEW, "1")
    push(store, "x", OTHER, "2")
    return store


@pytest.fixture
def target() -> MemoryStore:
    return MemoryStore("b.test")


def lock(missing: str = "skip", **digests: str) -> LockUse:
    entries = {Reference("a.test", "x", tag.lstrip("v")): Digest.parse(digest) for tag, digest in digests.items()}
    return LockUse(Lock(entries), LockMissing(missing))


LOCKED = lock(v1=OLD.digest)


def tagged(store: MemoryStore, path: str = "y") -> dict[str, str]:
    return {tag: str(digest) for tag, digest in store.repository(path).tagged.items()}


def told(result: Any) -> list[tuple[str | None, str, str]]:
    return [(image.source.tag, str(image.action), str(image.status)) for image in result.images]


def locked(result: Any) -> dict[str, str]:
    return {str(ref): str(digest) for ref, digest in arrived(result.images).items()}


def test_the_locked_digest_is_copied_and_a_tag_without_one_is_counted(source: MemoryStore, target: MemoryStore) -> None:
    result = MemoryRun(source, target).sync(ALL, lock=LOCKED)
    assert told(result) == [("1", "create", "done"), ("2", "skip", "done")]
    assert tagged(target) == {"1": OLD.digest}
    assert result.not_locked == 1


def test_a_tag_without_a_digest_fails_where_that_is_asked_for(source: MemoryStore, target: MemoryStore) -> None:
    result = MemoryRun(source, target).sync(ALL, lock=lock("fail", v1=OLD.digest))
    assert errors(result) == ["lock_missing"]
    assert tagged(target) == {"1": OLD.digest}


@pytest.mark.parametrize("missing", ["skip", "fail"])
def test_a_named_tag_without_a_digest(source: MemoryStore, target: MemoryStore, missing: str) -> None:
    image = only(MemoryRun(source, target).sync(item("a.test/x:2", "b.test/y"), lock=lock(missing, v1=OLD.digest)))
    assert str(image.status) == {"skip": "done", "fail": "failed"}[missing]
    assert tagged(target) == {}


def test_a_locked_tag_that_the_source_has_no_more_is_copied(source: MemoryStore, target: MemoryStore) -> None:
    del source.repository("x").tagged["1"]
    MemoryRun(source, target).sync(ALL, lock=LOCKED)
    assert tagged(target) == {"1": OLD.digest}


def test_a_source_without_any_tag_is_copied_by_its_lock(source: MemoryStore, target: MemoryStore) -> None:
    source.repository("x").tagged.clear()
    assert told(MemoryRun(source, target).sync(ALL, lock=LOCKED)) == [("1", "create", "done")]


def test_a_locked_digest_that_is_gone(source: MemoryStore, target: MemoryStore) -> None:
    del source.repository("x").manifests[Digest.parse(OLD.digest)]
    result = MemoryRun(source, target).sync(ALL, lock=LOCKED)
    assert errors(result) == ["source_gone"]
    assert ["take the entry out of the lock" in image.error.hint for image in result.images if image.error] == [True]
    assert tagged(target) == {}


@pytest.mark.parametrize(
    ("overwrite", "action", "moved"), [("skip", "skip", False), ("always", "update", True), ("fail", "conflict", False)]
)
def test_a_destination_with_another_digest(
    source: MemoryStore, target: MemoryStore, overwrite: str, action: str, moved: bool
) -> None:
    push(target, "y", OTHER, "1")
    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), lock=LOCKED, overwrite=overwrite))
    assert str(image.action) == action
    assert tagged(target) == {"1": (OLD if moved else OTHER).digest}


def test_new_tags_do_not_push_out_the_locked_ones(source: MemoryStore, target: MemoryStore) -> None:
    """Of the tags now, the newest is 2; of the locked ones it is 1."""
    MemoryRun(source, target).sync(item("a.test/x", "b.test/y", tags={"newest": 1}), lock=LOCKED)
    assert tagged(target) == {"1": OLD.digest}


def test_a_tag_that_never_moves_is_compared_with_the_lock(source: MemoryStore, target: MemoryStore) -> None:
    push(target, "y", OTHER, "1")
    rule = item("a.test/x:1", "b.test/y", tags={"immutable": ".*"})
    image = only(MemoryRun(source, target).sync(rule, lock=LOCKED, overwrite="always"))
    assert (str(image.action), tagged(target)) == ("update", {"1": OLD.digest})


def test_a_digest_needs_no_lock(source: MemoryStore, target: MemoryStore) -> None:
    rule = item(f"a.test/x@{NEW.digest}", "b.test/y:1")
    assert told(MemoryRun(source, target).sync(rule, lock=LOCKED)) == [(None, "create", "done")]


def test_what_an_earlier_stage_writes_follows_the_lock(source: MemoryStore, target: MemoryStore) -> None:
    stages = [ALL, item("b.test/y", "b.test/z")]
    result = MemoryRun(source, target).sync(*stages, lock=LOCKED)
    assert tagged(target, "z") == {"1": OLD.digest}
    assert result.not_locked == 1


def test_platforms_are_chosen_of_the_locked_image(source: MemoryStore, target: MemoryStore) -> None:
    made = images.multi_arch("locked")
    push(source, "x", made)
    rule = item("a.test/x:1", "b.test/y", platforms=["linux/arm64"])
    MemoryRun(source, target).sync(rule, lock=lock(v1=made.digest))
    there = target.repository("y").manifest("1")
    assert [str(child.digest) for child in there.children] == [made.children[1].digest]


# What goes into a lock


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_has_arrived_is_locked(source: MemoryStore, target: MemoryStore, check_mode: bool) -> None:
    result = MemoryRun(source, target).sync(ALL, check_mode=check_mode)
    assert locked(result) == {"a.test/x:1": NEW.digest, "a.test/x:2": OTHER.digest}
    again = MemoryRun(source, target).sync(ALL, check_mode=check_mode)
    assert locked(again) == locked(result)


def test_what_has_failed_is_not_locked(source: MemoryStore, target: MemoryStore) -> None:
    target.around = failing("put_manifest", fault("push_denied", transient=False, status=403), 1, ref="1")
    assert locked(MemoryRun(source, target).sync(ALL)) == {"a.test/x:2": OTHER.digest}


def test_a_tag_that_is_at_one_of_two_destinations_is_not_locked(source: MemoryStore, target: MemoryStore) -> None:
    push(target, "z", OLD, "1")
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", "b.test/z"), overwrite="skip")
    assert locked(result) == {"a.test/x:2": OTHER.digest}


def test_a_choice_of_platforms_locks_the_whole_image(source: MemoryStore, target: MemoryStore) -> None:
    made = images.multi_arch("locked")
    push(source, "x", made, "1")
    rules = [item("a.test/x:1", "b.test/y", platforms=["linux/arm64"]), item("a.test/x:1", "b.test/z")]
    assert locked(MemoryRun(source, target).sync(*rules)) == {"a.test/x:1": made.digest}


def test_an_image_for_no_chosen_platform_does_not_stand_in_the_way(source: MemoryStore, target: MemoryStore) -> None:
    rules = [item("a.test/x:1", "b.test/y", platforms=["linux/s390x"]), item("a.test/x:1", "b.test/z")]
    assert locked(MemoryRun(source, target).sync(*rules)) == {"a.test/x:1": NEW.digest}


def test_digests_and_later_stages_are_not_locked(source: MemoryStore, target: MemoryStore) -> None:
    rules = [item(f"a.test/x@{NEW.digest}", "b.test/y:1"), item("b.test/y", "b.test/z")]
    assert locked(MemoryRun(source, target).sync(*rules)) == {}


def test_nothing_is_asked_about_what_is_not_in_the_lock(source: MemoryStore, target: MemoryStore) -> None:
    MemoryRun(source, target).sync(ALL, lock=LOCKED, check_mode=True)
    assert "2" not in [request.ref for request in [*source.requests, *target.requests]]
    assert not [request for request in target.requests if request.method in WRITES]


def test_prune_leaves_what_the_lock_brings(source: MemoryStore, target: MemoryStore) -> None:
    """The tag ``1`` is gone at the source, and at the destination it is what the lock has."""
    del source.repository("x").tagged["1"]
    push(target, "y", OLD, "1")
    push(target, "y", OTHER, "2", "3")
    rule = item("a.test/x", "b.test/y", prune={"max_share": 50})
    result = MemoryRun(source, target).sync(rule, lock=lock(v1=OLD.digest, v2=OTHER.digest))
    assert {image.destination.tag: str(image.action) for image in result.images} == {
        "1": "unchanged",
        "2": "unchanged",
        "3": "delete",
    }
    assert set(tagged(target)) == {"1", "2"}
