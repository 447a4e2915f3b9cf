# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""requests and the urllib3 that it stands on, or a clear word about their absence.

Everything else imports them from here, so that this collection can be imported without them: the check is made when a
registry is opened. requests keeps the pools, the proxies and the trusted certificates; messages are written and read by
:mod:`http_message`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .errors import InputError

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.utils import DEFAULT_CA_BUNDLE_PATH as PUBLIC_CERTIFICATES
    from urllib3 import exceptions as http_exceptions
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.util.wait import wait_for_read

    VERSIONS: tuple[str, str] | None = (requests.__version__, str(urllib3.__version__))  # type: ignore[attr-defined]
except ImportError:
    VERSIONS = None
    if not TYPE_CHECKING:
        # Stand-ins that classes can be derived from; check_library() speaks before one is ever used.
        HTTPAdapter = HTTPConnection = HTTPSConnection = HTTPConnectionPool = HTTPSConnectionPool = object
        http_exceptions = PUBLIC_CERTIFICATES = wait_for_read = None

MATCHES_HOST_NAMES = VERSIONS is not None and VERSIONS[1].startswith("1.")
"""urllib3 1 compares host names with certificates itself, and keeps addresses from OpenSSL, which then cannot."""

OLDEST_REQUESTS = (2, 25, 1)
OLDEST_URLLIB3 = (1, 26, 5)

__all__ = [
    "MATCHES_HOST_NAMES",
    "PUBLIC_CERTIFICATES",
    "HTTPAdapter",
    "HTTPConnection",
    "HTTPConnectionPool",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "check_library",
    "http_exceptions",
    "wait_for_read",
]


def check_library(versions: tuple[str, str] | None = VERSIONS) -> None:
    """Refuse to go on when requests is missing or too old.

    :raises InputError: naming the interpreter that lacks it
    """
    if versions is None:
        raise InputError(
            action="use",
            subject=sys.executable or "this Python",
            cause="the Python library requests is not installed there",
            hint="install requests 2.25.1 or newer for it, or set ansible_python_interpreter to one that has it",
        )
    for name, found, oldest in (("requests", versions[0], OLDEST_REQUESTS), ("urllib3", versions[1], OLDEST_URLLIB3)):
        if _numbers(found) < oldest:
            raise InputError(
                action="use",
                subject=f"{name} {found}",
                cause=f"{name} {'.'.join(map(str, oldest))} is the oldest that works",
                hint=f"upgrade {name} for {sys.executable or 'this Python'}",
            )


def _numbers(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
