# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 messages on a connection (RFC 9112): a request is written, the head of its answer read, its body streamed.

The libraries for it do this in three times the CPU time, which for thousands of small requests is most of what a run
costs. Every error is a :class:`~.faults.Fault`.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable, NamedTuple

from .faults import Fault, cut_off, fault_of, not_http
from .sockets import Watch, is_readable

BROKEN = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""What sending raises when the server has closed the connection: with TLS it depends on the state of the close."""
LONGEST_FILL = 0.2
"""Seconds in which the blocks of a streamed answer are filled up before they are passed on."""
_AT_ONCE = 64 * 1024  # bytes of a body that are sent within one time-out
_MOST_OF_A_HEAD = 64 * 1024
_MOST_OF_A_LINE = 4096
_MOST_FIELDS = 100
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(r"HTTP/1\.(\d) +([1-9]\d\d)(?: .*)?")
_CHUNK_LINE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")
_FOLD = re.compile(r"\r?\n[ \t]+")


class Headers(Mapping[str, str]):
    """The fields of a head, by names in any case; what stands there several times is joined by commas.

    The same once more counts once: proxies repeat what must not be.

    :param text: one field a line, or on several of which all but the first begin with a space (RFC 9112 section 5.2)
    :raises Fault: when there are too many
    """

    __slots__ = ("_fields",)

    def __init__(self, text: str) -> None:
        self._fields: dict[str, str] = {}
        if "\n " in text or "\n\t" in text:
            text = _FOLD.sub(" ", text)
        lines = text.split("\n")
        if len(lines) > _MOST_FIELDS:
            raise not_http("it has too many header fields")
        for line in lines:
            name, colon, value = line.partition(":")
            if colon and line[0] not in " \t":
                name, value = name.strip().lower(), value.strip()
                known = self._fields.setdefault(name, value)
                if known != value:
                    self._fields[name] = f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field, or the default. No exception is used inside, since most fields are absent."""
        return self._fields.get(key.lower(), default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def request_head(method: str, target: str, host: str, headers: Mapping[str, str]) -> bytes:
    """Return the bytes of the head of a request.

    :raises Fault: for what would change the message, or is not Latin-1
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *map(": ".join, headers.items()), "", ""]
    try:
        head = "\r\n".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        head = b""
    ends = len(lines) - 1
    if head.count(b"\r") != ends or head.count(b"\n") != ends or b"\0" in head or " " in target:
        raise Fault("protocol_error", "the request cannot be written down", transient=False)
    return head


class Sent(NamedTuple):
    """How the sending of a request ended.

    :param whole: False when it ended early, for then there may be an answer
    :param early: the beginning of that answer, as far as it was read
    """

    whole: bool
    early: bytes = b""


def send(sock: Any, head: bytes, body: bytes | Iterable[bytes] | None, *, used: bool) -> Sent:
    """Send a request.

    :param used: the connection has answered before: when it breaks, the server had closed it and nothing is lost
    :raises OSError: for anything but a connection that broke
    """
    try:
        sock.sendall(head + body if isinstance(body, bytes) else head)
    except BROKEN:
        return Sent(used)
    if body is None or isinstance(body, bytes):
        return Sent(True)
    # A fresh TLS 1.3 connection is readable without an answer: the server's session tickets come first. In a tunnel
    # through a TLS proxy they cannot be told from an answer.
    return send_blocks(sock, body, may_look=used or isinstance(sock, socket.socket))


def send_blocks(sock: socket.socket, blocks: Iterable[bytes], *, may_look: bool) -> Sent:
    """Send a body block by block.

    It stops when the server answers before the end, or when the connection breaks; even then there may be an answer.

    :param may_look: whether a readable connection may mean an answer
    """
    for block in blocks:
        if may_look and is_readable(sock) and (early := _early(sock)) is not None:
            return Sent(False, early)
        try:
            for begin in range(0, len(block), _AT_ONCE):
                sock.sendall(memoryview(block)[begin : begin + _AT_ONCE])
        except BROKEN:
            return Sent(False)
    return Sent(True)


def _early(sock: socket.socket) -> bytes | None:
    """Return what can be read now, perhaps only a part; None when it is TLS's own data, such as session tickets."""
    if not isinstance(sock, ssl.SSLSocket):
        return b""
    patience = sock.gettimeout()
    sock.settimeout(0)
    try:
        return sock.recv(8192)
    except ssl.SSLWantReadError:
        return None
    except OSError:
        return b""
    finally:
        sock.settimeout(patience)


class Response:
    """One answer. Its head is read when it is made, its body as it is asked for.

    :param method: that was asked with
    :param used: the connection has answered before: when it ends without a byte, the server had closed it before
    :param early: what was read of it while the request was still being sent
    :param give_back: told once, as soon as the connection is not needed any more, whether it can serve again
    :ivar length: of the body, in bytes, None when it was not announced
    :raises Fault: when there is no answer, or no good one; one that is ``stale`` when the server had closed before
    """

    def __init__(
        self,
        sock: socket.socket,
        method: str,
        watch: Watch,
        *,
        used: bool,
        give_back: Callable[[bool], None],
        early: bytes = b"",
    ) -> None:
        self._sock = sock
        self._watch = watch
        self._give_back: Callable[[bool], None] | None = give_back
        self._rest = early
        self._pending_fault: Fault | None = None
        minor = self._read_head(used)
        bare = method == "HEAD" or self.status in (204, 304)
        self._chunked = _is_chunked(self.headers)
        self.length = None if self._chunked else _length(self.headers, bare=bare)
        self._left = 0 if bare or self._chunked else self.length
        connection = self.headers.get("Connection", "").lower()
        self._lasts = "close" not in connection if minor else "keep-alive" in connection
        self._in_chunk = False
        if bare or (self._left == 0 and not self._chunked):
            self._end()

    def read(self, size: int) -> bytes:
        """Return the next bytes of the body; none at its end, also when it ends early.

        A block is filled up unless the sender is slow: TLS gives 16 KiB at most at once. What came before a fault is
        given before the fault.
        """
        if self._pending_fault is not None:
            raise self._pending_fault
        block = self._part(size)
        if not block or len(block) == size or self._left == 0:
            return block
        parts, missing = [block], size - len(block)
        until = time.monotonic() + LONGEST_FILL
        while missing and self._give_back is not None and time.monotonic() < until:
            try:
                block = self._part(missing)
            except Fault as fault:
                self._pending_fault, block = fault, b""
            if not block:
                break
            parts.append(block)
            missing -= len(block)
        return b"".join(parts)

    def close(self) -> None:
        """End the connection, unless the body was read to its end."""
        self._end(reusable=False)

    def _part(self, size: int) -> bytes:
        """Return the bytes of the body that have come, at most ``size``; wait when there are none yet."""
        if self._give_back is None:
            return b""
        if self._chunked and not self._left and not self._next_chunk():
            return b""
        block = self._receive(size if self._left is None else min(size, self._left))
        if not block:
            if self._chunked:
                raise cut_off()
            self._end(reusable=False)
        elif self._left is not None:
            self._left -= len(block)
            if not self._left and not self._chunked:
                self._end()
        return block

    def _next_chunk(self) -> bool:
        """Read the line before a chunk. Return False when it was the last chunk (RFC 9112 section 7.1)."""
        if self._in_chunk:
            self._line()
        match = _CHUNK_LINE.fullmatch(self._line())
        if match is None:
            raise cut_off()
        self._in_chunk = True
        self._left = int(match.group(1), 16)
        if self._left:
            return True
        for _field in range(_MOST_FIELDS):
            if not self._line():
                self._end()
                return False
        raise not_http("it has too many trailers")

    def _line(self) -> bytes:
        line = bytearray()
        while True:
            if not self._rest:
                self._rest = self._more()
            before, end, self._rest = self._rest.partition(b"\n")
            line += before
            if end:
                return bytes(line).rstrip(b"\r")
            if len(line) > _MOST_OF_A_LINE:
                raise not_http("a line before a chunk is too long")

    def _receive(self, size: int) -> bytes:
        if self._rest:
            block, self._rest = self._rest[:size], self._rest[size:]
            return block
        began = time.monotonic()
        try:
            block = self._sock.recv(size)
        except OSError as error:
            raise fault_of(error, self._sock.gettimeout()) from error
        self._watch.took(len(block), began)
        return block

    def _more(self) -> bytes:
        block = self._receive(8192)
        if not block:
            raise cut_off()
        return block

    def _read_head(self, used: bool) -> int:
        """Read heads up to one that is not interim, before the watch's deadline. Return HTTP's minor version."""
        try:
            self._rest = self._rest or self._receive(8192)
        except Fault as fault:
            if used and isinstance(fault.__cause__, ConnectionError):
                raise _stale() from fault
            raise
        if not self._rest:
            raise _stale() if used else Fault("connection_failed", "the server closed the connection without an answer")
        while True:
            line, _newline, fields = self._take_head().partition("\n")
            match = _STATUS_LINE.fullmatch(line.rstrip("\r"))
            if match is None:
                raise not_http("it has no status")
            self.status = int(match.group(2))
            if not 100 <= self.status < 200:
                self.headers = Headers(fields)
                return int(match.group(1))

    def _take_head(self) -> str:
        data = self._rest
        while True:
            if data[:5] != b"HTTP/"[: len(data)]:
                raise not_http("it begins otherwise")
            match = _HEAD_END.search(data)
            if match is not None:
                self._rest = data[match.end() :]
                return data[: match.start()].decode("latin-1")
            if len(data) > _MOST_OF_A_HEAD:
                raise not_http("its header is too long")
            self._rest = b""
            data += self._more()

    def _end(self, *, reusable: bool = True) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back(reusable and self._lasts and not self._rest)


def _stale() -> Fault:
    return Fault("connection_failed", "the server had closed the connection", stale=True)


def _is_chunked(headers: Headers) -> bool:
    coding = headers.get("Transfer-Encoding", "").strip().lower()
    if coding not in ("", "identity", "chunked"):
        raise not_http("a transfer encoding that was not asked for")
    return bool(coding == "chunked")


def _length(headers: Headers, *, bare: bool) -> int | None:
    """Return the number in Content-Length, also when it is repeated; None without the header.

    :param bare: the answer has no body, so that a wrong length does no harm
    :raises Fault: when it is anything else, since the end of the body cannot be known then
    """
    text = headers.get("Content-Length")
    if text is None:
        return None
    values = {value.strip() for value in text.split(",")}
    value = values.pop() if len(values) == 1 else ""
    if value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    if bare:
        return None
    raise not_http("a length that is no number")
