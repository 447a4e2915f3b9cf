# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long piece of work that a signal can end at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_POLL = 0.1
_LAST_CALL = 0.8


@dataclass(frozen=True)
class Ended(Generic[T]):
    """How the work ended.

    :param value: what it gave; None when it was interrupted and gave nothing in time
    :param signal: the name of the signal that interrupted it, such as ``SIGTERM``; empty when none did
    """

    value: T | None
    signal: str = ""


class _Work(Generic[T]):
    """One call in a daemon thread, with its outcome."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self.finished = threading.Event()
        self.value: T | None = None
        self.fault: BaseException | None = None
        threading.Thread(target=self._run, name="work", daemon=True).start()

    def _run(self) -> None:
        try:
            self.value = self._call()
        except BaseException as fault:  # handed to the main thread, which raises it
            self.fault = fault
        finally:
            self.finished.set()


def run_interruptibly(call: Callable[[], T], *, interrupt: Callable[[], None], grace: float = 1.0) -> Ended[T]:
    """Run ``call`` in a thread while the main thread listens for INT, TERM and HUP.

    A signal that the process was started to ignore, as ``nohup`` does, stays ignored. After a signal ``interrupt`` is
    called, once and in a thread of its own since it may block, and the work has ``grace`` seconds to end; further signals
    do nothing, so that what was reached can still be reported. Must be called in the main thread. Raises what ``call``
    raises unless a signal came first.
    """
    received: list[int] = []
    previous = {
        number: signal.signal(number, lambda got, _frame: received.append(got))
        for number in SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    work = _Work(call)
    while not received and not work.finished.wait(_POLL):
        pass
    if received:
        threading.Thread(target=interrupt, name="interrupt", daemon=True).start()
        work.finished.wait(grace)
        return Ended(work.value, signal.Signals(received[0]).name)
    for number, handler in previous.items():
        signal.signal(number, handler)
    if work.fault is not None:
        raise work.fault
    return Ended(work.value)


def leave_soon(seconds: float = _LAST_CALL) -> None:
    """Make sure that this process is gone after so many seconds, even when something holds its ordinary end up.

    The interpreter waits at its end for threads that are no daemons, and those may wait for a socket.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
