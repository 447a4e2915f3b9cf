# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose we are at one registry, and which logins it has refused: one failed login for a thousand images."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..credentials.provider import Credential, CredentialProvider
from ..errors import RegistryError
from ..http.transport import Answer
from .refusals import read_error
from .run import Mask

MARGIN = 60.0
"""Seconds before its end at which a credential is asked for anew."""


class Login:
    """One credential at one realm: until it has worked once, one request at a time uses it.

    :ivar proven: it has worked
    """

    def __init__(self, registry: str, *, proven: bool) -> None:
        self.proven = proven
        self._registry = registry
        self._refusal: tuple[str, int, str, str] | None = None
        self._checked = float("-inf")
        self._lock = threading.Lock()
        self._doubt = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around a request that uses it.

        :raises RegistryError: bad_credentials, when it was refused before
        """
        if self.proven:
            yield
            return
        with self._lock:
            self.raise_refused()
            yield

    def refuse(self, answer: Answer, subject: str, mask: Mask) -> None:
        """Note that an answer refused it; from now on nobody tries it again."""
        words = read_error(answer.body, mask).words
        what = "is not accepted any more" if self.proven else "is wrong"
        cause = f"the user name or password {what} (HTTP {answer.status}{': ' + words if words else ''})"
        self._refusal = (cause, answer.status, words, subject)
        self.proven = False

    def judge(self, answer: Answer, subject: str, mask: Mask, *, works: Callable[[], bool]) -> None:
        """Judge a refusal of a token server: one that has worked before may only lack a right.

        :param works: finds out whether it is good for anything still; not asked again within a minute
        :raises RegistryError: bad_credentials, when it is the login that is refused
        """
        if not self.proven:
            self.refuse(answer, subject, mask)
        else:
            with self._doubt:
                if self._refusal is None and time.monotonic() - self._checked >= MARGIN:
                    if not works():
                        self.refuse(answer, subject, mask)
                    self._checked = time.monotonic()
        self.raise_refused()

    def raise_refused(self) -> None:
        """:raises RegistryError: bad_credentials, when it was refused: a new error for each who asks"""
        if self._refusal is None:
            return
        cause, status, words, subject = self._refusal
        raise RegistryError(
            code="bad_credentials",
            action="log in to",
            subject=self._registry,
            cause=cause,
            hint=f"check the credentials for {subject}; they are not tried again in this run",
            status=status,
            words=words,
            registry=self._registry,
        )


class Logins:
    """The credentials of one registry's repositories, and what became of them.

    :param registry: its host, as credentials are looked up by it
    """

    def __init__(self, registry: str, provider: CredentialProvider) -> None:
        self._registry = registry
        self._provider = provider
        self._credentials: dict[str, Credential | None] = {}
        self._logins: dict[tuple[str, Credential | None], Login] = {}
        self._lock = threading.Lock()

    def credential(self, repository: str) -> Credential | None:
        """The credential for a repository, asked for anew before it ends; None when there is none."""
        with self._lock:
            known = self._credentials.get(repository)
            if repository in self._credentials and not _is_ending(known):
                return known
        return self._ask(repository)

    def is_renewed(self, repository: str, refused: Credential) -> bool:
        """Whether the provider has another credential now than the one that was refused."""
        self._provider.refused(self._registry, refused)
        found = self._ask(repository)
        return found is not None and found != refused

    def at(self, realm: str, credential: Credential | None) -> Login:
        """The login with a credential at a realm, the same object each time. Nobody has nothing to prove."""
        with self._lock:
            login = self._logins.get((realm, credential))
            if login is None:
                login = self._logins[realm, credential] = Login(self._registry, proven=credential is None)
            return login

    def _ask(self, repository: str) -> Credential | None:
        found = self._provider.get(self._registry, repository)
        if found is not None and found.is_empty:
            found = None
        with self._lock:
            self._credentials[repository] = found
        return found


def _is_ending(credential: Credential | None) -> bool:
    if credential is None or credential.expires_at is None:
        return False
    return credential.expires_at - time.time() < MARGIN
