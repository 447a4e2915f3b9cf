# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections under a transport: how one is made, and ended from another thread.

They are urllib3's own. A socket is registered before it connects, so that closing the transport wakes whoever waits on
it; names may not lead to where nobody should be sent; and faults say what could not be reached.
"""

from __future__ import annotations

import http.client
import socket
from typing import Any

from .addresses import is_forbidden
from .faults import Fault, fault_of
from .library import (
    HTTPConnection,
    HTTPSConnection,
)
from .sockets import Sockets

BLOCK = 64 * 1024
CONNECT_TIMEOUT = 15.0
"""Seconds for one TCP connection, and for TLS on it; four tries of a lost first packet fit in it."""


class _Watched(HTTPConnection):
    """The habits, for a connection with or without TLS."""

    sockets: Sockets

    def connect(self) -> None:
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
            cause = f"the name {host} cannot be resolved: {words}"
            unresolved = self.proxy is None
            raise Fault("connection_failed", cause, connecting=True, unresolved=unresolved) from error
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
            if self.proxy:  # it has to connect to somebody itself
                sock.settimeout(self.sockets.timeout)
        except (OSError, Fault):
            self.sockets.discard(self)
            sock.close()
            raise
        return sock

    def close(self) -> None:
        self.sockets.discard(self)
        super().close()


class PlainConnection(_Watched):
    """One without TLS."""


class TlsConnection(_Watched, HTTPSConnection):
    """One with TLS."""
