# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one registry with everything around them: authorization, pace, retries, and errors in plain words."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Callable

from ..credentials.provider import CredentialProvider
from ..errors import RegistryError
from ..http.faults import Fault
from ..http.transport import ERROR_LIMIT, USER_AGENT, Access, Answer, Stats, Transport
from ..http.urls import origin_of
from ..image.reference import quoted
from .attempts import Arrived, Attempts
from .authorization import Authenticator
from .health import FIRST_SILENCES, FirstContact, Health
from .limits import Allowance, Pace
from .quirks import Quirks
from .refusals import Purpose, clean, error_of, error_of_fault
from .retry import parse_retry_after
from .run import Run, interrupted
from .tokens import Scopes, TokenRequest

TOKEN_LIMIT = 1024 * 1024
FIRST_TOKEN = 10.0
"""Seconds for the first answer of a token server, which has little to think about."""
MOST_TICKETS = 4
_HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Call:
    """One request to a registry.

    :param path: after the registry's base, or an absolute URL that it gave us
    :param scopes: what its token has to allow
    :param repository: whose credentials to use
    :param headers: besides the usual ones
    :param body: sent whole, so that it can be sent again
    :param limit: bytes to read of a good answer; None to stream it
    :param follow: redirects of GET and HEAD
    :param once: whoever asks tries again himself, and counts that
    """

    method: str
    path: str
    purpose: Purpose
    scopes: Scopes = ()
    repository: str = ""
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    limit: int | None = ERROR_LIMIT
    follow: bool = True
    once: bool = False


