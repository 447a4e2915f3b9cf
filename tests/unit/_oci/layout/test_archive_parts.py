# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives in parts: where they are cut, how they are read as one, and what is said of those that do not fit."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError, ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.tar.parts import spans_of_parts
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Store
from support.clients.collection_client import Opener, blob_descriptor, manifest_of
from support.scenes import images, layouts
from support.scenes.images import Image

PART = 20_000
IMAGE = images.image("image", layers=[images.random_blob(f"layer {n}", size) for n, size in enumerate([9_000] * 4)])
LARGE = images.image("large", layers=[images.random_blob("large", 50_000)])


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "bundle.tar"


def put(store: Store, image: Image, tag: str) -> None:
    repository = store.repository("a")
    for blob in image.blobs:
        repository.put_blob(blob_descriptor(blob), Opener(blob.data))
    repository.put_manifest(manifest_of(image), tag)


def export(archive: Path, image: Image, tag: str, part_size: int | None = PART) -> None:
    with closing(layouts.opened(archive, "oci-archive", part_size=part_size)) as store:
        put(store, image, tag)
        store.finish()


def parts_of(archive: Path) -> list[Path]:
    return sorted(archive.parent.glob(f"{archive.name}.*.part*"))


def read(archive: Path, image: Image, tag: str) -> None:
    with closing(layouts.opened(archive, "oci-archive")) as store:
        repository = store.repository("a")
        assert repository.manifest(tag).raw == image.manifest
        for blob in image.blobs:
            with closing(repository.open_blob(blob_descriptor(blob))) as reader:
                assert b"".join(reader) == blob.data


def refused(archive: Path) -> ContentError:
    with closing(layouts.opened(archive, "oci-archive")) as store, pytest.raises(ContentError) as caught:
        store.repository("a").tags()
    return caught.value


@pytest.mark.parametrize(
    ("starts", "end", "size", "lengths"),
    [
        pytest.param([0], 100, 100, [100], id="one that fits"),
        pytest.param([0, 40, 80], 120, 100, [80, 40], id="whole where they fit"),
        pytest.param([0, 40], 300, 100, [100, 100, 100], id="a larger one goes on"),
        pytest.param([0, 40, 250], 320, 100, [100, 100, 50, 70], id="behind a larger one"),
        pytest.param([0, 100, 200], 300, 100, [100, 100, 100], id="each just fits"),
    ],
)
def test_where_an_archive_is_cut(starts: list[int], end: int, size: int, lengths: list[int]) -> None:
    spans = spans_of_parts(starts, end, size)
    assert [span.length for span in spans] == lengths
    assert [span.start for span in spans] == [sum(lengths[:number]) for number in range(len(lengths))]


@pytest.mark.parametrize("image", [IMAGE, LARGE], ids=["whole blobs", "a blob larger than a part"])
def test_parts_are_read_as_one_and_joined_they_are_the_archive(archive: Path, tmp_path: Path, image: Image) -> None:
    export(archive, image, "1")
    parts = parts_of(archive)
    assert not archive.exists()
    assert len(parts) == 3
    assert all(part.stat().st_size <= PART for part in parts)
    listed = json.loads(Path(f"{archive}.inventory.json").read_bytes())["parts"]
    assert [(each["file"], each["size"], each["digest"]) for each in listed] == [
        (part.name, part.stat().st_size, f"sha256:{hashlib.sha256(part.read_bytes()).hexdigest()}") for part in parts
    ]
    read(archive, image, "1")
    whole = [blob for blob in image.blobs if any(blob.data in part.read_bytes() for part in parts)]
    assert [blob for blob in image.blobs if blob not in whole] == [b for b in image.blobs if len(b.data) > PART]

    joined = tmp_path / "joined.tar"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    (tmp_path / "unpacked").mkdir()
    layouts.unpack(joined, tmp_path / "unpacked")
    assert layouts.faults(tmp_path / "unpacked") == []


