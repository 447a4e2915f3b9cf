# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one registry with everything around them: authorization, pace, retries, and errors in plain words."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Callable

from .allowance import Allowance
from .answers import SPOILT, Mask, Purpose, clean, error_of, error_of_fault, read_error
from .auth import Authenticator
from .credentials import CredentialProvider
from .errors import RegistryError
from .faults import Fault
from .health import Health
from .links import origin_of
from .quirks import Quirks
from .reference import quoted
from .retry import Pauses, RetryBudget, interrupted, is_gateway, is_retried, parse_retry_after
from .tokens import Scopes, TokenRequest
from .transport import ERROR_LIMIT, USER_AGENT, Access, Answer, Settings, Stats, Transport

TOKEN_LIMIT = 1024 * 1024
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
        settings: Settings,
        budget: RetryBudget,
        stop: threading.Event,
        on_secret: Callable[[str], None],
        warn: Callable[[str], None],
        log: Callable[[str], None],
        mask: Mask,
    ) -> None:
        self.host = host
        self.settings = settings
        self.stats = Stats()
        self.budget = budget
        self.quirks = Quirks(host)
        self._health = Health()
        self._token_health = Health()
        self.log = log
        self._mask = mask
        self._stop = stop
        self._warn = warn
        self._warned: set[str] = set()
        self.allowance = Allowance(access.concurrency or settings.concurrency)
        self.pauses = Pauses(settings, stop, access.requests_per_second)
        self.auth = Authenticator(
            host,
            base=lambda: self.base,
            credentials=credentials,
            ask=self._ask_token,
            on_secret=on_secret,
            mask=mask,
        )
        self._address = address
        self._access = access
        self._on_secret = on_secret
        self._may_fall_back = access.insecure and not access.plain_http
        self._use("http" if access.plain_http else "https")

    def _use(self, scheme: str) -> None:
        self.base = f"{scheme}://{self._address}"
        self.transport = Transport(
            origin_of(self.base),
            access=self._access,
            settings=self.settings,
            stats=self.stats,
            on_secret=self._on_secret,
            warn=self._warn,
        )

    def call(self, call: Call) -> Answer:
        """Send a request, with retries, and give a good answer (2xx) or one that only the caller can judge (4xx, 3xx).

        :raises RegistryError: when it failed for a passing reason too often, or for one that does not pass
        """
        return self._retrying(call.purpose, lambda: self._authorized(call), once=call.once)

    def send(self, call: Call, authorization: str | None) -> Answer:
        """The same with an Authorization of the caller's own, for what is beside the distribution API."""
        return self._retrying(call.purpose, lambda: self._exchange(call, authorization), once=call.once)

    def write(self, call: Call, arrived: Callable[[], bool]) -> Answer | None:
        """The same for a request that may have worked although its answer got lost: then it is not sent twice.

        :param arrived: asked after each such failure; when it says yes there is no answer, and None is given
        """
        try:
            return self._retrying(call.purpose, lambda: self._authorized(call), arrived)
        except _Arrived:
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
            mask=self._mask,
        )

    def fault(self, fault: Fault, purpose: Purpose) -> RegistryError:
        """The error for an exchange that broke; an interruption when the run was told to end."""
        if self._stop.is_set():
            return interrupted(action=purpose.action, subject=purpose.subject)
        return error_of_fault(fault, purpose)

    def close(self) -> None:
        """End every connection, also those in use by other threads."""
        self.transport.close()

    def shown(self, text: str) -> str:
        """What a server says in a header, as an error may repeat it: without secrets, in quotes, one short line."""
        return quoted(clean(text, self._mask))

    def collect_warnings(self, answer: Answer) -> None:
        """Pass on what a registry warns of, each text once (distribution-spec, section Warnings)."""
        text = answer.headers.get("Warning")
        if text and text not in self._warned and len(self._warned) < 20:
            self._warned.add(text)
            if text.startswith("299 - "):
                self._warn(f"{self.host} says: {clean(text[len('299 - ') :], self._mask)}")

    def _retrying(
        self,
        purpose: Purpose,
        send: Callable[[], Answer],
        arrived: Callable[[], bool] | None = None,
        *,
        once: bool = False,
    ) -> Answer:
        most = 1 if once else self.settings.attempts
        if not once:
            self.budget.first("request", purpose.action, purpose.subject)
        # A kept-alive connection that turns out to be dead costs nothing but its place among the tries.
        tried = stale = 0
        met: list[RegistryError] = []
        while True:
            self.pauses.before_request(action=purpose.action, subject=purpose.subject)
            try:
                answer = send()
            except Fault as fault:
                if fault.stale and not once and tried + stale + 1 < max(most, 2):
                    if arrived is not None and arrived():
                        raise _Arrived from fault
                    stale += 1
                    continue
                if fault.code == "registry_down" and met:
                    raise met[-1] from fault  # what this request met itself says more
                error = self.fault(fault, purpose)
                error.__cause__ = fault
            else:
                self.collect_warnings(answer)
                if not (_is_passing(answer) or (arrived is not None and _is_spoilt(answer))):
                    return answer
                answer.close()
                # A storage that the registry redirects to says nothing about the registry.
                said = None if answer.foreign else answer.headers.get("Retry-After")
                wait = parse_retry_after(said, time.time())
                error = error_of(answer, purpose, anonymous=False, retry_after=wait, mask=self._mask)
                if wait is not None:
                    self.pauses.asked(wait, action=purpose.action, subject=purpose.subject)
            if arrived is not None and _is_unsure(error) and arrived():
                raise _Arrived
            tried += 1
            met.append(error)
            if tried + stale >= most or not error.transient or error.code == "registry_down":
                raise error
            self.budget.spend(action=purpose.action, subject=purpose.subject)
            self.log(f"again ({tried}/{most - 1}): {error}")
            if not error.retry_after:
                self.pauses.back_off(tried, action=purpose.action, subject=purpose.subject)

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
        try:
            with self._health.watch():
                answer = self.transport.exchange(
                    method,
                    url,
                    headers=headers,
                    body=body,
                    limit=limit,
                    patience=patience,
                    follow=follow,
                    authorization=None if foreign else authorization,
                )
        except Fault as fault:
            fault.foreign |= foreign
            if not self._falls_back(fault):
                raise
            return self.exchange(method, path, headers=headers, body=body, limit=limit, follow=follow)
        answer.foreign |= foreign
        if answer.status in (429, 503) and not answer.foreign:
            self.allowance.refused()
        else:
            self.allowance.took()
        return answer

    def is_foreign(self, url: str) -> bool:
        """Whether a URL that the registry gave is at another scheme, host or port than its own."""
        return not url.startswith(self.base + "/") and origin_of(url) != self.transport.origin

    def probe_again(self) -> None:
        """Let one request find out whether what was down is back."""
        self._health.probe_again()
        self._token_health.probe_again()

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
            with self._token_health.watch():
                return self.transport.exchange(
                    request.method,
                    request.url,
                    headers=headers,
                    body=request.body,
                    limit=TOKEN_LIMIT,
                    authorization=request.authorization,
                )

        return self._retrying(purpose, send)


def _is_passing(answer: Answer) -> bool:
    # What a redirect's target refuses (an expired signature is a 403) is asked of the registry again.
    return is_retried(answer.status) or (answer.foreign and not 200 <= answer.status < 300)


def _is_spoilt(answer: Answer) -> bool:
    """Whether other bytes are said to have arrived than were written.

    Of several who write one manifest at once, docker-registry tells some that it found other bytes: the others'.
    """
    return answer.status == 400 and not read_error(answer.body).codes.isdisjoint(SPOILT)


def _is_unsure(error: RegistryError) -> bool:
    """Whether what was written may be there although the answer did not say so."""
    return is_gateway(error.status) or error.code in ("timeout", "connection_failed", "digest_mismatch")


class _Arrived(Exception):
    """A request had worked although its answer was lost."""
