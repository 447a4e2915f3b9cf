# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A state before and after, and how long to wait until the after is true."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Generic, TypeVar

from .faults import ApiError

T = TypeVar("T")


@dataclass(frozen=True)
class Change(Generic[T]):
    """What something was and what it is now; None is "not there". In check mode, what it would be."""

    before: T | None
    after: T | None

    @property
    def changed(self) -> bool:
        """Whether anything was, or would be, written."""
        return self.before != self.after


@dataclass(frozen=True)
class Wait:
    """How changes that take their time are waited for.

    :param enabled: when False, a change is done once the API has accepted it
    :param timeout: seconds until waiting ends with ``acr_wait_timeout``
    :param interval: seconds between two looks
    """

    enabled: bool = True
    timeout: float = 600.0
    interval: float = 3.0
    pause: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def until(self, look: Callable[[], T | None], *, action: str, subject: str, lacking: str) -> T:
        """Look until there is something to see, and give that.

        :param lacking: what is not so yet, for the message
        :raises ApiError: ``acr_wait_timeout``
        """
        end = self.monotonic() + self.timeout
        while True:
            seen = look()
            if seen is not None:
                return seen
            if self.monotonic() >= end:
                raise ApiError(
                    code="acr_wait_timeout",
                    action=action,
                    subject=subject,
                    cause=f"after {self.timeout:g} seconds {lacking}",
                    hint="run it again, or raise wait_timeout",
                    transient=True,
                )
            self.pause(self.interval)
