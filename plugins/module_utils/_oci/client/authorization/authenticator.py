# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A challenge → an Authorization header, for many threads.

What a registry wants is learnt from its first 401, by one request while the others wait. From then on the token of
another repository is fetched before it is needed. A repository may have a challenge of its own. A login that was
refused once is not tried again.
"""

from __future__ import annotations

import threading
import time
from typing import Callable, NamedTuple

from ...credentials.provider import Credential, CredentialProvider
from ...errors import RegistryError
from ...http.transport import Answer
from ..call import Call
from ..refusals import says_expired
from ..run import Run
from .logins import Logins
from .token_cache import Authorization, Need, TokenCache
from .tokens import Challenge, basic, parse_challenges

MOST_TRIES = 4
"""How often one request is sent at most, each time with another authorization."""
RECENT = 60.0
"""Seconds for which a challenge is believed without asking the registry again."""

Send = Callable[["str | None"], Answer]
"""Send a request with the value of its Authorization header; None for none."""


class _Known(NamedTuple):
    """A challenge and when the registry gave it, on the monotonic clock."""

    challenge: Challenge
    given: float

    @property
    def is_recent(self) -> bool:
        return time.monotonic() - self.given < RECENT


class Authenticator:
    """Authorization for one registry.

    :param registry: its host, as credentials are looked up by it
    :param base: return the URL that the registry is reached at
    :param ask: send a request to a token server, with the retries of any small request
    :param ping: ask for GET /v2/, where a registry says how it wants a login
    """

    def __init__(
        self,
        registry: str,
        run: Run,
        *,
        base: Callable[[], str],
        credentials: CredentialProvider,
        ask: Callable[[Call], Answer],
        ping: Callable[[], Answer] | None = None,
    ) -> None:
        self._registry = registry
        self._run = run
        self._ping = ping
        self._pinged = threading.Lock()
        self._logins = Logins(registry, credentials)
        self._tokens = TokenCache(registry, run, self._logins, base=base, ask=ask)
        self._latest: _Known | None = None
        self._own: dict[str, _Known] = {}
        self._first_sent = False
        self._first = threading.Lock()

    @property
    def service(self) -> str:
        """The service that the registry's bearer challenge names; empty when none is known."""
        return self._latest.challenge.parameters.get("service", "") if self._latest is not None else ""

    def is_anonymous(self, repository: str) -> bool:
        """Return whether there are no credentials for a repository."""
        return self.credential(repository) is None

    def is_challenged(self, repository: str) -> bool:
        """Return whether the registry has said how it wants a login."""
        return self._known(repository) is not None

    def credential(self, repository: str) -> Credential | None:
        """Return the credential for a repository, asked for anew before it ends; None when there is none."""
        return self._logins.credential(repository)

    def forget(self, need: Need) -> None:
        """Have the next request get a new token."""
        self._tokens.forget(need.scopes)

    def send(self, need: Need, send: Send) -> Answer:
        """Send a request with the authorization that it needs, again as long as a new one may help.

        :raises RegistryError: when there is no token to be had, or the login is refused
        """
        for _try in range(MOST_TRIES):
            answer, again = self.send_once(need, send)
            if not again:
                break
        return answer

    def send_once(self, need: Need, send: Send) -> tuple[Answer, bool]:
        """Send a request once. Return its answer, and whether it is worth sending again with a new authorization.

        :raises RegistryError: when there is no token to be had, or the login is refused
        """
        if not self._first_sent:
            with self._first:  # held over the exchange: the other requests wait for what this one finds out
                if not self._first_sent:
                    try:
                        return self._exchange(Authorization(), need, send)
                    finally:
                        self._first_sent = True  # also after a failure: then the others find out all at once
        known = self._known(need.repository)
        if known is None:
            return self._exchange(Authorization(), need, send)
        if known.challenge.scheme == "basic":
            return self._send_with_login(known.challenge, need, send)
        return self._send_with_token(known, need, send)

    def _exchange(self, authorization: Authorization, need: Need, send: Send) -> tuple[Answer, bool]:
        answer = send(authorization.header)
        # What a place that the registry redirects to refuses says nothing of the registry.
        return answer, not answer.foreign and self._judge(authorization, need, answer)

    def _known(self, repository: str) -> _Known | None:
        return self._own.get(repository, self._latest)

    def _learn(self, repository: str, answer: Answer) -> Challenge | None:
        """Note the challenge of an answer, and return it; None when it has none that can be answered."""
        challenge = _choose(answer.headers.get("WWW-Authenticate"))
        if challenge is not None:
            self._latest = self._own[repository] = _Known(challenge, time.monotonic())
        return challenge

    def _send_with_login(self, challenge: Challenge, need: Need, send: Send) -> tuple[Answer, bool]:
        credential = self._logins.credential(need.repository)
        if credential is None:
            return self._exchange(Authorization(), need, send)
        login = self._logins.at("", credential)
        authorization = Authorization(basic(credential), challenge, login=login)
        if login.proven:
            return self._exchange(authorization, need, send)
        self._run.on_secret(basic(credential)[len("Basic ") :])
        with login.lock:  # held over the exchange: until it has worked once, one request at a time uses it
            login.raise_refused()
            return self._exchange(authorization, need, send)

    def _send_with_token(self, known: _Known, need: Need, send: Send) -> tuple[Answer, bool]:
        try:
            authorization = self._tokens.authorize(known.challenge, need)
        except RegistryError as error:
            if need.long_body or not self._may_be_outdated(known, need.repository, error):
                raise
            return self._ask_anew(known.challenge, need, send, error)
        return self._exchange(authorization, need, send)

    def _may_be_outdated(self, known: _Known, repository: str, error: RegistryError) -> bool:
        """Return whether a token server that failed or refused may not be the one that the registry names now."""
        if error.code in ("bad_credentials", "rate_limited", "interrupted"):
            return False
        of_another = repository not in self._own and error.status in (400, 401, 403, 404)
        return of_another or not known.is_recent

    def _ask_anew(self, old: Challenge, need: Need, send: Send, error: RegistryError) -> tuple[Answer, bool]:
        """Send a request without a token, for the challenge that it brings; or for its answer, where it needs none.

        :raises RegistryError: the error, when that brings nothing new
        """
        answer = send(None)
        if answer.status < 300:
            return answer, False
        challenge = self._learn(need.repository, answer) if answer.status == 401 and not answer.foreign else None
        if challenge is None or challenge.server == old.server:
            answer.close()
            raise error
        return answer, True

    def _judge(self, used: Authorization, need: Need, answer: Answer) -> bool:
        """Learn from the answer to a request. Return whether it is worth sending again with a new authorization.

        :raises RegistryError: bad_credentials, when it was the login itself that was refused
        """
        if answer.status in (400, 403) and used.header is not None and says_expired(answer):
            return self._judge_expired(used, need, answer)
        if used.header is None and answer.status in (401, 403, 404) and self._is_silent(need.repository, answer):
            return self._ask_for_challenge(need.repository)
        if answer.status != 401:
            if used.login is not None and answer.status < 500:
                used.login.proven = True
            return False
        challenge = self._learn(need.repository, answer)
        known = self._known(need.repository)
        if known is None:
            return False
        if known.challenge.scheme == "basic":
            return self._judge_basic(used, need, answer)
        if used.fresh and self._tokens.is_early(used, answer):
            return True
        return used.header is None or self._tokens.renew(used, need, challenge or known.challenge)

    def _is_silent(self, repository: str, answer: Answer) -> bool:
        """Return whether a registry refuses without a login, has never said how it wants one, and there is one.

        Some challenge at GET /v2/ alone, and say of what not everybody may see that it is not there.
        """
        if self._known(repository) is not None or _choose(answer.headers.get("WWW-Authenticate")) is not None:
            return False
        return self._ping is not None and self._logins.credential(repository) is not None

    def _ask_for_challenge(self, repository: str) -> bool:
        """Ask once in a run how the registry wants a login. Return whether it has said so."""
        with self._pinged:  # held over the exchange: the others wait for what it finds
            ping, self._ping = self._ping, None
            if ping is not None:
                answer = ping()
                answer.close()
                if answer.status == 401:
                    self._learn("", answer)
        return self._known(repository) is not None

    def _judge_expired(self, used: Authorization, need: Need, answer: Answer) -> bool:
        """Judge a refusal that is no 401 and says that what was sent has ended: it is renewed once."""
        if used.login is None:
            self._tokens.drop(used, need.scopes)
            if not used.fresh:
                return True
        credential = self._logins.credential(need.repository)
        if credential is None or used.challenge is None:
            return False
        if self._logins.is_renewed(need.repository, credential):
            return True
        login = used.login or self._tokens.login(used.challenge, credential)
        login.refuse(answer, f"{self._registry}/{need.repository}", self._run.mask)
        login.raise_refused()
        return False

    def _judge_basic(self, used: Authorization, need: Need, answer: Answer) -> bool:
        credential = self._logins.credential(need.repository)
        if credential is None:
            return False
        if used.header is None or used.header != basic(credential):
            return True
        if used.login is not None and not used.login.proven:
            used.login.refuse(answer, f"{self._registry}/{need.repository}", self._run.mask)
        if self._logins.is_renewed(need.repository, credential):
            return True
        if used.login is not None:
            used.login.raise_refused()
        return False


def _choose(header: str | None) -> Challenge | None:
    challenges = parse_challenges(header)
    for challenge in challenges:
        if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
            return challenge
    return next((challenge for challenge in challenges if challenge.scheme == "basic"), None)
