# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every place for images does: the suite that all implementations of ``Repository`` pass.

Run against docker-registry in its modes and against zuul-registry. Another implementation joins by its own ``Place``.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Repository
from support.clients.collection_client import BLOCK, Opener, blob_descriptor, digests, manifest_of
from support.scenes import images
from support.scenes.images import Blob, Image
from support.scenes.places import Place, registry_place
from support.servers.shared import KINDS, Servers

Fresh = Callable[[], str]
Shelf = Callable[[Place], dict[str, Image]]
SHELF = "tests/shelf"
ABSENT = "sha256:" + "0" * 64
LARGE = 3 * 1024 * 1024 + 17


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Place]:
    """Each place in turn."""
    with registry_place(servers.kind(request.param)) as found:
        yield found


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    """Gives an image of every shape, pushed once into a repository of each place that tests only read."""
    filled: dict[str, dict[str, Image]] = {}

    def fill(place: Place) -> dict[str, Image]:
        if place.name not in filled:
            filled[place.name] = images.gallery(f"shelf of {place.name}")
            for tag, image in filled[place.name].items():
                place.push(SHELF, image, tag)
        return filled[place.name]

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


def test_a_repository_that_does_not_exist_has_no_tags(place: Place, repository: str) -> None:
    assert place.repository(repository).tags() == []


def test_every_tag_is_listed(place: Place, repository: str) -> None:
    tags = [f"v1.{number}" for number in range(12)]
    place.push(repository, images.image(repository), *tags, "latest")
    assert sorted(place.repository(repository).tags()) == sorted([*tags, "latest"])


def test_what_has_no_tag_is_not_listed(place: Place, repository: str) -> None:
    place.push(repository, images.multi_arch(repository), "tag")
    assert place.repository(repository).tags() == ["tag"]


# Resolving


@pytest.mark.parametrize("reference", ["no-such-tag", ABSENT])
def test_what_is_not_there_resolves_to_nothing(place: Place, fresh: Fresh, reference: str) -> None:
    empty, filled = fresh(), fresh()
    place.push(filled, images.image(filled), "tag")
    assert place.repository(empty).resolve(reference) is None
    assert place.repository(filled).resolve(reference) is None


def test_tags_and_digests_resolve(place: Place, shelf: Shelf) -> None:
    for tag, image in shelf(place).items():
        for reference in (tag, image.digest):
            found = place.repository(SHELF).resolve(reference)
            assert found is not None, tag
            assert (str(found.digest), found.media_type) == (image.digest, image.media_type)
            assert found.size == len(image.manifest)


# Reading manifests


def test_manifests_of_every_shape_are_read_byte_for_byte(place: Place, shelf: Shelf) -> None:
    for tag, image in shelf(place).items():
        for reference in (tag, image.digest):
            found = place.repository(SHELF).manifest(reference)
            assert (found.raw, found.media_type, str(found.digest)) == (image.manifest, image.media_type, image.digest)
        assert digests(found.children) == [child.digest for child in image.children], tag
        assert set(digests(found.blobs)) == {blob.digest for blob in image.blobs}, tag


@pytest.mark.parametrize("reference", ["no-such-tag", ABSENT])
def test_a_manifest_that_is_not_there_is_an_error(place: Place, repository: str, reference: str) -> None:
    place.push(repository, images.image(repository), "tag")
    with pytest.raises(RegistryError) as caught:
        place.repository(repository).manifest(reference)
    assert (caught.value.code, caught.value.status, caught.value.transient) == ("tag_not_found", 404, False)
    assert repository in str(caught.value)
    assert reference in str(caught.value)


# Reading blobs


def test_blobs_are_looked_for(place: Place, fresh: Fresh) -> None:
    here, elsewhere = fresh(), fresh()
    blob = images.random_blob(here, 1000)
    assert not place.repository(here).has_blob(blob_descriptor(blob))
    place.push_blob(here, blob)
    assert place.repository(here).has_blob(blob_descriptor(blob))
    if place.scoped_blobs:
        assert not place.repository(elsewhere).has_blob(blob_descriptor(blob))


