# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies of uploads: exactly as many bytes as were announced, in blocks as they come from their reader."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import ContentError
from ..http.transport import Stats
from ..store.store import BlobReader, OpenAt


class Body:
    """The blocks of one request's body. What its reader raises passes through it.

    :param blocks: where they come from
    :param size: how many bytes are announced
    :param subject: the blob, as errors name it
    """

    def __init__(self, blocks: Iterator[bytes], size: int, stats: Stats, subject: str) -> None:
        self._blocks = blocks
        self._size = size
        self._stats = stats
        self._subject = subject
        self._first: bytes | None = None
        self._sent = 0

    def prepare(self) -> None:
        """Read the first block, so that a source with nothing to give spoils no upload session."""
        self._first = next(self._blocks, b"")

    @property
    def sent(self) -> int:
        """How many bytes went out."""
        return self._sent

    @property
    def is_whole(self) -> bool:
        """Return whether everything was sent."""
        return self._sent >= self._size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        if self._first:
            yield from self._measured(self._first)
        for block in self._blocks:
            yield from self._measured(block)
        if self._sent != self._size:
            raise self._wrong(self._sent)

    def _measured(self, block: bytes) -> Iterator[bytes]:
        if self._sent + len(block) > self._size:
            raise self._wrong(self._sent + len(block))
        yield block
        self._sent += len(block)
        self._stats.count(written=len(block))

    def _wrong(self, found: int) -> ContentError:
        return ContentError(
            code="size_mismatch",
            action="send",
            subject=self._subject,
            cause=f"its reader gave {found} bytes where {self._size} were announced",
        )


class Pieces:
    """Pieces of one blob: read on as long as they follow each other, else from a fresh reader.

    :param open_at: gives a reader from a byte on
    """

    def __init__(self, open_at: OpenAt) -> None:
        self._open_at = open_at
        self._reader: BlobReader | None = None
        self._blocks: Iterator[bytes] = iter(())
        self._rest = b""
        self._position = 0

    def take(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield the bytes from offset on, fewer than length only when the blob ends."""
        if self._reader is None or self._position != offset:
            self.close()
            self._reader = self._open_at(offset)
            self._blocks, self._rest, self._position = iter(self._reader), b"", offset
        while length:
            block = self._rest or next(self._blocks, b"")
            if not block:
                return
            piece, self._rest = block[:length], block[length:]
            length -= len(piece)
            self._position += len(piece)
            yield piece

    def close(self) -> None:
        """Release the reader; a second call is harmless."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
