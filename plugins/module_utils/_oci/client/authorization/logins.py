# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credentials are used at one registry, and which of them it has refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ...credentials.provider import Credential, CredentialProvider
from ...errors import RegistryError
from ...http.transport import Answer
from ..bodies import read_error
from ..refusals import lacks_right, says_expired
from ..run import Mask

MARGIN = 60.0
"""Seconds before its end at which a credential is asked for anew."""


class Login:
    """One credential at one realm.

    :ivar proven: whether it has worked
    :ivar lock: held over a request that uses it until it is proven, so that a wrong password is tried once
    """

    def __init__(self, registry: str, *, proven: bool) -> None:
        self.proven = proven
        self.lock = threading.Lock()
        self._registry = registry
        self._refusal: tuple[str, int, str, str] | None = None
        self._checked = float("-inf")
        self._check = threading.Lock()

    def refuse(self, answer: Answer, subject: str, mask: Mask) -> None:
        """Note that an answer refused it: it is not used again."""
        words = read_error(answer.body, mask).words
        what = "has ended" if says_expired(answer) else "is not accepted any more" if self.proven else "is wrong"
        whose = "login" if what == "has ended" else "user name or password"
        cause = f"the {whose} {what} (HTTP {answer.status}{': ' + words if words else ''})"
        self._refusal = (cause, answer.status, words, subject)
        self.proven = False

    def judge(self, answer: Answer, subject: str, mask: Mask, *, works: Callable[[], bool | None]) -> None:
        """Judge a refusal of a token server: it may be about a right and not about the login.

        :param works: find out whether the login is good for anything; None when that cannot be told. Not asked again
            within a minute
        :raises RegistryError: bad_credentials, when it is the login that is refused
        """
        if not self.proven and not lacks_right(answer):
            self.refuse(answer, subject, mask)
        with self._check:
            if self._refusal is None and time.monotonic() - self._checked >= MARGIN:
                found = works()
                if found is False:
                    self.refuse(answer, subject, mask)
                elif found:
                    self.proven = True
                self._checked = time.monotonic()
        self.raise_refused()

    def raise_refused(self) -> None:
        """Raise a new error each time when it was refused.

        :raises RegistryError: bad_credentials
        """
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
    """The credentials of one registry's repositories, and their logins.

    :param registry: its host, as credentials are looked up by it
    """

    def __init__(self, registry: str, provider: CredentialProvider) -> None:
        self._registry = registry
        self._provider = provider
        self._credentials: dict[str, Credential | None] = {}
        self._logins: dict[tuple[str, Credential | None], Login] = {}
        self._renewed: dict[Credential, float] = {}
        self._lock = threading.Lock()

    def credential(self, repository: str) -> Credential | None:
        """Return the credential for a repository, asked for anew before it ends; None when there is none."""
        with self._lock:
            known = self._credentials.get(repository)
            if repository in self._credentials and not _is_ending(known):
                return known
        return self._ask(repository)

    def is_renewed(self, repository: str, refused: Credential) -> bool:
        """Return whether the provider has another credential now than the one that was refused.

        One that was itself given in place of a refused one, less than a minute ago, is not replaced again.
        """
        if time.monotonic() - self._renewed.get(refused, float("-inf")) < MARGIN:
            return False
        self._provider.refused(self._registry, refused)
        found = self._ask(repository)
        if found is None or found == refused:
            return False
        self._renewed.setdefault(found, time.monotonic())
        return True

    def at(self, realm: str, credential: Credential | None) -> Login:
        """Return the login with a credential at a realm, the same object each time. Anonymous access is proven."""
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
