# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that holds one access key: only its owner may read it, and it is replaced whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable

from .._oci.errors import ImageOpsError

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
        """The key in it; None when there is no such file."""
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
        """Whether nobody but its owner may touch it."""
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