@pytest.mark.parametrize("offset", [0, 1, BLOCK, LARGE // 2, LARGE - 1])
def test_blobs_are_read_from_any_byte_on(place: Place, repository: str, offset: int) -> None:
    blob = images.random_blob(repository, LARGE)
    place.push_blob(repository, blob)
    assert read(place.repository(repository), blob, offset) == blob.data[offset:]


def test_blobs_come_in_small_blocks(place: Place, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    place.push_blob(repository, blob)
    reader = place.repository(repository).open_blob(blob_descriptor(blob))
    sizes = [len(block) for block in reader]
    reader.close()
    reader.close()
    assert sum(sizes) == LARGE
    assert min(sizes) > 0
    assert max(sizes) <= BLOCK


def test_a_blob_of_no_bytes_is_read(place: Place, repository: str) -> None:
    place.push_blob(repository, images.empty_layer())
    assert read(place.repository(repository), images.empty_layer()) == b""


def test_a_blob_that_is_not_there_is_an_error(place: Place, repository: str) -> None:
    blob = images.random_blob(repository, 1000)
    with pytest.raises(RegistryError) as caught:
        read(place.repository(repository), blob)
    assert caught.value.status == 404
    assert not caught.value.transient
    assert blob.digest in str(caught.value)


def test_reading_may_be_given_up(place: Place, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    place.push_blob(repository, blob)
    for _ in range(3):
        reader = place.repository(repository).open_blob(blob_descriptor(blob))
        assert next(iter(reader))
        reader.close()
    assert read(place.repository(repository), blob) == blob.data


# Writing blobs


@pytest.mark.parametrize("size", [0, 1, BLOCK, LARGE])
def test_blobs_arrive(place: Place, repository: str, size: int) -> None:
    blob = images.random_blob(repository, size)
    opener = Opener(blob.data)
    place.repository(repository).put_blob(blob_descriptor(blob), opener)
    assert place.blob(repository, blob.digest) == blob.data
    assert opener.offsets == [0]
    assert all(reader.closed for reader in opener.readers)


def test_a_blob_may_be_written_twice(place: Place, repository: str) -> None:
    blob = images.random_blob(repository, 1000)
    for _ in range(2):
        place.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data))
    assert place.blob(repository, blob.digest) == blob.data


def test_a_reader_that_finds_bad_content_breaks_the_upload_off(place: Place, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    error = wrong_content(blob)
    opener = Opener(blob.data, error)
    with pytest.raises(ContentError) as caught:
        place.repository(repository).put_blob(blob_descriptor(blob), opener)
    assert caught.value is error
    assert opener.offsets == [0]
    assert opener.readers[0].closed
    assert place.blob(repository, blob.digest) is None


@pytest.mark.parametrize("change", [-1, 1, -BLOCK, BLOCK])
def test_a_reader_of_another_length_breaks_the_upload_off(place: Place, repository: str, change: int) -> None:
    blob = images.random_blob(repository, 5 * BLOCK)
    data = blob.data[:change] if change < 0 else blob.data + bytes(change)
    with pytest.raises(ContentError) as caught:
        place.repository(repository).put_blob(blob_descriptor(blob), Opener(data))
    assert caught.value.code == "size_mismatch"
    # What is too long may have begun with the whole blob.
    assert place.blob(repository, blob.digest) in (None, *([blob.data] if change > 0 else []))


def test_bytes_that_are_not_those_of_the_digest_do_not_arrive(place: Place, repository: str) -> None:
    blob = images.random_blob(repository, 1000)
    with pytest.raises(ImageOpsError):
        place.repository(repository).put_blob(blob_descriptor(blob), Opener(bytes(1000)))
    assert place.blob(repository, blob.digest) is None


def test_uploads_work_again_after_one_was_broken_off(place: Place, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    for _ in range(3):
        with pytest.raises(ContentError):
            place.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data, wrong_content(blob)))
    place.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data))
    assert place.blob(repository, blob.digest) == blob.data


def test_many_threads_write_and_read_at_once(place: Place, repository: str) -> None:
    there = place.repository(repository)
    blobs = [images.random_blob(f"{repository} {number}", 200_000 + number) for number in range(16)]

    def pass_through(blob: Blob) -> bytes:
        upload = there.mount_blob(blob_descriptor(blob))
        there.put_blob(blob_descriptor(blob), Opener(blob.data), upload)
        return read(there, blob)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(pass_through, blobs)) == [blob.data for blob in blobs]


# Mounting blobs


def test_a_blob_that_is_there_needs_no_upload(place: Place, repository: str) -> None:
    blob = images.random_blob(repository, 1000)
    place.push_blob(repository, blob)
    assert place.repository(repository).mount_blob(blob_descriptor(blob)) is None


def test_a_blob_that_is_nowhere_gives_an_upload(place: Place, repository: str) -> None:
    blob = images.random_blob(repository, LARGE)
    upload = place.repository(repository).mount_blob(blob_descriptor(blob))
    assert upload is not None
    place.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data), upload)
    assert place.blob(repository, blob.digest) == blob.data


def test_a_blob_of_another_repository_is_mounted(place: Place, fresh: Fresh) -> None:
    here, there = fresh(), fresh()
    blob = images.random_blob(here, 1000)
    place.push_blob(there, blob)
    assert place.repository(here).mount_blob(blob_descriptor(blob), there) is None
    assert place.blob(here, blob.digest) == blob.data


def test_a_source_that_lacks_the_blob_gives_an_upload(place: Place, fresh: Fresh) -> None:
    here, there = fresh(), fresh()
    blob = images.random_blob(here, 1000)
    upload = place.repository(here).mount_blob(blob_descriptor(blob), there)
    assert upload is not None
    place.repository(here).put_blob(blob_descriptor(blob), Opener(blob.data), upload)
    assert place.blob(here, blob.digest) == blob.data


# Writing manifests


