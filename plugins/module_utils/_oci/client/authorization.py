# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A challenge → an Authorization header, for many threads.

What a registry wants is learnt from its first 401, by one request while the others wait. From then on the token of
another repository is fetched before it is needed. A login that was refused once is not tried again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable, Protocol

from ..credentials.provider import Credential, CredentialProvider
from ..errors import RegistryError
from ..http.transport import Answer
from .logins import Login, Logins
from .refusals import Purpose, error_of, read_error
from .run import Run
from .tokens import (
    LONGEST_LIFE,
    Challenge,
    Scopes,
    Token,
    TokenRequest,
    basic,
    check_realm,
    parse_challenges,
    parse_token,
    token_request,
)

MARGIN = 30.0
"""Seconds of life that a token must have left to be used."""
BODY_MARGIN = 60.0
"""The same where a body follows that cannot be sent twice."""


class AskToken(Protocol):
    """Sends a request to a token server, with the retries of any small request."""

    def __call__(self, request: TokenRequest, purpose: Purpose) -> Answer:
        """Give the answer, whatever its status."""


@dataclass
class Ticket:
    """The authorization of one request.

    :param header: the Authorization header's value, None for none
    :param fresh: it was made for this very request, so a refusal is final
    :param login: whose login it is, when one goes with the request itself
    """

    header: str | None = field(repr=False)
    scopes: Scopes
    repository: str
    fresh: bool = False
    login: Login | None = None


