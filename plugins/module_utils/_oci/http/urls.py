# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs that a server hands out: Location and Link headers, and where they may lead. No I/O.

No registry may lead to link-local addresses: a cloud's metadata service hands out credentials to every caller.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from .faults import Fault

LONGEST_URL = 16 * 1024
PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[^\x21-\x5b\x5d-\x7e]")
FORBIDDEN = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure
        "192.0.0.192/32",  # Oracle Cloud
        "fe80::/10",
        "fd00:ec2::254/128",  # AWS
        "fd20:ce::254/128",  # Google Cloud
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Origin(NamedTuple):
    """Scheme, host and port: what an Authorization header may be shown to."""

    scheme: str
    host: str
    port: int


class Target(NamedTuple):
    """Where a Location or a Link leads."""

    url: str
    same_origin: bool
    corrected: bool
    """The server named http for the same place that was reached by https, and https is used."""


def origin_of(url: str) -> Origin:
    """Return the origin of a URL.

    :raises ValueError: for what is no http or https URL with a host
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.username is not None or parts.password is not None:
        raise ValueError("not a plain http or https URL")
    return Origin(parts.scheme, parts.hostname, PORTS[parts.scheme] if parts.port is None else parts.port)


def resolve(base: str, location: str | None) -> Target:
    """Return where a Location (or a Link's target) leads, seen from the URL that answered with it.

    Relative and absolute forms, the query kept as it is (RFC 9110 section 10.2.2).

    :raises Fault: protocol_error when it is missing, is no URL, leaves https for http or leads to a link-local address
    """
    if not location:
        raise Fault("protocol_error", "the answer lacks a Location", transient=False)
    if len(location) > LONGEST_URL or _UNSAFE.search(location):
        raise Fault("protocol_error", "the Location is not a URL", transient=False)
    home = origin_of(base)
    try:
        url = urljoin(base, location).partition("#")[0]
        origin = origin_of(url)
    except ValueError as error:
        raise Fault("protocol_error", "the Location is not a URL", transient=False) from error
    corrected = home.scheme == "https" and origin.scheme == "http"
    if corrected:
        # Neither names a port, or both the same: only the scheme is wrong.
        same = urlsplit(url).netloc.lower() == urlsplit(base).netloc.lower()
        if not (same or (origin.host, origin.port) == (home.host, home.port)):
            raise Fault("protocol_error", f"it leads from https to http at {origin.host}", transient=False)
        url = "https" + url[len("http") :]
        origin = home
    if origin != home and is_forbidden(origin.host):
        raise Fault("protocol_error", f"it leads to {origin.host}, a link-local or metadata address", transient=False)
    return Target(url, origin == home, corrected)


def with_query(url: str, query: str) -> str:
    """Return a URL with more parameters; its own query stays as it is."""
    return f"{url}{'&' if '?' in url else '?'}{query}"


class Link(NamedTuple):
    """One entry of a Link header.

    :ivar relations: what its ``rel`` says, in lower case; None when it has no ``rel``
    """

    target: str
    relations: frozenset[str] | None


def parse_links(header: str) -> list[Link]:
    """Return the entries of a Link header (RFC 8288 section 3), also targets without ``<>``.

    >>> parse_links('</v2/a/tags/list?last=b&n=1000>; rel="next"')[0].target
    '/v2/a/tags/list?last=b&n=1000'

    :raises ValueError: when a part of it makes no sense
    """
    if len(header) > LONGEST_URL:
        raise ValueError("a Link header is too long")
    found: list[Link] = []
    for entry in _split(header, ","):
        target, *parameters = (part.strip() for part in _split(entry, ";"))
        relations: frozenset[str] | None = None
        for parameter in parameters:
            name, _equals, value = parameter.partition("=")
            if name.strip().lower() == "rel" and relations is None:
                relations = frozenset(value.strip().strip('"').lower().split())
        if target:
            found.append(Link(target[1:-1] if target[:1] == "<" else target, relations))
    return found


def _split(text: str, separator: str) -> list[str]:
    """Return the parts of a header's value between separators that are neither in ``<>`` nor in quotes.

    :raises ValueError: when one of these does not end
    """
    parts, start, closing = [], 0, ""
    for position, character in enumerate(text):
        if closing:
            closing = "" if character == closing else closing
        elif character in '<"':
            closing = ">" if character == "<" else character
        elif character == separator:
            parts.append(text[start:position])
            start = position + 1
    if closing:
        raise ValueError(f"a {closing} is missing")
    return [*parts, text[start:]]


def netloc(origin: Origin) -> str:
    """Return an origin's host as it stands in a URL, with its port where that is not the scheme's own."""
    host = bracketed(origin.host)
    return host if origin.port == PORTS[origin.scheme] else f"{host}:{origin.port}"


def bracketed(host: str) -> str:
    """Return a host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def path_of(url: str) -> str:
    """Return the path and the query of an absolute URL."""
    start = url.index("//") + 2
    slash, question = url.find("/", start), url.find("?", start)
    if slash >= 0 and (question < 0 or slash < question):
        return url[slash:]
    return "/" + (url[question:] if question >= 0 else "")


def as_target(url: str) -> str:
    """Return a URL, or its path and query, as it may stand in a request: what is beyond ASCII is encoded."""
    if url.isascii() and url.isprintable() and " " not in url:
        return url
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~")


def is_forbidden(host: str) -> bool:
    """Return whether a host, written as an address in any of the usual ways, is link-local or a metadata service.

    A name is never forbidden here: its addresses are looked at when it is connected to.
    """
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address is None:
        return False
    return any(address in network for network in FORBIDDEN if network.version == address.version)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    bare = host.strip("[]").split("%", 1)[0]
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    try:
        # 2852039166, 0xa9fea9fe and 169.254.43518 are the same address to the resolver.
        return ipaddress.IPv4Address(socket.inet_aton(bare))
    except (OSError, ValueError):
        return None
