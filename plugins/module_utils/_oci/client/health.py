# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a registry answers at all: silence costs seconds, and a slow registry has the whole time-out."""

from __future__ import annotations

import threading
from typing import Callable, TypeVar

from ..errors import OUT_OF_REACH
from ..http.faults import Fault
from ..http.transport import Answer

T = TypeVar("T")

FAILURES = 5
SILENCES = 20
"""Time-outs in a row that count as much as the connections that could not be made."""
FIRST_SILENCES = 2
"""The same for a registry that has never answered: the others must not wait for it."""


class Health:
    """Counts connections that could not be made and time-outs, in a row and over all threads.

    After five of the former, or twenty of the latter, it is down: every request fails at once with the last reason,
    until :meth:`begin_round`; then one request tries while the others wait for what it finds.

    :param first_silences: time-outs after which it is down when it has not answered at all yet
    :ivar has_answered: whether it ever has
    """

    def __init__(self, *, first_silences: int = FIRST_SILENCES) -> None:
        self._first_silences = first_silences
        self._failures = 0.0
        self.has_answered = False
        self._last: Fault | None = None
        self._probing = False
        self._lock = threading.Lock()
        self._probe = threading.Lock()

    def exchange(self, send: Callable[[], T]) -> T:
        """Make one exchange and note how it went; after a new round has begun, one tries and the others wait for it.

        :raises Fault: registry_down, without an exchange; or what send raises
        """
        if self._probing:
            with self._probe:  # held over the exchange: the others wait for what it finds
                if self._probing:
                    try:
                        return self._noted(send)
                    finally:
                        self._probing = False
        if self._failures >= FAILURES and self._last is not None:
            raise _down(self._last)
        return self._noted(send)

    def _noted(self, send: Callable[[], T]) -> T:
        try:
            answer = send()
        except Fault as fault:
            if (fault.connecting or fault.code == "timeout") and not fault.foreign:
                with self._lock:
                    self._failures += self._weight(fault)
                    self._last = fault
            raise
        self.note_answer()
        return answer

    def note_answer(self) -> None:
        """Note that the registry has answered."""
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
    if last.transient:
        fault = Fault(
            "registry_down",
            f"it failed too often in a row, the last time with: {last.cause}",
            hint=OUT_OF_REACH,
            unresolved=last.unresolved,
        )
    else:
        fault = Fault(last.code, last.cause, hint=last.hint, transient=False)
    fault.host = last.host
    return fault


class FirstContact:
    """The first requests to a registry, until it has answered one.

    Each waits for a short while. Then GET /v2/ is sent, which most registries answer at once. Any answer to that says
    that the registry is only slow with what it was asked, and the request is sent again with all the time it may take.

    :param seconds: how long a request waits
    :param longest: the time-out, in seconds: how long GET /v2/ waits
    :param probe: send GET /v2/
    :param note_answer: called when GET /v2/ was answered
    :ivar made: whether the registry has answered
    """

    def __init__(
        self, *, seconds: float, longest: float, probe: Callable[[], object], note_answer: Callable[[], None]
    ) -> None:
        self.made = False
        self._seconds = seconds
        self._longest = longest
        self._probe = probe
        self._note_answer = note_answer

    def exchange(self, send: Callable[[float | None], Answer]) -> Answer:
        """Send a request that may be sent twice.

        :param send: sends it, with the seconds to wait for its answer; None for the usual ones
        :raises Fault: what sending it or GET /v2/ raises
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
            self._probe()
        except Fault as fault:
            if fault.connecting:
                raise
            if fault.code == "timeout":
                raise Fault(
                    "timeout",
                    f"it gave no answer within {self._longest:g} s, not even whether it is there (GET /v2/)",
                    hint="check that the registry runs and can be reached from here",
                ) from fault
            # Any other fault came with bytes from the server.
        self.made = True
        self._note_answer()
