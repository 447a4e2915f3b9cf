# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP servers inside the test process: threaded, on a port of their own, closed with every connection they have."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .certificates import Certificate


class Server(ThreadingHTTPServer):
    """Listens on a free port of a loopback address; TLS handshakes happen in the connection's own thread."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        certificate: Certificate | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._name = f"[{address}]" if ":" in address else address
        super().__init__((address, 0), handler)
        self._context = certificate.server_context() if certificate else None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        return f"{self._name}:{self.server_address[1]}"

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        connection: socket.socket = request
        try:
            if self._context:
                connection.settimeout(10)
                connection = self._context.wrap_socket(connection, server_side=True)
                connection.settimeout(None)
        except OSError:
            self.shutdown_request(request)
            return
        with self._lock:
            self._open.add(connection)
        try:
            super().process_request_thread(connection, client_address)
        finally:
            with self._lock:
                self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what these servers are made for; nothing is printed."""

    def drop_connections(self) -> None:
        """Cut every open connection."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections that stay open, and without a log of its own."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Records replace the log."""

    def send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Answer in one go, with a Date of its own unless there is one among the headers."""
        if "Date" in (headers or {}):
            self.send_response_only(status)
        else:
            self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run a server until the block is left."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.drop_connections()
        server.server_close()
