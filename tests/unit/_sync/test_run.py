# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run decides and does over all its phases, on stores in memory."""

from __future__ import annotations

import tracemalloc
from contextlib import AbstractContextManager, nullcontext

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.referrers import fallback_tag
from ansible_collections.imageops.registry.plugins.module_utils._sync.plan import image_task
from helpers.memory_run import MemoryRun, errors, failing, fault, item, only
from helpers.memory_store import MemoryStore, Request, push
from support.scenes import images

WRITES = {"put_blob", "mount_blob", "put_manifest", "delete_tag", "delete_manifest"}


@pytest.fixture
def source() -> MemoryStore:
    return MemoryStore("a.test")


@pytest.fixture
def target() -> MemoryStore:
    return MemoryStore("b.test")


def tagged(store: MemoryStore, path: str) -> dict[str, str]:
    return {tag: str(digest) for tag, digest in store.repository(path).tagged.items()}


def test_every_shape_arrives_and_a_second_run_writes_nothing(source: MemoryStore, target: MemoryStore) -> None:
    gallery = images.gallery("engine")
    for tag, image in gallery.items():
        push(source, "x", image, tag)
    run = MemoryRun(source, target)

    assert run.sync(item("a.test/x", "b.test/y")).changed
    there = tagged(target, "y")
    referrers = there.pop(fallback_tag(Digest.parse(gallery["subject"].digest)))
    assert there == {tag: image.digest for tag, image in gallery.items()}
    index = target.repository("y").manifest(referrers)
    assert [str(child.digest) for child in index.children] == [gallery["artifact"].digest]
    writes = [request for request in target.requests if request.method in WRITES]

    again = run.sync(item("a.test/x", "b.test/y"))
    assert not again.changed
    assert {image.action for image in again.images} == {"unchanged"}
    assert [request for request in target.requests if request.method in WRITES] == writes


