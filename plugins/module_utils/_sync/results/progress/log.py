# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of progress in the log file of a run, from begin to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from .lines import ProgressLines

_LOOK = 1.0
"""Seconds between two looks at the progress."""


class ProgressLog:
    """Writes lines of progress as long as it is entered.

    :param interval: seconds between two lines; 0 for no lines
    :param snapshot: gives the progress, as :class:`ProgressLines` takes it
    :param write: writes a line; must not raise
    """

    def __init__(
        self, interval: float, snapshot: Callable[[], Mapping[str, Any]], write: Callable[[str], object]
    ) -> None:
        self._interval = interval
        self._snapshot = snapshot
        self._write = write
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log of progress", daemon=True)

    def __enter__(self) -> ProgressLog:
        if self._interval:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._interval:
            self._thread.join()

    def _run(self) -> None:
        lines = ProgressLines(self._interval, counts_only=False, begin=time.monotonic())
        while not self._ended.wait(min(_LOOK, self._interval)):
            for text in lines.due(self._snapshot(), time.monotonic()):
                self._write(text)
