# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server processes: started in a process group of their own, waited for by condition, ended for certain."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Callable, TypeVar

T = TypeVar("T")

# A busy machine takes its time; only a server that does not come up at all is waited for so long.
START_SECONDS = 120.0
STOP_SECONDS = 5.0


class ServerFailed(Exception):
    """A server did not come up, or ended by itself; the message holds the end of its log."""


def wait_until(condition: Callable[[], T | None], what: str, seconds: float = START_SECONDS) -> T:
    """Ask again and again until the condition gives something true, and give that.

    :param what: said when the time is over
    :param seconds: the longest wait
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s there was still no {what}")
        time.sleep(0.002)


class ServerProcess:
    """One server. A context manager: entering starts it, leaving ends it and all that it started.

    Its output goes to ``<name>.out`` and ``<name>.err`` in the directory. It also ends when the thread that started it
    ends in any way, a ``kill -9`` of the test run included; so start servers from a thread that outlives them.
    """

    def __init__(
        self, name: str, argv: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.directory = directory
        self.environment = environment
        self.out = directory / f"{name}.out"
        self.err = directory / f"{name}.err"
        self.stop_seconds = STOP_SECONDS
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which(self.argv[0])
        if program is None:
            raise ServerFailed(f"{self.argv[0]} is not installed; tests/requirements lists what the tests need")
        argv = [program, *self.argv[1:]]
        setpriv = shutil.which("setpriv")
        if setpriv:
            argv = [setpriv, "--pdeathsig", "KILL", *argv]
        with open(self.out, "ab") as out, open(self.err, "ab") as err:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.directory,
                env=None if self.environment is None else {**os.environ, **self.environment},
                start_new_session=True,
            )
        if setpriv:
            # Only behind setpriv is it sure to end with us.
            wait_until(lambda: not self._is(setpriv), f"start of {self.name}")

    def _is(self, program: str) -> bool:
        try:
            return os.path.samefile(f"/proc/{self.pid}/exe", program)
        except OSError:
            return False  # it has ended already, which wait_for() finds out

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerFailed(f"{self.name} is not running")
        return self._process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log_size(self) -> int:
        """How long the error log is now: where to look from for what a fresh start writes."""
        return self.err.stat().st_size if self.err.exists() else 0

    def wait_for(self, pattern: str, *, log: Path | None = None, start: int = 0) -> re.Match[str]:
        """Wait until the error log (or another file) has a match for the pattern after a byte offset."""
        path = log or self.err
        wanted = re.compile(pattern)

        def look() -> re.Match[str] | None:
            alive = self.running()
            found = wanted.search(path.read_bytes()[start:].decode("utf-8", "replace")) if path.exists() else None
            if found is None and not alive:
                raise ServerFailed(f"{self.name} ended by itself: {self.tail()}")
            return found

        try:
            return wait_until(look, f"{pattern!r} in the log of {self.name}")
        except TimeoutError as error:
            raise ServerFailed(f"{error}: {self.tail()}") from error

    def tail(self, length: int = 2000) -> str:
        """The end of what the server wrote."""
        parts = [
            path.read_bytes()[-length:].decode("utf-8", "replace") for path in (self.err, self.out) if path.exists()
        ]
        return "\n".join(parts)

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing moves."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        process = self._process
        if process is None:
            return
        self._signal(signal.SIGKILL)
        process.wait()
        self._process = None

    def stop(self) -> None:
        """End it: politely, then for certain. Twice is harmless."""
        process = self._process
        if process is None:
            return
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(self.stop_seconds)
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def __enter__(self) -> ServerProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
