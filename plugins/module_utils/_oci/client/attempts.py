# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending a request again after a failure that may pass, and the limits of that."""

from __future__ import annotations

import time
from typing import Callable

from ..errors import RegistryError
from ..http.faults import Fault
from ..http.transport import Answer
from .bodies import read_error
from .call import Purpose
from .elsewhere import is_moved
from .limits import Pace
from .refusals import SPOILT, error_of, lacks_content
from .retry import is_gateway, is_retried, parse_retry_after
from .run import Run


class Arrived(Exception):
    """Raised in place of an answer: the request had worked although its answer was lost."""


class Attempts:
    """Sends the requests of one registry, again where that makes sense.

    :param explain: give the error for an exchange that broke
    """

    def __init__(self, run: Run, pace: Pace, explain: Callable[[Fault, Purpose], RegistryError]) -> None:
        self._run = run
        self._policy = run.settings.retry
        self._budget = run.budget
        self._pace = pace
        self._explain = explain

    def once(self, purpose: Purpose, send: Callable[[], Answer], *, optional: bool = False) -> Answer:
        """Send a request whose caller tries again and counts that.

        :param optional: whether the run goes on without the answer
        """
        self._pace.before_request(action=purpose.action, subject=purpose.subject)
        try:
            answer = send()
        except Fault as fault:
            raise self._explain(fault, purpose) from fault
        if _is_passing(answer, purpose):
            raise self._refusal(answer, purpose, heeded=not optional)
        return answer

    def run(
        self,
        purpose: Purpose,
        send: Callable[[], Answer],
        arrived: Callable[[], bool] | None = None,
        written: bytes | None = None,
    ) -> Answer:
        """Send a request as often as it takes.

        :param arrived: asked whether it had worked after all when its answer was lost
        :param written: what it writes; the same once more is a retry, also when it had worked
        :raises Arrived: when it had
        :raises RegistryError: when it failed for a passing reason too often, or for one that does not pass
        """
        what: tuple[str, ...] = ("request", purpose.action, purpose.subject)
        if written is not None:
            what += (str(hash(written)),)
        return self._budget.attempt(
            what,
            lambda: self._tries(purpose, send, arrived, what, written=written is not None),
            ever=written is not None,
            action=purpose.action,
            subject=purpose.subject,
        )

    def _tries(
        self,
        purpose: Purpose,
        send: Callable[[], Answer],
        arrived: Callable[[], bool] | None,
        what: tuple[str, ...],
        *,
        written: bool,
    ) -> Answer:
        tried = 0
        met: RegistryError | None = None
        while True:
            stale = False
            self._pace.before_request(action=purpose.action, subject=purpose.subject)
            try:
                answer = send()
            except Fault as fault:
                if fault.code == "registry_down":
                    raise met or self._explain(fault, purpose) from fault  # what this request met itself says more
                stale = fault.stale
                met = self._explain(fault, purpose)
                met.__cause__ = fault
            else:
                if not (_is_passing(answer, purpose) or (arrived is not None and _is_spoilt(answer))):
                    (self._budget.first if written else self._budget.passed)(*what)
                    return answer
                met = self._refusal(answer, purpose)
            self._budget.first(*what)
            if _is_unsure(met):
                self._look(arrived, met)
            tried += 1
            self._run.try_again(met, tried, stale=stale)

    def _look(self, arrived: Callable[[], bool] | None, met: RegistryError) -> None:
        if arrived is not None:
            self._budget.spend(met)
            if arrived():
                raise Arrived

    def _refusal(self, answer: Answer, purpose: Purpose, *, heeded: bool = True) -> RegistryError:
        """Return the error for an answer that may pass, and note a wait that it asks for where that is heeded."""
        answer.close()
        # A storage that the registry redirects to says nothing about the registry.
        said = None if answer.foreign else answer.headers.get("Retry-After")
        wait = parse_retry_after(said, time.time())
        if wait is not None and heeded:
            self._pace.asked(wait, action=purpose.action, subject=purpose.subject)
        return error_of(answer, purpose, anonymous=False, retry_after=wait, mask=self._run.mask)


def _is_passing(answer: Answer, purpose: Purpose) -> bool:
    # What a storage refuses that was redirected to (an expired signature is a 403) is asked of the registry again.
    storage = answer.foreign and not is_moved(answer)
    if answer.status == 500 and lacks_content(answer.status, read_error(answer.body).codes, purpose):
        return False
    return is_retried(answer.status) or (storage and not 200 <= answer.status < 300)


def _is_spoilt(answer: Answer) -> bool:
    """Return whether an answer says that other bytes arrived than were written.

    Of several who write one manifest at once, docker-registry tells some that it found other bytes: the others'.
    """
    return answer.status == 400 and not read_error(answer.body).codes.isdisjoint(SPOILT)


def _is_unsure(error: RegistryError) -> bool:
    """Return whether what was written may be there although no answer said so."""
    return is_gateway(error.status) or error.code in ("timeout", "connection_failed", "digest_mismatch")
