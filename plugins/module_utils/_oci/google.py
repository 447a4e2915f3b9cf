# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service account keys for Google's registries, in the form that their token server takes.

image-syncer takes the user ``_oauth2_`` with a base64 service account key and makes an access token of it. The
registries themselves take such a key as a password for the user ``_json_key``, so that nothing needs to be signed
here.
"""

from __future__ import annotations

import base64
import binascii

from .errors import InputError
from .strict_json import JsonFault, loads

_KEY_USERS = frozenset(("_oauth2_", "_json_key", "_json_key_base64"))


def is_google(registry: str) -> bool:
    """Whether a host is Container Registry's or Artifact Registry's."""
    return registry == "gcr.io" or registry.endswith((".gcr.io", ".pkg.dev"))


def service_account_key(username: str, password: str, subject: str) -> tuple[str, str]:
    """Turn a user that stands for a service account key, and the key as JSON or base64, into a user and a password.

    Other users, ``oauth2accesstoken`` among them, are given back as they are.

    :param subject: what an error is about
    :raises InputError: when the password is no service account key
    """
    if username not in _KEY_USERS:
        return username, password
    key = password.strip()
    if not key.startswith("{"):
        try:
            key = base64.b64decode("".join(key.split()), validate=True).decode("utf-8").strip()
        except (binascii.Error, ValueError):
            raise _no_key(username, subject, "its password is neither JSON nor base64") from None
    try:
        content = loads(key.encode("utf-8"))
    except (JsonFault, UnicodeEncodeError):
        raise _no_key(username, subject, "its password is not a key in JSON") from None
    if not isinstance(content, dict) or not isinstance(content.get("private_key"), str):
        raise _no_key(username, subject, "its password is JSON without a private_key")
    return "_json_key", key


def _no_key(username: str, subject: str, cause: str) -> InputError:
    return InputError(
        subject=subject,
        cause=f"for the user {username} {cause}",
        hint="give the service account's key file, as it is or base64-encoded",
    )
