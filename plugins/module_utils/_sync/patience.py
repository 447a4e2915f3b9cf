# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to go on trying."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass

from .._oci.errors import ImageOpsError


@dataclass(frozen=True)
class Patience:
    """How often a broken read is taken up again, and how long to wait before it.

    :param attempts: reads of one blob at most, the first included
    :param backoff: seconds; the ceiling of the first wait, doubled each time
    :param backoff_cap: seconds; the ceiling of every wait
    :param stop: set when the run is to end; waits end with it
    """

    attempts: int
    backoff: float
    backoff_cap: float
    stop: threading.Event

    def wait(self, failures: int, asked: float | None = None) -> None:
        """Wait before going on after so many failures; what the registry asked for comes first."""
        ceiling = min(self.backoff_cap, self.backoff * 2 ** (failures - 1))
        seconds = asked if asked is not None else random.uniform(0, ceiling)
        if self.stop.wait(seconds):
            raise interrupted("read", "a blob")


def interrupted(action: str, subject: str) -> ImageOpsError:
    """The error of everything that was under way when the run was told to end."""
    return ImageOpsError(
        code="interrupted",
        action=action,
        subject=subject,
        cause="the run was told to end",
    )