@dataclass
class _Slot:
    """The token of one set of scopes; one thread at a time asks for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: Token | None = None
    extra: Scopes = ()


class Authenticator:
    """Authorization for one registry.

    :param registry: its host, as credentials are looked up by it
    :param base: gives the URL that the registry is reached at
    :param ask: sends a request to a token server
    """

    def __init__(
        self,
        registry: str,
        run: Run,
        *,
        base: Callable[[], str],
        credentials: CredentialProvider,
        ask: AskToken,
    ) -> None:
        self._registry = registry
        self._run = run
        self._base = base
        self._logins = Logins(registry, credentials)
        self._ask = ask
        self._challenge: Challenge | None = None
        self._settled = False
        self._first = threading.Lock()
        self._lock = threading.Lock()
        self._slots: dict[Scopes, _Slot] = {}

    @property
    def service(self) -> str:
        """The service that the registry's bearer challenge names; empty when none is known."""
        return self._challenge.parameters.get("service", "") if self._challenge is not None else ""

    @contextmanager
    def ticket(self, scopes: Scopes, repository: str, *, long_body: bool = False) -> Iterator[Ticket]:
        """The authorization for one request, which is sent and judged (:meth:`judge`) inside this context.

        Waits while another request is finding out what this registry wants.

        :param scopes: what the request needs, such as ``repository:library/nginx:pull``
        :param long_body: a body follows that cannot be sent again, so a token near its end will not do
        :raises RegistryError: when there is no token to be had
        """
        if not self._settled:
            with self._first:
                if not self._settled:
                    try:
                        yield Ticket(None, scopes, repository)
                    finally:
                        # Also after a failure: the next ones then find out together instead of one after another.
                        self._settled = True
                    return
        if self._challenge is None:
            yield Ticket(None, scopes, repository)
        elif self._challenge.scheme == "basic":
            yield from self._basic_ticket(scopes, repository)
        else:
            yield self._bearer_ticket(self._challenge, scopes, repository, BODY_MARGIN if long_body else MARGIN)

    def judge(self, ticket: Ticket, answer: Answer) -> bool:
        """Learn from the answer to a ticket's request: whether it is worth repeating with a new ticket.

        :raises RegistryError: bad_credentials, when it was the login itself that was refused
        """
        if answer.status != 401:
            if ticket.login is not None and answer.status < 500:
                ticket.login.proven = True
            return False
        challenge = _choose(answer.headers.get("WWW-Authenticate"))
        if challenge is not None:
            self._challenge = challenge
        if self._challenge is None:
            return False
        if self._challenge.scheme == "basic":
            return self._judge_basic(ticket, answer)
        return ticket.header is None or self._judge_bearer(ticket, self._challenge)

    def is_anonymous(self, repository: str) -> bool:
        """Whether there are no credentials for a repository."""
        return self.credential(repository) is None

    def credential(self, repository: str) -> Credential | None:
        """The credential for a repository, asked for anew before it ends; None when there is none."""
        return self._logins.credential(repository)

    def _basic_ticket(self, scopes: Scopes, repository: str) -> Iterator[Ticket]:
        credential = self._logins.credential(repository)
        if credential is None:
            yield Ticket(None, scopes, repository)
            return
        login = self._logins.at("", credential)
        header = basic(credential)
        if not login.proven:
            self._run.on_secret(header[len("Basic ") :])
        with login.turn():
            yield Ticket(header, scopes, repository, login=login)

    def _judge_basic(self, ticket: Ticket, answer: Answer) -> bool:
        credential = self._logins.credential(ticket.repository)
        if credential is None:
            return False
        if ticket.header is None or ticket.header != basic(credential):
            return True
        if ticket.login is not None and not ticket.login.proven:
            ticket.login.refuse(answer, f"{self._registry}/{ticket.repository}", self._run.mask)
        if self._logins.is_renewed(ticket.repository, credential):
            return True
        if ticket.login is not None:
            ticket.login.raise_refused()
        return False

    def _bearer_ticket(self, challenge: Challenge, scopes: Scopes, repository: str, margin: float) -> Ticket:
        for candidate in _that_would_do(scopes):
            slot = self._slots.get(candidate)
            token = slot.token if slot is not None else None
            if token is not None and token.is_good_for(margin):
                return Ticket(f"Bearer {token.value}", scopes, repository)
        with self._lock:
            slot = self._slots.setdefault(scopes, _Slot())
        with slot.lock:
            token = slot.token
            fresh = token is None or not token.is_good_for(margin)
            if token is None or fresh:
                token = slot.token = self._fetch(challenge, scopes + slot.extra, repository)
        return Ticket(f"Bearer {token.value}", scopes, repository, fresh)

    def _judge_bearer(self, ticket: Ticket, challenge: Challenge) -> bool:
        """Drop the token that was refused, unless another thread has renewed it already."""
        with self._lock:
            for scopes in _that_would_do(ticket.scopes):
                slot = self._slots.get(scopes)
                if slot is not None and slot.token is not None and ticket.header == f"Bearer {slot.token.value}":
                    slot.token = None
            if not ticket.fresh:
                return True
            slot = self._slots.get(ticket.scopes)
            wanted = challenge.parameters.get("scope", "").split()
            # A registry without a service name means something else by scope.
            if slot is None or slot.extra or not challenge.parameters.get("service") or _covers(ticket.scopes, wanted):
                return False
            slot.extra = tuple(wanted[:4])
            return True

    def _fetch(self, challenge: Challenge, scopes: Scopes, repository: str) -> Token:
        purpose = Purpose("get a token for", f"{self._registry}/{repository}", self._registry, write=_writes(scopes))
        credential = self._logins.credential(repository)
        if credential is not None and credential.registry_token:
            return Token(credential.registry_token, time.monotonic(), LONGEST_LIFE)
        try:
            return self._log_in(challenge, scopes, credential, purpose)
        except RegistryError as error:
            if (
                credential is None
                or error.status not in (401, 403)
                or not self._logins.is_renewed(repository, credential)
            ):
                raise
        return self._log_in(challenge, scopes, self._logins.credential(repository), purpose)

    def _log_in(self, challenge: Challenge, scopes: Scopes, credential: Credential | None, purpose: Purpose) -> Token:
        realm = challenge.parameters["realm"]
        problem = check_realm(realm, self._base())
        if problem is not None:
            raise RegistryError(
                code="protocol_error",
                action=purpose.action,
                subject=purpose.subject,
                cause=problem,
                hint="the registry's own configuration names the realm",
            )
        login = self._logins.at(realm, credential)
        with login.turn():
            made = time.monotonic()
            answer = self._ask(token_request(challenge, scopes, credential), purpose)
            if answer.status == 200:
                token = parse_token(answer.body, made)
                if token is None:
                    raise RegistryError(
                        code="protocol_error",
                        action=purpose.action,
                        subject=purpose.subject,
                        cause="the token server's answer holds no token",
                        status=200,
                    )
                login.proven = True
                self._run.on_secret(token.value)
                return token
            refused = answer.status in (401, 403) or "INVALID_GRANT" in read_error(answer.body).codes
            if refused and credential is not None:
                login.judge(
                    answer,
                    purpose.subject,
                    self._run.mask,
                    works=lambda: (
                        not scopes or self._ask(token_request(challenge, (), credential), purpose).status != 401
                    ),
                )
            raise error_of(answer, purpose, anonymous=credential is None, mask=self._run.mask)


def _choose(header: str | None) -> Challenge | None:
    challenges = parse_challenges(header)
    for challenge in challenges:
        if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
            return challenge
    return next((challenge for challenge in challenges if challenge.scheme == "basic"), None)


def _writes(scopes: Scopes) -> bool:
    return any("push" in scope.rpartition(":")[2] or "delete" in scope.rpartition(":")[2] for scope in scopes)


def _that_would_do(scopes: Scopes) -> tuple[Scopes, ...]:
    """The scopes of tokens that would do: one to push also pulls."""
    if len(scopes) == 1 and scopes[0].endswith(":pull"):
        return scopes, (f"{scopes[0]},push",)
    return (scopes,)


def _covers(scopes: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether everything in ``wanted`` is asked for already, perhaps in another order."""
    return _actions(wanted) <= _actions(scopes)


def _actions(scopes: Iterable[str]) -> set[tuple[str, str]]:
    parts = [scope.rpartition(":") for scope in scopes]
    return {(name, action) for name, _colon, actions in parts for action in actions.split(",")}
