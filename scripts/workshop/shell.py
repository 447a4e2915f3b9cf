# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running commands: output to a log, a time limit, and nothing left behind."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, ClassVar

from .places import ROOT

# A program and its arguments.
Argv = Sequence["str | Path"]


class CommandFailed(Exception):
    """A command ended with an error or ran out of time; the log says more."""


class Shell:
    """Runs the commands of one job, one after another, in process groups of their own."""

    _running: ClassVar[set[int]] = set()
    _over = threading.Event()
    _lock = threading.Lock()

    def __init__(self, log: BinaryIO, seconds: float) -> None:
        """Take the log to write to and how many seconds all commands together may take."""
        self._log = log
        self._deadline = time.monotonic() + seconds

    def run(self, argv: Argv, *, env: Mapping[str, str], cwd: Path = ROOT, accept: Sequence[int] = (0,)) -> int:
        """Run a command and give its exit code, which must be one of the accepted ones.

        :raises CommandFailed: otherwise, and when the time is over
        """
        text = shlex.join(map(str, argv))
        self.say(f"$ {text}")
        with self._lock:
            if self._over.is_set():
                raise CommandFailed("interrupted")
            process = subprocess.Popen(
                [str(item) for item in argv],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
            )
            self._running.add(process.pid)
        try:
            code = process.wait(max(0.0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _end_group(process.pid)
            process.wait()
            raise CommandFailed(f"out of time in: {text}") from None
        finally:
            with self._lock:
                self._running.discard(process.pid)
        if code not in accept:
            raise CommandFailed(f"exit code {code} from: {text}")
        return code

    def output(self, argv: Argv, *, env: Mapping[str, str], cwd: Path = ROOT) -> str:
        """Run a quick command that must succeed, and give its standard output; its errors go to the log.

        :raises CommandFailed: when it fails, or when the time is over
        """
        text = shlex.join(map(str, argv))
        self.say(f"$ {text}")
        try:
            return subprocess.run(
                [str(item) for item in argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._log,
                cwd=cwd,
                env=dict(env),
                timeout=max(0.0, self._deadline - time.monotonic()),
                text=True,
                check=True,
            ).stdout
        except subprocess.CalledProcessError as error:
            self.say(error.stdout)
            raise CommandFailed(f"exit code {error.returncode} from: {text}") from None
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"out of time in: {text}") from None

    def say(self, text: str) -> None:
        """Write a line to the log."""
        self._log.write(f"{text}\n".encode())
        self._log.flush()

    @classmethod
    def end_all(cls) -> None:
        """End every command that is running in any job, and start no more."""
        cls._over.set()
        with cls._lock:
            for group in cls._running:
                _end_group(group)


def _end_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
