# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which access key signs: the one given, the environment's, or the vendor's own chain where that is installed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from ..._oci.errors import ImageOpsError, InputError

_ENVIRONMENT = (
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"),
    ("ALICLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECURITY_TOKEN"),
    ("ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", "ALICLOUD_SECURITY_TOKEN"),
)
_HINT = (
    "give access_key_id and access_key_secret, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET "
    "where the task runs"
)


@dataclass(frozen=True)
class AccessKey:
    """An access key; ``security_token`` is set for a temporary one (STS)."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)


KeySource = Callable[[], AccessKey]
"""Gives the key to sign the next request with; one that can renew gives a fresh one in time."""


def find_keys(
    given: AccessKey | None,
    environ: Mapping[str, str],
    *,
    installed_chain: Callable[[], KeySource | None],
    on_secret: Callable[[str], None],
) -> KeySource:
    """The first of: the key given, the environment's, the installed chain's.

    :param installed_chain: usually :func:`vendor_chain`
    :param on_secret: told every secret before it is used
    :raises InputError: when half a key is set
    :raises ImageOpsError: ``no_credentials`` when there is none at all
    """
    key = given or _from_environment(environ)
    if key is not None:
        found = key
        _tell(found, on_secret)
        return lambda: found
    chain = installed_chain()
    if chain is None:
        raise ImageOpsError(
            code="no_credentials",
            action="sign calls to",
            subject="Alibaba Cloud",
            cause="there is no access key",
            hint=_HINT,
        )
    return _told(chain, on_secret)


def vendor_chain() -> KeySource | None:
    """The chain of the optional package ``alibabacloud-credentials``; None when it is not installed.

    It knows OIDC (RRSA), ``~/.aliyun/config.json``, the credentials file and an ECS instance's role, and renews
    what has an end by itself.
    """
    try:
        package: Any = importlib.import_module("alibabacloud_credentials.client")
        failures: Any = importlib.import_module("alibabacloud_credentials.exceptions")
    except ImportError:
        return None
    client = package.Client()

    def source() -> AccessKey:
        try:
            model = client.get_credential()
        except (failures.CredentialException, OSError, ValueError) as error:
            raise ImageOpsError(
                code="no_credentials",
                action="sign calls to",
                subject="Alibaba Cloud",
                cause=f"no access key is given or set, and alibabacloud-credentials found none: {error}",
                hint=_HINT,
            ) from error
        return AccessKey(model.access_key_id or "", model.access_key_secret or "", model.security_token or "")

    return source


def _from_environment(environ: Mapping[str, str]) -> AccessKey | None:
    for id_name, secret_name, token_name in _ENVIRONMENT:
        key_id, secret = environ.get(id_name, ""), environ.get(secret_name, "")
        if key_id and secret:
            return AccessKey(key_id, secret, environ.get(token_name, ""))
        if key_id or secret:
            missing = secret_name if key_id else id_name
            raise InputError(subject="the environment", cause=f"{missing} is not set and its other half is")
    return None


def _told(chain: KeySource, on_secret: Callable[[str], None]) -> KeySource:
    def source() -> AccessKey:
        key = chain()
        _tell(key, on_secret)
        return key

    return source


def _tell(key: AccessKey, on_secret: Callable[[str], None]) -> None:
    for secret in (key.access_key_secret, key.security_token):
        if secret:
            on_secret(secret)
