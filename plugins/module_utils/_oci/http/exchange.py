# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request and its answer, over a connection of a pool."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any, NamedTuple

from .faults import StaleConnection
from .message import BROKEN, Response, request_head, send_blocks
from .reuse import Reuse
from .sockets import Watch


class Request(NamedTuple):
    """A request as it is sent.

    :param target: a path with its query, or for some proxies a URL
    :param host: the Host header
    :param tunnel: a proxy is asked for a tunnel to the host first
    """

    method: str
    target: str
    host: str
    headers: dict[str, str]
    body: bytes | Iterable[bytes] | None
    tunnel: bool


class Limits(NamedTuple):
    """Seconds that an exchange may take.

    :param connect: until there is a connection
    :param progress: without any progress
    :param answer: between the end of the request and the answer's first byte
    :param whole: for the whole answer; None when it streams
    """

    connect: float
    progress: float
    answer: float
    whole: float | None


def exchange(pool: Any, request: Request, limits: Limits, reuse: Reuse) -> Response:
    """Send a request and read the head of its answer.

    A connection is taken out of the pool and goes back when the answer has been read. The pool is urllib3's; how it is
    used here has been the same in all its versions.

    :raises OSError, http.client.HTTPException, ValueError, Fault: when there is no answer
    """
    head = request_head(request.method, request.target, request.host, request.headers)
    connection = pool._get_conn()
    try:
        if not reuse.pays:
            connection.close()
        if connection.sock is None:
            _connect(pool, connection, request, limits)
        return _converse(pool, connection, head, request, limits, reuse)
    except BaseException as error:
        if isinstance(error, StaleConnection):
            reuse.failed(connection)
        connection.close()
        pool._put_conn(connection)
        raise


def _connect(pool: Any, connection: Any, request: Request, limits: Limits) -> None:
    connection.answers = 0
    connection.timeout = limits.connect
    if request.tunnel:
        pool._prepare_proxy(connection)
    else:
        connection.connect()


def _converse(pool: Any, connection: Any, head: bytes, request: Request, limits: Limits, reuse: Reuse) -> Response:
    sock = connection.sock
    used = connection.answers > 0
    _set_patience(sock, limits.progress)
    whole, early = _send(sock, head, request.body, used=used)
    _set_patience(sock, limits.answer)
    watch = Watch()
    watch.whole(max(limits.answer, limits.whole or 0.0))

    def give_back(reusable: bool) -> None:
        if not (reusable and whole):
            connection.close()
        reuse.keep(connection)
        pool._put_conn(connection)

    response = Response(sock, request.method, watch, used=used and whole, give_back=give_back, early=early)
    if used:
        reuse.worked()
    connection.answers += 1
    if limits.whole is None:
        watch.progress(limits.progress)
    return response


def _send(sock: Any, head: bytes, body: bytes | Iterable[bytes] | None, *, used: bool) -> tuple[bool, bytes]:
    """Send all of it; False when that ended early, for then there may be an answer, of which this is the beginning."""
    if body is None or isinstance(body, bytes):
        try:
            sock.sendall(head + body if body else head)
        except BROKEN:
            return used, b""  # it was closed before, and nothing is lost
        return True, b""
    try:
        sock.sendall(head)
    except BROKEN:
        return used, b""
    # A fresh TLS 1.3 connection is readable without an answer: the server's session tickets come first. In a tunnel
    # through a TLS proxy they cannot be told from an answer.
    return send_blocks(sock, body, may_look=used or isinstance(sock, socket.socket))


def _set_patience(sock: Any, seconds: float) -> None:
    if sock.gettimeout() != seconds:  # to set it costs two system calls
        sock.settimeout(seconds)
