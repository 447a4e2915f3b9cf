# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a registry gets at once: half as much when it has enough, then one more with as many successes."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.limits import AdaptiveLimit


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_begins_at_the_most_and_stays_there(clock: Clock) -> None:
    limit = AdaptiveLimit(10, clock)
    for _answer in range(100):
        limit.succeeded()
    assert limit() == 10


def test_halves_at_most_once_a_second_and_never_below_one(clock: Clock) -> None:
    limit = AdaptiveLimit(10, clock)
    seen = []
    for _time in range(12):
        clock.now += 0.5
        limit.refused()
        seen.append(limit())
    assert seen == [5, 5, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]


def test_grows_by_one_with_as_many_successes_as_are_under_way(clock: Clock) -> None:
    limit = AdaptiveLimit(10, clock)
    limit.refused()
    grown = []
    for _answer in range(5 + 6 + 7 + 8 + 9 + 10):
        limit.succeeded()
        grown.append(limit())
    assert [grown.index(number) for number in (6, 7, 8, 9)] == pytest.approx([4, 10, 17, 25], abs=1)
    assert grown[-1] == 10
    assert all(later - earlier in (0, 1) for earlier, later in zip(grown, grown[1:]))


@pytest.mark.parametrize("most", [1, 2, 3])
def test_few_stay_few(most: int, clock: Clock) -> None:
    limit = AdaptiveLimit(most, clock)
    limit.refused()
    assert limit() == 1
    for _answer in range(10):
        limit.succeeded()
    assert limit() == most
