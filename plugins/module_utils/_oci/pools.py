# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools of our own connections, kept by requests' adapter: straight, or through a proxy."""

from __future__ import annotations

import functools
import ssl
from typing import Any, Callable

from .errors import InputError
from .http_connection import PlainConnection, TlsConnection
from .http_library import HTTPAdapter, HTTPConnectionPool, HTTPSConnectionPool
from .links import Origin
from .proxies import proxy_authorization
from .sockets import Sockets

POOL_SIZE = 128
"""Connections that are kept for one host; more are made when needed, and closed after use."""


class Pools(HTTPAdapter):
    """requests' keeper of pools, with our connections in them and one TLS context for all."""

    def __init__(
        self,
        sockets: Sockets,
        make_context: Callable[[], ssl.SSLContext],
        make_proxy_context: Callable[[], ssl.SSLContext],
    ) -> None:
        super().__init__(pool_connections=16, pool_maxsize=POOL_SIZE, pool_block=False)
        self._kinds = _kinds(sockets)
        self._make_context = make_context
        self._make_proxy_context = make_proxy_context
        self._context: ssl.SSLContext | None = None
        self.poolmanager.pool_classes_by_scheme = self._kinds

    def pool(self, origin: Origin, proxy: str | None) -> Any:
        """The pool of connections to an origin, straight or through a proxy."""
        manager: Any = self.poolmanager
        if proxy:
            manager = self._proxied(proxy)
        context = {"ssl_context": self._shared_context()} if origin.scheme == "https" else {}
        return manager.connection_from_host(origin.host, origin.port, origin.scheme, pool_kwargs=context)

    def _proxied(self, proxy: str) -> Any:
        context = {"proxy_ssl_context": self._make_proxy_context()} if proxy.startswith("https:") else {}
        try:
            manager = self.proxy_manager_for(proxy, **context)
        except ValueError as error:
            if not proxy.startswith("socks"):
                raise
            raise InputError(
                subject="the proxy",
                cause="SOCKS needs the Python library PySocks",
                hint="install it, or use an HTTP proxy",
            ) from error
        if not proxy.startswith("socks"):
            manager.pool_classes_by_scheme = self._kinds
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """The library takes passwords for Latin-1, and fails for others."""
        authorization = proxy_authorization(proxy)
        return {"Proxy-Authorization": authorization} if authorization else {}

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
