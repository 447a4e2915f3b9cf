# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try again, how long to wait, and when it is enough."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from ..errors import ImageOpsError, RegistryError

if TYPE_CHECKING:
    from ..http.transport import Settings


def is_retried(status: int) -> bool:
    """Whether an HTTP status says that the same request may work later."""
    return status in (408, 429) or (500 <= status < 600 and status not in (501, 505, 507))


def is_gateway(status: int | None) -> bool:
    """Whether an HTTP status says that a proxy gave up on what is behind it, which may have done its work all the same.

    Cloudflare has several of its own from 520 on.
    """
    return status is not None and (status in (502, 503, 504) or 520 <= status <= 527)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks to wait (RFC 9110 section 10.2.3).

    :param value: seconds or an HTTP date
    :param now: the time, in seconds since the epoch
    :return: None when it is absent or says nothing
    """
    text = (value or "").strip()
    if not text or len(text) > 64:
        return None
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 12 else float(10**12)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


class RetryBudget:
    """How many requests all registries of one run may repeat together, so that a bad day does not multiply its load.

    What failed and is tried in a later round once more is repeated, too.

    :param base: retries that are always allowed
    :param share: further ones for each first try
    """

    def __init__(self, base: int = 50, share: float = 0.5) -> None:
        self._base = base
        self._share = share
        self._first: set[int] = set()
        self._failed: set[int] = set()
        self._spent = 0
        self._lock = threading.Lock()

    @property
    def is_spent(self) -> bool:
        """Whether the run has had its share."""
        return self._spent >= self._base + self._share * len(self._first)

    @contextmanager
    def trying(self, *what: str, requests: int = 1, ever: bool = False, action: str, subject: str) -> Iterator[None]:
        """Around something that may have failed before, in an earlier round: then it is a retry.

        :param requests: that it costs when it is tried once more
        :param ever: also when it had worked: once is enough
        :raises RegistryError: retry_budget
        """
        key = hash(what)
        again = key in self._failed or (ever and key in self._first)
        if again:
            self.spend(requests, action=action, subject=subject)
        try:
            yield
        except ImageOpsError as fault:
            with self._lock:
                if fault.code == "registry_down":  # nothing was sent
                    self._spent -= requests if again else 0
                elif fault.transient:
                    self._failed.add(key)
            raise

    def first(self, *what: str) -> None:
        """Count the first try of something: a request, the transfer of a blob. Every later one is none."""
        with self._lock:
            self._first.add(hash(what))

    def spend(self, requests: int = 1, *, action: str, subject: str, last: str = "") -> None:
        """Count retries.

        :param last: why the try before failed
        :raises RegistryError: retry_budget, when the run has had its share
        """
        said = f", and this one with: {last}" if last else ""
        with self._lock:
            if self._spent + requests > self._base + self._share * len(self._first):
                raise RegistryError(
                    code="retry_budget",
                    action=action,
                    subject=subject,
                    cause=f"too many requests of this run failed ({self._spent} were repeated){said}",
                    hint="see the other errors; the next run goes on where this one ended",
                )
            self._spent += requests


class Pauses:
    """Waits of one registry: between tries, and those that it asked for. All end at once when ``stop`` is set."""

    def __init__(self, settings: Settings, stop: threading.Event, per_second: float | None) -> None:
        self._settings = settings
        self._stop = stop
        self._interval = 1.0 / per_second if per_second else 0.0
        self._next = 0.0
        self._until = 0.0
        self._refused_until = 0.0
        self._lock = threading.Lock()

    def before_request(self, *, action: str, subject: str) -> None:
        """Wait for this registry's turn: its pace, and a Retry-After that any request of it was answered with.

        :raises RegistryError: rate_limited while a wait is on that is longer than anyone should sit through
        """
        if self._stop.is_set():
            raise interrupted(action=action, subject=subject)
        if not self._interval and not self._until:
            return
        now = time.monotonic()
        if now < self._refused_until:
            raise _too_long(self._refused_until - now, action=action, subject=subject)
        with self._lock:
            start = max(now, self._until, self._next)
            if self._interval:
                self._next = start + self._interval
        self._wait(start - now, action=action, subject=subject)

    def asked(self, seconds: float, *, action: str, subject: str) -> None:
        """Note a Retry-After for every request of this registry.

        :raises RegistryError: rate_limited when it is longer than the longest allowed wait
        """
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)
            if seconds > self._settings.retry_after_cap:
                self._refused_until = self._until
        if seconds > self._settings.retry_after_cap:
            raise _too_long(seconds, action=action, subject=subject)

    def back_off(self, tries: int, *, action: str, subject: str) -> None:
        """Wait after a failed try: anything up to twice the last limit, so that many do not come back at once."""
        limit = min(self._settings.backoff_cap, self._settings.backoff * 2.0 ** min(tries - 1, 16))
        self._wait(random.uniform(0.0, limit), action=action, subject=subject)

    def _wait(self, seconds: float, *, action: str, subject: str) -> None:
        if seconds > 0 and self._stop.wait(seconds):
            raise interrupted(action=action, subject=subject)


def interrupted(*, action: str, subject: str) -> RegistryError:
    """The error of everything that was under way when the run was told to end."""
    return RegistryError(code="interrupted", action=action, subject=subject, cause="the run was interrupted")


def _too_long(seconds: float, *, action: str, subject: str) -> RegistryError:
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(min(time.time() + seconds, 4e9)))
    return RegistryError(
        code="rate_limited",
        action=action,
        subject=subject,
        cause=f"the registry asks to wait until {when}",
        hint="run again after that time",
        status=429,
        retry_after=seconds,
    )
