# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a request is tried again, how long to wait before, and how often in a run."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable, TypeVar

from ..errors import ImageOpsError, RegistryError


def is_retried(status: int) -> bool:
    """Return whether an HTTP status says that the same request may work later."""
    return status in (408, 429) or (500 <= status < 600 and status not in (501, 505, 507))


def is_gateway(status: int | None) -> bool:
    """Return whether a status says that a proxy gave up on a server, which may have done its work all the same.

    Cloudflare has several of its own from 520 on.
    """
    return status is not None and (status in (502, 503, 504) or 520 <= status <= 527)


LONGEST_WAIT = 366 * 24 * 3600.0
"""Seconds beyond which a Retry-After is taken for nonsense."""
_FIRST_UNIX_TIME = 10**9
_FIRST_IN_MILLISECONDS = 10**12


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks to wait (RFC 9110 section 10.2.3).

    Some servers give the time at which to come back as a Unix time, in seconds or milliseconds, or as an ISO date.

    :param value: seconds or an HTTP date
    :param now: the time, in seconds since the epoch
    :return: None when it is absent, says nothing, or asks for more than a year
    """
    text = (value or "").strip()
    if not text or len(text) > 64:
        return None
    if text.isascii() and text.isdigit():
        number = float(text)
        if number >= _FIRST_IN_MILLISECONDS:
            number /= 1000.0
        seconds = number - now if number >= _FIRST_UNIX_TIME else number
    else:
        moment = moment_of(text)
        if moment is None:
            return None
        seconds = moment - now
    return max(0.0, seconds) if seconds <= LONGEST_WAIT else None


def moment_of(text: str) -> float | None:
    """Return the seconds since the epoch of an HTTP or ISO date; None when it is neither. No zone means UTC."""
    from email.utils import parsedate_to_datetime  # takes long, and few answers have such a header

    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        try:
            parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return None
    try:
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is tried that failed for a passing reason, and how long to wait before.

    One policy serves everything of a run: small requests, blobs, rounds over images, and the calls of vendors' APIs.

    :param attempts: tries of one small request, or of one blob, the first included
    :param backoff: seconds; the ceiling of the first pause, doubled with each further try
    :param backoff_cap: seconds; the ceiling of every pause
    :param retry_after_cap: seconds; the longest wait that a registry may ask for
    """

    attempts: int = 5
    backoff: float = 1.0
    backoff_cap: float = 30.0
    retry_after_cap: float = 600.0

    def ceiling(self, tries: int) -> float:
        """Return the longest pause, in seconds, after so many failed tries."""
        return min(self.backoff_cap, self.backoff * 2.0 ** min(tries - 1, 16))

    def pause(self, tries: int) -> float:
        """Return a random pause, in seconds, up to the ceiling, so that many requests do not come back at once."""
        return random.uniform(0.0, self.ceiling(tries))


T = TypeVar("T")

_MARKS = 1 << 23
"""Bits that tell which requests went well: 1 MiB. Two requests that share a bit count as one."""


class RetryBudget:
    """How many requests one run may repeat over all registries, so that failures do not multiply the load.

    What failed and is tried in a later round once more is repeated, too.

    :param base: retries that are always allowed
    :param share: further ones for each first try
    """

    def __init__(self, base: int = 50, share: float = 0.5) -> None:
        self._base = base
        self._share = share
        self._first: set[int] = set()
        self._passed = 0
        self._marks = bytearray(_MARKS // 8)
        self._failed: dict[int, ImageOpsError] = {}
        self._spent = 0
        self._lock = threading.Lock()

    @property
    def spent(self) -> int:
        """Return how many requests have been repeated."""
        return self._spent

    @property
    def is_spent(self) -> bool:
        """Whether the run has no retry left."""
        return self._spent >= self._most()

    def attempt(
        self,
        what: tuple[str, ...],
        work: Callable[[], T],
        *,
        requests: int = 1,
        ever: bool = False,
        action: str,
        subject: str,
    ) -> T:
        """Do something that may have failed in an earlier round: then it is a retry. Return what it returns.

        :param what: what it is, the same in each round
        :param requests: that it costs when it is done once more
        :param ever: count it also when it had worked: once is enough
        :param action: for the error when the budget is used up and nothing failed before
        :raises ImageOpsError: what work raises; the error of the earlier round when the budget is used up
        """
        key = hash(what)
        earlier = self._failed.get(key)
        again = earlier is not None or (ever and key in self._first)
        if earlier is not None:
            self.spend(earlier, requests)
        elif again and not self._take(requests):
            raise RegistryError(
                code="retry_budget",
                action=action,
                subject=subject,
                cause=f"it was done once, and {self._spent} requests of this run were repeated already",
                hint="the next run goes on where this one ended",
            )
        try:
            return work()
        except ImageOpsError as fault:
            with self._lock:
                if fault.code == "registry_down":  # nothing was sent
                    self._spent -= requests if again else 0
                elif fault.transient:
                    self._failed[key] = fault
            raise

    def first(self, *what: str) -> None:
        """Count the first try of something: a request, the transfer of a blob. Later tries of it are not counted."""
        with self._lock:
            self._first.add(hash(what))

    def passed(self, *what: str) -> None:
        """Count what went well at its first try, and may be done again. Little of it is kept: there are many."""
        key = hash(what)
        place, bit = divmod(key % _MARKS, 8)
        with self._lock:
            if key not in self._first and not self._marks[place] >> bit & 1:
                self._marks[place] |= 1 << bit
                self._passed += 1

    def spend(self, error: ImageOpsError, requests: int = 1) -> None:
        """Count retries after an error.

        :raises ImageOpsError: the error, as one that is given up, when the run has no retry left
        """
        if not self._take(requests):
            error.give_up(self._spent)
            raise error

    def _most(self) -> float:
        return self._base + self._share * (len(self._first) + self._passed)

    def _take(self, requests: int) -> bool:
        with self._lock:
            if self._spent + requests > self._most():
                return False
            self._spent += requests
            return True
