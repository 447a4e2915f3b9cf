# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managers of pools of connections through proxies, as requests makes them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .proxies import proxy_authorization

try:
    from requests.adapters import HTTPAdapter
except ImportError:
    if not TYPE_CHECKING:
        HTTPAdapter = object  # check_library() has spoken before one is used


def proxy_manager(proxy: str, *, size: int, context: ssl.SSLContext | None) -> Any:
    """urllib3's manager for a proxy.

    :param proxy: its URL
    :param size: connections that are kept for one host
    :param context: for a proxy that is reached by TLS
    :raises InputError: for SOCKS, when its library is missing
    """
    adapter = _Adapter(pool_connections=16, pool_maxsize=size, pool_block=False)
    try:
        return adapter.proxy_manager_for(proxy, **({"proxy_ssl_context": context} if context else {}))
    except ValueError as error:
        if not proxy.startswith("socks"):
            raise
        raise InputError(
            subject="the proxy",
            cause="SOCKS needs the Python library PySocks",
            hint="install it, or use an HTTP proxy",
        ) from error


class _Adapter(HTTPAdapter):
    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """The library takes passwords for Latin-1, and fails for others."""
        authorization = proxy_authorization(proxy)
        return {"Proxy-Authorization": authorization} if authorization else {}
