# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that do not keep connections, and servers that only grow tired of idle ones."""

from __future__ import annotations

import hashlib
import itertools
import threading
from types import SimpleNamespace

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.http import pool
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.pool import MOST_CLOSED, SOON
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
        assert MOST_CLOSED <= len(server.requests) - 60 < 2 * MOST_CLOSED


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


def test_connections_that_were_idle_for_long_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=2 * SOON)
    monkeypatch.setattr(pool, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    served: set[int] = set()

    def handle(request: Received) -> object:
        if request.connection in served:
            return "close"
        served.add(request.connection)
        return request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")

    asked = 2 * MOST_CLOSED
    with raw_server(handle) as server, client(server.host) as registry:
        for tag in range(asked):
            assert registry.repository("a").resolve(str(tag))
        assert len(server.requests) == 2 * asked - 1  # each but the first was tried on a kept connection


def test_kept_connections_that_ended_meanwhile_are_not_tried() -> None:
    ended = threading.Event()

    def handle(request: Received) -> object:
        request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")
        ended.wait(10)
        return "close"

    with raw_server(handle) as server, client(server.host) as registry:
        assert registry.repository("a").resolve("first")
        ended.set()
        server.wait_for_the_end()
        assert registry.repository("a").resolve("second")
        assert [request.connection for request in server.requests] == [1, 2]
