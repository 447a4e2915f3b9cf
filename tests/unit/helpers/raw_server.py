# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on loopback that does exactly what a test says with each request, byte for byte."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryBudget, RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run, Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import Access
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry

QUICK = Settings(timeout=10.0, retry=RetryPolicy(backoff=0.001, backoff_cap=0.002))
HASTY = Settings(timeout=0.3, retry=RetryPolicy(backoff=0.001, backoff_cap=0.002, attempts=2))
# For what has to end in a time-out, and only there: a busy machine is slower.
HASTIEST = Settings(timeout=0.15, retry=RetryPolicy(attempts=1))


@dataclass
class Received:
    """A request as it came, its body unread, and the means to answer it.

    :ivar connection: the number of the connection that it came on
    """

    method: str
    target: str
    headers: dict[str, str]
    connection: int
    sock: socket.socket = field(repr=False)
    stopped: threading.Event = field(repr=False)
    buffered: bytes = field(default=b"", repr=False)

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", "0"))

    def read(self, count: int) -> bytes:
        """So many bytes of the body, fewer at its end."""
        parts, have = [self.buffered], len(self.buffered)
        while have < count:
            block = self.sock.recv(65536)
            if not block:
                break
            parts.append(block)
            have += len(block)
        everything = b"".join(parts)
        self.buffered = everything[count:]
        return everything[:count]

    def body(self) -> bytes:
        return self.read(self.length)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer; underscores in header names stand for dashes."""
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if self.method == "HEAD" else body))

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Handle = Callable[[Received], object]


class RawServer:
    """:ivar requests: all that came, in order"""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.requests: list[Received] = []
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def connections(self) -> int:
        return len(self._connections)

    def wait_for_the_end(self) -> None:
        """Wait until every connection has ended, so that nothing more can come."""
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def close(self) -> None:
        self.stopped.set()
        self._listener.close()
        for sock in self._connections:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.append(sock)
                number = len(self._connections)
            thread = threading.Thread(target=self._serve, args=(sock, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        rest = b""
        try:
            while True:
                while b"\r\n\r\n" not in rest:
                    block = sock.recv(65536)
                    if not block:
                        return
                    rest += block
                head, _, rest = rest.partition(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")
                method, target, _version = first.split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                request = Received(method, target, headers, number, sock, self.stopped, rest)
                with self._lock:
                    self.requests.append(request)
                if self.handle(request) == "close":
                    return
                rest = request.buffered
        except OSError:
            pass
        finally:
            sock.close()


@contextmanager
def raw_server(handle: Handle) -> Iterator[RawServer]:
    """Run a server whose every request goes to ``handle``; when that returns ``"close"`` the connection ends."""
    server = RawServer(handle)
    try:
        yield server
    finally:
        server.close()


class Login:
    """One credential for everything, or none."""

    def __init__(self, credential: Credential | None = None) -> None:
        self.credential = credential

    def get(self, registry: str, repository: str) -> Credential | None:
        return self.credential

    def refused(self, registry: str, credential: Credential) -> None:
        """There is no other."""


@dataclass
class Told:
    """What a registry's client passed on."""

    secrets: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)


def client(
    host: str,
    *,
    settings: Settings = QUICK,
    credential: Credential | None = None,
    told: Told | None = None,
    budget: RetryBudget | None = None,
    mask: Callable[[str], str] = str,
    **access: object,
) -> Registry:
    """A client of a registry on plain HTTP, unless ``access`` says otherwise."""
    told = told or Told()
    options = {"plain_http": True, **access}
    return Registry(
        host,
        access=Access(host, **options),  # type: ignore[arg-type]
        credentials=Login(credential),
        run=Run(
            settings=settings,
            budget=budget or RetryBudget(),
            stop=told.stop,
            on_secret=told.secrets.append,
            warn=told.warnings.append,
            log=told.log.append,
            mask=mask,
        ),
    )
