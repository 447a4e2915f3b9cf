# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every store does: the suite that all implementations of ``Repository`` pass.

A test module takes all of it (``from support.scenes.repository_suite import *``) and has a fixture ``store``, and where
it has no conftest with them ``fresh`` and ``repository``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ContentError,
    ImageOpsError,
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import Manifest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.referrers import referrers_of
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Repository

from ..clients.collection_client import BLOCK, Opener, blob_descriptor, digests, manifest_of
from . import images
from .images import Blob, Image
from .tested_stores import TestedStore

Fresh = Callable[[], str]
Gallery = Callable[[TestedStore], dict[str, Image]]
GALLERY = "tests/gallery"
ABSENT = "sha256:" + "0" * 64
LARGE = 3 * 1024 * 1024 + 17


@pytest.fixture(scope="session")
def gallery() -> Gallery:
    """Gives an image of every shape, pushed once into a repository of each store that tests only read."""
    filled: dict[str, dict[str, Image]] = {}

    def fill(store: TestedStore) -> dict[str, Image]:
        if store.name not in filled:
            filled[store.name] = images.gallery(f"gallery of {store.name}")
            for tag, image in filled[store.name].items():
                store.push(GALLERY, image, tag)
        return filled[store.name]

    return fill


def read(repository: Repository, blob: Blob, offset: int = 0) -> bytes:
    reader = repository.open_blob(blob_descriptor(blob), offset)
    try:
        return b"".join(reader)
    finally:
        reader.close()


def wrong_content(blob: Blob) -> ContentError:
    return ContentError(code="digest_mismatch", action="read", subject=blob.digest, cause="a test says so")


# Tags


def test_a_repository_that_does_not_exist_has_no_tags(store: TestedStore, repository: str) -> None:
    assert store.repository(repository).tags() == []


def test_every_tag_is_listed(store: TestedStore, repository: str) -> None:
    tags = [f"v1.{number}" for number in range(12)]
    store.push(repository, images.image(repository), *tags, "latest")
    assert sorted(store.repository(repository).tags()) == sorted([*tags, "latest"])


def test_what_has_no_tag_is_not_listed(store: TestedStore, repository: str) -> None:
    store.push(repository, images.multi_arch(repository), "tag")
    assert store.repository(repository).tags() == ["tag"]


# Resolving


@pytest.mark.parametrize("reference", ["no-such-tag", ABSENT])
def test_what_is_not_there_resolves_to_nothing(store: TestedStore, fresh: Fresh, reference: str) -> None:
    empty, filled = fresh(), fresh()
    store.push(filled, images.image(filled), "tag")
    assert store.repository(empty).resolve(reference) is None
    assert store.repository(filled).resolve(reference) is None


def test_tags_and_digests_resolve(store: TestedStore, gallery: Gallery) -> None:
    for tag, image in gallery(store).items():
        for reference in (tag, image.digest):
            found = store.repository(GALLERY).resolve(reference)
            assert found is not None, tag
            assert (str(found.digest), found.media_type) == (image.digest, image.media_type)
            assert found.size == len(image.manifest)


# Reading manifests


def test_manifests_of_every_shape_are_read_byte_for_byte(store: TestedStore, gallery: Gallery) -> None:
    for tag, image in gallery(store).items():
        for reference in (tag, image.digest):
            found = store.repository(GALLERY).manifest(reference)
            assert (found.raw, found.media_type, str(found.digest)) == (image.manifest, image.media_type, image.digest)
        assert digests(found.children) == [child.digest for child in image.children], tag
        assert set(digests(found.blobs)) == {blob.digest for blob in image.blobs}, tag


@pytest.mark.parametrize("reference", ["no-such-tag", ABSENT])
def test_a_manifest_that_is_not_there_is_an_error(store: TestedStore, repository: str, reference: str) -> None:
    store.push(repository, images.image(repository), "tag")
    with pytest.raises(RegistryError) as caught:
        store.repository(repository).manifest(reference)
    assert (caught.value.code, caught.value.status, caught.value.transient) == ("tag_not_found", 404, False)
    assert repository in str(caught.value)
    assert reference in str(caught.value)


