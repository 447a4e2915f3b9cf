# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""requests, or rather the urllib3 that it stands on, or a clear word about their absence.

Everything else imports urllib3 from here, so that this collection can be imported without it: the check is made when a
registry is opened. Messages are written and read by :mod:`http_message`. requests itself makes proxies usable and knows
public certificates; it is loaded where one of them is needed, because that takes long.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import InputError

try:
    import urllib3
    from urllib3 import exceptions as http_exceptions
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.poolmanager import PoolManager
    from urllib3.util.wait import wait_for_read

    VERSION: str | None = str(urllib3.__version__) if find_spec("requests") else None  # type: ignore[attr-defined]
except ImportError:
    VERSION = None
    if not TYPE_CHECKING:
        # Stand-ins that classes can be derived from; check_library() speaks before one is ever used.
        HTTPConnection = HTTPSConnection = HTTPConnectionPool = HTTPSConnectionPool = object
        PoolManager = http_exceptions = wait_for_read = None

MATCHES_HOST_NAMES = VERSION is not None and VERSION.startswith("1.")
"""urllib3 1 compares host names with certificates itself, and keeps addresses from OpenSSL, which then cannot."""

OLDEST = (1, 26, 5)
"""The oldest urllib3 that works; it is that of requests 2.25.1, and older ones of requests want an older one."""

__all__ = [
    "MATCHES_HOST_NAMES",
    "HTTPConnection",
    "HTTPConnectionPool",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "PoolManager",
    "check_library",
    "http_exceptions",
    "wait_for_read",
]


def check_library(version: str | None = VERSION) -> None:
    """Refuse to go on when requests is missing, or urllib3 is too old.

    :param version: of urllib3; None when there is no requests
    :raises InputError: naming the interpreter that lacks it
    """
    if version is None:
        raise InputError(
            action="use",
            subject=sys.executable or "this Python",
            cause="the Python library requests is not installed there",
            hint="install requests 2.25.1 or newer for it, or set ansible_python_interpreter to one that has it",
        )
    if _numbers(version) < OLDEST:
        raise InputError(
            action="use",
            subject=f"urllib3 {version}",
            cause=f"urllib3 {'.'.join(map(str, OLDEST))}, that of requests 2.25.1, is the oldest that works",
            hint=f"upgrade requests and urllib3 for {sys.executable or 'this Python'}",
        )


def _numbers(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
