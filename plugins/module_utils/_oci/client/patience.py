# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to go on trying."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ImageOpsError
from ..http.faults import Fault
from .retry import RetryBudget


@dataclass(frozen=True)
class Patience:
    """How often a broken read is taken up again, and how long to wait before it.

    :param attempts: reads of one blob at most, the first included
    :param backoff: seconds; the ceiling of the first wait, doubled each time
    :param backoff_cap: seconds; the ceiling of every wait
    :param stop: set when the run is to end; waits end with it
    :param budget: what all retries of the run have together
    :param log: told of every read that is taken up again
    """

    attempts: int
    backoff: float
    backoff_cap: float
    stop: threading.Event
    budget: RetryBudget
    log: Callable[[str], None]

    def again(self, fault: ImageOpsError, failures: int) -> None:
        """Wait and return when a read that failed so often can be taken up again.

        What the registry asked for comes first: its client lets nobody ask for more than anyone should wait. A
        connection that had been closed before is no reason to wait.

        :raises ImageOpsError: the fault when it stays, ``retry_budget``, or ``interrupted``
        """
        if not fault.transient or fault.code == "registry_down" or failures >= self.attempts:
            raise fault
        self.budget.spend(action=fault.action, subject=fault.subject, last=fault.cause)
        if isinstance(fault.__cause__, Fault) and fault.__cause__.stale:
            return
        self.log(f"again ({failures}/{self.attempts - 1}): {fault}")
        ceiling = min(self.backoff_cap, self.backoff * 2.0 ** (failures - 1))
        asked = getattr(fault, "retry_after", None)
        if self.stop.wait(random.uniform(0, ceiling) if asked is None else asked):
            raise interrupted(fault.action, fault.subject)


def interrupted(action: str, subject: str) -> ImageOpsError:
    """The error of everything that was under way when the run was told to end."""
    return ImageOpsError(
        code="interrupted",
        action=action,
        subject=subject,
        cause="the run was told to end",
    )
