# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between layouts on one file system a blob is not written again: its file gets a second name, once it is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run, Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import Descriptor
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.blob_source import BlobSource
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Store
from support.clients.collection_client import Opener, blob_descriptor
from support.scenes import images, layouts

LARGE = images.random_blob("a layer", 300_000)
SMALL = images.random_blob("a configuration", 300)
Copy = Callable[[Descriptor], None]


def file_of(layout: Path, blob: Descriptor) -> Path:
    return layout / "blobs" / blob.digest.algorithm / blob.digest.encoded


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A layout that has both blobs."""
    with closing(layouts.opened(tmp_path / "earlier")) as store:
        for blob in (LARGE, SMALL):
            store.repository("app").put_blob(blob_descriptor(blob), Opener(blob.data))
    return tmp_path / "earlier"


@pytest.fixture
def later(tmp_path: Path) -> Iterator[Store]:
    with closing(layouts.opened(tmp_path / "later")) as store:
        yield store


@pytest.fixture
def copy(earlier: Path, later: Store) -> Iterator[Copy]:
    """Copies a blob from one layout to the other, as a run does."""
    with closing(layouts.opened(earlier)) as store:
        run = Run(settings=Settings())

        def copied(blob: Descriptor) -> None:
            source = BlobSource(blob, store.repository("app"), run, lambda _offset: None)
            later.repository("app").put_blob(blob, source.open_at)

        yield copied


def test_a_large_blob_gets_a_second_name(copy: Copy, earlier: Path, later: Store, tmp_path: Path) -> None:
    blob = blob_descriptor(LARGE)
    copy(blob)
    there = file_of(tmp_path / "later", blob)
    assert there.samefile(file_of(earlier, blob))
    assert there.read_bytes() == LARGE.data
    assert later.counters().bytes_written == 0
    assert list((tmp_path / "later" / ".imageops-registry" / "tmp").iterdir()) == []


def test_a_small_one_is_written(copy: Copy, earlier: Path, later: Store, tmp_path: Path) -> None:
    blob = blob_descriptor(SMALL)
    copy(blob)
    there = file_of(tmp_path / "later", blob)
    assert not there.samefile(file_of(earlier, blob))
    assert there.read_bytes() == SMALL.data
    assert later.counters().bytes_written == len(SMALL.data)


@pytest.mark.parametrize("at", [0, 150_000, 299_999])
def test_a_damaged_one_is_not_taken(copy: Copy, earlier: Path, tmp_path: Path, at: int) -> None:
    blob = blob_descriptor(LARGE)
    data = bytearray(LARGE.data)
    data[at] ^= 1
    file_of(earlier, blob).write_bytes(data)
    with pytest.raises(ContentError, match="digest"):
        copy(blob)
    assert not file_of(tmp_path / "later", blob).exists()
    assert list((tmp_path / "later" / ".imageops-registry" / "tmp").iterdir()) == []


def test_where_no_link_can_be_made_it_is_written(
    copy: Copy, earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    blob = blob_descriptor(LARGE)
    copy(blob)
    there = file_of(tmp_path / "later", blob)
    assert not there.samefile(file_of(earlier, blob))
    assert there.read_bytes() == LARGE.data
