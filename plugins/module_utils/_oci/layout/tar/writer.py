# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new tar file, whose files are written at the same time, each at the place that was reserved for it.

The sizes of blobs are known beforehand, so that many threads can write: each has its own part of the file. A part whose
blob did not come is given to the next one of that size; what is left of those at the end is a file without meaning.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

from ..content import failed
from .file import TarFile
from .headers import BLOCK, Span

_VOID = ".imageops-registry/void"
_OCTAL_LIMIT = 8**11
_COPIED_AT_ONCE = 16 * 1024 * 1024


class TarWriter:
    """Writes a tar file. Any thread may write a file to it.

    :param fd: of an empty file
    :param path: of the tar that it is to be, as messages show it
    """

    def __init__(self, fd: int, path: str) -> None:
        self._fd = fd
        self._path = path
        self._lock = threading.Lock()
        self._end = 0
        self._starts: list[int] = []
        self._void: dict[int, list[int]] = {}

    def folder(self, name: str) -> None:
        """Write a folder."""
        with self._lock:
            start, self._end = self._end, self._end + BLOCK
            self._starts.append(start)
        self._write(self._fd, header(f"{name}/", 0, kind=b"5"), start)

    def file(self, name: str, size: int, blocks: Callable[[], Iterator[bytes]]) -> Span:
        """Write a file and return where it lies. When this raises, it is not in the tar.

        :param size: that it will have
        :param blocks: gives its bytes
        """
        start = self._reserve(size)
        fd = os.dup(self._fd)  # so that nothing else can have its number while this writes
        try:
            position = start + BLOCK
            for block in blocks():
                self._write(fd, block, position)
                position += len(block)
            self._write(fd, header(name, size), start)
        except BaseException:
            with self._lock:
                self._void.setdefault(size, []).append(start)
            raise
        finally:
            os.close(fd)
        return Span(start + BLOCK, size)

    def copy(self, name: str, tar: TarFile, span: Span) -> Span:
        """Write a file out of another tar, by a reference to its blocks where the file system has such."""
        start = self._reserve(span.length)
        position = start + BLOCK
        try:
            for fd, offset, length in tar.pieces(*span):
                self._copy(fd, offset, length, position)
                position += length
        except OSError as fault:
            raise failed("write", self._path, fault) from fault
        self._write(self._fd, header(name, span.length), start)
        return Span(start + BLOCK, span.length)

    def _copy(self, fd: int, offset: int, length: int, position: int) -> None:
        while length:
            moved = _copy_range(fd, self._fd, min(_COPIED_AT_ONCE, length), offset, position)
            if not moved:
                raise OSError(0, "the old archive has become shorter")
            offset, length, position = offset + moved, length - moved, position + moved

    def layout(self) -> tuple[list[int], int]:
        """Return where each member begins, and where the tar ends."""
        return self._starts, self._end + 2 * BLOCK

    def finish(self) -> None:
        """Write the end, and have all of it on the disk."""
        for size, starts in self._void.items():
            for start in starts:
                self._write(self._fd, header(_VOID, size), start)
        try:
            os.ftruncate(self._fd, self._end + 2 * BLOCK)
            os.fsync(self._fd)
        except OSError as fault:
            raise failed("write", self._path, fault) from fault

    def _reserve(self, size: int) -> int:
        """Return where a file of this size has its header; its room on the disk is taken."""
        with self._lock:
            if self._void.get(size):
                return self._void[size].pop()
            start = self._end
            end = start + BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
            try:
                os.posix_fallocate(self._fd, start, end - start)
            except OSError as fault:
                raise failed("write", self._path, fault) from fault
            self._end = end
            self._starts.append(start)
            return start

    def _write(self, fd: int, data: bytes, position: int) -> None:
        rest = memoryview(data)
        try:
            while rest:
                done = os.pwrite(fd, rest, position)
                rest, position = rest[done:], position + done
        except OSError as fault:
            raise failed("write", self._path, fault) from fault


def header(name: str, size: int, *, kind: bytes = b"0") -> bytes:
    """Return the header of a file or folder, the same each time: no owner, no time (POSIX.1-1988, ustar).

    A size of 8 GiB and more is in base 256, as GNU tar writes it and all read it.
    """
    large = size >= _OCTAL_LIMIT
    number = b"\x80" + size.to_bytes(11, "big") if large else b"%011o\0" % size
    mode = b"0000755\0" if kind == b"5" else b"0000644\0"
    magic = b"ustar  \0" if large else b"ustar\x00" + b"00"
    fields = (name.encode().ljust(100, b"\0"), mode, b"0000000\0" * 2, number, b"%011o\0" % 0)
    before, after = b"".join(fields), kind + bytes(100) + magic
    raw = (before + b" " * 8 + after).ljust(BLOCK, b"\0")
    return raw[:148] + b"%06o\0 " % sum(raw) + raw[156:]


def _copy_range(source: int, destination: int, amount: int, at: int, to: int) -> int:
    try:
        return os.copy_file_range(source, destination, amount, at, to)
    except OSError:  # another file system, or one that knows no such call
        return os.pwrite(destination, os.pread(source, amount, at), to)
