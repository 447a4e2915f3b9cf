# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether anybody is there at all: seconds for a registry that says nothing, and all its time for one that is slow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from ..http.faults import Fault
from ..http.transport import Answer

FAILURES = 5
SILENCES = 20
"""Time-outs in a row, without any answer between them, that count as much as the connections that could not be made."""
FIRST_SILENCES = 2
"""The same, unless said otherwise, of a registry that has not answered at all yet: the others must not wait for it."""


class Health:
    """Counts connections that could not be made and time-outs, in a row and over all threads.

    After five of the former, or twenty of the latter, it is down: every request fails at once with the last reason,
    until :meth:`begin_round`; then one request tries while the others wait for what it finds.

    :ivar has_answered: whether it ever has
    :param first_silences: time-outs after which it is down when it has not answered at all yet
    """

    def __init__(self, *, first_silences: int = FIRST_SILENCES) -> None:
        self._first_silences = first_silences
        self._failures = 0.0
        self.has_answered = False
        self._last: Fault | None = None
        self._probing = False
        self._lock = threading.Lock()
        self._probe = threading.Lock()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Around one exchange: notes how it went.

        :raises Fault: registry_down, without trying
        """
        if not self._failures and not self._probing:
            yield from self._noted()
            return
        if self._probing:
            with self._probe:
                if self._probing:
                    try:
                        yield from self._noted()
                    finally:
                        self._probing = False
                    return
        if self._failures >= FAILURES and self._last is not None:
            raise _down(self._last)
        yield from self._noted()

    def _noted(self) -> Iterator[None]:
        try:
            yield
        except Fault as fault:
            if (fault.connecting or fault.code == "timeout") and not fault.foreign:
                with self._lock:
                    self._failures += self._weight(fault)
                    self._last = fault
            raise
        self.heard()

    def heard(self) -> None:
        """Note a sign of life."""
        self._failures = 0
        self.has_answered = True

    def _weight(self, fault: Fault) -> float:
        if fault.code == "timeout" and not self.has_answered:
            return FAILURES / self._first_silences
        return 1 if fault.connecting else FAILURES / SILENCES

    def begin_round(self) -> None:
        """Let one request find out whether the registry is back."""
        with self._lock:
            if self._failures >= FAILURES:
                self._probing = True


def _down(last: Fault) -> Fault:
    if not last.transient:
        return Fault(last.code, last.cause, hint=last.hint, transient=False)
    return Fault(
        "registry_down",
        f"it failed too often in a row, the last time with: {last.cause}",
        hint="check that the registry runs and can be reached from here",
        unresolved=last.unresolved,
    )


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
