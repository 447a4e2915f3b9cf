# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on how many bytes all transfers together move in a second."""

from __future__ import annotations

import threading
import time
from typing import Callable

from .._oci.http_connection import BLOCK


class Bandwidth:
    """Makes transfers wait until there is room for what they have moved.

    Everyone waits in one line, so all transfers get the same share. What was not used is not saved up.

    :param limit: bytes a second
    :param wait: waits so many seconds, or until the run is to end
    :param clock: seconds, from any beginning
    """

    def __init__(
        self, limit: int, wait: Callable[[float], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._wait = wait
        self._clock = clock
        self._free_at = clock()
        self._lock = threading.Lock()

    def moved(self, size: int) -> None:
        """Wait as long as so many bytes take."""
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now) + size / self._limit
            seconds = self._free_at - now
        self._wait(seconds)

    def useful(self, concurrency: int) -> int:
        """How many transfers are worthwhile at once, of so many: each is to move a block a second or more.

        Any slower, and registries take them for dead.
        """
        return max(1, min(concurrency, self._limit // BLOCK))