# Reading blobs


def test_blobs_are_looked_for(store: TestedStore, fresh: Fresh) -> None:
    here, elsewhere = fresh(), fresh()
    blob = images.random_blob(here, 1000)
    assert not store.repository(here).has_blob(blob_descriptor(blob))
    store.push_blob(here, blob)
    assert store.repository(here).has_blob(blob_descriptor(blob))
    if store.scoped_blobs:
        assert not store.repository(elsewhere).has_blob(blob_descriptor(blob))


@pytest.mark.parametrize("offset", [0, 1, BLOCK, LARGE // 2, LARGE - 1])
def test_blobs_are_read_from_any_byte_on(store: TestedStore, repository: str, offset: int) -> None:
    blob = images.random_blob(repository, LARGE)
    store.push_blob(repository, blob)
    assert read(store.repository(repository), blob, offset) == blob.data[offset:]


def test_blobs_come_in_small_blocks(store: TestedStore, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    store.push_blob(repository, blob)
    reader = store.repository(repository).open_blob(blob_descriptor(blob))
    sizes = [len(block) for block in reader]
    reader.close()
    reader.close()
    assert sum(sizes) == LARGE
    assert min(sizes) > 0
    assert max(sizes) <= BLOCK


def test_a_blob_of_no_bytes_is_read(store: TestedStore, repository: str) -> None:
    store.push_blob(repository, images.empty_layer())
    assert read(store.repository(repository), images.empty_layer()) == b""


def test_a_blob_that_is_not_there_is_an_error(store: TestedStore, repository: str) -> None:
    blob = images.random_blob(repository, 1000)
    with pytest.raises(RegistryError) as caught:
        read(store.repository(repository), blob)
    assert caught.value.status == 404
    assert not caught.value.transient
    assert blob.digest in str(caught.value)


def test_reading_may_be_given_up(store: TestedStore, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    store.push_blob(repository, blob)
    for _ in range(3):
        reader = store.repository(repository).open_blob(blob_descriptor(blob))
        assert next(iter(reader))
        reader.close()
    assert read(store.repository(repository), blob) == blob.data


# Writing blobs


@pytest.mark.parametrize("size", [0, 1, BLOCK, LARGE])
def test_blobs_arrive(store: TestedStore, repository: str, size: int) -> None:
    blob = images.random_blob(repository, size)
    opener = Opener(blob.data)
    store.repository(repository).put_blob(blob_descriptor(blob), opener)
    assert store.blob(repository, blob.digest) == blob.data
    assert opener.offsets == [0]
    assert all(reader.closed for reader in opener.readers)


def test_a_blob_may_be_written_twice(store: TestedStore, repository: str) -> None:
    blob = images.random_blob(repository, 1000)
    for _ in range(2):
        store.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data))
    assert store.blob(repository, blob.digest) == blob.data


def test_a_reader_that_finds_bad_content_breaks_the_upload_off(store: TestedStore, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    error = wrong_content(blob)
    opener = Opener(blob.data, error)
    with pytest.raises(ContentError) as caught:
        store.repository(repository).put_blob(blob_descriptor(blob), opener)
    assert caught.value is error
    assert opener.offsets == [0]
    assert opener.readers[0].closed
    assert store.blob(repository, blob.digest) is None


@pytest.mark.parametrize("change", [-1, 1, -BLOCK, BLOCK])
def test_a_reader_of_another_length_breaks_the_upload_off(store: TestedStore, repository: str, change: int) -> None:
    blob = images.random_blob(repository, 5 * BLOCK)
    data = blob.data[:change] if change < 0 else blob.data + bytes(change)
    with pytest.raises(ContentError) as caught:
        store.repository(repository).put_blob(blob_descriptor(blob), Opener(data))
    assert caught.value.code == "size_mismatch"
    # What is too long may have begun with the whole blob.
    assert store.blob(repository, blob.digest) in (None, *([blob.data] if change > 0 else []))


def test_bytes_that_are_not_those_of_the_digest_do_not_arrive(store: TestedStore, repository: str) -> None:
    blob = images.random_blob(repository, 1000)
    with pytest.raises(ImageOpsError):
        store.repository(repository).put_blob(blob_descriptor(blob), Opener(bytes(1000)))
    assert store.blob(repository, blob.digest) is None


def test_uploads_work_again_after_one_was_broken_off(store: TestedStore, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    for _ in range(3):
        with pytest.raises(ContentError):
            store.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data, wrong_content(blob)))
    store.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data))
    assert store.blob(repository, blob.digest) == blob.data


