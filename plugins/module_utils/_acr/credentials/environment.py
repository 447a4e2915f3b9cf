# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access keys that the environment has, under each of the names that the vendor's tools use. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..api.signature import AccessKey
from .roles import OidcRole, Role

_FAMILIES = ("ALIBABA_CLOUD", "ALIBABACLOUD", "ALICLOUD")
_IDS = ("ACCESS_KEY_ID", "ACCESS_KEY")
_SECRETS = ("ACCESS_KEY_SECRET", "SECRET_ACCESS_KEY", "SECRET_KEY")
_ROLES = ("ROLE_ARN", "ASSUME_ROLE_ARN")
_SESSIONS = ("ROLE_SESSION_NAME", "ASSUME_ROLE_SESSION_NAME")
_EXTERNAL_IDS = ("ASSUME_ROLE_EXTERNAL_ID", "EXTERNAL_ID")
_REGIONS = ("REGION", "REGION_ID")
_TRUE = ("true", "1", "yes")


@dataclass(frozen=True)
class FoundPair:
    """An access key of the environment.

    :param name: the variable that holds its id
    :param role: the role that is to be assumed with it; None: it signs itself
    """

    key: AccessKey
    name: str
    role: Role | None


class Environment:
    """The variables of the vendor's tools; an empty one counts as not set."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def pair(self) -> FoundPair | None:
        """Return the first complete pair of id and secret; incomplete ones are passed over."""
        for family in _FAMILIES:
            name, key_id = self._first(family, _IDS)
            secret = self._first(family, _SECRETS)[1]
            if key_id and secret:
                token = self._first(family, ("SECURITY_TOKEN",))[1]
                return FoundPair(AccessKey(key_id, secret, token), name, self._role())
        return None

    def unusable(self) -> Iterator[str]:
        """Yield a sentence for each family with one half of a pair, and for an address of keys, which is not asked."""
        for family in _FAMILIES:
            name, key_id = self._first(family, _IDS)
            secret_name, secret = self._first(family, _SECRETS)
            if bool(key_id) != bool(secret):
                missing = f"{family}_{_SECRETS[0]}" if key_id else f"{family}_{_IDS[0]}"
                yield f"{name or secret_name} is set and {missing} is not"
            uri = self._first(family, ("CREDENTIALS_URI",))[0]
            if uri:
                yield f"{uri} is set, and no keys are fetched from an address"

    def oidc(self) -> OidcRole | None:
        """Return the role that is assumed by an OIDC token, where role, provider and token file are all set (RRSA)."""
        for family in _FAMILIES:
            role = self._first(family, _ROLES)[1]
            provider = self._first(family, ("OIDC_PROVIDER_ARN",))[1]
            token_file = self._first(family, ("OIDC_TOKEN_FILE",))[1]
            if role and provider and token_file:
                return OidcRole(role, provider, token_file, self._first(family, _SESSIONS)[1])
        return None

    def profile(self) -> str:
        """Return the name of the profile that takes the place of the current one; empty when none is named."""
        return self._any(("PROFILE",))

    def region(self) -> str | None:
        """Return the region that is set."""
        return self._any(_REGIONS) or None

    def metadata_role(self) -> str:
        """Return the role to ask the metadata service of ECS for; empty when it is not to be asked."""
        return "" if self.metadata_disabled() else self._any(("ECS_METADATA",))

    def metadata_disabled(self) -> bool:
        """Return whether the metadata service must not be asked."""
        return self._any(("ECS_METADATA_DISABLED",)).lower() in _TRUE

    def metadata_v1_disabled(self) -> bool:
        """Return whether the metadata service's first version, which needs no token, must not be used."""
        return self._any(("IMDSV1_DISABLED",)).lower() in _TRUE

    def _role(self) -> Role | None:
        arn = self._any(_ROLES)
        return Role(arn, self._any(_SESSIONS), external_id=self._any(_EXTERNAL_IDS)) if arn else None

    def _any(self, endings: tuple[str, ...]) -> str:
        return next((found for family in _FAMILIES if (found := self._first(family, endings)[1])), "")

    def _first(self, family: str, endings: tuple[str, ...]) -> tuple[str, str]:
        """Return name and value of the first variable that is set; both empty when there is none."""
        for ending in endings:
            name = f"{family}_{ending}"
            if self._variables.get(name):
                return name, self._variables[name]
        return "", ""
