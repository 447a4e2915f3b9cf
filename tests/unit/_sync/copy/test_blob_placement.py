# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a blob comes to many repositories: sent to the first of a store, mounted in the others, from any source."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from helpers.memory_run import MemoryRun, errors, failing, fault, item, only
from helpers.memory_store import MemoryStore, Request, push
from support.scenes import images
from support.scenes.images import Image

SHARED = [images.random_blob(f"shared {number}", 500) for number in range(3)]


@pytest.fixture
def source() -> MemoryStore:
    return MemoryStore("a.test")


@pytest.fixture
def target() -> MemoryStore:
    return MemoryStore("b.test")


def sharing(name: str) -> Image:
    """An image with the shared layers, and a config of its own."""
    return images.image(name, layers=SHARED)


def items(*names: str) -> list[dict[str, Any]]:
    """A rule for each repository of the source."""
    return [item(f"a.test/{name}:1", f"b.test/{name}") for name in names]


def requests(store: MemoryStore, method: str) -> list[tuple[str, str]]:
    return [(request.name, request.ref) for request in store.requests if request.method == method]


def test_the_first_repository_gets_the_bytes_and_the_others_mount_them(
    source: MemoryStore, target: MemoryStore
) -> None:
    for name in ("one", "two", "three"):
        push(source, name, sharing(name), "1")

    result = MemoryRun(source, target).sync(
        *(item(f"a.test/{name}:1", f"b.test/{name}") for name in ("one", "two", "three"))
    )

    by_name = {image.destination.repository: image for image in result.images}
    assert [by_name[name].blobs_mounted for name in ("one", "two", "three")] == [0, 3, 3]
    assert [by_name[name].blobs_copied for name in ("one", "two", "three")] == [4, 1, 1]
    shared = {blob.digest for blob in SHARED}
    assert {name for name, digest in requests(target, "put_blob") if digest in shared} == {"b.test/one"}
    assert len(requests(source, "open_blob")) == 3 + 3


def test_a_follower_mounts_only_once_the_leader_has_its_manifest(source: MemoryStore, target: MemoryStore) -> None:
    for name in ("one", "two"):
        push(source, name, sharing(name), "1")

    MemoryRun(source, target).sync(*items("one", "two"))

    order = [(request.method, request.name, request.ref) for request in target.requests]
    led = order.index(("put_manifest", "b.test/one", "1"))
    for blob in SHARED:
        assert order.index(("mount_blob", "b.test/two", blob.digest)) > led


def test_a_follower_leads_when_the_leader_fails(source: MemoryStore, target: MemoryStore) -> None:
    for name in ("one", "two", "three"):
        push(source, name, sharing(name), "1")
    denied = fault("push_denied", transient=False, status=403)

    def around(request: Request) -> AbstractContextManager[object]:
        if request.name == "b.test/one" and request.method == "mount_blob":
            raise denied
        return nullcontext()

    target.around = around
    result = MemoryRun(source, target).sync(
        *(item(f"a.test/{name}:1", f"b.test/{name}") for name in ("one", "two", "three"))
    )

    by_name = {image.destination.repository: image for image in result.images}
    assert [by_name[name].status for name in ("one", "two", "three")] == ["failed", "done", "done"]
    assert (by_name["two"].blobs_copied, by_name["three"].blobs_mounted) == (4, 3)


def test_what_is_to_be_sent_is_expected_once_and_what_is_mounted_or_there_is_not(
    source: MemoryStore, target: MemoryStore
) -> None:
    for name in ("one", "two", "three"):
        push(source, name, sharing(name), "1")
    there = SHARED[0]
    target.repository("one").blobs[Digest.parse(there.digest)] = there.data
    run, expected = MemoryRun(source, target), []

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "put_blob":
            expected.append(run.progress.snapshot().bytes_total)
        return nullcontext()

    target.around = around
    result = run.sync(*(item(f"a.test/{name}:1", f"b.test/{name}") for name in ("one", "two", "three")))

    sent = sum(image.bytes for image in result.images)
    each = {digest: blob.data for name in ("one", "two", "three") for digest, blob in sharing(name).all_blobs().items()}
    assert max(expected) <= sum(map(len, each.values()))
    counts = run.progress.snapshot()
    assert (counts.bytes, counts.bytes_total) == (sent, sent)
    assert (counts.images_to_copy, counts.images_read) == (3, 3)


