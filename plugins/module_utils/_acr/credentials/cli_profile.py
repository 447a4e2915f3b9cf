# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The profiles of the vendor's command-line tool: ``~/.aliyun/config.json``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._oci.errors import ImageOpsError
from ..._oci.image.strict_json import JsonFault, loads
from ..api.signature import AccessKey
from .roles import OidcRole, Role

_LONGEST = 1024 * 1024
_PATH = os.path.join("~", ".aliyun", "config.json")


@dataclass(frozen=True)
class Profile:
    """One profile. Exactly one of the first four says where its key comes from.

    :param key: a key that it holds
    :param source: the name of the profile whose key assumes the role
    :param metadata_role: the role whose key the metadata service of ECS gives
    :param oidc: the role that an OIDC token assumes
    :param role: the role that is assumed with the key
    """

    name: str
    key: AccessKey | None = None
    source: str = ""
    metadata_role: str = ""
    oidc: OidcRole | None = None
    role: Role | None = None


class ProfileFile:
    """The file with the profiles of the user who runs the task.

    :param path: the file; None for ``~/.aliyun/config.json``
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = path or os.path.expanduser(_PATH)

    def current(self, name: str) -> Profile | None:
        """Return the profile of this name, or without a name the current one; None when there is no file or none in it.

        :raises ImageOpsError: ``no_credentials`` when a file, or a profile that is named, cannot be used
        """
        content = self._read()
        if content is None and not name:
            return None
        chosen = name or str((content or {}).get("current") or "")
        return self._profile(content or {}, chosen) if chosen else None

    def named(self, name: str) -> Profile:
        """Return the profile of this name.

        :raises ImageOpsError: ``no_credentials`` when there is none, or when it cannot be used
        """
        return self._profile(self._read() or {}, name)

    def _read(self) -> Mapping[str, Any] | None:
        try:
            with open(self.path, "rb") as file:
                content = loads(file.read(_LONGEST).removeprefix(b"\xef\xbb\xbf"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable("the profiles", (error.strerror or "it is unreadable").lower()) from error
        except JsonFault as error:
            raise self._unusable("the profiles", "it is not JSON") from error
        if not isinstance(content, dict):
            raise self._unusable("the profiles", "it is not what the command-line tool writes")
        return content

    def _profile(self, content: Mapping[str, Any], name: str) -> Profile:
        rows = [row for row in content.get("profiles") or [] if isinstance(row, dict)]
        row = next((row for row in rows if row.get("name") == name), None)
        if row is None:
            there = ", ".join(sorted(str(row.get("name")) for row in rows)) or "none"
            raise self._unusable(f"the profile {name}", "there is no such profile", f"there are: {there}")
        profile = _parse(name, row)
        if profile is None:
            mode = _text(row, "mode") or "AK"
            raise self._unusable(
                f"the profile {name}",
                f"of its mode {mode} something is missing, or the mode is not supported",
                "the modes AK, StsToken, RamRoleArn, ChainableRamRoleArn, RamRoleArnWithEcs, EcsRamRole and OIDC are",
            )
        return profile

    def _unusable(self, subject: str, cause: str, hint: str = "") -> ImageOpsError:
        return ImageOpsError(
            code="no_credentials", action="use", subject=f"{subject} of {self.path}", cause=cause, hint=hint
        )


def _parse(name: str, row: Mapping[str, Any]) -> Profile | None:
    """Return the profile; None when its mode is not known or lacks something."""
    mode = _text(row, "mode") or "AK"
    role = _role(row)
    if mode in ("AK", "StsToken"):
        key = _key(row, token=mode == "StsToken")
        return Profile(name, key=key) if key else None
    if mode == "RamRoleArn":
        key = _key(row, token=True)
        return Profile(name, key=key, role=role) if key and role else None
    if mode == "ChainableRamRoleArn":
        source = _text(row, "source_profile")
        return Profile(name, source=source, role=role) if source and role else None
    if mode in ("EcsRamRole", "RamRoleArnWithEcs"):
        metadata_role = _text(row, "ram_role_name")
        complete = metadata_role and (role or mode == "EcsRamRole")
        assumed = role if mode == "RamRoleArnWithEcs" else None
        return Profile(name, metadata_role=metadata_role, role=assumed) if complete else None
    if mode == "OIDC":
        oidc = _oidc(row)
        return Profile(name, oidc=oidc) if oidc else None
    return None


def _key(row: Mapping[str, Any], *, token: bool) -> AccessKey | None:
    key_id, secret = _text(row, "access_key_id"), _text(row, "access_key_secret")
    if not key_id or not secret:
        return None
    return AccessKey(key_id, secret, _text(row, "sts_token") if token else "")


def _role(row: Mapping[str, Any]) -> Role | None:
    arn = _text(row, "ram_role_arn")
    if not arn:
        return None
    return Role(arn, _text(row, "ram_session_name"), _seconds(row), _text(row, "external_id"))


def _oidc(row: Mapping[str, Any]) -> OidcRole | None:
    arn, provider, token_file = (_text(row, key) for key in ("ram_role_arn", "oidc_provider_arn", "oidc_token_file"))
    session = _text(row, "ram_session_name") or _text(row, "role_session_name")
    return OidcRole(arn, provider, token_file, session, _seconds(row)) if arn and provider and token_file else None


def _seconds(row: Mapping[str, Any]) -> int | None:
    found = row.get("expired_seconds")
    return found if isinstance(found, int) and found > 0 else None


def _text(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    return found if isinstance(found, str) else ""
