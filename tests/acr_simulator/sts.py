# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the Security Token Service, version 2015-04-01, that give keys of roles."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from . import rights
from .replies import ApiFault
from .world import Key, Role, World

UNSIGNED = frozenset({"AssumeRoleWithOIDC"})
"""The calls that carry no signature."""

_SESSION = re.compile(r"[A-Za-z0-9.@_-]{2,64}")


class SecurityTokens:
    """Serves the calls that schema.STS lists."""

    def __init__(self, world: World) -> None:
        self._world = world

    def serve(self, action: str, parameters: Mapping[str, Any], key: Key | None) -> dict[str, Any]:
        """The answer's fields without RequestId.

        :param key: who signs; None for a call without a signature
        :raises ApiFault: when the call is refused
        """
        role = self._world.roles.get(parameters["RoleArn"])
        if not _SESSION.fullmatch(parameters["RoleSessionName"]):
            raise ApiFault(400, "InvalidParameter.RoleSessionName", "2 to 64 letters, digits, . @ - _")
        if not 900 <= parameters.get("DurationSeconds", 3600) <= 43200:
            raise ApiFault(400, "InvalidParameter.DurationSeconds", "900 to 43200")
        if role is None:
            raise ApiFault(404, "EntityNotExist.Role", "The specified Role not exists.")
        if action == "AssumeRoleWithOIDC":
            self._check_oidc(role, parameters)
        else:
            assert key is not None
            self._check_trust(role, parameters, key)
        return self._key_of(role, parameters)

    def _check_oidc(self, role: Role, parameters: Mapping[str, Any]) -> None:
        if role.oidc.get(parameters["OIDCProviderArn"]) != parameters["OIDCToken"]:
            raise ApiFault(400, "AuthenticationFail.OIDCToken.Invalid", "This JWT is not accepted.")

    def _check_trust(self, role: Role, parameters: Mapping[str, Any], key: Key) -> None:
        rights.demand(self._world, key, "sts:AssumeRole", role.arn, "NoPermission")
        trusted = key.user == self._world.ROOT or key.user in role.trusted
        if not trusted or role.external_id != parameters.get("ExternalId", ""):
            raise ApiFault(
                403, "NoPermission", "You are not authorized to do this action: the role does not trust you."
            )

    def _key_of(self, role: Role, parameters: Mapping[str, Any]) -> dict[str, Any]:
        life = self._world.role_seconds or parameters.get("DurationSeconds", 3600)
        key = self._world.add_key(role.acts_as, security_token=f"sts-{secrets.token_hex(20)}")
        key.expires_at = self._world.now() + life
        self._world.sessions.append((role.arn, parameters["RoleSessionName"]))
        end = datetime.fromtimestamp(key.expires_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "AssumedRoleUser": {"Arn": f"{role.arn}/{parameters['RoleSessionName']}", "AssumedRoleId": "3:x"},
            "Credentials": {
                "AccessKeyId": key.key_id,
                "AccessKeySecret": key.secret,
                "SecurityToken": key.security_token,
                "Expiration": end,
            },
        }
