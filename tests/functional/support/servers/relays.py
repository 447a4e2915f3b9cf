# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies that pass bytes on without reading them: HTTP's tunnels, with or without TLS to the proxy, and SOCKS.

They know names that nothing else resolves.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from .certificates import Certificate
from .http_server import Handler, Server, serving


@dataclass
class Relay:
    """A running proxy.

    :param names: hosts that it knows, and the ``host:port`` that each is
    :param user: ``name:password`` that it wants, empty for none
    :ivar asked: the ``host:port`` of each connection that was asked for
    """

    names: Mapping[str, str]
    user: str
    host: str = ""
    asked: list[str] = field(default_factory=list)

    def connect(self, host: str, port: int) -> socket.socket:
        self.asked.append(f"{host}:{port}")
        known, _colon, known_port = self.names.get(host, f"{host}:{port}").rpartition(":")
        return socket.create_connection((known, int(known_port)), timeout=20)


@contextmanager
def http_relay(
    names: Mapping[str, str] | None = None, *, user: str = "", certificate: Certificate | None = None
) -> Iterator[Relay]:
    """A proxy that opens tunnels (CONNECT), over TLS when it has a certificate."""
    yield from _running(Relay(names or {}, user), _HttpHandler, certificate)


@contextmanager
def socks_relay(names: Mapping[str, str] | None = None, *, user: str = "") -> Iterator[Relay]:
    """A proxy that speaks SOCKS 4, 4a and 5."""
    yield from _running(Relay(names or {}, user), _SocksHandler, None)


def _running(relay: Relay, handler: type[BaseHTTPRequestHandler], certificate: Certificate | None) -> Iterator[Relay]:
    bound: Any = type("BoundHandler", (handler,), {"relay": relay})
    with serving(Server(bound, certificate)) as server:
        relay.host = server.host
        yield relay


class _HttpHandler(Handler):
    relay: Relay

    def do_CONNECT(self) -> None:
        wanted = "Basic " + base64.b64encode(self.relay.user.encode()).decode()
        if self.relay.user and self.headers.get("Proxy-Authorization") != wanted:
            self.send(407, b"", {"Proxy-Authenticate": 'Basic realm="proxy"'})
            return
        host, _colon, port = self.path.rpartition(":")
        try:
            upstream = self.relay.connect(host.strip("[]"), int(port))
        except OSError:
            self.send(502)
            return
        self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        _pass_on(self.connection, upstream)
        self.close_connection = True


class _SocksHandler(BaseHTTPRequestHandler):
    relay: Relay

    def handle(self) -> None:
        with suppress(OSError, struct.error):
            (version,) = self.rfile.read(1)
            upstream = self._version_5() if version == 5 else self._version_4()
            if upstream is not None:
                _pass_on(self.connection, upstream)

    def _version_4(self) -> socket.socket | None:
        _command, port = struct.unpack("!BH", self.rfile.read(3))
        address = ipaddress.IPv4Address(self.rfile.read(4))
        self._text_to_zero()  # the user, whom this version does not prove
        host = self._text_to_zero() if int(address) < 256 else str(address)
        return self._open(host, port, b"\x00\x5a" + bytes(6), b"\x00\x5b" + bytes(6))

    def _version_5(self) -> socket.socket | None:
        (count,) = self.rfile.read(1)
        methods = self.rfile.read(count)
        method = 2 if self.relay.user else 0
        if method not in methods:
            self.connection.sendall(b"\x05\xff")
            return None
        self.connection.sendall(bytes((5, method)))
        if self.relay.user and not self._is_known():
            return None
        _version, _command, _reserved, kind = self.rfile.read(4)
        if kind == 3:
            (length,) = self.rfile.read(1)
            host = self.rfile.read(length).decode()
        else:
            host = str(ipaddress.ip_address(self.rfile.read(4 if kind == 1 else 16)))
        (port,) = struct.unpack("!H", self.rfile.read(2))
        end = b"\x00\x01" + bytes(6)
        return self._open(host, port, b"\x05\x00" + end, b"\x05\x05" + end)

    def _is_known(self) -> bool:
        _version, length = self.rfile.read(2)
        name = self.rfile.read(length)
        (length,) = self.rfile.read(1)
        known = name + b":" + self.rfile.read(length) == self.relay.user.encode()
        self.connection.sendall(b"\x01\x00" if known else b"\x01\x01")
        return known

    def _open(self, host: str, port: int, good: bytes, bad: bytes) -> socket.socket | None:
        try:
            upstream = self.relay.connect(host, port)
        except OSError:
            self.connection.sendall(bad)
            return None
        self.connection.sendall(good)
        return upstream

    def _text_to_zero(self) -> str:
        return b"".join(iter(lambda: self.rfile.read(1), b"\x00")).decode()


def _pass_on(client: socket.socket, upstream: socket.socket) -> None:
    upstream.settimeout(None)
    with upstream:
        back = threading.Thread(target=_copy, args=(upstream, client), daemon=True)
        back.start()
        _copy(client, upstream)
        back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
    for sock in (source, sink):
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
