# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try again, how long to wait, and when it is enough."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from ..errors import ImageOpsError, RegistryError


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


@dataclass(frozen=True)
class RetryPolicy:
    """How often something that failed for a passing reason is tried, and how long to wait before that.

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
    def spent(self) -> int:
        """Return how many requests have been repeated."""
        return self._spent

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
