# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's access key whose secret is in a file.

RAM shows a secret once. So the file is made ready before the key is made, written before anything else happens, and a
key that cannot be written down is deleted again. A user has two keys at most.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable

from ..._oci.errors import ImageOpsError, InputError
from ..api.client import OpenApi
from ..api.errors import ApiError
from ..api.names import check_user
from ..resources.resource import Change

_MODE = 0o600
_LONGEST = 64 * 1024
_HINT = "it has to be a file, in a directory that is there and may be written to by who runs the task"


@dataclass(frozen=True)
class StoredKey:
    """What such a file holds; ``user`` is empty when it does not say whose key it is."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    user: str = ""


class SecretFile:
    """One such file.

    Every failure is an :class:`ImageOpsError` with the code ``acr_secret_file``.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)

    def read(self) -> StoredKey | None:
        """Return the key in it; None when there is no such file."""
        try:
            with open(self.path, "rb") as file:
                content = json.loads(file.read(_LONGEST))
            return StoredKey(content["access_key_id"], content["access_key_secret"], content.get("user", ""))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("read", error.strerror or "it is unreadable") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._failed(
                "read", "it is not a file that this module wrote", "name another, or move it away"
            ) from error

    def is_private(self) -> bool:
        """Return whether only its owner may read and write it."""
        try:
            return stat.S_IMODE(os.stat(self.path).st_mode) == _MODE
        except OSError as error:
            raise self._failed("look at", error.strerror or "it cannot be seen") from error

    def make_private(self) -> None:
        """Take everybody else's rights away."""
        try:
            os.chmod(self.path, _MODE)
        except OSError as error:
            raise self._failed("protect", error.strerror or "its mode cannot be set") from error

    @contextmanager
    def replacing(self) -> Iterator[Callable[[StoredKey], None]]:
        """Make sure that it can be written before there is a key to lose, and give what writes it.

        The new content is on the disk, under its name, when that returns.
        """
        beside = f"{self.path}.{os.getpid()}.new"
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _MODE)
        except OSError as error:
            raise self._failed("write", error.strerror or "it is not writable") from error

        def write(key: StoredKey) -> None:
            content = {name: value for name, value in vars(key).items() if value}
            try:
                os.fchmod(handle, _MODE)
                _write_all(handle, json.dumps(content, indent=2).encode() + b"\n")
                os.fsync(handle)
                os.replace(beside, self.path)
                _flush_directory(os.path.dirname(self.path))
            except OSError as error:
                raise self._failed("write", error.strerror or "it is not writable") from error

        try:
            yield write
        finally:
            os.close(handle)
            if os.path.lexists(beside):
                os.unlink(beside)

    def delete(self) -> None:
        """Delete it, if it is there."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed("delete", error.strerror or "it cannot be deleted") from error

    def _failed(self, verb: str, cause: str, hint: str = _HINT) -> ImageOpsError:
        return ImageOpsError(
            code="acr_secret_file", action=verb, subject=f"secret_file {self.path}", cause=cause.lower(), hint=hint
        )


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]


def _flush_directory(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
                cause="it is disabled",
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
        """Delete the key of an answer that got lost: its secret is not known."""
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
        """Return the keys at RAM; a user that is not there has none."""
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
