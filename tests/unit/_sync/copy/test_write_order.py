# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order an image is written: what is named before what names it, and the tag last."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.refusals import MissingContent
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.referrers import referrers_of
from helpers.memory_run import MemoryRun, errors, failing, fault, item, only
from helpers.memory_store import MemoryStore, Request, push
from support.scenes import images
from support.scenes.images import Image

GALLERY = images.gallery("order")


@pytest.fixture
def source() -> MemoryStore:
    return MemoryStore("a.test")


@pytest.fixture
def target() -> MemoryStore:
    return MemoryStore("b.test")


def written(store: MemoryStore) -> list[str]:
    """What was written, in the order in which it began; of a blob that turned out to be there the mount."""
    return [request.ref for request in store.requests if request.method in ("put_blob", "mount_blob", "put_manifest")]


@pytest.mark.parametrize("shape", GALLERY)
def test_what_is_named_is_written_before_what_names_it(source: MemoryStore, target: MemoryStore, shape: str) -> None:
    push(source, "x", GALLERY[shape], "1")

    assert only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"))).status == "done"

    order = written(target)
    assert order[-1] == "1" or order[-1].startswith("sha256-")
    last = {ref: len(order) - 1 - order[::-1].index(ref) for ref in order}

    def check(image: Image, position: int) -> None:
        assert all(last[blob.digest] < position for blob in image.blobs)
        for child in image.children:
            assert order.index(child.digest) < position
            check(child, order.index(child.digest))

    check(GALLERY[shape], order.index("1"))


def test_a_referrer_is_found_before_its_tag_shows_it(source: MemoryStore, target: MemoryStore) -> None:
    subject = images.image("subject")
    artifact = images.artifact("artifact", subject)
    push(source, "x", subject, "1")
    push(source, "x", artifact, "1.sbom")
    run = MemoryRun(source, target)

    run.sync(item("a.test/x:1", "b.test/y"))
    run.sync(item("a.test/x:1.sbom", "b.test/y"))

    puts = [request.ref for request in target.requests if request.method == "put_manifest"]
    assert puts == ["1", artifact.digest, subject.digest.replace(":", "-"), "1.sbom"]
    found = referrers_of(target.repository("y"), Digest.parse(subject.digest))
    assert [str(each.digest) for each in found] == [artifact.digest]


def test_a_list_of_referrers_is_copied_whole_and_comes_before_the_tag_of_its_image(
    source: MemoryStore, target: MemoryStore
) -> None:
    subject = images.image("subject")
    artifact = images.artifact("artifact", subject)
    listing = images.index([(artifact, {"annotations": {"by": "the source"}})])
    fallback = subject.digest.replace(":", "-")
    for tag, image in (("a.sbom", artifact), (fallback, listing), ("v1", subject)):
        push(source, "x", image, tag)

    MemoryRun(source, target).sync(item("a.test/x", "b.test/y"))

    puts = [request.ref for request in target.requests if request.method == "put_manifest"]
    assert puts.index(subject.digest) < puts.index(fallback) < puts.index("v1")
    assert puts.count(fallback) == 1
    assert str(target.repository("y").tagged[fallback]) == listing.digest


def test_nothing_is_tagged_when_a_child_cannot_be_written(source: MemoryStore, target: MemoryStore) -> None:
    made = images.multi_arch("child")
    push(source, "x", made, "1")
    refused = fault("push_denied", transient=False, status=403)
    target.around = failing("put_manifest", refused, 99, ref=made.children[1].digest)

    result = MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"))

    assert errors(result) == ["push_denied"]
    assert target.repository("y").tagged == {}
    assert set(target.repository("y").manifests) <= {Digest.parse(child.digest) for child in made.children}


def test_a_child_of_two_images_is_written_once_a_repository(source: MemoryStore, target: MemoryStore) -> None:
    child = images.image("child")
    for number in range(3):
        push(source, "x", images.index([child, images.image(f"other {number}")]), str(number))

    MemoryRun(source, target).sync(item("a.test/x", "b.test/y", "b.test/z"))

    puts = [request for request in target.requests if request.method == "put_manifest" and request.ref == child.digest]
    assert sorted(request.name for request in puts) == ["b.test/y", "b.test/z"]


def test_what_a_destination_has_lost_is_looked_for_once_more(source: MemoryStore, target: MemoryStore) -> None:
    made = images.image("lost")
    push(source, "x", made, "1")
    lost = Digest.parse(made.blobs[1].digest)
    refusals = []

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "put_manifest" and not refusals:
            refusals.append(request)
            del target.repository("y").blobs[lost]
            raise MissingContent(code="missing_content", action="write", subject="it", cause="a blob is not there")
        return nullcontext()

    target.around = around
    image = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y")))

    assert (image.status, image.attempts) == ("done", 1)
    assert [request.ref for request in target.requests if request.method == "put_blob"].count(str(lost)) == 2
    assert lost in target.repository("y").blobs


def test_a_destination_that_shows_another_digest_is_an_error(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", images.image("ours"), "1")
    other = images.image("other")
    push(target, "y", other)
    answered = Digest.parse(other.digest)
    repository = target.repository("y")
    put = repository.put_manifest
    repository.put_manifest = lambda manifest, tag=None: put(manifest, tag) and answered  # type: ignore[method-assign]

    result = MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), retries=0)

    assert errors(result) == ["digest_mismatch"]
    assert other.digest in str(only(result).error)
