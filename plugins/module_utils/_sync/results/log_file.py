# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log file: where a run begins, a line an image as it happens, and what came of all."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from ..._oci.errors import InputError
from ..decisions import Status
from .message import success_message

if TYPE_CHECKING:
    from .outcome import ImageResult, RunResult
    from .progress.counters import Counts


class LogFile:
    """A file that lines are appended to, each flushed, from any thread.

    :param path: where the file is or shall be; missing directories are made
    :param mask: takes secrets out of a line
    :param warn: told once when the file cannot be written any more; the run goes on without it
    """

    def __init__(self, path: str, *, mask: Callable[[str], str], warn: Callable[[str], None]) -> None:
        self._path = path
        self._mask = mask
        self._warn = warn
        self._lock = threading.Lock()
        self._broken = False
        self._file = _open(path)

    def line(self, text: str) -> None:
        """Write one line with the time (UTC) before it."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self._lock:
            if self._broken:
                return
            try:
                self._file.write(f"{stamp} {' '.join(self._mask(text).split())}\n")
                self._file.flush()
            except OSError as error:
                self._broken = True
                self._warn(f"cannot write the log {self._path} any more: {error.strerror}")

    def image(self, image: ImageResult, counts: Counts) -> None:
        """Write the line of an image that finished, with how many of how many are finished."""
        which = f"{image.source} -> {image.destination}"
        if image.error is not None:
            what = f"failed ({image.error.code}) {which}: {image.error}"
        else:
            what = f"{image.action} {which} ({image.bytes} bytes, {image.seconds:.1f} s)"
        self.line(f"{what}; now {counts.images_processed}/{counts.images_total} images processed")

    def begun(self, rules: int, *, check_mode: bool) -> None:
        """Write the first line: how many rules there are."""
        mode = " in check mode" if check_mode else ""
        self.line(f"synchronization begins{mode}, {rules} {'rule' if rules == 1 else 'rules'}")

    def finished(self, result: RunResult, *, check_mode: bool) -> None:
        """Write the last two lines: the totals, and how many failed and what it cost."""
        self.line(f"totals: {success_message(result, check_mode=check_mode)}")
        failed = sum(image.status == Status.FAILED for image in result.images)
        ended = "out of time" if result.overdue else "interrupted" if result.interrupted else "finished"
        mode = " in check mode" if check_mode else ""
        counts = f"{failed} of {len(result.images)} images failed"
        self.line(f"synchronization {ended}{mode}, {counts}, cost {result.seconds:.1f} s")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock, contextlib.suppress(OSError):
            self._broken = True
            self._file.close()


def _open(path: str) -> TextIO:
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        return open(path, "a", encoding="utf-8")
    except OSError as error:
        raise InputError(
            action="write the log", subject=path, cause=error.strerror or str(error), hint="change log_path"
        ) from None
