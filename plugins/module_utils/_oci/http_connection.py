# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections under a transport: how one is made, watched while it works, and ended from another thread.

They are urllib3's own, with four habits added. A socket is registered before it connects, so that closing the transport
wakes whoever waits on it. A body is sent block by block with a time-out for each, and stops when the server answers
early. An answer has to come with a minimum of progress. And a kept-alive connection that the server had closed already
is told apart from one that broke.
"""

from __future__ import annotations

import errno
import functools
import http.client
import io
import socket
import time
from typing import Any

from .addresses import is_forbidden
from .faults import Fault, StaleConnection, fault_of
from .http_library import (
    HTTPConnection,
    HTTPSConnection,
    wait_for_read,
)
from .sockets import Sockets, Watch

BLOCK = 64 * 1024
CONNECT_TIMEOUT = 15.0
"""Seconds for one TCP connection; four tries of a lost first packet fit in it."""
LONGEST_FILL = 0.2
"""Seconds in which the blocks of a streamed answer are filled up before they are passed on."""


class _WatchedReads(io.RawIOBase):
    """What http.client reads an answer from: the socket's own stream, with a watch on its pace."""

    def __init__(self, stream: Any, sock: socket.socket, sockets: Sockets, watch: Watch) -> None:
        super().__init__()
        self._stream = stream
        self._recv_into = sock.recv_into
        self._sockets = sockets
        self._watch = watch
        sockets.add(self, sock.fileno())

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        began = time.monotonic()
        count = self._recv_into(buffer)
        self._watch.took(count, began)
        return count

    def close(self) -> None:
        self._sockets.discard(self)
        try:
            self._stream.close()
        finally:
            super().close()


class _Lines(io.BufferedReader):
    """Tells an answer whose head was cut off from one that has ended: http.client takes both for the same."""

    began = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line and self.began:
            raise http.client.IncompleteRead(b"")
        self.began = True
        return line


class _Response(http.client.HTTPResponse):
    """Reads in blocks, and gives what came before a fault before the fault."""

    def __init__(self, sock: socket.socket, *args: Any, sockets: Sockets, watch: Watch, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        stream = self.fp.detach()
        self.fp = _Lines(_WatchedReads(stream, sock, sockets, watch), 8192)
        self._kept: OSError | http.client.HTTPException | None = None
        self._is_bare = kwargs.get("method") == "HEAD"

    def begin(self) -> None:
        super().begin()
        if self._is_bare:
            super().read()  # nothing; until then the connection would serve no further request

    def read(self, amt: int | None = None) -> bytes:
        if amt is None:
            return super().read()
        if self._kept is not None:
            raise self._kept
        if self.length == 0:
            return super().read(1)  # the end: gives the connection back
        block = self.read1(amt)
        if not block or len(block) == amt:
            return block
        return self._filled(block, amt)

    def _filled(self, block: bytes, amt: int) -> bytes:
        """Go on until the block is full: TLS gives 16 KiB at most at once. Slow senders are not waited for long."""
        parts, size = [block], len(block)
        until = time.monotonic() + LONGEST_FILL
        while size < amt and self.length != 0 and time.monotonic() < until:
            try:
                block = self.read1(amt - size)
            except (OSError, http.client.HTTPException) as error:
                self._kept = error
                break
            if not block:
                break
            parts.append(block)
            size += len(block)
        return b"".join(parts)


class _Watched(HTTPConnection):
    """The habits, for a connection with or without TLS."""

    sockets: Sockets
    spoiled = False
    """The request was not sent whole: after its answer this connection is of no use."""
    _answers = 0
    _in_body = False

    def join(self, sockets: Sockets) -> None:
        self.sockets = sockets
        self.watch = Watch()
        self.response_class = functools.partial(_Response, sockets=sockets, watch=self.watch)  # type: ignore[assignment]

    def connect(self) -> None:
        self.watch.progress(self.sockets.timeout)
        try:
            super().connect()
        except (OSError, http.client.HTTPException) as error:
            fault = fault_of(error)
            fault.connecting = True
            raise fault from error
        self.is_verified = True  # or need not be, as the user wants it: urllib3 would warn at each request

    def _new_conn(self) -> socket.socket:
        host = self._dns_host.strip("[]")
        where = f"the proxy {host}" if self.proxy else host
        try:
            found = socket.getaddrinfo(host, self.port, 0, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            words = getattr(error, "strerror", None) or "not a valid host name"
            raise Fault("connection_failed", f"the name {host} cannot be resolved: {words}", connecting=True) from error
        if self.sockets.guarded and self.proxy is None and any(is_forbidden(str(entry[4][0])) for entry in found):
            raise Fault("protocol_error", f"{host} is a link-local or metadata address", transient=False)
        last = Fault("connection_failed", f"the name {host} has no address", connecting=True)
        for family, kind, protocol, _name, address in found:
            try:
                return self._connect_to(socket.socket(family, kind, protocol), address)
            except socket.timeout:
                last = Fault(
                    "timeout", f"no connection to {where} port {self.port} within the time-out", connecting=True
                )
            except OSError as error:
                words = (error.strerror or type(error).__name__).lower()
                last = Fault(
                    "connection_failed", f"no connection to {where} port {self.port}: {words}", connecting=True
                )
        raise last

    def _connect_to(self, sock: socket.socket, address: Any) -> socket.socket:
        try:
            self.sockets.add(self, sock.fileno())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(min(self.sockets.timeout, CONNECT_TIMEOUT))
            sock.connect(address)
            sock.settimeout(self.sockets.timeout)
        except (OSError, Fault):
            self.sockets.discard(self)
            sock.close()
            raise
        return sock

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        self._in_body = False
        super().putrequest(*args, **kwargs)

    def send(self, data: Any) -> None:
        if self._in_body and self.sock is not None:
            self._send_block(data)
            return
        if self.sock is not None and self.sock.gettimeout() != self.sockets.timeout:
            self.sock.settimeout(self.sockets.timeout)
        super().send(data)
        self._in_body = True

    def _send_block(self, block: Any) -> None:
        sock = self.sock
        # A fresh TLS 1.3 connection is readable without an answer: the server's session tickets come first.
        if (self._answers or not isinstance(self, HTTPSConnection)) and wait_for_read(sock, timeout=0):
            self.spoiled = True
            raise BrokenPipeError(errno.EPIPE, "the server answered before the body was sent")
        try:
            sock.sendall(block)
        except ConnectionError as error:
            # There may be an answer all the same. urllib3 goes and looks for it after this error and no other.
            self.spoiled = True
            raise BrokenPipeError(errno.EPIPE, "the connection broke while the body was sent") from error

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        used_before = self._answers > 0 and not self.spoiled
        patience = max(self.timeout or 0.0, self.sock.gettimeout() or 0.0) if self.sock is not None else 0.0
        whole = getattr(self.sockets.exchange, "whole", None)
        self.watch.whole(patience if whole is None else max(patience, whole))
        try:
            response = super().getresponse(*args, **kwargs)
        except ConnectionError as error:
            if used_before:
                raise StaleConnection("the server had closed the connection") from error
            raise
        self._answers += 1
        if whole is None:
            self.watch.progress(self.sockets.timeout)
        return response

    def close(self) -> None:
        self.sockets.discard(self)
        self.spoiled = False
        self._in_body = False
        self._answers = 0
        super().close()


class PlainConnection(_Watched):
    """One without TLS."""


class TlsConnection(_Watched, HTTPSConnection):
    """One with TLS."""
