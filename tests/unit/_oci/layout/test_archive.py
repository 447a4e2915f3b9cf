# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts in a tar: when one is written, what is kept of it, and what a run says of one that is damaged."""

from __future__ import annotations

import fcntl
import gzip
import io
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError, ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.tar.writer import header
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Store
from support.clients.collection_client import Opener, blob_descriptor, manifest_of
from support.scenes import images, layouts
from support.scenes.images import Image

IMAGE = images.image("image")
OTHER = images.image("other")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "bundle.tar"


def put(store: Store, path: str, image: Image, tag: str) -> None:
    repository = store.repository(path)
    for blob in image.blobs:
        repository.put_blob(blob_descriptor(blob), Opener(blob.data))
    repository.put_manifest(manifest_of(image), tag)


def put_and_finish(archive: Path, path: str, image: Image, tag: str) -> None:
    with closing(layouts.opened(archive, "oci-archive")) as store:
        put(store, path, image, tag)
        store.finish()


def unpacked(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    layouts.unpack(archive, folder)
    return folder


def test_what_is_written_is_an_uncompressed_tar_with_a_whole_layout(archive: Path, tmp_path: Path) -> None:
    put_and_finish(archive, "a", IMAGE, "1")
    put_and_finish(archive, "b", OTHER, "2")
    folder = unpacked(archive, tmp_path / "unpacked")
    assert layouts.faults(folder) == []
    assert layouts.named(folder) == {"a:1": IMAGE.digest, "b:2": OTHER.digest}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".bundle.tar.lock",
        "bundle.tar",
        "bundle.tar.inventory.json",
        "unpacked",
    ]


def test_nothing_is_written_before_the_end_and_nothing_where_nothing_is_new(archive: Path) -> None:
    with closing(layouts.opened(archive, "oci-archive")) as store:
        put(store, "a", IMAGE, "1")
        assert store.repository("a").manifest("1").raw == IMAGE.manifest
        assert not archive.exists()
        store.finish()
    before = archive.stat()
    with closing(layouts.opened(archive, "oci-archive")) as store:
        repository = store.repository("a")
        assert repository.mount_blob(blob_descriptor(IMAGE.blobs[0])) is None
        repository.delete_tag("none")
        store.finish()
    assert (archive.stat().st_ino, archive.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_run_that_ends_early_leaves_the_old_archive_alone(archive: Path, tmp_path: Path) -> None:
    put_and_finish(archive, "a", IMAGE, "1")
    before = archive.read_bytes()
    with closing(layouts.opened(archive, "oci-archive")) as store:
        put(store, "b", OTHER, "2")
    assert archive.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".bundle.tar.lock"]


def test_what_no_tag_leads_to_any_more_is_left_out_of_the_next_one(archive: Path, tmp_path: Path) -> None:
    put_and_finish(archive, "a", IMAGE, "1")
    put_and_finish(archive, "a", OTHER, "1")
    folder = unpacked(archive, tmp_path / "unpacked")
    there = {path.name for path in (folder / "blobs/sha256").iterdir()}
    assert there == {digest[7:] for digest in (OTHER.digest, *(blob.digest for blob in OTHER.blobs))}


def test_the_room_of_a_blob_that_did_not_come_is_used_again_or_void(archive: Path, tmp_path: Path) -> None:
    blob = images.random_blob("large", 100_000)
    error = ContentError(code="digest_mismatch", action="read", subject="it", cause="a test says so")
    with closing(layouts.opened(archive, "oci-archive")) as store:
        repository = store.repository("a")
        for _ in range(2):
            with pytest.raises(ContentError):
                repository.put_blob(blob_descriptor(blob), Opener(blob.data, error))
        put(store, "a", IMAGE, "1")
        store.finish()
    assert 100_000 < archive.stat().st_size < 200_000
    assert layouts.faults(unpacked(archive, tmp_path / "unpacked")) == []


