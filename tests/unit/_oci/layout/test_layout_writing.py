# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A layout in a directory as it is written: by several at once, over leftovers, and where nothing may be written."""

from __future__ import annotations

import fcntl
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError, ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Store
from support.clients.collection_client import Opener, blob_descriptor, manifest_of
from support.scenes import images, layouts
from support.scenes.images import Image

IMAGE = images.image("image")
OURS = ".imageops-registry"


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return tmp_path / "bundle"


def put(store: Store, path: str, image: Image, tag: str) -> None:
    repository = store.repository(path)
    for blob in image.blobs:
        repository.put_blob(blob_descriptor(blob), Opener(blob.data))
    repository.put_manifest(manifest_of(image), tag)


def test_two_runs_at_once_lose_nothing_of_each_other(layout: Path) -> None:
    stores = [layouts.opened(layout) for _ in range(2)]
    work = [(store, f"r{number}", str(tag)) for number, store in enumerate(stores) for tag in range(20)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda each: put(each[0], each[1], IMAGE, each[2]), work))
    assert set(layouts.named(layout)) == {f"r{number}:{tag}" for number in range(2) for tag in range(20)}
    assert layouts.faults(layout) == []


def test_what_another_tool_has_written_stays_as_it_was(layout: Path) -> None:
    layouts.write(layout, [(images.image("theirs"), {layouts.REF: "v1", "com.example": "x"})], platform={"os": "plan9"})
    document = json.loads((layout / "index.json").read_bytes())
    (layout / "index.json").write_text(json.dumps({**document, "com.example.field": [1]}))
    theirs = layouts.entries(layout)
    put(layouts.opened(layout), "ours", IMAGE, "1")
    assert layouts.entries(layout)[:1] == theirs
    assert json.loads((layout / "index.json").read_bytes())["com.example.field"] == [1]


def test_a_tag_of_another_tool_keeps_its_name_when_it_is_updated(layout: Path) -> None:
    layouts.write(layout, [(images.image("theirs"), {layouts.REF: "v1"})])
    put(layouts.opened(layout), "bundle", IMAGE, "v1")
    assert layouts.named(layout) == {"v1": IMAGE.digest}


def test_leftovers_of_a_killed_run_are_removed_and_those_of_a_running_one_are_not(layout: Path) -> None:
    put_and_close(layout, "1")
    leftover = layout / OURS / "tmp" / "1-2-3"
    leftover.write_bytes(b"x")
    with open(layout / OURS / "writers.lock", "rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        put_and_close(layout, "2")
        assert leftover.exists()
    put_and_close(layout, "3")
    assert not leftover.exists()


def put_and_close(layout: Path, tag: str) -> None:
    with closing(layouts.opened(layout)) as store:
        put(store, "a", IMAGE, tag)


def test_a_directory_of_other_files_is_not_made_a_layout(layout: Path) -> None:
    layout.mkdir()
    (layout / "thesis.txt").write_text("x")
    with pytest.raises(ContentError) as caught:
        put(layouts.opened(layout), "a", IMAGE, "1")
    assert caught.value.code == "layout_invalid"
    assert "thesis.txt" in str(caught.value)
    assert sorted(path.name for path in layout.iterdir()) == ["thesis.txt"]


def test_a_file_in_the_place_of_the_directory_is_an_error_of_ours(layout: Path) -> None:
    layout.write_text("x")
    with pytest.raises(ImageOpsError) as caught:
        put(layouts.opened(layout), "a", IMAGE, "1")
    assert caught.value.code == "storage_failed"
    assert str(layout) in str(caught.value)


def test_blobs_of_a_folder_that_is_a_link_are_not_written_through_it(layout: Path, tmp_path: Path) -> None:
    layouts.write(layout, [(images.image("theirs"), {layouts.REF: "v1"})])
    (layout / "blobs").rename(tmp_path / "elsewhere")
    (layout / "blobs").symlink_to(tmp_path / "elsewhere")
    before = sorted((tmp_path / "elsewhere" / "sha256").iterdir())
    with pytest.raises(ImageOpsError) as caught:
        put(layouts.opened(layout), "a", IMAGE, "1")
    assert caught.value.code == "storage_failed"
    assert sorted((tmp_path / "elsewhere" / "sha256").iterdir()) == before


def test_a_damaged_blob_of_another_length_is_written_again(layout: Path) -> None:
    put(layouts.opened(layout), "a", IMAGE, "1")
    path = layouts.blob_path(layout, IMAGE.blobs[0].digest)
    path.write_bytes(path.read_bytes()[:-1])
    store = layouts.opened(layout)
    assert store.repository("a").mount_blob(blob_descriptor(IMAGE.blobs[0])) is not None
    put(store, "a", IMAGE, "1")
    assert layouts.faults(layout) == []


def test_a_broken_index_is_not_written_over(layout: Path) -> None:
    put(layouts.opened(layout), "a", IMAGE, "1")
    (layout / "index.json").write_text("{")
    with pytest.raises(ContentError) as caught:
        layouts.opened(layout).repository("a").put_manifest(manifest_of(IMAGE), "2")
    assert caught.value.code == "layout_invalid"
    assert (layout / "index.json").read_text() == "{"
