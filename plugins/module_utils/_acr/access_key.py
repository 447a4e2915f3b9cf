# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's access key whose secret is in a file.

RAM shows a secret once. So the file is made ready before the key is made, written before anything else happens, and a
key that cannot be written down is deleted again. A user has two keys at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .._oci.errors import ImageOpsError, InputError
from .change import Change
from .faults import ApiError
from .names import check_user
from .openapi import OpenApi
from .secret_file import SecretFile, StoredKey

_KEYS_AT_MOST = 2


@dataclass(frozen=True)
class KeyState:
    """A key that is at RAM and in its file.

    :param access_key_id: empty in check mode, when it would be made
    :param private: whether only the file's owner may read it
    """

    user: str
    access_key_id: str
    private: bool = True


@dataclass(frozen=True)
class ListedKey:
    """A key as RAM lists it, without its secret; ``created`` sorts by time."""

    access_key_id: str
    status: str
    created: str


class UserKey:
    """The one key of a user that is kept in a file.

    :param rotate: whether keys whose secret is in no file may be deleted, for a new one or for good
    :param on_secret: told every secret
    """

    def __init__(
        self,
        api: OpenApi,
        user: str,
        file: SecretFile,
        *,
        rotate: bool,
        check_mode: bool,
        on_secret: Callable[[str], None],
    ) -> None:
        self._api = api
        self._user = check_user(user)
        self._file = file
        self._rotate = rotate
        self._check_mode = check_mode
        self._on_secret = on_secret

    def present(self) -> Change[KeyState]:
        """Have a key that is in the file.

        :raises ImageOpsError: ``acr_exists`` for keys without their file, ``acr_state`` for a key that was disabled
        """
        stored, keys = self._stored(), self._listed()
        listed = next((key for key in keys if stored and key.access_key_id == stored.access_key_id), None)
        if listed is not None:
            return self._keep(listed)
        if keys and not self._rotate:
            raise self._unaccounted("have an access key of", keys, "makes a new one and deletes them")
        if self._check_mode:
            return Change(None, KeyState(self._user, ""))
        return Change(None, KeyState(self._user, self._make(keys)))

    def absent(self) -> Change[KeyState]:
        """Delete the key that is in the file, and the file.

        :raises ImageOpsError: ``acr_exists`` for keys without their file
        """
        stored, keys = self._stored(), self._listed()
        if stored is None and keys and not self._rotate:
            raise self._unaccounted("delete the access key of", keys, "deletes them")
        doomed = [key for key in keys if self._rotate or (stored and key.access_key_id == stored.access_key_id)]
        if not doomed and stored is None:
            return Change(None, None)
        known = stored.access_key_id if stored else doomed[0].access_key_id
        if not self._check_mode:
            for key in doomed:
                self._delete(key.access_key_id)
            self._file.delete()
        return Change(KeyState(self._user, known), None)

    def _keep(self, listed: ListedKey) -> Change[KeyState]:
        if listed.status.lower() == "inactive":
            raise ImageOpsError(
                code="acr_state",
                action="use the access key",
                subject=f"{listed.access_key_id} of {self._user}",
                cause="somebody has disabled it",
                hint="enable it in the console, or delete the file and set rotate: true for a new one",
            )
        private = self._file.is_private()
        if not private and not self._check_mode:
            self._file.make_private()
        return Change(KeyState(self._user, listed.access_key_id, private), KeyState(self._user, listed.access_key_id))

    def _make(self, old: Sequence[ListedKey]) -> str:
        """Make a key, write it down, and delete the old ones, of which one goes first where there are two."""
        with self._file.replacing() as write:
            oldest_last = sorted(old, key=lambda key: (key.status.lower() != "inactive", key.created), reverse=True)
            while len(oldest_last) >= _KEYS_AT_MOST:
                self._delete(oldest_last.pop().access_key_id)
            made = self._create(oldest_last)
            try:
                write(made)
            except ImageOpsError:
                self._delete(made.access_key_id)
                raise
        for key in oldest_last:
            self._delete(key.access_key_id)
        return made.access_key_id

    def _create(self, old: Sequence[ListedKey]) -> StoredKey:
        action = "create an access key of"
        try:
            answer = self._api.call(
                "CreateAccessKey", {"UserName": self._user}, action=action, subject=self._user, once=True
            )
        except ApiError as error:
            if error.perhaps_done:
                self._delete_unknown(old)
            raise
        row = answer.get("AccessKey") or {}
        key_id, secret = str(row.get("AccessKeyId") or ""), str(row.get("AccessKeySecret") or "")
        if not key_id or not secret:
            raise ApiError(
                code="protocol_error", action=action, subject=self._user, cause="the API's answer holds no whole key"
            )
        self._on_secret(secret)
        return StoredKey(key_id, secret, self._user)

    def _delete_unknown(self, old: Sequence[ListedKey]) -> None:
        """Delete the key of an answer that got lost, for nobody knows its secret."""
        known = {key.access_key_id for key in old}
        for key in self._listed():
            if key.access_key_id not in known:
                self._delete(key.access_key_id)

    def _delete(self, key_id: str) -> None:
        asked = {"UserName": self._user, "UserAccessKeyId": key_id}
        try:
            self._api.call(
                "DeleteAccessKey", asked, action="delete the access key", subject=f"{key_id} of {self._user}"
            )
        except ApiError as error:
            if error.code != "acr_not_found":
                raise

    def _listed(self) -> list[ListedKey]:
        """The keys at RAM; a user that is not there has none."""
        try:
            answer = self._api.call(
                "ListAccessKeys", {"UserName": self._user}, action="list the access keys of", subject=self._user
            )
        except ApiError as error:
            if error.code == "acr_not_found":
                return []
            raise
        rows = (answer.get("AccessKeys") or {}).get("AccessKey") or []
        return [
            ListedKey(str(row.get("AccessKeyId", "")), str(row.get("Status", "")), str(row.get("CreateDate", "")))
            for row in rows
        ]

    def _stored(self) -> StoredKey | None:
        stored = self._file.read()
        if stored is None:
            return None
        self._on_secret(stored.access_key_secret)
        if stored.user not in ("", self._user):
            raise InputError(
                subject=f"secret_file {self._file.path}",
                cause=f"it holds a key of {stored.user}, not of {self._user}",
                hint="give every user a file of its own",
            )
        return stored

    def _unaccounted(self, action: str, keys: Sequence[ListedKey], what: str) -> ImageOpsError:
        names = ", ".join(key.access_key_id for key in keys)
        return ImageOpsError(
            code="acr_exists",
            action=action,
            subject=self._user,
            cause=f"RAM has {names}, and {self._file.path} does not have the secret, which RAM shows only once",
            hint=f"bring the file back, or set rotate: true, which {what}",
        )
