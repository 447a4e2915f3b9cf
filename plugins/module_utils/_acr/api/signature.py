# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ACS3-HMAC-SHA256 signature of Alibaba Cloud's OpenAPI ("V3 request body & signature"). No I/O."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Callable
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"


@dataclass(frozen=True)
class AccessKey:
    """An access key.

    :param security_token: set for a temporary one (STS)
    :param expires_at: when a temporary one ends, in seconds since the epoch; None where that is not known
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    expires_at: float | None = field(default=None, compare=False)


UNSIGNED = AccessKey("", "")
"""Stands for no key, for the calls that the vendor takes without a signature."""

KeySource = Callable[[], AccessKey]
"""Return the key to sign the next request with; one that can renew its key does so in time."""


def content_hash(body: bytes) -> str:
    """Return the lower-case hex SHA-256 of a request's body, as ``x-acs-content-sha256`` carries it."""
    return hashlib.sha256(body).hexdigest()


def authorization(
    *,
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body_hash: str,
    access_key_id: str,
    access_key_secret: str,
) -> str:
    """Sign one request and give the value of its ``Authorization`` header.

    :param path: the path as it is sent, already quoted
    :param query: decoded names and values
    :param headers: every header that is to be covered; the caller sends these values unchanged
    :param body_hash: what :func:`content_hash` gave for the body
    """
    signed, signed_names = _canonical_headers(headers)
    canonical = "\n".join([method, path or "/", _canonical_query(query), signed, signed_names, body_hash])
    to_sign = f"{ALGORITHM}\n{content_hash(canonical.encode())}"
    signature = hmac.new(access_key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={access_key_id},SignedHeaders={signed_names},Signature={signature}"


def _canonical_query(query: Mapping[str, str]) -> str:
    return "&".join(f"{_quote(name)}={_quote(query[name])}" for name in sorted(query))


def _canonical_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the block of "name:value" lines and the list of their names."""
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    names = sorted(lowered)
    return "".join(f"{name}:{lowered[name]}\n" for name in names), ";".join(names)


def _quote(text: str) -> str:
    return quote(text, safe="~")