class Client:
    """What :class:`~.registry.Registry` sends its requests through.

    :param host: as users write it
    :param address: the host to connect to
    """

    def __init__(
        self,
        host: str,
        address: str,
        *,
        access: Access,
        credentials: CredentialProvider,
        run: Run,
    ) -> None:
        settings = run.settings
        self.host = host
        self.run = run
        self.stats = Stats()
        self.quirks = Quirks(host)
        patient = settings.timeout <= settings.first_contact
        self._health = Health(first_silences=FIRST_SILENCES if patient else 1)
        self._token_health = Health()
        self._contact = (
            None
            if patient
            else FirstContact(seconds=settings.first_contact, knock=self._knock, heard=self._health.heard)
        )
        self._warned: set[str] = set()
        self.allowance = Allowance(access.concurrency or settings.concurrency)
        self.pace = Pace(host, run, access.requests_per_second)
        self._attempts = Attempts(run, self.pace, self.fault)
        self.auth = Authenticator(host, run, base=lambda: self.base, credentials=credentials, ask=self._ask_token)
        self._address = address
        self._access = access
        self._may_fall_back = access.insecure and not access.plain_http
        self._use("http" if access.plain_http else "https")

    def _use(self, scheme: str) -> None:
        self.base = f"{scheme}://{self._address}"
        self.transport = Transport(
            origin_of(self.base),
            access=self._access,
            timeout=self.run.settings.timeout,
            stats=self.stats,
            on_secret=self.run.on_secret,
            warn=self.run.warn,
        )

    def call(self, call: Call) -> Answer:
        """Send a request, with retries, and give a good answer (2xx) or one that only the caller can judge (4xx, 3xx).

        :raises RegistryError: when it failed for a passing reason too often, or for one that does not pass
        """
        return self._tried(call, lambda: self._authorized(call))

    def send(self, call: Call, authorization: str | None) -> Answer:
        """The same with an Authorization of the caller's own, for what is beside the distribution API."""
        return self._tried(call, lambda: self._exchange(call, authorization))

    def write(self, call: Call, arrived: Callable[[], bool]) -> Answer | None:
        """The same for a request that may have worked although its answer got lost: then it is not sent twice.

        :param arrived: asked after each such failure; when it says yes there is no answer, and None is given
        """
        try:
            return self._attempts.run(call.purpose, lambda: self._authorized(call), arrived, call.body)
        except Arrived:
            return None

    def expect(self, call: Call, *statuses: int) -> Answer:
        """The same, where only some statuses are good.

        :raises RegistryError: for every other one
        """
        answer = self.call(call)
        if answer.status in statuses:
            return answer
        raise self.error(call, answer)

    def error(self, call: Call, answer: Answer) -> RegistryError:
        """The error for an answer that the caller can do nothing with."""
        answer.close()
        return error_of(
            answer,
            call.purpose,
            anonymous=self.auth.is_anonymous(call.repository),
            retry_after=parse_retry_after(answer.headers.get("Retry-After"), time.time()),
            mask=self.run.mask,
        )

    def fault(self, fault: Fault, purpose: Purpose) -> RegistryError:
        """The error for an exchange that broke; an interruption when the run was told to end."""
        if self.run.stop.is_set():
            return interrupted(action=purpose.action, subject=purpose.subject)
        return error_of_fault(fault, purpose)

    def close(self) -> None:
        """End every connection, also those in use by other threads."""
        self.transport.close()

    def shown(self, text: str) -> str:
        """What a server says in a header, as an error may repeat it: without secrets, in quotes, one short line."""
        return quoted(clean(text, self.run.mask))

    def _collect_warnings(self, answer: Answer) -> None:
        """Pass on what a registry warns of, each text once (distribution-spec, section Warnings)."""
        text = answer.headers.get("Warning")
        if text and text not in self._warned and len(self._warned) < 20:
            self._warned.add(text)
            if text.startswith("299 - "):
                self.run.warn(f"{self.host} says: {clean(text[len('299 - ') :], self.run.mask)}")

    def _tried(self, call: Call, send: Callable[[], Answer]) -> Answer:
        return self._attempts.once(call.purpose, send) if call.once else self._attempts.run(call.purpose, send)

    def _authorized(self, call: Call) -> Answer:
        for _ticket in range(MOST_TICKETS):
            with self.auth.ticket(call.scopes, call.repository) as ticket:
                answer = self._exchange(call, ticket.header)
                again = not answer.foreign and self.auth.judge(ticket, answer)  # a stranger's 401 says nothing
            if not again:
                break
        return answer

    def _exchange(self, call: Call, authorization: str | None) -> Answer:
        headers = {**_HEADERS, **call.headers} if call.headers else dict(_HEADERS)
        if call.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(call.body or b""))
        return self.exchange(
            call.method,
            call.path,
            headers=headers,
            body=call.body,
            limit=call.limit,
            follow=call.follow,
            authorization=authorization,
        )

    def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None = None,
        limit: int | None = ERROR_LIMIT,
        patience: float | None = None,
        follow: bool = True,
        authorization: str | None = None,
    ) -> Answer:
        """One exchange, with no second try; see :meth:`.transport.Transport.exchange`.

        :param path: after the registry's base, or an absolute URL; another host gets no authorization
        :raises Fault: when no whole answer came
        """
        url = path if "://" in path else self.base + path
        foreign = self.is_foreign(url)

        def send(wait: float | None = None) -> Answer:
            return self.transport.exchange(
                method,
                url,
                headers=headers,
                body=body,
                limit=limit,
                patience=patience if wait is None else wait,
                follow=follow,
                authorization=None if foreign else authorization,
            )

        answer: Answer | None = None
        try:
            with self._health.watch():
                contact = self._contact
                if contact is None or contact.made or foreign or method not in ("GET", "HEAD"):
                    answer = send()
                else:
                    answer = contact.exchange(send)
        except Fault as fault:
            fault.foreign |= foreign
            if not self._falls_back(fault):
                raise
        if answer is None:  # outside, for a fault of its own would be taken for part of this one
            return self.exchange(
                method, path, headers=headers, body=body, limit=limit, patience=patience, follow=follow
            )
        answer.foreign |= foreign
        self._collect_warnings(answer)
        if answer.status in (429, 503) and not answer.foreign:
            self.allowance.refused()
        else:
            self.allowance.took()
        return answer

    def _knock(self, wait: float) -> None:
        url = f"{self.base}/v2/"
        # Neither what it says nor where it leads matters.
        self.transport.exchange("GET", url, headers=_HEADERS, limit=None, patience=wait, follow=False).close()

    def is_foreign(self, url: str) -> bool:
        """Whether a URL that the registry gave is at another scheme, host or port than its own."""
        return not url.startswith(self.base + "/") and origin_of(url) != self.transport.origin

    def begin_round(self) -> None:
        """Let one request find out whether what was down is back."""
        self._health.begin_round()
        self._token_health.begin_round()

    def _falls_back(self, fault: Fault) -> bool:
        """image-syncer's "insecure": when HTTPS cannot be spoken, plain HTTP is, from then on."""
        if not self._may_fall_back or not fault.connecting or fault.foreign or fault.code == "timeout":
            return False
        self._may_fall_back = False
        self._use("http")
        return True

    def _ask_token(self, request: TokenRequest, purpose: Purpose) -> Answer:
        headers = dict(_HEADERS)
        if request.body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Content-Length"] = str(len(request.body))

        def send() -> Answer:
            known, timeout = self._token_health.has_answered, self.run.settings.timeout
            with self._token_health.watch():
                return self.transport.exchange(
                    request.method,
                    request.url,
                    headers=headers,
                    body=request.body,
                    limit=TOKEN_LIMIT,
                    patience=None if known else min(timeout, FIRST_TOKEN),
                    authorization=request.authorization,
                )

        return self._attempts.run(purpose, send)
