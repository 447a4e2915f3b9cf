# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens of one registry: cached by their scopes, and each fetched by one request while the others wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Callable, NamedTuple

from ...credentials.provider import Credential
from ...errors import RegistryError
from ...http.transport import Answer
from ..bodies import instead_of_json, read_error
from ..call import Call, Purpose, Scopes
from ..refusals import error_of, lacks_right, says_early, says_expired
from ..retry import moment_of
from ..run import Run
from .logins import Login, Logins
from .tokens import LONGEST_LIFE, Challenge, Token, find_realm, parse_token, token_call

LONGEST_SKEW = 10.0
"""Seconds that a registry's clock may be behind that of its token server, so that it is waited for."""
MARGIN = 30.0
"""Seconds of life that a token must have left to be used."""
BODY_MARGIN = 60.0
"""The same where a body follows that cannot be sent twice."""


class Need(NamedTuple):
    """What one request needs.

    :param scopes: what its token has to allow
    :param repository: the repository whose credentials are used
    :param long_body: whether a body follows that cannot be sent again, so that a token near its end will not do
    """

    scopes: Scopes
    repository: str
    long_body: bool = False


@dataclass(frozen=True)
class Authorization:
    """The authorization of one request.

    :param header: the Authorization header's value, None for none
    :param challenge: what it answers; None while no challenge is known
    :param fresh: it was made for this very request, so that a refusal is final
    :param login: the login that goes with the request itself (Basic)
    :param given: the time at which it was given, by the clock of the token server, in seconds since the epoch
    """

    header: str | None = field(default=None, repr=False)
    challenge: Challenge | None = None
    fresh: bool = False
    login: Login | None = None
    given: float | None = None