def test_what_is_asked_about_in_parts_is_what_is_asked_about_at_once(
    source: MemoryStore, target: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for store, path, count in ((source, "x", 9), (target, "y", 6)):
        for number in range(count):
            push(store, path, images.image(f"parts {number}"), f"v{number}")
    index = images.multi_arch("parts")
    push(source, "x", index, "index")
    push(source, "x", images.image("parts signature"), index.digest.replace(":", "-") + ".sig")

    def planned() -> tuple[list[tuple[str, str]], dict[str, int], dict[str, int]]:
        source.requests.clear()
        target.requests.clear()
        result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"), check_mode=True)
        return [(str(image.destination), image.action) for image in result.images], source.counts(), target.counts()

    at_once = planned()
    monkeypatch.setattr(image_task, "_PART", 2)
    assert planned() == at_once


def test_images_stand_in_the_order_of_their_destinations(source: MemoryStore, target: MemoryStore) -> None:
    for path in ("x", "x-y", "x/y", "x0"):
        for tag in ("1", "1.0", "a_b", "Z"):
            push(source, path, images.image("order"), tag)
    rules = [item(f"a.test/{path}", f"b.test/{path}") for path in ("x0", "x/y", "x", "x-y")]
    found = [str(image.destination) for image in MemoryRun(source, target).sync(*rules).images]
    assert found == sorted(found) and len(found) == 16


def test_little_is_kept_of_a_tag_that_is_unchanged(
    source: MemoryStore, target: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_task, "_PART", 50)
    made = {f"v{number}": images.image("many", annotations={"number": str(number)}) for number in range(500)}

    def peak(tags: int) -> int:
        for store, path in ((source, "x"), (target, "y")):
            for tag in list(made)[len(store.repository(path).tagged) : tags]:
                push(store, path, made[tag], tag)
        tracemalloc.start(1)
        try:
            result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"))
            assert {image.action for image in result.images} == {"unchanged"}
            source.requests.clear()
            target.requests.clear()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = peak(100)
    assert (peak(500) - few) / 400 < 1_400  # bytes, the two lists of the stores' requests included


def test_every_manifest_is_read_once_and_every_blob_sent_once(source: MemoryStore, target: MemoryStore) -> None:
    made = images.sharing_tags("engine", 6)
    for tag, image in made.items():
        push(source, "x", image, tag)

    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"))

    blobs = {digest: blob for image in made.values() for digest, blob in image.all_blobs().items()}
    assert source.counts() == {"manifest": 6, "open_blob": len(blobs), "resolve": 6, "tags": 1}
    assert target.counts() == {"mount_blob": len(blobs), "put_blob": len(blobs), "put_manifest": 6, "tags": 1}
    assert sum(image.bytes for image in result.images) == sum(len(blob.data) for blob in blobs.values())
    assert result.registries["b.test"].bytes_written == sum(image.bytes for image in result.images)


def test_check_mode_writes_nothing_and_counts_the_same(source: MemoryStore, target: MemoryStore) -> None:
    for tag, image in images.sharing_tags("check", 3).items():
        push(source, "x", image, tag)
    run = MemoryRun(source, target)

    checked = run.sync(item("a.test/x", "b.test/y"), check_mode=True)
    assert not [request for request in target.requests if request.method in WRITES]
    done = run.sync(item("a.test/x", "b.test/y"))

    assert checked.changed and done.changed
    assert [(image.action, image.digest, image.bytes, image.blobs_copied) for image in checked.images] == [
        (image.action, image.digest, image.bytes, image.blobs_copied) for image in done.images
    ]


@pytest.mark.parametrize(
    ("overwrite", "action", "status", "moved"),
    [("always", "update", "done", True), ("skip", "skip", "done", False), ("fail", "conflict", "failed", False)],
)
@pytest.mark.parametrize("by_rule", [True, False])
def test_a_tag_that_differs(
    source: MemoryStore, target: MemoryStore, overwrite: str, action: str, status: str, moved: bool, by_rule: bool
) -> None:
    old, new = images.image("old"), images.image("new")
    push(source, "x", new, "1")
    push(target, "y", old, "1")
    options = {"overwrite": overwrite} if not by_rule else {"overwrite": "fail" if overwrite != "fail" else "always"}
    rule = {"overwrite": overwrite} if by_rule else {}

    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y", **rule), **options))

    assert (image.action, image.status) == (action, status)
    assert str(image.previous) == old.digest
    assert tagged(target, "y") == {"1": (new if moved else old).digest}


@pytest.mark.parametrize(
    ("overwrite", "left", "status"), [("always", False, "done"), ("skip", True, "done"), ("fail", True, "failed")]
)
def test_a_tag_that_another_client_writes_during_the_run(
    source: MemoryStore, target: MemoryStore, overwrite: str, left: bool, status: str
) -> None:
    ours, others = images.image("ours"), images.image("others")
    push(source, "x", ours, "1")

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "put_blob":
            push(target, "y", others, "1")
        return nullcontext()

    target.around = around
    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), overwrite=overwrite))

    assert image.status == status
    assert tagged(target, "y") == {"1": (others if left else ours).digest}


def test_a_source_tag_that_moves_after_planning_is_resolved_again(source: MemoryStore, target: MemoryStore) -> None:
    before, after = images.image("before"), images.image("after")
    push(source, "x", before, "1")

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "manifest" and request.ref == before.digest:
            source.repository("x").manifests.pop(Digest.parse(before.digest), None)
            push(source, "x", after, "1")
        return nullcontext()

    source.around = around
    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y")))

    assert (image.status, str(image.digest)) == ("done", after.digest)
    assert image.notes == (f"the source tag moved from {before.digest} to {after.digest} during the run",)
    assert tagged(target, "y") == {"1": after.digest}


def test_platforms_narrow_an_index_to_what_was_chosen(source: MemoryStore, target: MemoryStore) -> None:
    made = images.multi_arch("narrow")
    push(source, "x", made, "1")

    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y", platforms=["linux/arm64"])))

    there = target.repository("y").manifest("1")
    assert [str(child.digest) for child in there.children] == [made.children[1].digest]
    assert str(image.digest) == str(there.digest) != made.digest
    assert set(map(str, target.repository("y").blobs)) == set(made.children[1].all_blobs())
    assert "the digest changes" in "; ".join(image.notes)


