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
_PAIR = ("access_key_id", "access_key_secret")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "AK": _PAIR,
    "StsToken": (*_PAIR, "sts_token"),
    "RamRoleArn": (*_PAIR, "ram_role_arn"),
    "ChainableRamRoleArn": ("source_profile", "ram_role_arn"),
    "EcsRamRole": ("ram_role_name",),
    "RamRoleArnWithRoleName": ("ram_role_name", "ram_role_arn"),
    "OIDC": ("ram_role_arn", "oidc_provider_arn", "oidc_token_file"),
}
"""The modes that are understood, by the names that the tool writes, and what a profile of each has to hold."""
_OTHER_NAMES = {"": "AK", "RamRoleArnWithEcs": "RamRoleArnWithRoleName"}


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
        written = _text(row, "mode")
        mode = _OTHER_NAMES.get(written, written)
        needed = _NEEDED.get(mode)
        if needed is None:
            raise self._unusable(
                f"the profile {name}",
                f"its mode {mode} is not supported",
                f"use a profile of another mode ({', '.join(_NEEDED)}), or give a key that the mode has got you in "
                "access_key_id, access_key_secret and security_token",
            )
        missing = [key for key in needed if not _text(row, key)]
        if missing:
            raise self._unusable(f"the profile {name}", f"of its mode {mode} there is no {' and no '.join(missing)}")
        return _parse(name, mode, row)

    def _unusable(self, subject: str, cause: str, hint: str = "") -> ImageOpsError:
        return ImageOpsError(
            code="no_credentials", action="use", subject=f"{subject} of {self.path}", cause=cause, hint=hint
        )


def _parse(name: str, mode: str, row: Mapping[str, Any]) -> Profile:
    """Return a profile that has all that its mode needs."""
    role = Role(_text(row, "ram_role_arn"), _text(row, "ram_session_name"), _seconds(row), _text(row, "external_id"))
    if mode in ("AK", "StsToken"):
        return Profile(name, key=_key(row, token=mode == "StsToken"))
    if mode == "RamRoleArn":
        return Profile(name, key=_key(row, token=True), role=role)
    if mode == "ChainableRamRoleArn":
        return Profile(name, source=_text(row, "source_profile"), role=role)
    if mode == "OIDC":
        return Profile(name, oidc=_oidc(row))
    return Profile(name, metadata_role=_text(row, "ram_role_name"), role=None if mode == "EcsRamRole" else role)


def _key(row: Mapping[str, Any], *, token: bool) -> AccessKey:
    return AccessKey(
        _text(row, "access_key_id"), _text(row, "access_key_secret"), _text(row, "sts_token") if token else ""
    )


def _oidc(row: Mapping[str, Any]) -> OidcRole:
    arn, provider, token_file = (_text(row, key) for key in _NEEDED["OIDC"])
    session = _text(row, "ram_session_name") or _text(row, "role_session_name")
    return OidcRole(arn, provider, token_file, session, _seconds(row))


def _seconds(row: Mapping[str, Any]) -> int | None:
    found = row.get("expired_seconds")
    return found if isinstance(found, int) and found > 0 else None


def _text(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    return found if isinstance(found, str) else ""
