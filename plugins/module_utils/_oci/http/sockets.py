# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The open sockets of one transport, and how slowly an answer may come on one of them."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from dataclasses import dataclass, field

from .faults import Fault

LEAST_PROGRESS = 1024
"""Bytes that a streamed answer has to bring in each time-out, so that a very slow answer counts as stalled."""


@dataclass
class Sockets:
    """The open sockets of one transport and what its connections have to know.

    :param timeout: seconds without progress
    :param guarded: refuse to connect to link-local addresses, whatever name led there
    """

    timeout: float
    guarded: bool
    closed: bool = False
    open: dict[object, int] = field(default_factory=dict)
    """The file descriptor of each connection."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, user: object, descriptor: int) -> None:
        """Register a socket before it connects.

        :raises Fault: when the transport has been closed
        """
        with self.lock:
            if self.closed:
                raise Fault("interrupted", "the run was interrupted", transient=False)
            self.open[user] = descriptor

    def discard(self, user: object) -> None:
        """Forget a socket, before its file descriptor is closed and perhaps given to another."""
        with self.lock:
            self.open.pop(user, None)

    def shut(self) -> None:
        """End every connection, also those that other threads wait on: they see an end of file or a reset."""
        with self.lock:
            self.closed = True
            for descriptor in self.open.values():
                try:
                    # By descriptor, because wrapping a socket for TLS makes a new object of the same one, and because
                    # a shutdown through that object would touch TLS state that another thread is using.
                    with socket.socket(fileno=os.dup(descriptor)) as sock:
                        sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


def is_readable(sock: socket.socket) -> bool:
    """Return whether there is something to read, be it the end, without waiting."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class Watch:
    """How slowly the answer on one connection may come. Only time spent waiting for it counts as slow."""

    __slots__ = ("_deadline", "_left", "_patience", "_waited")

    def __init__(self) -> None:
        self.progress(float("inf"))

    def whole(self, seconds: float) -> None:
        """Allow so many seconds for all that comes until the next call, in pieces of any size."""
        self.progress(float("inf"))
        self._deadline = time.monotonic() + seconds

    def progress(self, seconds: float) -> None:
        """Require at least :data:`LEAST_PROGRESS` bytes in each period of so many seconds from now on."""
        self._deadline = float("inf")
        self._patience = seconds
        self._waited = 0.0
        self._left = LEAST_PROGRESS

    def took(self, count: int, began: float) -> None:
        """Note that so many bytes came after a wait that began then.

        :raises Fault: when that is too slow
        """
        now = time.monotonic()
        if now > self._deadline:
            raise Fault("timeout", "the answer came too slowly")
        self._left -= count
        self._waited += now - began
        if self._waited > self._patience:
            if self._left > 0 and count:
                raise Fault("timeout", "the answer came too slowly")
            self._waited, self._left = 0.0, LEAST_PROGRESS
