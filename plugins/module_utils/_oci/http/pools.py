# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools of our own connections, kept by urllib3: straight, or through a proxy."""

from __future__ import annotations

import functools
import ssl
from typing import Any, Callable

from .connection import PlainConnection, TlsConnection
from .library import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from .sockets import Sockets
from .urls import Origin

POOL_SIZE = 128
"""Connections that are kept for one host; more are made when needed, and closed after use."""


class Pools:
    """Keeps pools of our connections, with one TLS context for all."""

    def __init__(
        self,
        sockets: Sockets,
        make_context: Callable[[], ssl.SSLContext],
        make_proxy_context: Callable[[], ssl.SSLContext],
    ) -> None:
        self._kinds = _kinds(sockets)
        self._make_context = make_context
        self._make_proxy_context = make_proxy_context
        self._context: ssl.SSLContext | None = None
        self._managers: dict[str | None, Any] = {}

    def pool(self, origin: Origin, proxy: str | None) -> Any:
        """The pool of connections to an origin, straight or through a proxy."""
        if proxy not in self._managers:
            self._managers[proxy] = self._proxied(proxy) if proxy else self._straight()
        context = {"ssl_context": self._shared_context()} if origin.scheme == "https" else {}
        return self._managers[proxy].connection_from_host(origin.host, origin.port, origin.scheme, pool_kwargs=context)

    def close(self) -> None:
        """End the connections that are not in use."""
        for manager in self._managers.values():
            manager.clear()

    def _straight(self) -> Any:
        manager: Any = PoolManager(num_pools=16, maxsize=POOL_SIZE, block=False)
        manager.pool_classes_by_scheme = self._kinds
        return manager

    def _proxied(self, proxy: str) -> Any:
        from .http_proxies import proxy_manager  # loads requests

        context = self._make_proxy_context() if proxy.startswith("https:") else None
        manager = proxy_manager(proxy, size=POOL_SIZE, context=context)
        if not proxy.startswith("socks"):
            manager.pool_classes_by_scheme = self._kinds
        return manager

    def _shared_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._make_context()
        return self._context


class _PlainPool(HTTPConnectionPool):
    ConnectionCls: Any = PlainConnection

    def __init__(self, *args: Any, sockets: Sockets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sockets = sockets

    def _new_conn(self) -> Any:
        connection = super()._new_conn()
        connection.sockets = self._sockets  # type: ignore[attr-defined]
        return connection


class _TlsPool(_PlainPool, HTTPSConnectionPool):
    ConnectionCls = TlsConnection


def _kinds(sockets: Sockets) -> dict[str, Callable[..., Any]]:
    """The kinds of pool a urllib3 manager should make, by scheme."""
    return {
        "http": functools.partial(_PlainPool, sockets=sockets),
        "https": functools.partial(_TlsPool, sockets=sockets),
    }
