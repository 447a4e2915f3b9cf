# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples → medians, and ratios pair by pair."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDEST = 0.2
"""The spread of a ratio, between its quartiles and relative to its median, up to which it says something."""


@dataclass(frozen=True)
class Sample:
    """One run of one contender.

    :ivar wall: seconds, likewise cpu
    :ivar memory: bytes at the peak
    :ivar requests: at each side, by method and kind
    :ivar read: bytes of blobs that the source gave
    :ivar written: bytes of blobs that the destinations took
    """

    wall: float
    cpu: float
    memory: int
    requests: dict[str, dict[str, int]] = field(default_factory=dict)
    read: int = 0
    written: int = 0

    def total(self, side: str) -> int:
        """All requests at one side."""
        return sum(self.requests.get(side, {}).values())


@dataclass(frozen=True)
class Ratio:
    """One contender's figure over another's, run in the same round."""

    median: float
    low: float
    high: float

    @property
    def is_measurable(self) -> bool:
        """Whether the quartiles are close enough."""
        return (self.high - self.low) <= WIDEST * self.median

    def __str__(self) -> str:
        text = f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"
        return text if self.is_measurable else f"{text} not measurable"


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """The quartiles of the ratio of each pair."""
    pairs = [one / other for one, other in zip(ours, theirs)]
    if len(pairs) == 1:
        return Ratio(pairs[0], pairs[0], pairs[0])
    low, middle, high = statistics.quantiles(pairs, n=4, method="inclusive")
    return Ratio(middle, low, high)
