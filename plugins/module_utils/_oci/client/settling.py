# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights that were given a moment ago: a push that is refused is tried again, a few times for a whole registry."""

from __future__ import annotations

import threading
import time

from .call import Purpose
from .run import Run

PAUSES = (5.0, 10.0, 20.0)
"""Seconds before each further try."""


class Settling:
    """The time in which a right may not have reached a registry's token service.

    All requests to the registry share the pauses: one that is refused waits, and those that were refused meanwhile are
    sent again when it has waited.

    :param seconds: for how long from now on; 0 for not at all
    """

    def __init__(self, seconds: float, run: Run) -> None:
        self._until = time.monotonic() + seconds
        self._run = run
        self._lock = threading.Lock()
        self.pauses = 0

    @property
    def is_over(self) -> bool:
        """Return whether no request is sent again any more."""
        return self.pauses >= len(PAUSES) or time.monotonic() + PAUSES[self.pauses] > self._until

    def pause(self, seen: int, purpose: Purpose) -> bool:
        """Wait, and return whether the request is worth sending again.

        :param seen: how many pauses there had been when it was sent
        :raises RegistryError: ``interrupted``
        """
        with self._lock:  # held over the wait: the other requests wait for the same
            if seen < self.pauses:
                return True
            if self.is_over:
                return False
            self._run.log(
                f"again in {PAUSES[self.pauses]:g} s: {purpose.registry} refused to {purpose.action} "
                f"{purpose.subject}, and the right may have been given a moment ago"
            )
            self._run.wait(PAUSES[self.pauses], action=purpose.action, subject=purpose.subject)
            self.pauses += 1
            return True
