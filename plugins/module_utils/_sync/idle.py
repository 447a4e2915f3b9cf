# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over no rules. It has the face of the engine, and needs none of what the engine loads."""

from __future__ import annotations

import time

from .._oci.client.run import Run
from .results.outcome import RunResult
from .results.progress.counters import Progress


class Idle:
    """One run over no rules."""

    def __init__(self, run: Run, progress: Progress) -> None:
        self._run = run
        self._progress = progress
        self._started = time.monotonic()

    def close(self) -> None:
        """Do nothing: nothing was opened."""

    def run(self) -> RunResult:
        """Return the result of nothing."""
        self._progress.enter("plan")
        return self.snapshot()

    def snapshot(self) -> RunResult:
        """Return the result so far."""
        return RunResult(
            images=[],
            changed=False,
            interrupted=self._run.stop.is_set(),
            seconds=time.monotonic() - self._started,
            registries={},
            rereads=[],
            not_taken=[],
        )
