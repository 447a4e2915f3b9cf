# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that do not keep connections, and servers that only grow tired of idle ones."""

from __future__ import annotations

import hashlib
import time
from types import SimpleNamespace

from ansible_collections.imageops.registry.plugins.module_utils._oci.http.reuse import MOST, SOON, Reuse
from helpers.raw_server import Received, client, raw_server

DIGEST = "sha256:" + hashlib.sha256(b"manifest").hexdigest()


def test_a_server_that_never_keeps_a_connection_gets_one_for_each_request() -> None:
    served: set[int] = set()

    def handle(request: Received) -> object:
        if request.connection in served:
            return "close"
        served.add(request.connection)
        return request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")

    with raw_server(handle) as server, client(server.host) as registry:
        for tag in range(60):
            assert registry.repository("a").resolve(str(tag))
        assert len(served) == 60
        assert MOST <= len(server.requests) - 60 < 2 * MOST


def test_a_server_that_keeps_some_is_not_given_up() -> None:
    def handle(request: Received) -> object:
        if request.target.endswith("0") and sum(other.target == request.target for other in server.requests) == 1:
            return "close"
        return request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")

    with raw_server(handle) as server, client(server.host) as registry:
        for tag in range(1, 201):
            assert registry.repository("a").resolve(str(tag))
        assert len(server.requests) == 200 + 20
        assert server.connections == 1 + 20


def test_connections_that_were_idle_for_long_say_nothing() -> None:
    reuse = Reuse()
    for _ in range(2 * MOST):
        reuse.failed(SimpleNamespace(idle_since=time.monotonic() - 2 * SOON))
    assert reuse.pays
    for _ in range(MOST):
        reuse.failed(SimpleNamespace(idle_since=time.monotonic()))
    assert not reuse.pays
