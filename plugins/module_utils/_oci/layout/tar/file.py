# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tar that is read, in one file or in several that follow one another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ...store.store import BlobReader
from ..content import FileReader, failed


class TarFile:
    """The bytes of files that are read as one. Any thread may read.

    :param fds: of the files, in their order; they are closed with this
    :param path: of the tar, as messages show it
    """

    def __init__(self, fds: Sequence[int], path: str) -> None:
        self._path = path
        self._files: list[tuple[int, int, int]] = []
        self.size = 0
        for fd in fds:
            length = os.fstat(fd).st_size
            self._files.append((fd, self.size, length))
            self.size += length

    def pieces(self, start: int, length: int) -> Iterator[tuple[int, int, int]]:
        """Yield where a part of the tar lies: a file, where in it, and how many bytes of it."""
        end = start + length
        for fd, begin, size in self._files:
            if begin < end and start < begin + size:
                first = max(start, begin)
                yield fd, first - begin, min(end, begin + size) - first

    def read(self, length: int, start: int) -> bytes:
        """Return bytes of the tar, fewer where it ends.

        :raises ImageOpsError: storage_failed
        """
        try:
            return b"".join(os.pread(fd, amount, offset) for fd, offset, amount in self.pieces(start, length))
        except OSError as fault:
            raise failed("read", self._path, fault) from fault

    def reader(self, start: int, length: int) -> BlobReader:
        """Return a reader of a part of the tar, which outlives this."""
        return _Readers(
            [FileReader(os.dup(fd), self._path, offset, amount) for fd, offset, amount in self.pieces(start, length)]
        )

    def close(self) -> None:
        """Close the files; twice is harmless."""
        files, self._files = self._files, []
        for fd, _begin, _size in files:
            os.close(fd)


class _Readers:
    """Readers that follow one another."""

    def __init__(self, readers: Sequence[FileReader]) -> None:
        self._readers = readers

    def __iter__(self) -> Iterator[bytes]:
        for reader in self._readers:
            yield from reader

    def close(self) -> None:
        """Close all; twice is harmless."""
        for reader in self._readers:
            reader.close()
