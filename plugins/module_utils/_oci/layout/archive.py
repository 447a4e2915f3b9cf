# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A layout in a tar: written beside the old one and renamed at the end, where there is anything new.

One run writes at a time; others wait for its lock, which is a file beside the archive.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

from ..client.run import Run
from ..errors import ContentError, ImageOpsError
from ..image.manifest import MAX_MANIFEST_BYTES, Descriptor, parse_manifest
from ..image.reference import Digest
from ..store.store import BlobReader, OpenAt
from .content import (
    EMPTY_INDEX,
    INDEX_FILE,
    LAYOUT_FILE,
    LAYOUT_MARK,
    MAX_INDEX_BYTES,
    Change,
    FileReader,
    Part,
    blob_file,
    failed,
    verified,
)
from .index import LayoutIndex
from .inventory import inventory_path, read_inventory
from .tar.headers import Span
from .tar.parts import check_number, cut, open_parts, part_paths, parts_in_folder, remove_others, spans_of_parts
from .tar.reader import BytesReader, TarContent
from .tar.writer import TarWriter

_ROOM_TO_SPARE = 1024 * 1024
_POLL = 0.2
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Archive(TarContent):
    """A layout in a tar, which need not be there yet.

    :param path: of the tar
    :param part_size: how many bytes a part has at most, for an archive that is written in parts
    """

    def __init__(self, path: str, run: Run, part_size: int | None = None) -> None:
        super().__init__(path)
        self._run = run
        self._part_size = part_size
        self._parts: Sequence[Part] = ()
        self._new_parts: Sequence[Part] | None = None
        self._is_new = False
        self._lock_fd = -1
        self._new_fd = -1
        self._writer: TarWriter | None = None
        self._staged: dict[str, Span] = {}
        self._index: bytes | None = None

    # -- reading: what this run has written is there, too

    def size(self, name: str) -> int | None:
        """Return the length of a file, of those of this run as well."""
        if name == INDEX_FILE and self._index is not None:
            return len(self._index)
        staged = self._staged.get(name)
        return super().size(name) if staged is None else staged.length

    def open(self, name: str, offset: int) -> BlobReader | None:
        """Return a reader of a file from a byte on, of those of this run as well."""
        with self._lock:
            if name == INDEX_FILE and self._index is not None:
                return BytesReader(self._index[offset:])
            staged = self._staged.get(name)
            if staged is None:
                return super().open(name, offset)
            offset = min(offset, staged.length)
            return FileReader(os.dup(self._new_fd), self.path, staged.start + offset, staged.length - offset)

    def parts(self) -> Sequence[Part]:
        """Return the parts that it lies in; none for an archive in one file."""
        self.files()
        return self._parts

    def is_cut(self) -> bool:
        """Return whether this run has written parts, which count when an inventory names them."""
        return self._new_parts is not None

    def _opened(self) -> list[int]:
        if self._new_parts is not None:  # the inventory does not name them yet
            self._parts = self._new_parts
            return open_parts(self.path, self._parts, self._run, hashed=False)
        self._parts = ()
        found = super()._opened()
        return found if found else self._opened_parts()

    def _opened_parts(self) -> list[int]:
        """Open the parts that the inventory lists. Their digests do not matter where this run writes the parts."""
        there = [each for each in parts_in_folder(self.path) if not each.endswith(".new")]
        inventory = read_inventory(inventory_path(self.path))
        parts = () if inventory is None else inventory.parts
        if self._part_size is not None and not set(there).intersection(part_paths(self.path, parts)):
            return []  # they have been carried away, or a run was killed before the inventory named them
        if there and not parts:
            raise ContentError(
                code="layout_invalid",
                action="read",
                subject=self.path,
                cause=f"{os.path.basename(there[0])} is there, and no inventory that lists it",
                hint="copy the .inventory.json that was written with the parts, too",
            )
        self._parts = parts
        return open_parts(self.path, parts, self._run, hashed=self._part_size is None)

    # -- writing

    def put_blob(self, blob: Descriptor, open_at: OpenAt) -> int:
        """Write a blob into the new archive."""
        writer = self._begin()
        name = blob_file(blob.digest)

        def blocks() -> Iterator[bytes]:
            reader = open_at(0)
            try:
                yield from verified(blob, iter(reader))
            finally:
                reader.close()

        span = writer.file(name, blob.size, blocks)
        with self._lock:
            self._staged[name] = span
        return blob.size

    def change_index(self, change: Change) -> None:
        """Change the index, which is written at the end."""
        self._begin()
        before = self.read(INDEX_FILE, MAX_INDEX_BYTES) or b""
        after = change(before)
        with self._lock:
            if after != before:
                self._index = after

    def finish(self) -> None:
        """Write what is kept of the old archive and the index, and put the new archive in its place."""
        writer = self._writer
        if writer is None or (self._index is None and not self._staged):
            return
        with self._lock:
            old = self._kept()
            kept = sum(span.length for span in old.values())
            self._check_room(kept + min(self._part_size or 0, kept + writer.layout()[1]))
            for name, span in old.items():
                writer.copy(name, self._tar(), span)
            index = self.read(INDEX_FILE, MAX_INDEX_BYTES) or EMPTY_INDEX
            for name, raw in ((LAYOUT_FILE, LAYOUT_MARK), (INDEX_FILE, index)):
                writer.file(name, len(raw), partial(iter, (raw,)))
            writer.finish()
            if self._part_size is None:
                self._put_in_place()
            else:
                self._cut(writer, self._part_size)

    def _cut(self, writer: TarWriter, part_size: int) -> None:
        """Put parts in the place of the new archive. They count when the inventory names them."""
        spans = spans_of_parts(*writer.layout(), part_size)
        check_number(self.path, spans)
        parts = cut(self._new_fd, self.path, spans, self._run)
        with suppress(OSError):
            os.unlink(self._temporary)
        self._lasting()
        self._new_parts = parts

    def settle(self) -> None:
        """Remove the archive, or the parts, that have been replaced, and let other runs write."""
        with self._lock:
            if not self._is_new:
                return
            try:
                if self._new_parts is not None:
                    os.unlink(self.path)
            except FileNotFoundError:
                pass
            except OSError as fault:
                raise failed("write", self.path, fault) from fault
            remove_others(self.path, self._new_parts or ())
            self._new_parts = None
            self._end_writing()

    def _put_in_place(self) -> None:
        try:
            os.rename(self._temporary, self.path)
        except OSError as fault:
            raise failed("write", self.path, fault) from fault
        self._lasting()

    def _lasting(self) -> None:
        folder = os.path.dirname(self.path)
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as fault:
            raise failed("write", self.path, fault) from fault
        self._end_file()
        self._is_new = True
        self._forget()

    def close(self) -> None:
        """Drop what has not been put in place, and let other runs write."""
        with self._lock:
            if self._writer is not None:
                with suppress(OSError):
                    os.unlink(self._temporary)
            self._end_writing()
        super().close()

    def _end_writing(self) -> None:
        self._end_file()
        self._is_new = False
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
        self._lock_fd = -1

    def _end_file(self) -> None:
        if self._new_fd >= 0:
            os.close(self._new_fd)
        self._new_fd = -1
        self._writer, self._staged, self._index = None, {}, None

    @property
    def _temporary(self) -> str:
        folder, name = os.path.split(self.path)
        return os.path.join(folder, f".{name}.new")

    def _begin(self) -> TarWriter:
        """Wait until no other run writes, and begin a new archive beside the old one."""
        with self._lock:
            if self._writer is not None:
                return self._writer
            try:
                self._open_new()
                writer = TarWriter(self._new_fd, self.path)
                writer.folder("blobs")
                writer.folder("blobs/sha256")
            except BaseException:
                self._end_writing()  # else this run would wait for itself when it tries again
                raise
            self._writer = writer
            return writer

    def _open_new(self) -> None:
        folder, name = os.path.split(self.path)
        try:
            os.makedirs(folder, exist_ok=True)
            lock = os.path.join(folder, f".{name}.lock")
            self._lock_fd = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
            self._wait_for_lock()
            self._forget()  # another run may have put another archive in its place
            self.files()
            with suppress(FileNotFoundError):
                os.unlink(self._temporary)  # of a run that was killed
            self._new_fd = os.open(self._temporary, _NEW, 0o666)
        except OSError as fault:
            raise failed("write", fault.filename or self.path, fault) from fault

    def _wait_for_lock(self) -> None:
        waited = False
        while True:
            try:
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if not waited:
                    self._run.warn(f"another run is writing {self.path}, and is waited for")
                waited = True
                self._run.wait(_POLL, action="write", subject=self.path)

    def _check_room(self, needed: int) -> None:
        """Raise where the file system has no room for what is kept of the old archive, and for one part."""
        there = os.fstatvfs(self._new_fd)
        free = there.f_bavail * there.f_frsize
        if needed + _ROOM_TO_SPARE > free:
            raise ImageOpsError(
                code="storage_failed",
                action="write",
                subject=self.path,
                cause=f"{needed} bytes more are needed for the new archive beside the old one, and {free} are free",
                hint="make room on its file system; the old archive is as it was",
            )

    # -- what is kept

    def _kept(self) -> dict[str, Span]:
        """Return the blobs of the old archive that the new index leads to; all, where what it leads to is not known.

        :raises ContentError: source_incomplete, when a blob that it leads to is in neither
        """
        there = {name: span for name, span in self.files().items() if isinstance(span, Span)}
        blobs = {name: span for name, span in there.items() if name.startswith("blobs/") and name not in self._staged}
        wanted = self._wanted()
        return blobs if wanted is None else {name: span for name, span in blobs.items() if name in wanted}

    def _wanted(self) -> set[str] | None:
        """Return the files that the index leads to; None where a manifest of it cannot be read."""
        raw = self.read(INDEX_FILE, MAX_INDEX_BYTES) or b""
        waiting = [entry.descriptor.digest for entry in LayoutIndex.parse(raw, self.path, "").entries]
        seen: set[Digest] = set(waiting)
        found = {blob_file(digest) for digest in waiting}
        while waiting:
            digest = waiting.pop()
            try:
                raw = self.read(blob_file(digest), MAX_MANIFEST_BYTES) or b""
                manifest = parse_manifest(raw, "", digest)
            except ContentError:
                return None
            found.update(blob_file(blob.digest) for blob in (*manifest.blobs, *manifest.children))
            below = [child.digest for child in manifest.children if child.digest not in seen]
            seen.update(below)
            waiting += below
        return found