def test_nothing_new_leaves_the_parts_and_anything_new_replaces_all_of_them(archive: Path, tmp_path: Path) -> None:
    export(archive, IMAGE, "1")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    with closing(layouts.opened(archive, "oci-archive", part_size=PART)) as store:
        assert store.repository("a").tags() == ["1"]
        store.finish()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    export(archive, LARGE, "2")
    assert not set(parts_of(archive)).intersection(before)
    assert len({part.name[:-3] for part in parts_of(archive)}) == 1
    read(archive, IMAGE, "1")
    read(archive, LARGE, "2")


def test_an_archive_in_one_file_becomes_parts_and_parts_become_one_file(archive: Path) -> None:
    export(archive, IMAGE, "1", part_size=None)
    export(archive, LARGE, "2")
    assert not archive.exists()
    read(archive, IMAGE, "1")
    export(archive, IMAGE, "3", part_size=None)
    assert parts_of(archive) == []
    assert "parts" not in json.loads(Path(f"{archive}.inventory.json").read_bytes())
    read(archive, LARGE, "2")


def test_a_run_that_ends_before_the_inventory_leaves_the_old_set(archive: Path) -> None:
    export(archive, IMAGE, "1")
    before = parts_of(archive)
    blocked = Path(f"{archive}.inventory.json.new")
    blocked.mkdir()
    with pytest.raises(ImageOpsError):
        export(archive, LARGE, "2")
    assert set(before) < set(parts_of(archive))
    read(archive, IMAGE, "1")
    blocked.rmdir()
    export(archive, LARGE, "2")
    read(archive, LARGE, "2")
    assert len({part.name[:-3] for part in parts_of(archive)}) == 1


def test_a_first_run_that_ends_before_the_inventory_is_followed_by_one_that_begins_anew(archive: Path) -> None:
    export(archive, IMAGE, "1")
    Path(f"{archive}.inventory.json").unlink()
    assert (refused(archive).code, "no inventory" in str(refused(archive))) == ("layout_invalid", True)
    export(archive, LARGE, "2")
    read(archive, LARGE, "2")


def test_missing_parts_are_named(archive: Path) -> None:
    export(archive, IMAGE, "1")
    gone = parts_of(archive)[1:]
    for part in gone:
        part.unlink()
    error = refused(archive)
    assert error.code == "bundle_missing"
    assert f"of its 3 parts {gone[0].name}, {gone[1].name} are missing" in str(error)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_flipped_byte_names_its_part(archive: Path, number: int) -> None:
    export(archive, IMAGE, "1")
    part = parts_of(archive)[number]
    raw = bytearray(part.read_bytes())
    raw[len(raw) // 2] ^= 1
    part.write_bytes(raw)
    error = refused(archive)
    assert (error.code, f"{part.name} is damaged" in str(error)) == ("layout_invalid", True)


def test_a_cut_part_is_named_to_the_run_that_writes_too(archive: Path) -> None:
    export(archive, IMAGE, "1")
    part = parts_of(archive)[1]
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(ContentError) as caught:
        export(archive, LARGE, "2")
    assert (caught.value.code, part.name in str(caught.value)) == ("layout_invalid", True)


def test_parts_of_two_exports_are_not_mixed(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / archive.name
    export(archive, IMAGE, "1")
    export(other, LARGE, "1")
    ours, theirs = parts_of(archive), parts_of(other)
    ours[1].unlink()
    shutil.copy(theirs[1], tmp_path)
    assert (refused(archive).code, ours[1].name in str(refused(archive))) == ("bundle_missing", True)
    shutil.copy(theirs[1], ours[1])
    assert (refused(archive).code, f"{ours[1].name} is damaged" in str(refused(archive))) == ("layout_invalid", True)


def test_too_many_parts_are_refused_and_the_old_archive_stays(archive: Path) -> None:
    export(archive, IMAGE, "1", part_size=None)
    before = archive.read_bytes()
    with pytest.raises(ImageOpsError, match="more than 400"):
        export(archive, LARGE, "2", part_size=100)
    assert archive.read_bytes() == before
    assert parts_of(archive) == []


def test_parts_that_have_all_been_carried_away_are_named_to_readers_and_not_missed_by_an_export(archive: Path) -> None:
    export(archive, IMAGE, "1")
    for part in parts_of(archive):
        part.unlink()
    assert refused(archive).code == "bundle_missing"
    export(archive, LARGE, "2")
    read(archive, LARGE, "2")
