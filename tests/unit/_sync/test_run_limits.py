# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs with a bound that changes while they run: in threads (lanes) and on an event loop (slots)."""

from __future__ import annotations

import asyncio
import threading

from ansible_collections.imageops.registry.plugins.module_utils._sync.work.workers import Lane, Slots

PATIENCE = 30.0
"""Seconds after which a test that hangs fails."""


class Limit:
    """A number that tests change."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self) -> int:
        return self.number


class Crowd:
    """Counts who is inside at the same time."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def enter(self) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)

    def leave(self) -> None:
        with self._lock:
            self.inside -= 1


def test_a_lane_runs_as_many_as_allowed_at_once() -> None:
    lane, crowd, meeting = Lane("test", Limit(3)), Crowd(), threading.Barrier(3)

    def job() -> None:
        crowd.enter()
        meeting.wait(PATIENCE)
        crowd.leave()

    jobs = [lane.submit(job) for _job in range(12)]
    for each in jobs:
        each.result(PATIENCE)
    lane.shutdown()
    assert crowd.most == 3


def test_a_lane_takes_fewer_once_fewer_are_allowed() -> None:
    limit, crowd = Limit(4), Crowd()
    lane, meeting = Lane("test", limit), threading.Barrier(5)

    def first() -> None:
        meeting.wait(PATIENCE)

    def later() -> None:
        crowd.enter()
        crowd.leave()

    jobs = [lane.submit(first) for _job in range(4)]
    later_jobs = [lane.submit(later) for _job in range(200)]
    limit.number = 1
    meeting.wait(PATIENCE)
    for each in [*jobs, *later_jobs]:
        each.result(PATIENCE)
    lane.shutdown()
    assert crowd.most == 1


def test_a_lane_takes_more_once_more_are_allowed() -> None:
    limit = Limit(1)
    lane, meeting, begun, go = Lane("more", limit), threading.Barrier(3), threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go.wait(PATIENCE)

    jobs = [lane.submit(first), *(lane.submit(meeting.wait, PATIENCE) for _job in range(3))]
    assert begun.wait(PATIENCE)
    limit.number = 3
    go.set()
    for each in jobs:
        each.result(PATIENCE)  # the three are done only if they ran at the same time
    lane.shutdown()


def test_a_lane_that_was_shut_down_does_what_still_comes() -> None:
    lane = Lane("late", Limit(2))
    lane.submit(int).result(PATIENCE)
    lane.shutdown()
    assert [lane.submit(int, number).result(PATIENCE) for number in range(5)] == [0, 1, 2, 3, 4]


def test_slots_let_in_as_many_as_allowed_in_their_order() -> None:
    limit, entered = Limit(2), []

    async def visit(slots: Slots, number: int, go: asyncio.Event) -> None:
        async with slots:
            entered.append(number)
            await go.wait()

    async def scene() -> list[list[int]]:
        slots, gates = Slots(limit), [asyncio.Event() for _visit in range(8)]
        visits = [asyncio.ensure_future(visit(slots, number, gate)) for number, gate in enumerate(gates)]
        seen = []
        for allowed, leaving in ((2, ()), (2, (0,)), (4, (1,)), (1, (2, 3, 4)), (1, (5,)), (1, (6, 7))):
            limit.number = allowed
            for number in leaving:
                gates[number].set()
            for _turn in range(10):
                await asyncio.sleep(0)
            seen.append(list(entered))
        await asyncio.gather(*visits)
        return seen

    assert asyncio.run(scene()) == [
        [0, 1],
        [0, 1, 2],
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5, 6],
        [0, 1, 2, 3, 4, 5, 6, 7],
    ]


def test_a_visitor_who_gave_up_takes_no_slot() -> None:
    async def scene() -> None:
        slots = Slots(Limit(1))
        async with slots:
            waiting = asyncio.ensure_future(slots.__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.sleep(0)
        await asyncio.wait_for(slots.__aenter__(), PATIENCE)

    asyncio.run(scene())
