# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs that a server hands out: Location and Link headers, and where they may lead. No I/O."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from .addresses import is_forbidden
from .faults import Fault

LONGEST_URL = 16 * 1024
PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[^\x21-\x5b\x5d-\x7e]")


class Origin(NamedTuple):
    """Scheme, host and port: what an Authorization header may be shown to."""

    scheme: str
    host: str
    port: int


class Target(NamedTuple):
    """Where a server sent us."""

    url: str
    same_origin: bool
    corrected: bool
    """The server said http of the very place that we reached by https, and https is used."""


def origin_of(url: str) -> Origin:
    """:raises ValueError: for what is no http or https URL with a host"""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.username is not None or parts.password is not None:
        raise ValueError("not a plain http or https URL")
    return Origin(parts.scheme, parts.hostname, PORTS[parts.scheme] if parts.port is None else parts.port)


def resolve(base: str, location: str | None) -> Target:
    """Where a Location (or a Link's target) leads, seen from the URL that answered with it.

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
    """Append parameters to a URL whose own query has to stay as it is."""
    return f"{url}{'&' if '?' in url else '?'}{query}"


def next_link(header: str | None) -> str | None:
    """The target of ``rel="next"`` in a Link header, or None (RFC 8288 section 3).

    >>> next_link('</v2/a/tags/list?last=b&n=1000>; rel="next"')
    '/v2/a/tags/list?last=b&n=1000'
    """
    if not header or len(header) > LONGEST_URL:
        return None
    position = 0
    while True:
        start = header.find("<", position)
        end = header.find(">", start + 1)
        if start < 0 or end < 0:
            return None
        following = header.find("<", end)
        parameters = header[end + 1 : following if following >= 0 else len(header)]
        for parameter in parameters.split(";"):
            name, _equals, value = parameter.strip().rstrip(",").partition("=")
            if name.strip().lower() == "rel" and "next" in value.strip().strip('"').lower().split():
                return header[start + 1 : end]
        if following < 0:
            return None
        position = following
