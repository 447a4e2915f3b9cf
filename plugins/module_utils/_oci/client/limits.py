# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a registry gets: at once, in a second, and after a wait that it asked for."""

from __future__ import annotations

import threading
import time
from typing import Callable

from ..errors import RegistryError
from .run import Run

_CALM = 1.0
"""Seconds between two halvings: all that was under way at the first refusal is refused too."""


class AdaptiveLimit:
    """A number that halves when a registry refuses for want of capacity, and else grows by one with as many successes.

    It begins at the most: nearly all registries bear that, and the others say so at once.

    :param most: never more than this
    :param clock: seconds, from any beginning
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now = float(most)
        self._clock = clock
        self._halved = float("-inf")
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Return how much may be under way at present; at least one."""
        return int(self._now)

    def succeeded(self) -> None:
        """Note a request that was answered as it should be."""
        if self._now < self._most:
            with self._lock:
                self._now = min(float(self._most), self._now + 1.0 / int(self._now))

    def refused(self) -> None:
        """Note a request that was refused for want of capacity (429 or 503)."""
        with self._lock:
            now = self._clock()
            if now - self._halved >= _CALM:
                self._halved = now
                self._now = max(1.0, self._now / 2)


class Pace:
    """When the next request of one registry may be sent: its requests a second, and the waits that it asked for.

    :param per_second: requests a second at most; None for no limit
    """

    def __init__(self, host: str, run: Run, per_second: float | None) -> None:
        self._host = host
        self._run = run
        self._longest = run.settings.retry.retry_after_cap
        self._interval = 1.0 / per_second if per_second else 0.0
        self._next = 0.0
        self._until = 0.0
        self._refused_until = 0.0
        self._lock = threading.Lock()

    def before_request(self, *, action: str, subject: str) -> None:
        """Wait until a request may be sent.

        :raises RegistryError: rate_limited while the registry asks for a wait that is longer than the longest allowed
            one; interrupted
        """
        self._run.check(action=action, subject=subject)
        if not self._interval and not self._until:
            return
        now = time.monotonic()
        if now < self._refused_until:
            raise _too_long(self._refused_until - now, action=action, subject=subject)
        with self._lock:
            start = max(now, self._until, self._next)
            if self._interval:
                self._next = start + self._interval
        self._run.wait(start - now, action=action, subject=subject)

    def asked(self, seconds: float, *, action: str, subject: str) -> None:
        """Note a Retry-After for every request of this registry.

        :raises RegistryError: rate_limited when it is longer than the longest allowed wait
        """
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)
            if seconds > self._longest:
                self._refused_until = self._until
        self._run.on_wait(self._host, seconds)
        if seconds > self._longest:
            raise _too_long(seconds, action=action, subject=subject)


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
