# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all repositories of one layout share: its index, its blobs, and what has been put and has no entry yet."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from ..client.run import interrupted
from ..errors import ImageOpsError
from ..image.manifest import Descriptor, Manifest
from ..image.reference import Digest
from ..store.store import BlobReader, LeftOut, OfFile, OpenAt
from .content import Content, blob_file
from .index import LayoutIndex
from .index_changes import IndexChange, IndexChanges
from .inventory import Bases, Inventory, inventory_path, read_inventory, take_inventory, write_beside
from .reach import Reach


class LayoutState:
    """The state of one layout in a run. Any thread may call any method.

    :param content: the files of the layout
    :param own: the repository of tags that stand alone
    :param bases: earlier bundles, whose blobs need not be written again
    :param warn: takes what the user should know
    :ivar bytes_read: of blobs and manifests; likewise bytes_written
    """

    def __init__(self, content: Content, own: str, bases: Bases, warn: Callable[[str], None]) -> None:
        self.content = content
        self._bases = bases
        self._warn = warn
        self._skipped: dict[Digest, tuple[str, int]] = {}
        self._inventory: Inventory | None = None
        self._has_changed = False
        self.bytes_read = self.bytes_written = 0
        self._changes = IndexChanges(content, own)
        self._reach = Reach(content)
        self._lock = threading.Lock()
        self._loose: dict[Digest, Manifest] = {}
        self._origins: dict[tuple[str, str], str] = {}
        self._closed = False

    def finish(self) -> None:
        """Give an entry to each manifest that no index of this run names, and make all of it lasting."""
        with self._lock:
            loose, self._loose = list(self._loose.values()), {}
        if loose:
            self.change(lambda index: _with_all(index, loose))
        self.content.finish()
        if self._has_changed or self.content.is_cut():
            self._has_changed = False
            self._write_inventory()
        self.content.settle()

    def _write_inventory(self) -> None:
        """Leave an inventory beside the layout. One without new parts is whole without it: a failure is a warning."""
        written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        try:
            raw = take_inventory(self.content, self.index(), self._bases, written)
            write_beside(inventory_path(self.content.path), raw)
        except ImageOpsError as fault:
            if self.content.is_cut():
                raise
            self._warn(str(fault))

    def notes(self) -> list[str]:
        """Return which earlier bundles hold what was left out."""
        groups: dict[str, list[int]] = {}
        for bundle, size in self._skipped.values():
            groups.setdefault(bundle, []).append(size)
        return [
            f"{self.content.path} needs the bundle {bundle}, which has {len(sizes)} of its blobs ({sum(sizes)} bytes)"
            for bundle, sizes in sorted(groups.items())
        ]

    def close(self) -> None:
        """End what is under way; twice is harmless."""
        self._closed = True
        self.content.close()

    def index(self) -> LayoutIndex:
        """Return what the layout has."""
        self.check("read")
        return self._changes.index()

    def change(self, change: IndexChange) -> None:
        """Change the index, on top of what other runs have written."""
        self.check("write to")
        self._has_changed = True
        self._changes.write(change)

    def known(self, digest: Digest) -> Descriptor | None:
        """Return what describes a manifest that the index leads to, or that this run has put; None for all others."""
        loose = self._loose.get(digest)
        return loose.descriptor() if loose is not None else self._reach.find(digest, self.index())

    def referring(self, digest: Digest) -> list[Descriptor]:
        """Return the entries of the index whose manifest has this subject."""
        return self._reach.referring(digest, self.index())

    def note_origin(self, repository: str, tag: str, origin: str) -> None:
        """Keep the reference that a tag is about to be copied from."""
        self._origins[repository, tag] = origin

    def origin(self, repository: str, tag: str) -> str:
        """Return the reference that a tag is copied from; empty where nobody has said it."""
        return self._origins.get((repository, tag), "")

    def put_loose(self, manifest: Manifest) -> None:
        """Keep a manifest that no entry and no index leads to yet."""
        self.has_come(manifest)
        with self._lock:
            self._loose[manifest.digest] = manifest

    def has_come(self, manifest: Manifest) -> None:
        """Note that a manifest has come, and so what leads to those below it."""
        with self._lock:
            for digest in (manifest.digest, *(child.digest for child in manifest.children)):
                self._loose.pop(digest, None)

    def has_blob(self, blob: Descriptor) -> bool:
        """Return whether a blob of this length is there, or in an earlier bundle, so that it need not be."""
        if self.holds(blob):
            return True
        base = self._bases.find(blob)
        if base is not None:
            self._skipped[blob.digest] = (base.bundle, blob.size)
        return base is not None

    def holds(self, blob: Descriptor) -> bool:
        """Return whether the layout itself has a blob of this length."""
        self.check("read")
        return self.content.size(blob_file(blob.digest)) == blob.size

    def left_out(self, blob: Descriptor) -> LeftOut | None:
        """Return which bundle holds a blob that is not here, as the inventory beside the layout says."""
        if self.content.size(blob_file(blob.digest)) is not None:
            return None
        return self._read_inventory().left_out.get(blob.digest)

    def about_lost_blobs(self) -> str:
        """Return what to do about a blob that is named and not here; empty where an inventory leaves nothing to say."""
        if self._read_inventory() is not _NOTHING:
            return ""
        name = os.path.basename(inventory_path(self.content.path))
        return f"put {name} beside it, where it is a bundle of what is new alone; any other one is broken"

    def _read_inventory(self) -> Inventory:
        with self._lock:
            if self._inventory is None:
                self._inventory = read_inventory(inventory_path(self.content.path)) or _NOTHING
            return self._inventory

    def open_blob(self, digest: Digest, offset: int) -> BlobReader | None:
        """Return a reader of a blob; None when it is not there."""
        self.check("read")
        reader = self.content.open(blob_file(digest), offset)
        return None if reader is None else _Counted(self, reader)

    def put_blob(self, blob: Descriptor, open_at: OpenAt) -> int:
        """Write a blob. Return how many bytes were written for it."""
        self.check("write to")
        written = self.content.put_blob(blob, open_at)
        with self._lock:
            self.bytes_written += written
        return written

    def count_read(self, size: int) -> None:
        """Count bytes that were read.

        :raises RegistryError: interrupted, when the store has been closed
        """
        self.check("read")
        with self._lock:
            self.bytes_read += size

    def check(self, action: str) -> None:
        """Raise ``interrupted`` when the store has been closed."""
        if self._closed:
            raise interrupted(action=action, subject=self.content.path)


_NOTHING = Inventory("", Digest("sha256", b""), {}, {})


def _with_all(index: LayoutIndex, manifests: Sequence[Manifest]) -> LayoutIndex:
    for manifest in manifests:
        index = index.with_untagged(manifest)
    return index


class _Counted:
    """A reader whose blocks are counted."""

    def __init__(self, state: LayoutState, reader: BlobReader) -> None:
        self._state = state
        self._reader = reader

    def __iter__(self) -> Iterator[bytes]:
        for block in self._reader:
            self._state.count_read(len(block))
            yield block

    def file(self) -> int | None:
        """Return the descriptor of the file that is read as a whole."""
        return self._reader.file() if isinstance(self._reader, OfFile) else None

    def close(self) -> None:
        """Close the reader; twice is harmless."""
        self._reader.close()
