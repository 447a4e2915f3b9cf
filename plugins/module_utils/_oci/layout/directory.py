# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A layout in a directory: read without following a link, written so that it is a valid layout at every moment.

A blob is written to a temporary name, synced and renamed. ``index.json`` is replaced in one step, after the names of
all blobs before it are on the disk. Two locks (flock) are in a directory of our own: one is held while ``index.json``
is read and replaced, so that two runs take turns; the other is shared by all runs that write, and whoever is alone
removes what runs that were killed have left.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import ContentError
from ..image.manifest import Descriptor
from ..store.store import BlobReader, OfFile, OpenAt
from .content import (
    EMPTY_INDEX,
    INDEX_FILE,
    LAYOUT_FILE,
    LAYOUT_MARK,
    MAX_INDEX_BYTES,
    Change,
    Content,
    FileReader,
    blob_file,
    failed,
    verified,
)

_OURS = ".imageops-registry"
_TEMPORARY = f"{_OURS}/tmp"
_NOT_THERE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO))
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class Directory(Content):
    """A layout in a directory, which need not be there yet.

    :param path: of the directory; it may be a link, what is in it may not
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._prepared = False
        self._preparing = threading.Lock()
        self._writers: int | None = None
        self._number = 0
        self._numbers = threading.Lock()

    # -- reading

    def size(self, name: str) -> int | None:
        """Return the length of a regular file; None for whatever else is there."""
        fd = self._open(name)
        if fd is None:
            return None
        try:
            return os.fstat(fd).st_size
        finally:
            os.close(fd)

    def open(self, name: str, offset: int) -> FileReader | None:
        """Return a reader of a regular file; None for whatever else is there."""
        fd = self._open(name)
        if fd is None:
            return None
        length = os.fstat(fd).st_size
        path = os.path.join(self.path, name)
        return FileReader(fd, path, offset, max(0, length - offset), whole=offset == 0)

    def _open(self, name: str) -> int | None:
        """Open a regular file of the layout; links lead nowhere, and nothing that blocks is waited for."""
        try:
            with _directory(self.path, name) as (parent, last):
                fd = os.open(last, _READ | os.O_NONBLOCK, dir_fd=parent)
        except OSError as fault:
            if fault.errno in _NOT_THERE:
                return None
            raise failed("read", os.path.join(self.path, name), fault) from fault
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
        return None

    # -- writing

    def put_blob(self, blob: Descriptor, open_at: OpenAt) -> int:
        """Write a blob to a temporary name, sync it, and give it its own name.

        A file of another layout on the same file system is not written again: it gets a second name (a hard link).
        """
        self._prepare()
        name = blob_file(blob.digest)
        self._make(os.path.dirname(name))
        written = 0
        with self._temporary() as (fd, temporary):
            reader = open_at(0)
            try:
                for block in verified(blob, iter(reader)):
                    if not written and self._is_linked(reader, blob, temporary):
                        break
                    self._write(fd, block, name)
                    written += len(block)
            finally:
                reader.close()
            self._rename(fd, temporary, name)
        return written

    def _is_linked(self, reader: BlobReader, blob: Descriptor, temporary: str) -> bool:
        """Give the file that is being read the temporary name, too. Return False where that cannot be, or it is wrong.

        What got the name is read and verified, whatever the reader gives.
        """
        fd = reader.file() if isinstance(reader, OfFile) else None
        if fd is None:
            return False
        link = f"{temporary}.link"
        try:
            with _directory(self.path, os.path.relpath(link, self.path)) as (folder, last):
                os.link(f"/proc/self/fd/{fd}", last, dst_dir_fd=folder)
        except OSError:
            return False  # another file system, say
        linked = FileReader(os.open(link, _READ), link, 0, blob.size + 1)
        try:
            for _block in verified(blob, iter(linked)):
                pass
            os.fsync(fd)
            os.replace(link, temporary)
        except (ContentError, OSError):
            os.unlink(link)
            return False
        finally:
            linked.close()
        return True

    def change_index(self, change: Change) -> None:
        """Replace ``index.json`` while no other run does."""
        self._prepare()
        try:
            self._change_index(change)
        except OSError as fault:
            raise failed("write", os.path.join(self.path, INDEX_FILE), fault) from fault

    def _change_index(self, change: Change) -> None:
        with self._locked():
            before = self.read(INDEX_FILE, MAX_INDEX_BYTES) or b""
            after = change(before)
            if after != before:
                for folder in self._blob_folders():
                    self._sync(folder)
                self._replace(INDEX_FILE, after)

    def finish(self) -> None:
        """Do nothing: what was written lasts."""

    def close(self) -> None:
        """Let go of the lock of those that write."""
        with self._preparing:
            writers, self._writers, self._prepared = self._writers, None, False
            if writers is not None:
                os.close(writers)

    def _prepare(self) -> None:
        """Make a layout of the directory, and remove what runs that were killed have left in it."""
        with self._preparing:
            if self._prepared:
                return
            try:
                os.makedirs(self.path, exist_ok=True)
                self._refuse_other_files()
                self._make(_TEMPORARY)
                self._make("blobs/sha256")
                self._writers = self._lock_file("writers.lock")
                self._clean(self._writers)
                fcntl.flock(self._writers, fcntl.LOCK_SH)
                with self._locked():
                    for name, raw in ((LAYOUT_FILE, LAYOUT_MARK), (INDEX_FILE, EMPTY_INDEX)):
                        if self.size(name) is None:
                            self._replace(name, raw)
            except OSError as fault:
                raise failed("write to", fault.filename or self.path, fault) from fault
            self._prepared = True

    def _refuse_other_files(self) -> None:
        """Raise ContentError where the directory holds something else."""
        there = [name for name in os.listdir(self.path) if not name.startswith(".")]
        if there and not {LAYOUT_FILE, INDEX_FILE}.intersection(there):
            raise ContentError(
                code="layout_invalid",
                action="write to",
                subject=self.path,
                cause=f"it has files, such as {min(there)}, and is no OCI image layout",
                hint="name a directory that is empty, or not there yet",
            )

    def _clean(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another run is writing
        with _directory(self.path, f"{_TEMPORARY}/any") as (folder, _name):
            for name in os.listdir(folder):
                os.unlink(name, dir_fd=folder)

    def _lock_file(self, name: str) -> int:
        with _directory(self.path, f"{_OURS}/{name}") as (folder, last):
            return os.open(last, _WRITE, 0o666, dir_fd=folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._lock_file("index.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _temporary(self) -> Iterator[tuple[int, str]]:
        """Give a new file that is gone afterwards unless it has been renamed."""
        with self._numbers:
            self._number += 1
            name = f"{_TEMPORARY}/{os.getpid()}-{threading.get_ident()}-{self._number}"
        path = os.path.join(self.path, name)
        try:
            fd = os.open(path, _WRITE | os.O_EXCL, 0o666)
        except OSError as fault:
            raise failed("write", path, fault) from fault
        try:
            yield fd, path
        finally:
            os.close(fd)
            with suppress(FileNotFoundError):
                os.unlink(path)

    def _write(self, fd: int, block: bytes, name: str) -> None:
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[os.write(fd, rest) :]
        except OSError as fault:
            raise failed("write", os.path.join(self.path, name), fault) from fault

    def _replace(self, name: str, raw: bytes) -> None:
        with self._temporary() as (fd, temporary):
            self._write(fd, raw, name)
            self._rename(fd, temporary, name)
        self._sync("")

    def _rename(self, fd: int, temporary: str, name: str) -> None:
        try:
            os.fsync(fd)
            with _directory(self.path, name) as (folder, last):
                os.rename(temporary, last, dst_dir_fd=folder)
        except OSError as fault:
            raise failed("write", os.path.join(self.path, name), fault) from fault

    def _make(self, folder: str) -> None:
        try:
            os.makedirs(os.path.join(self.path, folder), exist_ok=True)
        except OSError as fault:
            raise failed("write", os.path.join(self.path, folder), fault) from fault

    def _blob_folders(self) -> list[str]:
        folders = [f"blobs/{algorithm}" for algorithm in ("sha256", "sha512")]
        return [folder for folder in folders if os.path.isdir(os.path.join(self.path, folder))]

    def _sync(self, folder: str) -> None:
        """Have the names in a folder on the disk."""
        with _directory(self.path, f"{folder}/any" if folder else "any") as (fd, _name):
            os.fsync(fd)


@contextmanager
def _directory(root: str, name: str) -> Iterator[tuple[int, str]]:
    """Give the directory of a file below the root, opened without following a link, and the file's name in it."""
    folders = name.split("/")
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders[:-1]:
            below = os.open(folder, _READ | os.O_DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd, folders[-1]
    finally:
        os.close(fd)
