# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back from one exchange, and what it cost."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from .faults import Fault
from .message import Response

BLOCK = 64 * 1024
"""Bytes that are read of a body at once, at most."""
ERROR_LIMIT = 64 * 1024
"""Bytes that are read of an error's body."""


class Stats:
    """What one registry cost: requests, and bytes of bodies in both directions."""

    def __init__(self) -> None:
        self.requests = 0
        self.bytes_read = 0
        self.bytes_written = 0
        self._lock = threading.Lock()

    def count(self, *, requests: int = 0, read: int = 0, written: int = 0) -> None:
        with self._lock:
            self.requests += requests
            self.bytes_read += read
            self.bytes_written += written


class Answer:
    """What came back. A small one has its ``body``; a streamed one is read by :meth:`read` and has to be closed.

    :param url: where it finally came from, after redirects
    :param foreign: it came from another scheme, host or port than was asked
    """

    __slots__ = ("_raw", "_stats", "body", "foreign", "headers", "length", "status", "url")

    def __init__(self, raw: Response, *, url: str, foreign: bool, stats: Stats) -> None:
        self._raw = raw
        self._stats = stats
        self.status: int = raw.status
        self.headers: Mapping[str, str] = raw.headers
        self.url = url
        self.foreign = foreign
        self.body = b""
        self.length = raw.length

    def read(self) -> bytes:
        """The next block, at most 64 KiB; empty at the end.

        :raises Fault: when the connection breaks or stalls
        """
        try:
            block = self._raw.read(BLOCK)
        except Fault:
            self.close()
            raise
        self._stats.count(read=len(block))
        return block

    def read_whole(self, limit: int) -> None:
        """Take the whole body into ``body``.

        :raises Fault: too_large over the limit, and for a body shorter than was announced
        """
        blocks: list[bytes] = []
        size = 0
        while True:
            block = self.read()
            if not block:
                break
            size += len(block)
            if size > limit:
                self.close()
                raise Fault("too_large", f"the answer is larger than {limit} bytes", transient=False)
            blocks.append(block)
        if self.length is not None and size != self.length:
            self.close()
            raise Fault("connection_failed", f"the answer ended after {size} of {self.length} bytes")
        self.body = b"".join(blocks)

    def peek_error(self) -> None:
        """Take what is worth showing of an error's body, however it ends."""
        try:
            self.read_whole(ERROR_LIMIT)
        except Fault:
            self.body = self.body or b""

    def close(self) -> None:
        """End the connection unless the body was read to its end; then it went back to its pool already."""
        self._raw.close()
