# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles that a task may take on, as options, the environment and profiles name them."""

from __future__ import annotations

from dataclasses import dataclass

from ..._oci.errors import InputError
from ..api.signature import AccessKey

_SESSION = "imageops-registry"
_SHORTEST, _LONGEST = 900, 43200


@dataclass(frozen=True)
class Role:
    """A RAM role that another key assumes.

    :param arn: ``acs:ram::<account>:role/<name>``
    :param session_name: what the vendor's logs show
    :param duration: seconds that its keys are good; None leaves it to the vendor (3600)
    :param external_id: what the role's trust policy may ask for
    """

    arn: str
    session_name: str = ""
    duration: int | None = None
    external_id: str = ""

    @property
    def session(self) -> str:
        """Return the session's name, which the vendor demands."""
        return self.session_name or _SESSION


@dataclass(frozen=True)
class OidcRole:
    """A RAM role that the token of an OIDC provider assumes, without an access key (RRSA in ACK).

    :param provider_arn: ``acs:ram::<account>:oidc-provider/<name>``
    :param token_file: read for each new key, for it is rotated
    """

    arn: str
    provider_arn: str
    token_file: str
    session_name: str = ""
    duration: int | None = None

    @property
    def session(self) -> str:
        """Return the session's name, which the vendor demands."""
        return self.session_name or _SESSION


@dataclass(frozen=True)
class KeyOptions:
    """What the options say of the key that signs."""

    key: AccessKey | None = None
    profile: str = ""
    ecs_ram_role: str = ""
    oidc: OidcRole | None = None
    role: Role | None = None


def check_duration(seconds: int | None, *, option: str) -> int | None:
    """Return the duration again.

    :raises InputError: when the vendor would not take it
    """
    if seconds is not None and not _SHORTEST <= seconds <= _LONGEST:
        raise InputError(
            subject=f"duration {seconds} of {option}", cause=f"it is not {_SHORTEST} to {_LONGEST} seconds"
        )
    return seconds
