# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials out of docker's configuration: its file, and the programs that it names.

Programs follow docker's credential helper protocol: ``docker-credential-NAME get``, the server's name on standard
input, and an object with ``Username`` and ``Secret`` on standard output.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import ImageOpsError, InputError
from ..image.reference import quoted
from ..image.strict_json import JsonFault, loads
from ..late_imports import IMPORTING
from .provider import Credential, announce

if TYPE_CHECKING:
    from .docker_config import DockerLogins, Helper

_T = TypeVar("_T")

Run = Callable[[list[str], str], tuple[int, str, str]]
"""``run(argv, stdin)`` returns a program's exit status, output and error output; OSError when it cannot be run."""

_GOOD_FOR = 300.0
_ASK_EARLIER = 30.0
_ASK_AGAIN = 1.0
_NOT_FOUND = "credentials not found"
_MAX_WORDS = 200
_NOT_JSON = "its answer is not the JSON that credential helpers give"


@dataclass(frozen=True)
class _Answer:
    credential: Credential | None
    fault: str
    until: float


class DockerConfig:
    """The credentials that ``docker login`` stored for the user of this process.

    For a repository the longest key decides; at the same length ``credHelpers`` come before ``auths``. What neither
    has is asked of ``credsStore``. A program's answer is kept for five minutes, so that one that makes short-lived
    credentials is asked again; also when a registry refuses what it gave, for that may have ended earlier.
    """

    def __init__(
        self,
        path: str | None,
        *,
        run: Run,
        on_secret: Callable[[str], None],
        warn: Callable[[str], None],
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the file.

        :param path: the file; None is docker's own place for it, where it may be missing
        :param run: runs a credential helper
        :param on_secret: told every secret in every form
        :param warn: told when a named file has nothing to log in with, and, once, when the store of docker's own file
            cannot be asked
        :param environ: where ``DOCKER_CONFIG`` and ``HOME`` are looked up; the process's own when None
        :param clock: gives seconds since the epoch
        :raises InputError: when a named file is missing, and when any cannot be read
        """
        self._run = run
        self._on_secret = on_secret
        self._warn = warn
        self._clock = clock
        self._is_default = path is None
        self._path = default_path(os.environ if environ is None else environ) if path is None else Path(path)
        self._file = self._read()
        if not self._is_default and self._file.is_empty:
            warn(f"docker's configuration {quoted(str(self._path))} was named, and there are no credentials in it")
        self._answers: dict[Helper, _Answer] = {}
        self._refused: set[Credential] = set()
        self._lock = threading.Lock()

    def get(self, registry: str, repository: str) -> Credential | None:
        """Return the credential for a repository; None when there is none.

        :raises ImageOpsError: ``no_credentials`` when a program that is responsible fails, ``invalid_input`` when the
            entry that is responsible is wrong
        """
        helper = self._file.helpers.find(registry, repository)
        inline = self._file.inline.find(registry, repository)
        if helper and not (inline and inline[0] > helper[0]):
            program = _value_or_raise(helper[1])
            credential = self._asked(program) if program.name else None
            if credential is not None:
                return credential
        if inline:
            found = _value_or_raise(inline[1])
            announce(found, self._on_secret)
            return found
        store = None if helper else self._file.in_store(registry, repository)
        return self._asked(store, is_store=True) if store else None

    def refused(self, registry: str, credential: Credential) -> None:
        """Forget a program's answer, unless it is less than a second old or its credential was refused before."""
        with self._lock:
            for helper, answer in list(self._answers.items()):
                is_new = self._clock() < answer.until - _GOOD_FOR + _ASK_AGAIN
                if answer.credential == credential and credential not in self._refused and not is_new:
                    self._refused.add(credential)
                    del self._answers[helper]

    def _read(self) -> DockerLogins:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError as error:
            if not self._is_default:
                raise self._unreadable(error) from None
            raw = b"{}"
        except OSError as error:
            raise self._unreadable(error) from None
        with IMPORTING:
            from .docker_config import parse_docker_file  # when a credential is first looked for

        return parse_docker_file(raw, str(self._path))

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(
            action="read",
            subject=f"docker's configuration {quoted(str(self._path))}",
            cause=error.strerror or type(error).__name__,
            hint="name a file that is there, or set docker_config to an empty string",
        )

    def _asked(self, helper: Helper, *, is_store: bool = False) -> Credential | None:
        with self._lock:
            answer = self._answers.get(helper)
            if answer is None or self._clock() >= answer.until - _ASK_EARLIER:
                answer = self._ask(helper)
                self._answers[helper] = answer
                if answer.fault and is_store and self._is_default:
                    self._warn(f"{self._fault(helper, answer.fault)}; going on without credentials for it")
        if answer.fault and not (is_store and self._is_default):
            raise self._fault(helper, answer.fault)
        return answer.credential

    def _ask(self, helper: Helper) -> _Answer:
        until = self._clock() + _GOOD_FOR
        try:
            status, output, errors = self._run([_program(helper), "get"], helper.server)
        except OSError as error:
            return _Answer(None, f"it cannot be run: {error.strerror or type(error).__name__}", until)
        if status != 0:
            if _NOT_FOUND in f"{output}\n{errors}".lower():
                return _Answer(None, "", until)
            return _Answer(None, _failure(status, output, errors), until)
        credential = _credential(output, until)
        if credential is None:
            return _Answer(None, _NOT_JSON, until)
        announce(credential, self._on_secret)
        return _Answer(None if credential.is_empty else credential, "", until)

    def _fault(self, helper: Helper, cause: str) -> ImageOpsError:
        return ImageOpsError(
            code="no_credentials",
            action="get credentials from",
            subject=f"{_program(helper)} for {quoted(helper.server)}",
            cause=cause,
            hint=f"{self._path} names it: repair it, or give the credentials in registries",
        )


def _value_or_raise(found: _T | InputError) -> _T:
    """Return what a registry's own entry has; raise what is wrong with it."""
    if isinstance(found, InputError):
        raise found
    return found


def default_path(environ: Mapping[str, str]) -> Path:
    """Return the path of docker's file: in the directory ``DOCKER_CONFIG``, else in ``.docker`` of the user's home."""
    directory = environ.get("DOCKER_CONFIG")
    if directory:
        return Path(directory, "config.json")
    return Path(environ.get("HOME") or os.path.expanduser("~"), ".docker", "config.json")


def _program(helper: Helper) -> str:
    return f"docker-credential-{helper.name}"


def _failure(status: int, output: str, errors: str) -> str:
    """Return the cause that a failed program wrote to either output, but nothing that may hold a credential."""
    shown = errors.strip() or ("" if "{" in output else output.strip())
    line = "".join(character for character in shown.partition("\n")[0] if character.isprintable())[:_MAX_WORDS]
    return f"it ended with status {status}" + (f": {line}" if line else "")


def _credential(output: str, until: float) -> Credential | None:
    """Return the credential in a program's output; None when it has none."""
    try:
        found = loads(output.encode("utf-8", "replace"))
    except JsonFault:
        return None
    if not isinstance(found, dict):
        return None
    username, secret = found.get("Username", ""), found.get("Secret", "")
    if not isinstance(username, str) or not isinstance(secret, str):
        return None
    return Credential.of(username, secret, expires_at=until)
