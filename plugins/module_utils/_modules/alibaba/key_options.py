# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say which access key signs: those of each module for Alibaba Cloud, and of ``registries[].acr``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..._oci.errors import InputError

if TYPE_CHECKING:
    from ..._acr.api.service import ServerAccess
    from ..._acr.api.signature import AccessKey
    from ..._acr.credentials.chain import SigningKeys
    from ..._acr.credentials.roles import KeyOptions, OidcRole, Role
    from ..._oci.client.run import Run


def credential_spec() -> dict[str, Any]:
    """Return the options; the doc fragment ``acr`` describes them."""
    return {
        "access_key_id": {"type": "str"},
        "access_key_secret": {"type": "str", "no_log": True},
        "security_token": {"type": "str", "no_log": True},
        "profile": {"type": "str"},
        "ecs_ram_role": {"type": "str"},
        "assume_role": {
            "type": "dict",
            "options": {
                "role_arn": {"type": "str", "required": True},
                "session_name": {"type": "str"},
                "duration": {"type": "int"},
                "external_id": {"type": "str"},
            },
        },
        "assume_role_with_oidc": {
            "type": "dict",
            "options": {
                "role_arn": {"type": "str", "required": True},
                "oidc_provider_arn": {"type": "str", "required": True},
                "oidc_token_file": {"type": "path", "required": True, "no_log": False},
                "session_name": {"type": "str"},
                "duration": {"type": "int"},
            },
        },
        "sts_endpoint": {"type": "str"},
    }


def key_options(params: Mapping[str, Any]) -> KeyOptions:
    """Return what the options say of the key.

    :raises InputError: for half a key, and for a duration that the vendor would not take
    """
    from ..._acr.credentials.roles import KeyOptions  # needed by tasks with a key, and the specification by all

    return KeyOptions(
        key=_given_key(params),
        profile=params["profile"] or "",
        ecs_ram_role=params["ecs_ram_role"] or "",
        oidc=_oidc(params["assume_role_with_oidc"]),
        role=_role(params["assume_role"]),
    )


def signing_keys(
    params: Mapping[str, Any], environ: Mapping[str, str], *, region: str | None, access: ServerAccess, run: Run
) -> SigningKeys:
    """Return the key that signs, and where it comes from.

    :param region: where STS is called, for roles
    :raises ImageOpsError: when there is no key
    """
    from ..._acr.api.client import OpenApi  # needs requests, and time to load
    from ..._acr.api.service import sts_service
    from ..._acr.api.signature import KeySource
    from ..._acr.credentials.chain import KeyChain

    def connect(keys: KeySource) -> OpenApi:
        service = sts_service(region=region, network=params["network"], endpoint=params["sts_endpoint"])
        return OpenApi(service, keys, access=access, run=run)

    return KeyChain(environ, connect=connect, on_secret=run.on_secret).find(key_options(params))


def _given_key(params: Mapping[str, Any]) -> AccessKey | None:
    key_id, secret = params["access_key_id"], params["access_key_secret"]
    if not key_id and not secret:
        return None
    if not key_id or not secret:
        missing = "access_key_secret" if key_id else "access_key_id"
        raise InputError(subject="the options", cause=f"{missing} is missing and its other half is given")
    from ..._acr.api.signature import AccessKey

    return AccessKey(key_id, secret, params["security_token"] or "")


def _role(given: Mapping[str, Any] | None) -> Role | None:
    if given is None:
        return None
    from ..._acr.credentials.roles import Role, check_duration

    duration = check_duration(given["duration"], option="assume_role")
    return Role(given["role_arn"], given["session_name"] or "", duration, given["external_id"] or "")


def _oidc(given: Mapping[str, Any] | None) -> OidcRole | None:
    if given is None:
        return None
    from ..._acr.credentials.roles import OidcRole, check_duration

    duration = check_duration(given["duration"], option="assume_role_with_oidc")
    return OidcRole(
        given["role_arn"], given["oidc_provider_arn"], given["oidc_token_file"], given["session_name"] or "", duration
    )
