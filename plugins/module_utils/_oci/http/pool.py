# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections to one origin: those that are idle are kept, to be used again."""

from __future__ import annotations

import time
from collections.abc import Iterable

from .connection import Connection, Limits, Route
from .faults import Fault
from .message import Response
from .sockets import Sockets, is_readable

MOST_IDLE = 128
"""Connections that are kept; more are made when they are needed, and closed after use."""
SOON = 1.0
"""Seconds without use after which a server may well have closed a connection."""
MOST_CLOSED = 10
"""Connections in a row that were closed sooner."""


class Pool:
    """Makes connections, and takes the one that was used last where one is idle.

    Some servers close theirs right after an answer without having said so. A request that comes at that moment is lost
    and has to be repeated, so such servers get a connection for every request.

    :ivar route: where its connections lead
    """

    def __init__(self, route: Route, sockets: Sockets) -> None:
        self.route = route
        self._sockets = sockets
        self._idle: list[Connection] = []
        self._reuses = True
        self._closed_soon = 0
        self._closed = False

    def exchange(self, method: str, head: bytes, body: bytes | Iterable[bytes] | None, limits: Limits) -> Response:
        """Send a request and read the head of its answer. Its connection is idle again when that has been read.

        :param head: all of the request before its body
        :raises Fault: when there is no answer
        """
        connection = self._take()

        def give_back(reusable: bool) -> None:
            if reusable:
                self._keep(connection)
            else:
                connection.close()

        used = connection.is_used
        try:
            if not used:
                connection.open()
            response = connection.exchange(method, head, body, limits, give_back)
        except BaseException as error:
            if isinstance(error, Fault) and error.stale:
                self._note_closed(connection)
            connection.close()
            raise
        if used:
            self._closed_soon = 0
        return response

    def close(self) -> None:
        """End the connections that are idle, and those in use as soon as they are given back."""
        self._closed = True
        while (connection := self._idle_one()) is not None:
            connection.close()

    def _take(self) -> Connection:
        while (connection := self._idle_one()) is not None:
            if self._reuses and not is_readable(connection.sock):  # what comes unasked is the end
                return connection
            connection.close()
        return Connection(self.route, self._sockets)

    def _idle_one(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:  # also where another thread was faster
            return None

    def _keep(self, connection: Connection) -> None:
        if not self._reuses or len(self._idle) >= MOST_IDLE:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)
        if self._closed:
            self.close()

    def _note_closed(self, connection: Connection) -> None:
        if time.monotonic() - connection.idle_since < SOON:
            self._closed_soon += 1
            self._reuses = self._reuses and self._closed_soon < MOST_CLOSED