def test_many_threads_write_and_read_at_once(store: TestedStore, repository: str) -> None:
    there = store.repository(repository)
    blobs = [images.random_blob(f"{repository} {number}", 200_000 + number) for number in range(16)]

    def pass_through(blob: Blob) -> bytes:
        upload = there.mount_blob(blob_descriptor(blob))
        there.put_blob(blob_descriptor(blob), Opener(blob.data), upload)
        return read(there, blob)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(pass_through, blobs)) == [blob.data for blob in blobs]


# Mounting blobs


def test_a_blob_that_is_there_needs_no_upload(store: TestedStore, repository: str) -> None:
    blob = images.random_blob(repository, 1000)
    store.push_blob(repository, blob)
    assert store.repository(repository).mount_blob(blob_descriptor(blob)) is None


def test_a_blob_that_is_nowhere_gives_an_upload(store: TestedStore, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    upload = store.repository(repository).mount_blob(blob_descriptor(blob))
    assert upload is not None
    store.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data), upload)
    assert store.blob(repository, blob.digest) == blob.data


def test_a_blob_of_another_repository_is_mounted(store: TestedStore, fresh: Fresh) -> None:
    here, there = fresh(), fresh()
    blob = images.random_blob(here, 1000)
    store.push_blob(there, blob)
    assert store.repository(here).mount_blob(blob_descriptor(blob), there) is None
    assert store.blob(here, blob.digest) == blob.data


def test_a_source_that_lacks_the_blob_gives_an_upload(store: TestedStore, fresh: Fresh) -> None:
    here, there = fresh(), fresh()
    blob = images.random_blob(here, 1000)
    upload = store.repository(here).mount_blob(blob_descriptor(blob), there)
    assert upload is not None
    store.repository(here).put_blob(blob_descriptor(blob), Opener(blob.data), upload)
    assert store.blob(here, blob.digest) == blob.data


# Writing manifests


def test_a_manifest_is_put_under_a_tag(store: TestedStore, repository: str) -> None:
    image = images.image(repository)
    push_blobs(store, repository, image)
    assert str(store.repository(repository).put_manifest(manifest_of(image), "tag")) == image.digest
    assert store.manifest(repository, "tag") == store.manifest(repository, image.digest) == image.manifest
    assert store.tags(repository) == ["tag"]


def test_a_manifest_is_put_by_digest_alone(store: TestedStore, repository: str) -> None:
    image = images.image(repository)
    push_blobs(store, repository, image)
    assert str(store.repository(repository).put_manifest(manifest_of(image))) == image.digest
    assert store.manifest(repository, image.digest) == image.manifest
    assert store.tags(repository) == []


def test_a_tag_moves(store: TestedStore, repository: str) -> None:
    before, after = images.image("before"), images.image("after")
    store.push(repository, before, "tag")
    push_blobs(store, repository, after)
    there = store.repository(repository)
    there.put_manifest(manifest_of(after), "tag")
    found = there.resolve("tag")
    assert found is not None
    assert str(found.digest) == after.digest
    assert store.manifest(repository, "tag") == after.manifest
    assert store.manifest(repository, before.digest) == (before.manifest if store.keeps_untagged else None)


