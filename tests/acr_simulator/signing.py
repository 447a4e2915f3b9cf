# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a request's ACS3-HMAC-SHA256 signature, written from the vendor's page and not from the client's code."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, urlsplit

from .replies import ApiFault
from .world import Key, World

_MUST_BE_SIGNED = (
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
)
_FORM = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})")
_CLOCK_TOLERANCE = 15 * 60


class SignatureCheck:
    """Remembers nonces, so that no request is taken twice."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._nonces: set[str] = set()

    def identify(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Key:
        """The access key that signed the request.

        :param target: path and query, as they came
        :param headers: names in lower case
        :raises ApiFault: as the vendor answers
        """
        match = _FORM.fullmatch(headers.get("authorization", ""))
        if not match:
            raise ApiFault(400, "MissingAuthorization", "Authorization is missing or malformed.")
        key_id, names, signature = match.group(1), match.group(2).split(";"), match.group(3)
        key = self._world.keys.get(key_id)
        if key is None:
            raise ApiFault(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        if key.status != "Active":
            raise ApiFault(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
        self._check_signed_names(names, headers)
        if hashlib.sha256(body).hexdigest() != headers["x-acs-content-sha256"]:
            raise ApiFault(400, "SignatureDoesNotMatch", "The content does not match x-acs-content-sha256.")
        canonical = _canonical(method, target, headers, names)
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        expected = hmac.new(key.secret.encode(), to_sign.encode(), "sha256").hexdigest()
        if not hmac.compare_digest(expected, signature):
            raise ApiFault(400, "SignatureDoesNotMatch", "Specified signature does not match our calculation.")
        self._check_fresh(headers, key)
        return key

    def _check_signed_names(self, names: list[str], headers: Mapping[str, str]) -> None:
        sent = {name for name in headers if name.startswith("x-acs-")} | {"host"}
        if "content-type" in headers:
            sent.add("content-type")
        unsigned = (sent | set(_MUST_BE_SIGNED)) - set(names)
        missing = [name for name in names if name not in headers]
        if unsigned or missing or names != sorted(names):
            raise ApiFault(
                400, "IncompleteSignature", f"Not signed: {sorted(unsigned)}; not sent: {missing}; order: {names}"
            )

    def _check_fresh(self, headers: Mapping[str, str], key: Key) -> None:
        try:
            date = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        except ValueError:
            raise ApiFault(400, "InvalidTimeStamp.Format", "x-acs-date is not well formed.") from None
        if abs(date.timestamp() - self._world.now()) > _CLOCK_TOLERANCE:
            raise ApiFault(400, "InvalidTimeStamp.Expired", "Specified time stamp is expired.")
        nonce = headers["x-acs-signature-nonce"]
        if nonce in self._nonces:
            raise ApiFault(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(nonce)
        if key.expires_at is not None and self._world.now() >= key.expires_at:
            raise ApiFault(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
        if headers.get("x-acs-security-token", "") != key.security_token:
            raise ApiFault(400, "InvalidSecurityToken.MismatchWithAccessKey", "Security token does not fit the key.")


def _canonical(method: str, target: str, headers: Mapping[str, str], names: list[str]) -> str:
    parts = urlsplit(target)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    return "\n".join(
        [
            method,
            parts.path,
            "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query),
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            headers["x-acs-content-sha256"],
        ]
    )
