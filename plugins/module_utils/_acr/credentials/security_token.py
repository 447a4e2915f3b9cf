# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of a role, got from the Security Token Service (STS), version 2015-04-01."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ..._oci.errors import ImageOpsError
from ..api.client import OpenApi, Parameter
from ..api.errors import ApiError
from ..api.signature import UNSIGNED, AccessKey, KeySource
from .roles import OidcRole, Role

Connect = Callable[[KeySource], OpenApi]
"""Return a client of STS that signs with these keys; it is closed after the call."""

_LONGEST_TOKEN = 64 * 1024
_TRUST = (
    "the identity needs the right sts:AssumeRole on the role, and the role's trust policy has to name the identity's "
    "account"
)


def assume_role(connect: Connect, keys: KeySource, role: Role) -> AccessKey:
    """Return a key of the role.

    :param keys: the identity that assumes it
    :raises ApiError: when it may not
    """
    asked: dict[str, Parameter] = {
        "RoleArn": role.arn,
        "RoleSessionName": role.session,
        "DurationSeconds": role.duration,
        "ExternalId": role.external_id or None,
    }
    return _call(connect, keys, "AssumeRole", asked, role.arn)


def assume_role_with_oidc(connect: Connect, role: OidcRole, on_secret: Callable[[str], None]) -> AccessKey:
    """Return a key of the role, for the token that is in the file now. The call needs no signature.

    :param on_secret: told the token
    :raises ImageOpsError: ``no_credentials`` without a token; ApiError when it is not accepted
    """
    token = _token(role.token_file)
    on_secret(token)
    asked: dict[str, Parameter] = {
        "RoleArn": role.arn,
        "OIDCProviderArn": role.provider_arn,
        "OIDCToken": token,
        "RoleSessionName": role.session,
        "DurationSeconds": role.duration,
    }
    return _call(connect, lambda: UNSIGNED, "AssumeRoleWithOIDC", asked, role.arn)


def expiration(text: object) -> float | None:
    """Return the seconds since the epoch of a time such as ``2026-01-02T03:04:05Z``; None for anything else."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None


def key_of(fields: Mapping[str, Any]) -> AccessKey | None:
    """Return the key in an answer of STS or of the metadata service; None when something of it is missing."""
    names = ("AccessKeyId", "AccessKeySecret", "SecurityToken")
    key_id, secret, token = (str(fields.get(name) or "") for name in names)
    end = expiration(fields.get("Expiration"))
    return AccessKey(key_id, secret, token, expires_at=end) if key_id and secret and token and end else None


def _call(
    connect: Connect, keys: KeySource, api_action: str, asked: Mapping[str, Parameter], subject: str
) -> AccessKey:
    action = "assume the role"
    try:
        with connect(keys) as api:
            answer = api.call(api_action, asked, action=action, subject=subject)
    except ApiError as error:
        if error.code == "acr_forbidden":
            error.hint = _TRUST
        raise
    found = answer.get("Credentials")
    key = key_of(found) if isinstance(found, Mapping) else None
    if key is None:
        raise ApiError(
            code="protocol_error", action=action, subject=subject, cause="the API's answer holds no whole key"
        )
    return key


def _token(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            token = file.read(_LONGEST_TOKEN).strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is no text"
        raise _no_token(path, str(cause).lower()) from error
    if not token:
        raise _no_token(path, "it is empty")
    return token


def _no_token(path: str, cause: str) -> ImageOpsError:
    return ImageOpsError(code="no_credentials", action="read the OIDC token in", subject=path, cause=cause)