def test_a_platform_that_an_index_lacks_is_skipped(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", images.multi_arch("narrow"), "1")
    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y", platforms=["linux/s390x"])))
    assert (image.action, image.status) == ("skip", "done")
    assert not [request for request in target.requests if request.method in WRITES]


# Rounds


@pytest.mark.parametrize(
    ("store", "method"),
    [
        ("a", "resolve"),
        ("a", "manifest"),
        ("a", "open_blob"),
        ("b", "mount_blob"),
        ("b", "put_blob"),
        ("b", "put_manifest"),
    ],
)
def test_what_fails_for_a_passing_reason_is_tried_in_another_round(
    source: MemoryStore, target: MemoryStore, store: str, method: str
) -> None:
    made = images.image("rounds")
    push(source, "x", made, "1")
    {"a": source, "b": target}[store].around = failing(method, fault("server_error"), 1)

    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), attempts=1))

    assert (image.status, image.error) == ("done", None)
    assert (source.rounds, target.rounds) == (1, 1)
    assert tagged(target, "y") == {"1": made.digest}


def test_rounds_are_as_many_as_asked_for(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", images.image("rounds"), "1")
    target.around = failing("put_manifest", fault("server_error"), 99)

    result = MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), retries=2)

    assert (only(result).status, only(result).attempts, errors(result)) == ("failed", 3, ["server_error"])
    assert (source.rounds, target.rounds) == (2, 2)
    assert result.changed  # blobs were written


def test_what_cannot_get_better_fails_once(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", images.image("rounds"), "1")
    push(source, "x", images.image("other"), "2")
    target.around = failing("put_manifest", fault("push_denied", transient=False, status=403), 99, ref="1")

    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"))

    assert [(image.status, image.attempts) for image in result.images] == [("failed", 1), ("done", 1)]
    assert target.rounds == 0


def test_a_round_sends_only_what_the_last_one_did_not(source: MemoryStore, target: MemoryStore) -> None:
    made = images.image("rounds", layers=[images.random_blob(number, 100) for number in range(5)])
    push(source, "x", made, "1")
    target.around = failing("put_blob", fault("server_error"), 1, ref=made.blobs[2].digest)

    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y")))

    assert (image.status, image.attempts) == ("done", 2)
    sent = [request.ref for request in target.requests if request.method == "put_blob"]
    assert sorted(sent) == sorted([*(blob.digest for blob in made.blobs), made.blobs[2].digest])


def test_on_error_stop_begins_nothing_after_a_failure(source: MemoryStore, target: MemoryStore) -> None:
    for tag, image in images.sharing_tags("stop", 5).items():
        push(source, "x", image, tag)
    target.around = failing("put_manifest", fault("server_error"), 99, ref="v0")

    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"), on_error="stop", concurrency=1)

    assert {str(image.destination.tag): image.status for image in result.images}["v0"] == "failed"
    assert [image.status for image in result.images].count("pending") == 4
    assert tagged(target, "y") == {}


def test_two_images_for_one_tag_are_refused_before_anything_is_written(
    source: MemoryStore, target: MemoryStore
) -> None:
    push(source, "x", images.image("one"), "1")
    push(source, "z", images.image("two"), "1")
    push(source, "w", images.image("three"), "1")

    result = MemoryRun(source, target).sync(
        item("a.test/x", "b.test/y"), item("a.test/z", "b.test/y"), item("a.test/w:1", "b.test/w")
    )

    assert sorted(errors(result)) == ["conflict", "conflict"]
    assert not [request for request in target.requests if request.method in WRITES]


def test_stores_are_closed_whatever_happens(source: MemoryStore, target: MemoryStore) -> None:
    source.around = failing("tags", fault("pull_denied", transient=False, status=403), 99)
    MemoryRun(source, target).sync(item("a.test/x", "b.test/y"))
    assert source.closed and target.closed
