# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that a signal ends: the work is told, what it gave is kept, and the process does not hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.work.interrupt import (
    SIGNALS,
    Ended,
    run_interruptibly,
)

STUBBORN = """
import sys, threading
sys.path[:0] = {path!r}
from ansible_collections.imageops.registry.plugins.module_utils._sync.work import interrupt

def work():
    threading.Thread(target=threading.Event().wait, daemon=False).start()  # holds the interpreter's end up
    print("begun", flush=True)
    threading.Event().wait()

ended = interrupt.run_interruptibly(work, interrupt=lambda: None, grace=0.1)
interrupt.leave_soon(0.2)
print(ended.signal, flush=True)
"""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put the test runner's own signal handlers back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_gives_what_the_work_gives_and_restores_the_handlers() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert run_interruptibly(lambda: 7, interrupt=lambda: None) == Ended(7, "")
    assert signal.getsignal(signal.SIGTERM) is before


def test_raises_what_the_work_raises() -> None:
    def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        run_interruptibly(work, interrupt=lambda: None)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_the_work_whose_result_is_kept(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    stop = threading.Event()

    def work() -> str:
        os.kill(os.getpid(), number)
        stop.wait()
        return "half"

    assert run_interruptibly(work, interrupt=stop.set, grace=30) == Ended("half", signal.Signals(number).name)


def test_work_ends_when_its_time_is_up() -> None:
    stop = threading.Event()

    def work() -> str:
        stop.wait()
        return "half"

    ended = run_interruptibly(work, interrupt=stop.set, limit=0.01, grace=30)
    assert ended == Ended("half", signal="", overdue=True)


def test_work_that_is_quick_enough_is_whole() -> None:
    assert run_interruptibly(lambda: "whole", interrupt=lambda: None, limit=600) == Ended("whole")


def test_work_that_does_not_end_is_left_behind() -> None:
    never = threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        never.wait()

    assert run_interruptibly(work, interrupt=lambda: None, grace=0.01) == Ended(None, "SIGTERM")
    never.set()


def test_a_second_signal_does_no_harm() -> None:
    stop = threading.Event()

    def work() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        stop.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        return "whole"

    assert run_interruptibly(work, interrupt=stop.set, grace=30).value == "whole"


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def work() -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        return "whole"

    assert run_interruptibly(work, interrupt=lambda: None) == Ended("whole", "")
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_the_process_ends_although_a_thread_holds_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN.format(path=sys.path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "SIGTERM\n"
        assert process.wait(timeout=60) == -signal.SIGALRM
