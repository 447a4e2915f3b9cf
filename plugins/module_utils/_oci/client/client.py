# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one registry, with authorization, pace, retries and errors."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from functools import partial
from typing import Callable
from urllib.parse import urlsplit

from ..credentials.provider import CredentialProvider
from ..errors import RegistryError
from ..http.faults import Fault
from ..http.transport import MOST_REDIRECTS, USER_AGENT, Access, Answer, Stats, Transport
from ..http.urls import origin_of
from ..image.reference import quoted
from .attempts import Arrived, Attempts
from .authorization.authenticator import Authenticator
from .authorization.token_cache import Need
from .bodies import clean
from .call import Call, Purpose
from .elsewhere import is_moved
from .health import FIRST_SILENCES, FirstContact, Health
from .limits import AdaptiveLimit, Pace
from .moved import MovedRegistries
from .quirks import Quirks
from .refusals import error_of, error_of_fault, explain_without_challenge
from .retry import parse_retry_after
from .run import Run, interrupted
from .settling import Settling

_HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}


class Client:
    """Sends the requests of one registry.

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
            else FirstContact(
                seconds=settings.first_contact,
                longest=settings.timeout,
                probe=self._probe,
                note_answer=self._health.note_answer,
            )
        )
        self._warned: set[str] = set()
        self.limit = AdaptiveLimit(access.concurrency or settings.concurrency)
        self.pace = Pace(host, run, access.requests_per_second)
        self._attempts = Attempts(run, self.pace, self.fault)
        self.auth = Authenticator(
            host, run, base=lambda: self.base, credentials=credentials, ask=self._ask_token, ping=self._ping
        )
        self._settling = Settling(access.settle, run)
        self._moved = MovedRegistries(run, credentials, self._ask_token)
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
        """Send a request, with retries. Return a good answer (2xx) or one that the caller has to judge (4xx, 3xx).

        :raises RegistryError: when it failed for a passing reason too often, or for one that does not pass
        """
        failures = itertools.count()
        return self._tried(call, lambda: self._authorized(call.after(next(failures))))

    def send(self, call: Call) -> Answer:
        """Do the same with the call's own Authorization, for what is beside the distribution API."""
        return self._tried(call, lambda: self.exchange(call, call.authorization))

    def write(self, call: Call, arrived: Callable[[], bool]) -> Answer | None:
        """Do the same for a request that may have worked although its answer got lost: then it is not sent twice.

        :param arrived: asked after each such failure; when it says yes, None is returned instead of an answer
        """
        written = call.body if isinstance(call.body, bytes) else None
        try:
            return self._attempts.run(call.purpose, lambda: self._authorized(call), arrived, written)
        except Arrived:
            return None

    def expect(self, call: Call, *statuses: int) -> Answer:
        """Send a request of which only some statuses are good.

        :raises RegistryError: for every other one
        """
        answer = self.call(call)
        if answer.status in statuses:
            return answer
        raise self.error(call, answer)

    def error(self, call: Call, answer: Answer) -> RegistryError:
        """Return the error for an answer that the caller cannot use."""
        answer.close()
        moved = is_moved(answer)
        anonymous = self._moved.is_anonymous(answer.url) if moved else self.auth.is_anonymous(call.repository)
        error = error_of(
            answer,
            call.purpose,
            anonymous=anonymous,
            retry_after=parse_retry_after(answer.headers.get("Retry-After"), time.time()),
            mask=self.run.mask,
        )
        offered = answer.headers.get("WWW-Authenticate", "")
        unknown = answer.status == 401 and not moved and not self.auth.is_challenged(call.repository)
        if unknown and (offered or not anonymous):
            explain_without_challenge(error, self.shown(offered) if offered else "")
        return error

    def fault(self, fault: Fault, purpose: Purpose) -> RegistryError:
        """Return the error for an exchange that broke; ``interrupted`` when the run was told to end."""
        if self.run.stop.is_set():
            return interrupted(action=purpose.action, subject=purpose.subject)
        return error_of_fault(fault, purpose)

    def close(self) -> None:
        """End every connection, also those that other threads use."""
        self.transport.close()

    def shown(self, text: str) -> str:
        """Return what a server says in a header as an error may repeat it: quoted, one short line, without secrets."""
        return quoted(clean(text, self.run.mask))

    def _collect_warnings(self, answer: Answer) -> None:
        """Pass on what a registry warns of, each text once (distribution-spec, section Warnings)."""
        text = answer.headers.get("Warning")
        if text and text not in self._warned and len(self._warned) < 20:
            self._warned.add(text)
            if text.startswith("299 - "):
                self.run.warn(f"{self.host} says: {clean(text[len('299 - ') :], self.run.mask)}")

    def _tried(self, call: Call, send: Callable[[], Answer]) -> Answer:
        if call.once:
            return self._attempts.once(call.purpose, send, optional=call.optional)
        return self._attempts.run(call.purpose, send)

    def _authorized(self, call: Call) -> Answer:
        need = Need(call.scopes, call.repository)
        while True:
            seen = self._settling.pauses
            try:
                answer = self._answer(call, need)
                if not (self._is_refused_push(call, answer) and self._settling.pause(seen, call.purpose)):
                    if call.method == "HEAD" and 400 <= answer.status < 500 and not is_moved(answer):
                        answer.foreign = False  # the storage's URL may be good for GET alone, which is tried next
                    return answer
                answer.close()
            except RegistryError as error:
                if error.code != "push_denied" or not self._settling.pause(seen, call.purpose):
                    raise
            self.auth.forget(need)

    def _is_refused_push(self, call: Call, answer: Answer) -> bool:
        """Return whether an answer refuses a push that may be allowed a moment later, and that can be sent again."""
        if answer.status not in (401, 403) or not call.purpose.write or answer.foreign or self._settling.is_over:
            return False
        again = call.body is None or isinstance(call.body, bytes)
        return again and error_of(answer, call.purpose, anonymous=False, mask=self.run.mask).code == "push_denied"

    def _answer(self, call: Call, need: Need) -> Answer:
        """Send a request with the registry's authorization, and where it leads to another registry with that one's."""
        answer = self.auth.send(need, partial(self.exchange, call))
        for _hop in range(MOST_REDIRECTS):
            url = self._leads_within(call, answer)
            if url is None:
                break
            answer = self.auth.send(need, partial(self.exchange, replace(call, path=url)))
        if answer.status == 401 and is_moved(answer) and call.method in ("GET", "HEAD"):
            return self._moved.send(answer, call.purpose, partial(self._ask_moved, call))
        return answer

    def _leads_within(self, call: Call, answer: Answer) -> str | None:
        """Return where at the registry itself a write that can be repeated has to be sent; None when nowhere else.

        :raises Fault: when it leads nowhere good
        """
        again = call.method not in ("GET", "HEAD") and (call.body is None or isinstance(call.body, bytes))
        if not again or answer.status not in (307, 308) or answer.foreign:
            return None
        url = self.transport.locate(answer.url, answer.headers.get("Location"))
        return None if self.is_foreign(url) else url

    def _ask_moved(self, call: Call, url: str, authorization: str | None) -> Answer:
        try:
            return self._transport_exchange(call, url, authorization, None)
        except Fault as fault:
            fault.foreign = True
            raise

    def exchange(self, call: Call, authorization: str | None) -> Answer:
        """Make one exchange, with no second try.

        :param authorization: the Authorization header; sent to the registry itself only
        :raises Fault: when no whole answer came
        """
        url = call.path if "://" in call.path else self.base + call.path
        foreign = self.is_foreign(url)
        contact = self._contact
        probing = contact is not None and not contact.made and not foreign and call.method in ("GET", "HEAD")

        def send(wait: float | None = None) -> Answer:
            return self._transport_exchange(call, url, None if foreign else authorization, wait)

        answer: Answer | None = None
        try:
            answer = self._health.exchange(partial(contact.exchange, send) if contact and probing else send)
        except Fault as fault:
            fault.foreign |= foreign
            if not self._falls_back(fault):
                raise
        if answer is None:  # outside, for a fault of its own would be taken for part of this one
            return self.exchange(call, None)
        answer.foreign |= foreign
        self._collect_warnings(answer)
        if answer.status in (429, 503) and not answer.foreign:
            self.limit.refused()
        else:
            self.limit.succeeded()
        return answer

    def _transport_exchange(self, call: Call, url: str, authorization: str | None, wait: float | None) -> Answer:
        headers = {**_HEADERS, **call.headers} if call.headers else dict(_HEADERS)
        if call.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(call.body or b""))
        return self.transport.exchange(
            call.method,
            url,
            headers=headers,
            body=call.body,
            limit=call.limit,
            patience=call.wait if wait is None else wait,
            follow=call.follow,
            authorization=authorization,
        )

    def _ping(self) -> Answer:
        return self.transport.exchange("GET", f"{self.base}/v2/", headers=_HEADERS, limit=None, follow=False)

    def _probe(self) -> None:
        self._ping().close()  # neither what it says nor where it leads matters

    def is_foreign(self, url: str) -> bool:
        """Return whether a URL that the registry gave is at another scheme, host or port than its own."""
        return not url.startswith(self.base + "/") and origin_of(url) != self.transport.origin

    def begin_round(self) -> None:
        """Have one request find out whether what was down is back."""
        self._health.begin_round()
        self._token_health.begin_round()

    def _falls_back(self, fault: Fault) -> bool:
        """Turn to plain HTTP from then on when HTTPS cannot be spoken: image-syncer's "insecure"."""
        if not self._may_fall_back or not fault.connecting or fault.foreign or fault.code == "timeout":
            return False
        self._may_fall_back = False
        self._use("http")
        return True

    def _ask_token(self, call: Call) -> Answer:
        return self._attempts.run(call.purpose, partial(self._token_health.exchange, partial(self._token, call)))

    def _token(self, call: Call) -> Answer:
        """Ask a token server, which has all the time of the user's time-out: a login may take it many seconds."""
        began = time.monotonic()
        try:
            return self._transport_exchange(call, call.path, call.authorization, None)
        except Fault as fault:
            if fault.code == "timeout" and not fault.connecting:
                waited = time.monotonic() - began
                fault.cause = f"its token server {urlsplit(call.path).netloc} gave no answer within {waited:.3g} s"
                fault.host = ""  # named already
            if fault.code == "plain_http":
                server = call.path.partition("?")[0]
                fault.cause = f"its challenge names the token server {server}, and no TLS is spoken there"
                fault.hint = (
                    "this is set at the registry, not here: let its realm say http (Harbor: hostname, https and "
                    "external_url in harbor.yml), or reach it by the address that speaks HTTPS"
                )
            raise
