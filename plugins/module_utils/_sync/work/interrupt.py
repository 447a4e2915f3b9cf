# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long piece of work that a signal, or the end of its time, can end at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from .workers import WorkerQueue

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

LEASE = "the end of its lease"
"""What interrupted work that nothing waits for any more."""

_POLL = 0.1
_LAST_CALL = 0.8


@dataclass(frozen=True)
class Ended(Generic[T]):
    """How the work ended.

    :param value: what it gave; None when it was interrupted and gave nothing in time
    :param signal: the name of the signal that interrupted it, such as ``SIGTERM``, or the words for a lost lease; empty
        when neither did
    :param overdue: its time was up, and it was interrupted for that
    """

    value: T | None
    signal: str = ""
    overdue: bool = False


def run_interruptibly(
    call: Callable[[], T],
    *,
    interrupt: Callable[[], None],
    limit: float | None = None,
    lease_is_lost: Callable[[], bool] = lambda: False,
    grace: float = 1.0,
) -> Ended[T]:
    """Run ``call`` in a thread while the main thread listens for INT, TERM and HUP.

    A signal that the process was started to ignore, as ``nohup`` does, stays ignored. After a signal, when ``limit``
    seconds are over, or when ``lease_is_lost`` says so, ``interrupt`` is called, once and in a thread of its own since
    it may block, and the work has ``grace`` seconds to end; further signals do nothing, so that what was reached can
    still be reported. Must be called in the main thread. Raises what ``call`` raises unless it was interrupted first.
    """
    received: list[int] = []
    previous = {
        number: signal.signal(number, lambda got, _frame: received.append(got))
        for number in SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    until = float("inf") if limit is None else time.monotonic() + limit
    work = WorkerQueue("work", lambda: 1).submit(call)
    overdue = lost = False
    while not (received or overdue or lost or wait([work], timeout=_POLL).done):
        overdue = time.monotonic() >= until
        lost = lease_is_lost()
    if received or overdue or lost:
        threading.Thread(target=interrupt, name="interrupt", daemon=True).start()
        wait([work], timeout=grace)
        value = work.result() if work.done() and work.exception() is None else None
        return Ended(value, signal.Signals(received[0]).name if received else LEASE if lost else "", overdue)
    for number, handler in previous.items():
        signal.signal(number, handler)
    return Ended(work.result())


def leave_soon(seconds: float = _LAST_CALL) -> None:
    """End this process after so many seconds at the latest, even when something delays its ordinary end.

    The interpreter waits at its end for threads that are no daemons, and those may wait for a socket.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
