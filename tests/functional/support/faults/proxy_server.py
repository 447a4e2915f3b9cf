# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machinery of the fault proxy: one thread a client connection, each with one connection to the registry."""

from __future__ import annotations

import http.client
import os
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from ..clients.endpoint import Endpoint
from ..servers.certificates import Certificate
from ..servers.http_server import Handler, Server, serving
from .fault_proxy import Cut, FaultProxy, Record, Request, Response

BLOCK = 64 * 1024
LINGER_SECONDS = 2.0
_UPSTREAM_SECONDS = 120.0
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "proxy-connection", "te", "trailer", "upgrade"}


class _ClientGone(Exception):
    """The client broke off in the middle of its request."""


@contextmanager
def fault_proxy(
    upstream: Endpoint | None = None,
    *,
    certificate: Certificate | None = None,
    forwarded_proto: bool = True,
    seed: int = 0,
) -> Iterator[FaultProxy]:
    """Run a proxy in front of a registry; its endpoint has the upstream's user.

    :param upstream: None makes a server that only records
    :param certificate: serve TLS, whatever the upstream does
    :param forwarded_proto: tell the upstream how it was reached; false is the proxy that forgot
    :param seed: for rules that hit at random
    """

    class BoundHandler(_ProxyHandler):
        pass

    server = Server(BoundHandler, certificate)
    ca_path = certificate.ca_path if certificate else None
    user = (upstream.username, upstream.password) if upstream else ("", "")
    face = FaultProxy(Endpoint(server.host, ca_path, *user), upstream, seed=seed, forwarded_proto=forwarded_proto)
    BoundHandler.proxy = face
    with serving(server):
        try:
            yield face
        finally:
            face.clear()


class _ProxyHandler(Handler):
    proxy: FaultProxy
    _upstream: http.client.HTTPConnection | None = None
    _unread: http.client.HTTPResponse | None = None
    _drained = False

    def _pass(self) -> None:
        record = Record(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        actions = self.proxy.begin(record)
        self._drained = False
        body = self._body(record)
        request = Request(self.command, self.path, dict(self.headers.items()), body, self.proxy, self._forward)
        try:
            for action in actions:
                action.on_request(request)
            response = next((given for given in (action.answer(request) for action in actions) if given), None)
            if response is None:
                response = self._forward(request)
            for action in actions:
                action.on_response(request, response)
            self._send(record, response)
        except Cut as cut:
            record.cut = True
            self._break_off(reset=cut.reset)
        except (_ClientGone, OSError, http.client.HTTPException):
            record.cut = True
            self._break_off(reset=False)
        finally:
            record.finished = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass

    def finish(self) -> None:
        self._leave_upstream()
        super().finish()

    # The request's body

    def _body(self, record: Record) -> Iterator[bytes]:
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
        try:
            for block in self._chunks() if chunked else self._counted():
                record.request_bytes += len(block)
                yield block
        except (OSError, ValueError) as error:
            raise _ClientGone from error
        self._drained = True

    def _counted(self) -> Iterator[bytes]:
        left = int(self.headers.get("Content-Length") or "0")
        while left:
            block = self.rfile.read1(min(left, BLOCK))
            if not block:
                raise _ClientGone
            left -= len(block)
            yield block

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            data = self.rfile.read(size)
            if len(data) < size or not self.rfile.readline():
                raise _ClientGone
            if not size:
                return
            yield data

    # To the registry and back

    def _forward(self, request: Request) -> Response:
        upstream = self.proxy.upstream
        if upstream is None:
            for _ in request.body:
                pass
            return Response(404, [("Content-Length", "0")])
        try:
            return self._ask(upstream, request)
        except (OSError, http.client.HTTPException):
            self._leave_upstream()
            return Response(502, [("Content-Length", "0")])

    def _ask(self, endpoint: Endpoint, request: Request) -> Response:
        if not self._reusable():
            self._leave_upstream()
        connection = self._upstream = self._upstream or _connection(endpoint)
        chunked = "chunked" in (request.header("Transfer-Encoding") or "")
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                connection.putheader(name, value)
        if self.proxy.forwarded_proto:
            connection.putheader("X-Forwarded-Proto", self.proxy.endpoint.scheme)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        try:
            for block in request.body:
                connection.send(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
            if chunked:
                connection.send(b"0\r\n\r\n")
        except OSError:
            pass  # an upstream may answer before the body is sent, and stop reading
        answer = self._unread = connection.getresponse()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
        return Response(answer.status, headers, self._received(answer))

    def _received(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        while True:
            block = answer.read1(BLOCK)
            if not block:
                return
            yield block

    def _reusable(self) -> bool:
        """Whether the upstream's connection is still open and the last answer on it was read to the end."""
        if self._unread is not None and not self._unread.isclosed():
            return False
        idle = self._upstream.sock if self._upstream else None
        return idle is None or not select.select([idle], [], [], 0)[0]

    def _leave_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None

    # The answer

    def _send(self, record: Record, response: Response) -> None:
        bodiless = self.command == "HEAD" or response.status in (204, 304)
        chunked = not (bodiless or response.until_close or response.header("Content-Length"))
        self.send_response_only(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if response.until_close or not self._drained:
            self.close_connection = True
            self.send_header("Connection", "close")
        record.status = response.status  # before the client can know, so that tests find it written down
        self.end_headers()
        self.wfile.flush()
        if bodiless:
            next(response.body, None)  # there is nothing to come, but the upstream's connection has to notice
        else:
            self._send_body(record, response.body, chunked)
        if not self._drained:
            self._linger(record)

    def _send_body(self, record: Record, body: Iterator[bytes], chunked: bool) -> None:
        for block in body:
            record.response_bytes += len(block)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
            self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()

    def _linger(self, record: Record) -> None:
        """End an early answer as servers do: take what is still under way, so that no reset overtakes the answer."""
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(LINGER_SECONDS)
        while True:
            block = self.rfile.read1(BLOCK)
            if not block:
                return
            record.request_bytes += len(block)

    def _break_off(self, *, reset: bool) -> None:
        self.close_connection = True
        self._leave_upstream()
        try:
            if reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _connection(endpoint: Endpoint) -> http.client.HTTPConnection:
    context = endpoint.ssl_context()
    if context is None:
        return http.client.HTTPConnection(endpoint.host, timeout=_UPSTREAM_SECONDS)
    return http.client.HTTPSConnection(endpoint.host, timeout=_UPSTREAM_SECONDS, context=context)
