# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a tar, read where they lie in it."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from typing import Union

from ...errors import ContentError, RegistryError
from ...image.manifest import Descriptor
from ...store.store import BlobReader, OpenAt
from ..content import Change, Content, failed
from .file import TarFile
from .headers import Members, Span, read_members

Files = Mapping[str, Union[Span, bytes]]
"""Where files lie, by name; the bytes themselves of those that are made up."""


class TarContent(Content):
    """The files of a tar, which need not be there. Nothing can be written.

    :param path: of the tar
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._file: TarFile | None = None
        self._files: Files | None = None

    def size(self, name: str) -> int | None:
        """Return the length of a file; None when the tar, or a file of that name in it, is not there."""
        found = self.files().get(name)
        if found is None:
            return None
        return len(found) if isinstance(found, bytes) else found.length

    def open(self, name: str, offset: int) -> BlobReader | None:
        """Return a reader of a file from a byte on; None when it is not there."""
        with self._lock:
            found = self.files().get(name)
            if found is None:
                return None
            if isinstance(found, bytes):
                return BytesReader(found[offset:])
            offset = min(offset, found.length)
            return self._tar().reader(found.start + offset, found.length - offset)

    def files(self) -> Files:
        """Return where the files lie; none when there is no tar."""
        with self._lock:
            if self._files is None:
                fds = self._opened()
                self._file = TarFile(fds, self.path)
                self._files = self._found(read_members(self._file, self.path)) if fds else {}
            return self._files

    def _opened(self) -> list[int]:
        """Open what the tar lies in; nothing when there is none."""
        fd = open_regular(self.path)
        return [] if fd < 0 else [fd]

    def _tar(self) -> TarFile:
        """Return the file that is open."""
        return self._file or TarFile((), self.path)

    def _found(self, members: Members) -> Files:
        """Return the files of the layout out of those of the tar."""
        return members.files

    def put_blob(self, blob: Descriptor, open_at: OpenAt) -> int:
        """Refuse to."""
        raise self._unsupported()

    def change_index(self, change: Change) -> None:
        """Refuse to."""
        raise self._unsupported()

    def _unsupported(self) -> RegistryError:
        return RegistryError(
            code="unsupported",
            action="write to",
            subject=self.path,
            cause="archives of docker save are read and not written",
            hint="write oci-archive: in its place",
        )

    def finish(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close the file. Readers that are open have it open themselves."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        file, self._file, self._files = self._file, None, None
        if file is not None:
            file.close()


class BytesReader:
    """Bytes that are in memory."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes in blocks."""
        for start in range(0, len(self._raw), 65536):
            yield self._raw[start : start + 65536]

    def close(self) -> None:
        """Do nothing."""


def open_regular(path: str) -> int:
    """Open a regular file; -1 when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as fault:
        if fault.errno == errno.ENOENT:
            return -1
        raise failed("read", path, fault) from fault
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise ContentError(
        code="layout_invalid",
        action="read",
        subject=path,
        cause="it is not a regular file",
        hint="write oci: for a layout in a directory",
    )
