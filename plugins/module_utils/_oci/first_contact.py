# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether anybody is there at all: seconds for a registry that says nothing, and all its time for one that is slow."""

from __future__ import annotations

from typing import Callable

from .faults import Fault
from .transport import Answer


class FirstContact:
    """The first requests to a registry, until it has answered one.

    Each waits for a short while, and then knocks, with a request that costs no registry any thought. Any answer to that
    says that it is only slow with what it was asked, and it is asked again with all the time that it may take.

    :param seconds: how long a request waits; a knock waits twice as long
    :param knock: sends a request that any registry answers at once, with that time-out
    :param heard: told when a knock has shown that somebody is there
    :ivar made: whether the registry has answered
    """

    def __init__(self, *, seconds: float, knock: Callable[[float], object], heard: Callable[[], None]) -> None:
        self.made = False
        self._seconds = seconds
        self._knock = knock
        self._heard = heard

    def exchange(self, send: Callable[[float | None], Answer]) -> Answer:
        """Send a request that may be sent twice.

        :param send: sends it, with the seconds to wait for its answer; None for the usual ones
        :raises Fault: whatever sending it or knocking raises
        """
        try:
            answer = send(self._seconds)
        except Fault as fault:
            if fault.code != "timeout" or fault.connecting or fault.foreign:
                raise
        else:
            self.made = True
            return answer
        self._find_out()
        return send(None)

    def _find_out(self) -> None:
        try:
            self._knock(2 * self._seconds)
        except Fault as fault:
            if fault.connecting:
                raise
            if fault.code == "timeout":
                raise Fault(
                    "timeout",
                    "it says nothing, not even whether it is there (GET /v2/)",
                    hint="check that the registry runs and can be reached from here",
                ) from fault
            # Anything else, be it nonsense, came from somebody.
        self.made = True
        self._heard()