def test_another_run_is_waited_for_and_what_it_wrote_is_kept(archive: Path, tmp_path: Path) -> None:
    lock = tmp_path / ".bundle.tar.lock"
    waiting, warned = threading.Event(), []

    def warn(text: str) -> None:
        warned.append(text)
        waiting.set()

    with closing(layouts.opened(archive, "oci-archive", warn)) as store:
        assert store.repository("a").tags() == []
        with open(lock, "wb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            thread = threading.Thread(target=put, args=(store, "a", IMAGE, "1"))
            thread.start()
            assert waiting.wait(10)
            folder = tmp_path / "folder"
            layouts.write(folder, [(OTHER, {layouts.REF: "b:2"})])
            layouts.pack(folder, archive)
        thread.join()
        store.finish()
    assert warned == [f"another run is writing {archive}, and is waited for"]
    assert layouts.named(unpacked(archive, tmp_path / "unpacked")) == {"a:1": IMAGE.digest, "b:2": OTHER.digest}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar_is_read(archive: Path, tmp_path: Path, form: int) -> None:
    layouts.write(tmp_path / "folder", [(IMAGE, {layouts.REF: "a:1"})])
    (tmp_path / "folder" / ("long" * 40)).write_bytes(b"x" * 1000)
    if form == tarfile.USTAR_FORMAT:
        (tmp_path / "folder" / ("long" * 40)).rename(tmp_path / "folder" / "short")
    layouts.pack(tmp_path / "folder", archive, form)
    with closing(layouts.opened(archive, "oci-archive")) as store:
        assert store.repository("a").manifest("1").raw == IMAGE.manifest


def test_a_size_beyond_eight_gigabytes_is_read_by_others() -> None:
    size = 9 * 1024**3
    raw = header("blobs/sha256/" + "0" * 64, size)
    assert tarfile.TarInfo.frombuf(raw, "utf-8", "strict").size == size


# What is no archive, or a damaged one


def gzipped(raw: bytes) -> bytes:
    return gzip.compress(raw)


def cut_in_a_file(raw: bytes) -> bytes:
    return raw[: len(raw) // 2 + 100]


def cut_between_files(raw: bytes) -> bytes:
    return raw.rstrip(b"\0")[:-1024] + bytes(-len(raw.rstrip(b"\0")[:-1024]) % 512)


def flipped_in_a_header(raw: bytes) -> bytes:
    return raw[:5] + bytes([raw[5] ^ 1]) + raw[6:]


def with_member(change: Callable[[tarfile.TarInfo], None]) -> Callable[[bytes], bytes]:
    def add(raw: bytes) -> bytes:
        info = tarfile.TarInfo("x")
        change(info)
        return info.tobuf(tarfile.PAX_FORMAT) + raw

    return add


def named(name: str) -> Callable[[bytes], bytes]:
    return with_member(lambda info: setattr(info, "name", name))


def huge_pax_header(raw: bytes) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1024**3
    return info.tobuf() + raw


def long_file(raw: bytes) -> bytes:
    info = tarfile.TarInfo("x")
    info.size = 2**40
    return info.tobuf(tarfile.GNU_FORMAT) + raw


def bad_pax_header(raw: bytes) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 10
    return info.tobuf() + b"99 path=..".ljust(512, b"\0") + raw


def negative_size(raw: bytes) -> bytes:
    head = bytearray(header("x", 0))
    head[124:136] = b"\xff" * 12
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + raw


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        pytest.param(gzipped, "gunzip --keep", id="compressed"),
        pytest.param(lambda raw: b"\x28\xb5\x2f\xfd" + raw, "unzstd", id="compressed with zstd"),
        pytest.param(lambda raw: b"", "no tar file", id="empty"),
        pytest.param(lambda raw: b"hello" * 1000, "no tar file", id="text"),
        pytest.param(cut_in_a_file, "it is cut", id="cut within a file"),
        pytest.param(cut_between_files, "it is cut", id="cut between files"),
        pytest.param(flipped_in_a_header, "begins no header", id="a flipped bit in a header"),
        pytest.param(named("../../etc/passwd"), "lie outside", id="a name that leads out"),
        pytest.param(named("/etc/passwd"), "lie outside", id="an absolute name"),
        pytest.param(named("a/" * 60 + "../" * 70 + "x"), "lie outside", id="a long name that leads out"),
        pytest.param(huge_pax_header, "a header of 1073741824 bytes", id="a gigabyte of header"),
        pytest.param(bad_pax_header, "pax header that cannot be read", id="a pax header with a wrong length"),
        pytest.param(long_file, "longer than the file", id="a file longer than the archive"),
        pytest.param(negative_size, "has no size", id="a negative size"),
    ],
)
def test_what_is_no_archive_is_an_error_of_ours_and_is_not_written_over(
    archive: Path, tmp_path: Path, spoil: Callable[[bytes], bytes], cause: str
) -> None:
    layouts.write(tmp_path / "folder", [(IMAGE, {layouts.REF: "a:1"})])
    layouts.pack(tmp_path / "folder", archive)
    archive.write_bytes(spoil(archive.read_bytes()))
    before = archive.read_bytes()
    with closing(layouts.opened(archive, "oci-archive")) as store:
        with pytest.raises(ContentError) as caught:
            store.repository("a").tags()
        assert caught.value.code == "layout_invalid"
        assert cause in str(caught.value)
        for _ in range(2):  # neither waits for the other
            with pytest.raises(ImageOpsError):
                store.repository("b").put_blob(blob_descriptor(OTHER.blobs[0]), Opener(OTHER.blobs[0].data))
    assert archive.read_bytes() == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_blob_that_is_no_file_is_not_there(archive: Path, tmp_path: Path, kind: bytes) -> None:
    layouts.write(tmp_path / "folder", [(IMAGE, {layouts.REF: "a:1"})])
    blob = IMAGE.blobs[0]
    layouts.blob_path(tmp_path / "folder", blob.digest).unlink()
    layouts.pack(tmp_path / "folder", archive)
    info = tarfile.TarInfo(f"blobs/{blob.digest.replace(':', '/')}")
    info.type, info.linkname = kind, "/etc/hostname"
    archive.write_bytes(info.tobuf(tarfile.PAX_FORMAT) + archive.read_bytes())
    with closing(layouts.opened(archive, "oci-archive")) as store:
        assert not store.repository("a").has_blob(blob_descriptor(blob))
        with pytest.raises(ImageOpsError):
            store.repository("a").open_blob(blob_descriptor(blob))


def test_a_directory_in_the_place_of_the_archive_is_an_error_of_ours(archive: Path) -> None:
    archive.mkdir()
    with pytest.raises(ContentError) as caught:
        layouts.opened(archive, "oci-archive").repository("a").tags()
    assert caught.value.code == "layout_invalid"


def test_of_two_files_with_one_name_the_last_counts_as_for_every_tar(archive: Path, tmp_path: Path) -> None:
    layouts.write(tmp_path / "folder", [(IMAGE, {layouts.REF: "a:1"})])
    layouts.pack(tmp_path / "folder", archive)
    with tarfile.open(archive, "a:") as tar:
        raw = (tmp_path / "folder" / "index.json").read_bytes().replace(b"a:1", b"b:2")
        info = tarfile.TarInfo("./index.json")
        info.size = len(raw)
        tar.addfile(info, io.BytesIO(raw))
    with closing(layouts.opened(archive, "oci-archive")) as store:
        assert list(store.catalog("")) == ["b"]