def test_within_one_store_nothing_is_read(source: MemoryStore) -> None:
    made = images.multi_arch("within")
    push(source, "x", made, "1")

    result = MemoryRun(source).sync(item("a.test/x:1", "a.test/y", "a.test/z"))

    assert {(image.status, image.bytes, image.blobs_mounted) for image in result.images} == {
        ("done", 0, len(made.all_blobs()))
    }
    assert not requests(source, "open_blob")
    assert not requests(source, "put_blob")


def test_what_is_there_already_is_neither_read_nor_sent(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", sharing("x"), "1")
    target.repository("y").blobs.update((Digest.parse(blob.digest), blob.data) for blob in SHARED)

    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y")))

    assert (image.blobs_present, image.blobs_copied) == (3, 1)
    assert len(requests(source, "open_blob")) == 1


def test_a_blob_that_its_source_lost_comes_from_another_source(source: MemoryStore, target: MemoryStore) -> None:
    other = MemoryStore("c.test")
    lost = SHARED[1]
    push(source, "x", sharing("x"), "1")
    push(other, "x", sharing("other"), "1")
    del source.repository("x").blobs[Digest.parse(lost.digest)]

    result = MemoryRun(source, other, target).sync(item("a.test/x:1", "b.test/y:1"), item("c.test/x:1", "b.test/y:2"))

    assert {image.status for image in result.images} == {"done"}, errors(result)
    assert target.repository("y").blobs[Digest.parse(lost.digest)] == lost.data


def test_a_blob_that_no_source_has_fails_only_the_images_that_name_it(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", sharing("x"), "broken")
    push(source, "x", images.image("whole"), "whole")
    del source.repository("x").blobs[Digest.parse(SHARED[1].digest)]

    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"))

    assert {str(image.destination.tag): image.status for image in result.images} == {
        "broken": "failed",
        "whole": "done",
    }
    assert errors(result) == ["source_incomplete"]


def test_a_manifest_that_lies_about_a_size_spoils_no_other_image(source: MemoryStore, target: MemoryStore) -> None:
    blob = SHARED[0]
    honest = images.image("honest", layers=[blob])
    manifest = honest.manifest.replace(b'"size":500', b'"size":501')
    lying = Image(manifest, honest.media_type, honest.blobs)
    push(source, "x", lying, "lying")
    push(source, "x", honest, "honest")

    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"), retries=0)

    assert {str(image.destination.tag): image.status for image in result.images} == {
        "honest": "done",
        "lying": "failed",
    }
    assert errors(result) == ["size_mismatch"]


@pytest.mark.parametrize("status", [401, 403])
def test_in_check_mode_a_blob_that_may_not_be_looked_for_counts_as_absent(
    source: MemoryStore, target: MemoryStore, status: int
) -> None:
    push(source, "x", sharing("x"), "1")
    target.around = failing("has_blob", fault("pull_denied", transient=False, status=status), 99)

    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), check_mode=True))

    assert (image.status, image.blobs_copied) == ("done", 4)


def test_check_mode_tells_what_would_be_mounted(source: MemoryStore, target: MemoryStore) -> None:
    for name in ("one", "two"):
        push(source, name, sharing(name), "1")

    checked = MemoryRun(source, target).sync(*items("one", "two"), check_mode=True)
    done = MemoryRun(source, target).sync(*items("one", "two"))

    assert [(image.blobs_copied, image.blobs_mounted) for image in checked.images] == [
        (image.blobs_copied, image.blobs_mounted) for image in done.images
    ]
