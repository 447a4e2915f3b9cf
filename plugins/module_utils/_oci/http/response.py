# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back from one exchange, and what it cost.

A Content-Encoding is a label that often says nothing of the bytes: storages give back what was said when the bytes were
put there, also when they were put there compressed, or in pieces. So it is believed only of what does not make sense
without it.
"""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .faults import Fault
from .message import Response

BLOCK = 128 * 1024
"""Bytes that are read of a body at once, at most."""
_GZIP = b"\x1f\x8b"
"""What gzip begins with (RFC 1952), and no JSON does."""
_LONGEST_LABEL = 60
ERROR_LIMIT = 64 * 1024
"""Bytes that are read of an error's body."""


class Stats:
    """What one registry cost: requests, bytes of bodies in both directions, and time.

    :ivar ranges: how often a part of a blob was asked for that is read in several at once
    """

    def __init__(self) -> None:
        self.requests = 0
        self.ranges = 0
        self.bytes_read = 0
        self.bytes_written = 0
        self._seconds = 0.0
        self._under_way = 0
        self._since = 0.0
        self._lock = threading.Lock()

    def count(self, *, ranges: int = 0, written: int = 0) -> None:
        with self._lock:
            self.ranges += ranges
            self.bytes_written += written

    @property
    def seconds(self) -> float:
        """Return for how many seconds at least one exchange was under way."""
        with self._lock:
            return self._seconds + (time.monotonic() - self._since if self._under_way else 0.0)

    def begin(self, *, requests: int = 0, written: int = 0) -> None:
        """Note that something of an exchange is under way until :meth:`end`, and count what is sent by it."""
        with self._lock:
            self.requests += requests
            self.bytes_written += written
            if not self._under_way:
                self._since = time.monotonic()
            self._under_way += 1

    def end(self, *, read: int = 0) -> None:
        """Note that it is not under way any more, and count what it has brought."""
        with self._lock:
            self.bytes_read += read
            self._under_way -= 1
            if not self._under_way:
                self._seconds += time.monotonic() - self._since


class Answer:
    """What came back. A small one has its ``body``; a streamed one is read by :meth:`read` and has to be closed.

    :param url: where it finally came from, after redirects
    :param foreign: it came from another scheme, host or port than was asked
    :param method: what was asked with
    :param proxy: the host of a proxy that reads requests and may have answered in the server's place; empty for none
    """

    __slots__ = ("_limit", "_raw", "_stats", "body", "foreign", "headers", "length", "method", "proxy", "status", "url")

    def __init__(
        self,
        raw: Response,
        *,
        url: str,
        foreign: bool,
        stats: Stats,
        method: str = "GET",
        proxy: str = "",
    ) -> None:
        self._raw = raw
        self._stats = stats
        self._limit = 0
        self.method = method
        self.proxy = proxy
        self.status: int = raw.status
        self.headers: Mapping[str, str] = raw.headers
        self.url = url
        self.foreign = foreign
        self.body = b""
        self.length = raw.length

    @property
    def host(self) -> str:
        """The host that it came from, with its port where the URL names one."""
        return urlsplit(self.url).netloc

    @property
    def label(self) -> str:
        """What an error adds about a Content-Encoding, empty where there is none."""
        encoding = self._encoding
        shown = "".join(mark if mark.isprintable() else " " for mark in encoding)[:_LONGEST_LABEL]
        return f'; {self.host} sent it with "Content-Encoding: {shown}"' if encoding not in ("", "identity") else ""

    @property
    def _encoding(self) -> str:
        return str(self.headers.get("Content-Encoding", "")).strip().lower()

    def plain(self) -> bytes:
        """Return the body of what has to be JSON: inflated where it is gzip and is labelled so.

        More than the body's own limit is not inflated.
        """
        coded = any(name.strip() in ("gzip", "x-gzip") for name in self._encoding.split(","))
        if not coded or not self.body.startswith(_GZIP):
            return self.body
        inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            inflated = inflater.decompress(self.body, self._limit)
        except zlib.error:
            return self.body
        return inflated if inflater.eof else self.body

    def json(self) -> Any:
        """Return what the body says as JSON.

        :raises ValueError: when it is something else
        """
        try:
            return json.loads(self.plain())
        except RecursionError as error:
            raise ValueError("nested too deeply") from error

    def read(self) -> bytes:
        """Return the next block, at most 128 KiB; empty at the end.

        :raises Fault: when the connection breaks or stalls
        """
        block = b""
        self._stats.begin()
        try:
            block = self._raw.read(BLOCK)
        except Fault:
            self.close()
            raise
        finally:
            self._stats.end(read=len(block))
        return block

    def read_whole(self, limit: int) -> None:
        """Read the whole body into ``body``.

        :raises Fault: too_large over the limit, and for a body shorter than was announced
        """
        self._limit = limit
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
        """Read what is worth showing of an error's body, however it ends."""
        try:
            self.read_whole(ERROR_LIMIT)
            self.body = self.plain()
        except Fault:
            self.body = self.body or b""

    def close(self) -> None:
        """End the connection unless the body was read to its end; then it went back to its pool already."""
        self._raw.close()