def test_a_manifest_without_its_blobs(store: TestedStore, repository: str) -> None:
    image = images.image(repository)
    there = store.repository(repository)
    if store.checks_blobs:
        with pytest.raises(RegistryError):
            there.put_manifest(manifest_of(image), "tag")
        assert store.manifest(repository, "tag") is None
    else:
        there.put_manifest(manifest_of(image), "tag")
        assert store.manifest(repository, "tag") == image.manifest


def test_images_of_every_shape_are_copied_byte_for_byte(store: TestedStore, repository: str, gallery: Gallery) -> None:
    shapes = gallery(store)
    source, destination = store.repository(GALLERY), store.repository(repository)
    for tag in shapes:
        copy(source, destination, source.manifest(tag), tag)
    for tag, image in shapes.items():
        for digest, child in image.all_manifests().items():
            assert store.manifest(repository, digest) == child.manifest, (tag, digest)
        for digest, blob in image.all_blobs().items():
            assert store.blob(repository, digest) == blob.data, (tag, digest)
        assert store.manifest(repository, tag) == image.manifest
    assert store.witness(repository, "nested") == shapes["nested"].digest
    assert sorted(destination.tags()) == sorted(shapes)


# Referrers


def test_nothing_refers_to_what_has_no_referrers(store: TestedStore, repository: str) -> None:
    image = images.image(repository)
    store.push(repository, image, "tag")
    assert referrers_of(store.repository(repository), Digest.parse(image.digest)) == []


def test_referrers_are_found_by_the_fallback_tag(store: TestedStore, repository: str) -> None:
    image = images.image(repository)
    about = [images.artifact("sbom", image), images.artifact("signature", image, "application/vnd.example.signature")]
    entries = [(item, {"artifactType": kind, "annotations": {"n": kind}}) for item, kind in zip(about, ("sbom", "sig"))]
    store.push(repository, image, "tag")
    store.push(repository, images.index(entries), image.digest.replace(":", "-"))
    found = referrers_of(store.repository(repository), Digest.parse(image.digest))
    assert digests(found) == [item.digest for item in about]
    assert [item.artifact_type for item in found] == ["sbom", "sig"]
    assert [item.annotations for item in found] == [(("n", "sbom"),), (("n", "sig"),)]


# Deleting


def test_a_deleted_manifest_is_gone_with_its_tags(store: TestedStore, repository: str) -> None:
    image, other = images.image(repository), images.image("other")
    store.push(repository, image, "one", "two")
    store.push(repository, other, "other")
    there = store.repository(repository)
    if store.deletes:
        there.delete_manifest(Digest.parse(image.digest))
        assert store.manifest(repository, image.digest) is None
        assert store.tags(repository) == ["other"]
        there.delete_manifest(Digest.parse(image.digest))
    else:
        with pytest.raises(RegistryError) as caught:
            there.delete_manifest(Digest.parse(image.digest))
        assert caught.value.code == "unsupported"
        assert store.manifest(repository, image.digest) == image.manifest


def test_a_tag_is_deleted_alone_or_not_at_all(store: TestedStore, repository: str) -> None:
    image = images.image(repository)
    store.push(repository, image, "one", "two")
    if store.deletes_tags:
        store.repository(repository).delete_tag("one")
        assert store.tags(repository) == ["two"]
    else:
        with pytest.raises(RegistryError) as caught:
            store.repository(repository).delete_tag("one")
        assert caught.value.code == "unsupported"
        assert sorted(store.tags(repository)) == ["one", "two"]


def push_blobs(store: TestedStore, repository: str, image: Image) -> None:
    for blob in image.blobs:
        store.push_blob(repository, blob)


def copy(source: Repository, destination: Repository, manifest: Manifest, tag: str | None = None) -> None:
    """Copy an image with all that it names through nothing but the interface."""
    for child in manifest.children:
        copy(source, destination, source.manifest(str(child.digest)))
    for blob in manifest.blobs:
        upload = destination.mount_blob(blob)
        if upload is not None:
            destination.put_blob(blob, partial(source.open_blob, blob), upload)
    destination.put_manifest(manifest, tag)