@dataclass
class _CachedToken:
    """The token of one set of scopes.

    :ivar lock: held while a token is fetched, so that one request at a time asks for it
    :ivar extra: scopes that the registry's challenge names besides
    :ivar moved: whether a refused fresh token was fetched again at another token server
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: Token | None = None
    extra: Scopes = ()
    moved: bool = False


class TokenCache:
    """The bearer tokens of one registry.

    :param registry: its host
    :param base: return the URL that the registry is reached at
    :param ask: send a request to a token server, with the retries of any small request, and return its answer whatever
        its status
    """

    def __init__(
        self,
        registry: str,
        run: Run,
        logins: Logins,
        *,
        base: Callable[[], str],
        ask: Callable[[Call], Answer],
    ) -> None:
        self._registry = registry
        self._run = run
        self._logins = logins
        self._base = base
        self._ask = ask
        self._lock = threading.Lock()
        self._tokens: dict[Scopes, _CachedToken] = {}
        self._warned = False

    def authorize(self, challenge: Challenge, need: Need) -> Authorization:
        """Return the authorization for a request, with a cached token or one that is fetched for it.

        :raises RegistryError: when there is no token to be had
        """
        margin = BODY_MARGIN if need.long_body else MARGIN
        for scopes in _that_would_do(need.scopes):
            cached = self._tokens.get(scopes)
            token = cached.token if cached is not None else None
            if token is not None and token.is_good_for(margin):
                return Authorization(f"Bearer {token.value}", challenge)
        with self._lock:
            cached = self._tokens.setdefault(need.scopes, _CachedToken())
        with cached.lock:  # held over the exchange with the token server: the others use the token that it brings
            token = cached.token
            fresh = token is None or not token.is_good_for(margin)
            if token is None or fresh:
                token = cached.token = self._fetch(challenge, need.scopes + cached.extra, need.repository)
        return Authorization(f"Bearer {token.value}", challenge, fresh, given=token.given)

    def _fetch(self, challenge: Challenge, scopes: Scopes, repository: str) -> Token:
        purpose = Purpose("get a token for", f"{self._registry}/{repository}", self._registry, write=_writes(scopes))
        credential = self._logins.credential(repository)
        if credential is not None and credential.registry_token:
            self.login(challenge, credential).raise_refused()
            return Token(credential.registry_token, time.monotonic(), LONGEST_LIFE)
        try:
            return self._request_token(challenge, scopes, credential, purpose)
        except RegistryError as error:
            if (
                credential is None
                or error.code != "bad_credentials"
                or not self._logins.is_renewed(repository, credential)
            ):
                raise
        return self._request_token(challenge, scopes, self._logins.credential(repository), purpose)

    def _request_token(
        self, challenge: Challenge, scopes: Scopes, credential: Credential | None, purpose: Purpose
    ) -> Token:
        realm = self._realm(challenge, purpose)
        login = self._logins.at(realm, credential)
        if login.proven:
            return self._log_in(challenge, realm, scopes, credential, purpose, login)
        with login.lock:  # held over the exchange: until it has worked once, one request at a time uses it
            login.raise_refused()
            return self._log_in(challenge, realm, scopes, credential, purpose, login)

    def _realm(self, challenge: Challenge, purpose: Purpose) -> str:
        found = find_realm(challenge.parameters["realm"], self._base())
        if found.problem:
            raise _odd(purpose, found.problem, "the registry's own configuration names the realm")
        if found.corrected and not self._warned:
            self._warned = True
            self._run.warn(
                f"{self._registry} names its token server by http although it is reached by https; https is used. A "
                "proxy in front of it should send X-Forwarded-Proto, or its configuration name the realm by https."
            )
        return found.url

    def _log_in(
        self,
        challenge: Challenge,
        realm: str,
        scopes: Scopes,
        credential: Credential | None,
        purpose: Purpose,
        login: Login,
    ) -> Token:
        asked = time.monotonic()
        answer = self._ask(token_call(challenge, realm, scopes, credential, purpose))
        if answer.status == 200:
            token = parse_token(answer.plain(), asked, moment_of(answer.headers.get("Date", "")))
            if token is None:
                instead = instead_of_json(answer, self._run.mask)
                problem = f"the token server's answer holds no token{': ' + instead if instead else ''}{answer.label}"
                raise _odd(purpose, problem, status=200)
            login.proven = True
            self._run.on_secret(token.value)
            return token

        def works() -> bool | None:
            if not scopes:
                return None if login.proven else False
            status = self._ask(token_call(challenge, realm, (), credential, purpose)).status
            if status == 200:
                return True
            wrong = status == 401 or (status in (400, 403) and says_expired(answer))
            return False if wrong or (status == 403 and not login.proven) else None

        if credential is not None and _is_refusal(answer):
            login.judge(answer, purpose.subject, self._run.mask, works=works)
        raise error_of(answer, purpose, anonymous=credential is None, mask=self._run.mask)

    def login(self, challenge: Challenge, credential: Credential) -> Login:
        """Return the login that a credential is at a challenge's token server."""
        if credential.registry_token:
            return self._logins.at("", credential)
        return self._logins.at(find_realm(challenge.parameters["realm"], self._base()).url, credential)

    def renew(self, used: Authorization, need: Need, challenge: Challenge) -> bool:
        """Drop a token that was refused. Return whether another one may help.

        :param challenge: what the refusal asks for
        """
        self.drop(used, need.scopes)
        if not used.fresh:
            return True
        with self._lock:
            cached = self._tokens.get(need.scopes)
            if cached is None:
                return False
            if used.challenge is not None and challenge.server != used.challenge.server:
                again, cached.moved = not cached.moved, True
                return again
            wanted = challenge.parameters.get("scope", "").split()
            # A registry without a service name means something else by scope.
            if cached.extra or not challenge.parameters.get("service") or _covers(need.scopes, wanted):
                return False
            cached.extra = tuple(wanted[:4])
            return True

    def is_early(self, used: Authorization, answer: Answer) -> bool:
        """Return whether a fresh token was refused because the registry's clock is behind that of its token server.

        A token may not be used before the second in which it was given. It is waited for that.

        :raises RegistryError: interrupted
        """
        now = moment_of(answer.headers.get("Date", ""))
        behind = 0.0 if now is None or used.given is None else used.given - now
        if not (behind > 0 or says_early(answer)) or behind > LONGEST_SKEW:
            return False
        self._run.wait(behind + 1.0, action="wait for the clock of", subject=self._registry)
        return True

    def drop(self, used: Authorization, scopes: Scopes) -> None:
        """Forget the token of a request, unless another thread has renewed it already."""
        with self._lock:
            for candidate in _that_would_do(scopes):
                cached = self._tokens.get(candidate)
                if cached is not None and cached.token is not None and used.header == f"Bearer {cached.token.value}":
                    cached.token = None

    def forget(self, scopes: Scopes) -> None:
        """Drop the tokens that would do for these scopes."""
        with self._lock:
            for candidate in _that_would_do(scopes):
                cached = self._tokens.get(candidate)
                if cached is not None:
                    cached.token = None


def _odd(purpose: Purpose, cause: str, hint: str = "", *, status: int | None = None) -> RegistryError:
    return RegistryError(
        code="protocol_error", action=purpose.action, subject=purpose.subject, cause=cause, hint=hint, status=status
    )


def _is_refusal(answer: Answer) -> bool:
    """Return whether a token server refuses the login, or what it asks for."""
    wrong = answer.status == 401 or "INVALID_GRANT" in read_error(answer.body).codes
    return wrong or lacks_right(answer) or says_expired(answer)


def _writes(scopes: Scopes) -> bool:
    return any("push" in scope.rpartition(":")[2] or "delete" in scope.rpartition(":")[2] for scope in scopes)


def _that_would_do(scopes: Scopes) -> tuple[Scopes, ...]:
    """Return the scopes of tokens that would do: one to push also pulls."""
    if len(scopes) == 1 and scopes[0].endswith(":pull"):
        return scopes, (f"{scopes[0]},push",)
    return (scopes,)


def _covers(scopes: Iterable[str], wanted: Iterable[str]) -> bool:
    """Return whether everything in ``wanted`` is asked for already, perhaps in another order."""
    return _actions(wanted) <= _actions(scopes)


def _actions(scopes: Iterable[str]) -> set[tuple[str, str]]:
    parts = [scope.rpartition(":") for scope in scopes]
    return {(name, action) for name, _colon, actions in parts for action in actions.split(",")}
