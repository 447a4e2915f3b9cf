# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on bytes a second: what it makes transfers wait for, by a clock that only their waits move."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.copy.blob_transfers import Bandwidth


class Time:
    """Goes on when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def test_so_many_bytes_take_so_long() -> None:
    time = Time()
    bandwidth = Bandwidth(1000, time.wait, time)
    for size in (500, 1, 4000, 99, 400):
        bandwidth.moved(size)
    assert time.now == pytest.approx(105.0)


def test_time_that_nobody_used_is_not_saved_up() -> None:
    time = Time()
    bandwidth = Bandwidth(1000, time.wait, time)
    time.now += 60
    bandwidth.moved(2000)
    assert time.now == pytest.approx(162.0)


def test_transfers_share_it() -> None:
    waited: list[float] = []
    bandwidth = Bandwidth(1000, waited.append, lambda: 0.0)
    for _transfer in range(3):
        bandwidth.moved(1000)
    assert waited == pytest.approx([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("limit", "concurrency", "useful"),
    [(16 * 1024, 10, 1), (128 * 1024, 10, 2), (10_000_000, 10, 10), (10_000_000, 1, 1)],
)
def test_slow_lines_carry_few_transfers_at_once(limit: int, concurrency: int, useful: int) -> None:
    assert Bandwidth(limit, lambda seconds: None).useful(concurrency) == useful
