# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy leads to a host. The environment is read once, when a registry is opened."""

from __future__ import annotations

import base64
import ipaddress
import os
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple, Union, cast
from urllib.parse import unquote, urlsplit

from ..errors import InputError
from .faults import Fault
from .urls import PORTS, bracketed

AROUND = "where no proxy is needed, name the host in NO_PROXY, or set proxy to an empty text for it"
_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


class Proxies:
    """The proxy of each host: the one that was given, else what the environment says, NO_PROXY honoured.

    :param given: a proxy's URL that goes before the environment's; an empty string means none at all
    """

    def __init__(self, given: str | None, environment: Mapping[str, str] | None = None) -> None:
        self._given = None if given is None else _checked(given)
        found = _of_environment() if environment is None else environment
        self._environment = {} if given is not None else {name: value for name, value in found.items() if value}
        self._straight = _entries(self._environment.get("no", ""))

    def for_url(self, url: str) -> str | None:
        """Return the URL of the proxy to use for a URL, or None."""
        if self._given is not None:
            return self._given or None
        if not self._environment:
            return None
        proxy = self._environment.get(urlsplit(url).scheme) or self._environment.get("all")
        if not proxy or self._bypassed(url):
            return None
        return _checked(proxy)

    def _bypassed(self, url: str) -> bool:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)
        address = _address(host)
        return any(entry.matches(host, address, port) for entry in self._straight)


class _Entry(NamedTuple):
    """One entry of NO_PROXY: an address, a network, a name, or the end of names.

    :param port: None for every port
    :param domain: matches what is below this name, such as ``.corp.example``; empty for every name
    :param name: whether the name itself is meant too
    """

    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    domain: str
    name: bool
    port: int | None

    def matches(self, host: str, address: _Address | None, port: int) -> bool:
        """Return whether a host is reached without a proxy."""
        if self.port not in (None, port):
            return False
        if self.network is not None:
            return address is not None and address in self.network
        return host.endswith(self.domain) or (self.name and host == self.domain[1:])


def _entries(no_proxy: str) -> list[_Entry]:
    """Read NO_PROXY as the programs written in Go do.

    ``corp.example`` means the name and all below it, ``.corp.example`` and ``*.corp.example`` only what is below it,
    ``10.0.0.0/8`` a network, ``*`` everything; names and addresses may have a port.
    """
    return [entry for entry in map(_entry, no_proxy.lower().split(",")) if entry is not None]


def _entry(text: str) -> _Entry | None:
    text = text.strip()
    if text == "*":
        return _Entry(None, "", True, None)
    network = _network(text)
    if network is not None:
        return _Entry(network, "", False, None)
    host, _colon, digits = text.rpartition(":")
    port = int(digits) if host and digits.isascii() and digits.isdigit() and len(digits) < 6 else None
    host = (text if port is None else host).strip("[]")
    network = _network(host)
    if network is not None and "/" not in host:
        return _Entry(network, "", False, port)
    below = host[1:] if host.startswith("*.") else host
    if not below.strip("."):
        return None
    return _Entry(None, below, False, port) if below.startswith(".") else _Entry(None, f".{below}", True, port)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(host: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _of_environment() -> Mapping[str, str]:
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return {}
    from urllib.request import getproxies_environment  # most runs need no proxy

    return getproxies_environment()


class Proxy(NamedTuple):
    """A proxy, as its URL names it."""

    scheme: str
    host: str
    port: int
    username: str
    password: str

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, and not HTTP."""
        return self.scheme.startswith("socks")

    @property
    def place(self) -> str:
        """Its host and port, as errors name it."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP proxy is told besides the request (RFC 7617)."""
        if not (self.username or self.password):
            return {}
        pair = f"{self.username}:{self.password}"
        encoded = base64.b64encode(pair.encode("utf-8", "surrogatepass")).decode()
        return {"Proxy-Authorization": f"Basic {encoded}"}


def proxy_of(url: str) -> Proxy:
    """Return what the URL of a proxy says; one without a scheme speaks HTTP."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    return Proxy(
        parts.scheme,
        parts.hostname or "",
        parts.port or PORTS.get(parts.scheme, 1080),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def socks_socket(proxy: Proxy, family: int, address: Any) -> socket.socket:
    """Return a socket that :func:`connect_socks` can connect.

    :param family: of the proxy's address
    :param address: of the proxy, as its name was resolved
    :raises InputError: when the library for it is missing
    """
    socks = _socks()
    made = socks.socksocket(family, socket.SOCK_STREAM)
    kind = socks.SOCKS4 if proxy.scheme.startswith("socks4") else socks.SOCKS5
    by_name = proxy.scheme in ("socks4a", "socks5h")  # names are resolved by the proxy
    made.set_proxy(kind, address[0], address[1], by_name, proxy.username or None, proxy.password or None)
    return cast(socket.socket, made)


def connect_socks(sock: socket.socket, host: str, port: int) -> None:
    """Connect through SOCKS (RFC 1928).

    :raises OSError: when the proxy cannot be reached
    :raises Fault: when it refuses
    """
    try:
        sock.connect((host, port))
    except OSError as error:
        cause: Any = error
        while isinstance(getattr(cause, "socket_err", None), OSError):  # the library wraps its own errors too
            cause = cause.socket_err
        socks = _socks()
        if isinstance(cause, socks.SOCKS5AuthError):
            words = "the proxy wants another user or password"
            raise Fault("connection_failed", words, hint="check proxy", transient=False) from error
        if isinstance(cause, socks.ProxyError):
            raise Fault("connection_failed", f"the proxy refused to connect to it ({cause.msg})") from error
        raise cause from error


def _socks() -> Any:
    try:
        import socks  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError(
            subject="the proxy",
            cause="SOCKS needs the Python library PySocks",
            hint="install it, or use an HTTP proxy",
        ) from error
    return socks


def proxy_secrets(url: str) -> list[str]:
    """Return every form of the password in a proxy's URL: as it is, as it stands there, and as Basic authentication."""
    if "@" not in url:
        return []
    proxy = proxy_of(url)
    written = urlsplit(url if "//" in url else f"http://{url}").password or ""
    return [proxy.password, written, proxy.headers["Proxy-Authorization"][len("Basic ") :]] if proxy.password else []


def _checked(proxy: str) -> str:
    if not proxy:
        return ""
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.scheme not in ("http", "https", "socks4", "socks4a", "socks5", "socks5h"):
        # Not even shortened: the URL may hold a password.
        raise InputError(
            subject="the proxy", cause="it is not the URL of a proxy", hint="write http://[user:password@]host:port"
        )
    return url
