# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of an OCI image layout lie in (OCI image-spec 1.1, image-layout.md): a directory, or a tar.

A file is named by its path in the layout: ``index.json``, ``blobs/sha256/<hex>``. Whatever else a directory or a tar
can hold (links, devices, directories in place of files) is no file of the layout.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from ..errors import Code, ContentError, ImageOpsError
from ..http.response import BLOCK
from ..image.manifest import Descriptor
from ..image.reference import Digest
from ..store.store import BlobReader, OpenAt

INDEX_FILE = "index.json"
LAYOUT_FILE = "oci-layout"
LAYOUT_MARK = b'{"imageLayoutVersion":"1.0.0"}'
EMPTY_INDEX = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
MAX_INDEX_BYTES = 64 * 1024 * 1024

_HINTS = {
    errno.ENOSPC: "make room on its file system, and run again: what has arrived is kept",
    errno.EDQUOT: "make room within the quota, and run again: what has arrived is kept",
    errno.EROFS: "its file system is mounted read-only",
    errno.EACCES: "let the user that the task runs as read and write there, or set become",
    errno.EPERM: "let the user that the task runs as read and write there, or set become",
}

Change = Callable[[bytes], bytes]
"""Take the bytes of ``index.json``, or none where there is none, and return those that are to stand there."""


def blob_file(digest: Digest) -> str:
    """Return the file that a blob is in."""
    return f"blobs/{digest.algorithm}/{digest.encoded}"


@dataclass(frozen=True)
class Part:
    """One part of an archive.

    :ivar size: in bytes
    """

    size: int
    digest: Digest


class Content(ABC):
    """The files of one layout. Any thread may call any method.

    :ivar path: of the directory or the tar, as messages show it
    """

    path: str

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Return the length of a file; None when there is no file of that name."""

    @abstractmethod
    def open(self, name: str, offset: int) -> BlobReader | None:
        """Return a reader of a file from a byte on; None when there is no file of that name."""

    @abstractmethod
    def put_blob(self, blob: Descriptor, open_at: OpenAt) -> int:
        """Write a blob, which is there as a whole or not at all. Return how many bytes were written for it.

        :raises ContentError: when the reader gives other bytes than those of the digest
        """

    @abstractmethod
    def change_index(self, change: Change) -> None:
        """Replace ``index.json`` in one step. What other runs have written in the meantime is kept.

        Every blob that was put before lasts when the new index does.
        """

    @abstractmethod
    def finish(self) -> None:
        """Make lasting what is not yet; nothing is written where nothing has changed."""

    def parts(self) -> Sequence[Part]:
        """Return the parts that an archive lies in; none for what lies in one file or a directory."""
        return ()

    def is_cut(self) -> bool:
        """Return whether this run has written parts, which count when an inventory names them."""
        return False

    def settle(self) -> None:  # noqa: B027
        """Remove what is of no use any more, after the inventory has been written."""

    @abstractmethod
    def close(self) -> None:
        """Release everything. What was put and is not lasting is dropped; twice is harmless."""

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a small file; None when there is no file of that name.

        :raises ContentError: too_large
        """
        size = self.size(name)
        if size is None:
            return None
        if size > limit:
            raise ContentError(
                code="too_large",
                action="read",
                subject=f"{name} in {self.path}",
                cause=f"it has {size} bytes, more than {limit}",
            )
        reader = self.open(name, 0)
        if reader is None:
            return None
        try:
            return b"".join(reader)
        finally:
            reader.close()


def verified(blob: Descriptor, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks of a blob, and raise at its end when they are not what its digest and size promise.

    :raises ContentError: size_mismatch as soon as there is too much, else at the end; digest_mismatch
    """
    hasher, position = blob.digest.hasher(), 0
    for block in blocks:
        position += len(block)
        if position > blob.size:
            _wrong(blob, "size_mismatch", f"it is longer than the {blob.size} bytes of its descriptor")
        hasher.update(block)
        yield block
    if position != blob.size:
        _wrong(blob, "size_mismatch", f"it has {position} bytes, not {blob.size}")
    if hasher.hexdigest() != blob.digest.encoded:
        _wrong(blob, "digest_mismatch", "its bytes have another digest")


def _wrong(blob: Descriptor, code: Code, cause: str) -> NoReturn:
    raise ContentError(code=code, action="write", subject=f"the blob {blob.digest}", cause=cause)


def failed(action: str, path: str, fault: OSError) -> ImageOpsError:
    """Return the error for what the operating system says against a file."""
    return ImageOpsError(
        code="storage_failed",
        action=action,
        subject=path,
        cause=(fault.strerror or str(fault)).lower(),
        hint=_hint(fault),
    )


def _hint(fault: OSError) -> str:
    return _HINTS.get(fault.errno or 0, "")


class FileReader:
    """The bytes of an open file, or of a part of it, in blocks.

    :param fd: is closed with this
    :param start: of the part, in bytes
    :param length: of the part
    :param whole: whether the part is all that the file has
    """

    def __init__(self, fd: int, path: str, start: int, length: int, *, whole: bool = False) -> None:
        self._fd = fd
        self._path = path
        self._position = start
        self._end = start + length
        self._whole = whole

    def file(self) -> int | None:
        """Return the descriptor of the file where all of it is read."""
        return self._fd if self._whole and self._fd >= 0 else None

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes; fewer than there should be where the file has been cut."""
        while self._position < self._end and self._fd >= 0:
            try:
                block = os.pread(self._fd, min(BLOCK, self._end - self._position), self._position)
            except OSError as fault:
                raise failed("read", self._path, fault) from fault
            if not block:
                return
            self._position += len(block)
            yield block

    def close(self) -> None:
        """Close the file; twice is harmless."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
