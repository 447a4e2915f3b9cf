# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a registry gets at once: less as soon as it says that it has enough, then slowly more again."""

from __future__ import annotations

import threading
import time
from typing import Callable

_CALM = 1.0
"""Seconds between two halvings: what was under way when it had enough says so many times over."""


class Allowance:
    """A number that halves when a registry refuses for want of capacity, and else grows by one with as many successes.

    It begins at the most: nearly all registries bear that, and those that do not say so at once.

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
        """How much may be under way at present; at least one."""
        return int(self._now)

    def took(self) -> None:
        """It has answered as it should."""
        if self._now < self._most:
            with self._lock:
                self._now = min(float(self._most), self._now + 1.0 / int(self._now))

    def refused(self) -> None:
        """It has had enough (429 or 503)."""
        with self._lock:
            now = self._clock()
            if now - self._halved >= _CALM:
                self._halved = now
                self._now = max(1.0, self._now / 2)
