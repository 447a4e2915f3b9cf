# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One small HTTP exchange, whole in memory: API calls and logins. Images travel through :mod:`.._oci.transport`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Mapping
from urllib.parse import urlsplit

try:
    import requests
except ImportError as error:
    REQUESTS_IMPORT_ERROR: ImportError | None = error
else:
    REQUESTS_IMPORT_ERROR = None

from .._oci.errors import InputError
from .faults import ApiError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Line:
    """How a host is reached.

    :param ca_path: a file of certificates to trust instead of the system's
    :param proxy: the proxy's URL; None means what the environment says
    """

    validate_certs: bool = True
    ca_path: str | None = None
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """What came back; header names are matched in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def base_url(text: str, *, option: str) -> str:
    """Scheme and host of an option that names a server: a bare host means https.

    Plain http would show passwords to the network, so only this machine is spoken to without TLS.

    :raises InputError: when it is neither a host nor a URL of one
    """
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
        or "@" in text
    ):
        raise InputError(subject=f"{option} {text!r}", cause="it is not a host name, or https:// and a host name")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InputError(subject=f"{option} {text!r}", cause="passwords would travel unprotected over plain http")
    return f"{parts.scheme}://{parts.netloc}"


def open_session(url: str, line: Line) -> requests.Session:
    """A session for one host that follows the line and nothing else: no .netrc, no bundle from the environment."""
    session = requests.Session()
    session.trust_env = False
    session.proxies = (
        {"http": line.proxy, "https": line.proxy} if line.proxy else requests.utils.get_environ_proxies(url)
    )
    session.verify = (line.ca_path or True) if line.validate_certs else False
    session.headers.clear()
    session.headers.update({"user-agent": "imageops.registry", "accept-encoding": "identity"})
    return session


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    timeout: float,
    limit: int,
    action: str,
    subject: str,
    body: bytes | None = None,
) -> Answer:
    """Send one request and read its whole answer; redirects are not followed.

    :param timeout: seconds without progress
    :param limit: how many bytes the answer's body may have
    :raises ApiError: ``timeout``, ``connection_failed`` (both transient), ``tls_untrusted``, ``protocol_error``
    """
    host = urlsplit(url).netloc
    try:
        with session.request(
            method, url, data=body, headers=dict(headers), timeout=timeout, allow_redirects=False, stream=True
        ) as response:
            return Answer(response.status_code, response.headers, _body(response, limit, action, subject))
    except requests.Timeout as error:
        raise ApiError(
            code="timeout",
            action=action,
            subject=subject,
            cause=f"{host} did not answer within {timeout:g} seconds",
            transient=True,
        ) from error
    except requests.exceptions.SSLError as error:
        raise ApiError(
            code="tls_untrusted",
            action=action,
            subject=subject,
            cause=f"the certificate of {host} is not trusted: {reason_of(error)}",
            hint="give the authority's certificate in ca_path",
        ) from error
    except requests.RequestException as error:
        raise ApiError(
            code="connection_failed",
            action=action,
            subject=subject,
            cause=f"{host} was not reached: {reason_of(error)}",
            hint="check the host name and the network; a proxy is named with proxy or in the environment",
            transient=True,
        ) from error


def reason_of(error: BaseException) -> str:
    """The innermost reason of a wrapped network error, without the objects' addresses."""
    inner: object = error
    while True:
        nested = getattr(inner, "reason", None)
        if not isinstance(nested, BaseException):
            nested = next((part for part in getattr(inner, "args", ()) if isinstance(part, BaseException)), None)
        if nested is None:
            break
        inner = nested
    return re.sub(r"<[^<>]* object at 0x[0-9a-f]+>:? ?|\w+\(host=[^)]*\): ?", "", str(inner)) or type(inner).__name__


def _body(response: requests.Response, limit: int, action: str, subject: str) -> bytes:
    blocks = bytearray()
    for block in response.iter_content(65536):
        blocks += block
        if len(blocks) > limit:
            raise ApiError(
                code="protocol_error",
                action=action,
                subject=subject,
                cause=f"the answer is longer than {limit} bytes",
                status=response.status_code,
            )
    return bytes(blocks)
