# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection: made straight, through an HTTP proxy or through SOCKS, with TLS where it is wanted, then used.

A socket is registered before it connects, so that closing the transport wakes every thread that waits on it. Names may
not lead to a link-local address. Faults say what could not be reached.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from typing import Any, Callable, NamedTuple

from .faults import Fault, fault_of, words_of
from .message import Response, request_head, send
from .proxies import AROUND, Proxy, connect_socks, socks_socket
from .sockets import Sockets, Watch
from .tls import secure
from .urls import Origin, bracketed, is_forbidden

CONNECT_TIMEOUT = 15.0
"""Seconds for one TCP connection, and for TLS on it; four tries of a lost first packet fit in it."""


class Route(NamedTuple):
    """The way to an origin.

    :param proxy: None for the straight way
    :param context: for TLS with the origin, None for plain HTTP
    :param proxy_context: for TLS with the proxy
    """

    origin: Origin
    proxy: Proxy | None
    context: ssl.SSLContext | None
    proxy_context: ssl.SSLContext | None

    @property
    def reader(self) -> str:
        """The host of a proxy that reads requests and wants whole URLs (RFC 9112 section 3.2.2), empty for none."""
        reads = self.proxy is not None and not self.proxy.is_socks and self.context is None
        return self.proxy.place if self.proxy is not None and reads else ""


class Limits(NamedTuple):
    """Seconds that an exchange may take.

    :param progress: without any progress
    :param answer: between the end of the request and the answer's first byte
    :param whole: for the whole answer; None when it streams
    """

    progress: float
    answer: float
    whole: float | None


class Connection:
    """A connection that is not open yet, or that serves one exchange after another.

    :ivar is_used: it has brought an answer
    :ivar idle_since: when it was last put aside, by the monotonic clock
    """

    def __init__(self, route: Route, sockets: Sockets) -> None:
        self.sock: Any = None
        self.is_used = False
        self.idle_since = 0.0
        self._route = route
        self._sockets = sockets

    def open(self) -> None:
        """Connect.

        :raises Fault: ``connecting``, when that fails
        :raises InputError: for SOCKS, when its library is missing
        """
        try:
            self._reach()
        except Fault as fault:
            fault.connecting = fault.code not in ("interrupted", "protocol_error")
            raise
        except OSError as error:
            raise _connecting(fault_of(error)) from error
        except ValueError as error:  # of ssl, for a name that none can be for
            raise _connecting(Fault("connection_failed", "the host name is not valid")) from error

    def close(self) -> None:
        """End the connection. A second call is harmless."""
        self._sockets.discard(self)
        if self.sock is not None:
            self.sock.close()

    def exchange(
        self,
        method: str,
        head: bytes,
        body: bytes | Iterable[bytes] | None,
        limits: Limits,
        give_back: Callable[[bool], None],
    ) -> Response:
        """Send a request and read the head of its answer.

        :param give_back: told once, as soon as the answer is read or given up, whether this can serve again
        :raises Fault: when there is no answer
        """
        sock, used = self.sock, self.is_used
        try:
            _set_patience(sock, limits.progress)
            sent = send(sock, head, body, used=used)
            _set_patience(sock, limits.answer)
        except OSError as error:
            raise fault_of(error, sock.gettimeout()) from error
        watch = Watch()
        watch.whole(max(limits.answer, limits.whole or 0.0))
        response = Response(
            sock,
            method,
            watch,
            used=used and sent.whole,
            give_back=lambda reusable: give_back(reusable and sent.whole),
            early=sent.early,
        )
        self.is_used = True
        if limits.whole is None:
            watch.progress(limits.progress)
        return response

    def _reach(self) -> None:
        origin, proxy, context, proxy_context = self._route
        first = proxy or origin
        self.sock = self._connect_to_host(first.host, first.port)
        if proxy_context is not None:
            self.sock = secure(self.sock, proxy_context, first.host)
        if context is not None:
            if proxy is not None and not proxy.is_socks:
                self._tunnel(origin, proxy)
            self.sock = secure(self.sock, context, origin.host)

    def _connect_to_host(self, host: str, port: int) -> socket.socket:
        """Return a socket to the origin or to the proxy, connected to the first of its addresses that answers."""
        proxied = self._route.proxy is not None
        last = Fault("connection_failed", f"the name {host} has no address")
        where, hint = f"{'the proxy ' if proxied else ''}{host} port {port}", AROUND if proxied else ""
        for family, kind, protocol, _name, address in self._resolve(host, port):
            try:
                return self._connect(family, kind, protocol, address)
            except socket.timeout:
                last = Fault("timeout", f"no connection to {where} within the time-out", hint=hint)
            except OSError as error:
                last = Fault("connection_failed", f"no connection to {where}: {words_of(error)}", hint=hint)
        raise last

    def _resolve(self, host: str, port: int) -> list[Any]:
        straight = self._route.proxy is None
        try:
            found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or "not a valid host name"
            cause = f"the name {host} cannot be resolved: {words}"
            raise Fault("connection_failed", cause, hint="" if straight else AROUND, unresolved=straight) from error
        if self._sockets.guarded and straight and any(is_forbidden(str(entry[4][0])) for entry in found):
            raise Fault("protocol_error", f"{host} is a link-local or metadata address", transient=False)
        return found

    def _connect(self, family: int, kind: int, protocol: int, address: Any) -> socket.socket:
        origin, proxy = self._route.origin, self._route.proxy
        by_socks = proxy is not None and proxy.is_socks
        sock = socks_socket(proxy, family, address) if proxy and by_socks else socket.socket(family, kind, protocol)
        try:
            self._sockets.add(self, sock.fileno())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if by_socks:
                sock.settimeout(self._sockets.timeout)
                connect_socks(sock, origin.host, origin.port)
            else:
                sock.settimeout(min(self._sockets.timeout, CONNECT_TIMEOUT))
                sock.connect(address)
            if proxy is not None:  # it has to connect by itself
                sock.settimeout(self._sockets.timeout)
        except BaseException:
            self._sockets.discard(self)
            sock.close()
            raise
        return sock

    def _tunnel(self, origin: Origin, proxy: Proxy) -> None:
        """Ask a proxy to connect to the origin and to pass bytes on from then on (RFC 9110 section 9.3.6)."""
        place = f"{bracketed(origin.host)}:{origin.port}"
        self.sock.sendall(request_head("CONNECT", place, place, proxy.headers))
        watch = Watch()
        watch.whole(self._sockets.timeout)
        answer = Response(self.sock, "CONNECT", watch, used=False, give_back=lambda reusable: None)
        if not 200 <= answer.status < 300:
            raise _refused(proxy, answer.status)


def _connecting(fault: Fault) -> Fault:
    fault.connecting = True
    return fault


def _refused(proxy: Proxy, status: int) -> Fault:
    if status == 407:
        cause = f"the proxy {proxy.place} wants another user or password (HTTP 407)"
        return Fault("connection_failed", cause, hint="check proxy", transient=False)
    cause = f"the proxy {proxy.place} refused to connect to it (HTTP {status})"
    return Fault("connection_failed", cause, hint=AROUND, transient=500 <= status < 600)


def _set_patience(sock: Any, seconds: float) -> None:
    if sock.gettimeout() != seconds:  # to set it costs two system calls
        sock.settimeout(seconds)