def test_a_manifest_is_put_under_a_tag(place: Place, repository: str) -> None:
    image = images.image(repository)
    push_blobs(place, repository, image)
    assert str(place.repository(repository).put_manifest(manifest_of(image), "tag")) == image.digest
    assert place.manifest(repository, "tag") == place.manifest(repository, image.digest) == image.manifest
    assert place.tags(repository) == ["tag"]


def test_a_manifest_is_put_by_digest_alone(place: Place, repository: str) -> None:
    image = images.image(repository)
    push_blobs(place, repository, image)
    assert str(place.repository(repository).put_manifest(manifest_of(image))) == image.digest
    assert place.manifest(repository, image.digest) == image.manifest
    assert place.tags(repository) == []


def test_a_tag_moves(place: Place, repository: str) -> None:
    before, after = images.image("before"), images.image("after")
    place.push(repository, before, "tag")
    push_blobs(place, repository, after)
    there = place.repository(repository)
    there.put_manifest(manifest_of(after), "tag")
    found = there.resolve("tag")
    assert found is not None
    assert str(found.digest) == after.digest
    assert place.manifest(repository, "tag") == after.manifest
    assert place.manifest(repository, before.digest) == before.manifest


def test_a_manifest_without_its_blobs(place: Place, repository: str) -> None:
    image = images.image(repository)
    there = place.repository(repository)
    if place.checks_blobs:
        with pytest.raises(RegistryError):
            there.put_manifest(manifest_of(image), "tag")
        assert place.manifest(repository, "tag") is None
    else:
        there.put_manifest(manifest_of(image), "tag")
        assert place.manifest(repository, "tag") == image.manifest


def test_images_of_every_shape_are_copied_byte_for_byte(place: Place, repository: str, shelf: Shelf) -> None:
    source, destination = place.repository(SHELF), place.repository(repository)
    shapes = shelf(place)
    for tag in shapes:
        copy(source, destination, source.manifest(tag), tag)
    for tag, image in shapes.items():
        for digest, child in image.all_manifests().items():
            assert place.manifest(repository, digest) == child.manifest, (tag, digest)
        for digest, blob in image.all_blobs().items():
            assert place.blob(repository, digest) == blob.data, (tag, digest)
        assert place.manifest(repository, tag) == image.manifest
    assert place.witness(repository, "nested") == shapes["nested"].digest
    assert sorted(destination.tags()) == sorted(shapes)


# Referrers


def test_nothing_refers_to_what_has_no_referrers(place: Place, repository: str) -> None:
    image = images.image(repository)
    place.push(repository, image, "tag")
    assert place.repository(repository).referrers(Digest.parse(image.digest)) == []


def test_referrers_are_found_by_the_fallback_tag(place: Place, repository: str) -> None:
    image = images.image(repository)
    about = [images.artifact("sbom", image), images.artifact("signature", image, "application/vnd.example.signature")]
    entries = [(item, {"artifactType": kind, "annotations": {"n": kind}}) for item, kind in zip(about, ("sbom", "sig"))]
    place.push(repository, image, "tag")
    place.push(repository, images.index(entries), image.digest.replace(":", "-"))
    found = place.repository(repository).referrers(Digest.parse(image.digest))
    assert digests(found) == [item.digest for item in about]
    assert [item.artifact_type for item in found] == ["sbom", "sig"]
    assert [item.annotations for item in found] == [(("n", "sbom"),), (("n", "sig"),)]


# Deleting


def test_a_deleted_manifest_is_gone_with_its_tags(place: Place, repository: str) -> None:
    image, other = images.image(repository), images.image("other")
    place.push(repository, image, "one", "two")
    place.push(repository, other, "other")
    there = place.repository(repository)
    if place.deletes:
        there.delete_manifest(Digest.parse(image.digest))
        assert place.manifest(repository, image.digest) is None
        assert place.tags(repository) == ["other"]
        there.delete_manifest(Digest.parse(image.digest))
    else:
        with pytest.raises(RegistryError) as caught:
            there.delete_manifest(Digest.parse(image.digest))
        assert caught.value.code == "unsupported"
        assert place.manifest(repository, image.digest) == image.manifest


def test_a_tag_is_deleted_alone_or_not_at_all(place: Place, repository: str) -> None:
    image = images.image(repository)
    place.push(repository, image, "one", "two")
    with pytest.raises(RegistryError) as caught:  # neither of the two implementations can
        place.repository(repository).delete_tag("one")
    assert caught.value.code == "unsupported"
    assert sorted(place.tags(repository)) == ["one", "two"]


def push_blobs(place: Place, repository: str, image: Image) -> None:
    for blob in image.blobs:
        place.push_blob(repository, blob)


def copy(source: Repository, destination: Repository, manifest: Manifest, tag: str | None = None) -> None:
    """Copy an image with all that it names through nothing but the interface."""
    for child in manifest.children:
        copy(source, destination, source.manifest(str(child.digest)))
    for blob in manifest.blobs:
        upload = destination.mount_blob(blob)
        if upload is not None:
            destination.put_blob(blob, partial(source.open_blob, blob), upload)
    destination.put_manifest(manifest, tag)
