# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs with a limit that changes while they run: on threads, and on an event loop."""

from __future__ import annotations

import asyncio
import threading

from ansible_collections.imageops.registry.plugins.module_utils._sync.work.event_loop import ConcurrencyLimit
from ansible_collections.imageops.registry.plugins.module_utils._sync.work.workers import WorkerQueue

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


def test_a_queue_runs_as_many_as_allowed_at_once() -> None:
    queue, crowd, meeting = WorkerQueue("test", Limit(3)), Crowd(), threading.Barrier(3)

    def job() -> None:
        crowd.enter()
        meeting.wait(PATIENCE)
        crowd.leave()

    jobs = [queue.submit(job) for _job in range(12)]
    for each in jobs:
        each.result(PATIENCE)
    queue.shutdown()
    assert crowd.most == 3


def test_a_queue_takes_fewer_once_fewer_are_allowed() -> None:
    limit, crowd = Limit(4), Crowd()
    queue, meeting = WorkerQueue("test", limit), threading.Barrier(5)

    def first() -> None:
        meeting.wait(PATIENCE)

    def later() -> None:
        crowd.enter()
        crowd.leave()

    jobs = [queue.submit(first) for _job in range(4)]
    later_jobs = [queue.submit(later) for _job in range(200)]
    limit.number = 1
    meeting.wait(PATIENCE)
    for each in [*jobs, *later_jobs]:
        each.result(PATIENCE)
    queue.shutdown()
    assert crowd.most == 1


def test_a_queue_takes_more_once_more_are_allowed() -> None:
    limit = Limit(1)
    queue, meeting, begun, go = WorkerQueue("more", limit), threading.Barrier(3), threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go.wait(PATIENCE)

    jobs = [queue.submit(first), *(queue.submit(meeting.wait, PATIENCE) for _job in range(3))]
    assert begun.wait(PATIENCE)
    limit.number = 3
    go.set()
    for each in jobs:
        each.result(PATIENCE)  # the three are done only if they ran at the same time
    queue.shutdown()


def test_a_queue_that_was_shut_down_does_what_still_comes() -> None:
    queue = WorkerQueue("late", Limit(2))
    queue.submit(int).result(PATIENCE)
    queue.shutdown()
    assert [queue.submit(int, number).result(PATIENCE) for number in range(5)] == [0, 1, 2, 3, 4]


def test_a_limit_lets_in_as_many_as_allowed_in_their_order() -> None:
    limit, entered = Limit(2), []

    async def visit(bound: ConcurrencyLimit, number: int, go: asyncio.Event) -> None:
        async with bound:
            entered.append(number)
            await go.wait()

    async def scene() -> list[list[int]]:
        bound, gates = ConcurrencyLimit(limit), [asyncio.Event() for _visit in range(8)]
        visits = [asyncio.ensure_future(visit(bound, number, gate)) for number, gate in enumerate(gates)]
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


def test_a_task_takes_several_places_at_once_and_is_not_overtaken() -> None:
    limit, inside = Limit(4), []

    async def visit(bound: ConcurrencyLimit, places: int, go: asyncio.Event) -> None:
        taken = await bound.enter(places)
        inside.append((places, taken))
        await go.wait()
        bound.leave(taken)

    async def scene() -> list[list[tuple[int, int]]]:
        bound, gates = ConcurrencyLimit(limit), [asyncio.Event() for _visit in range(5)]
        visits = [asyncio.ensure_future(visit(bound, *each)) for each in zip((2, 1, 3, 1, 9), gates)]
        seen = []
        for leaving in (None, 1, 0, 2, 3):
            if leaving is not None:
                gates[leaving].set()
            for _turn in range(10):
                await asyncio.sleep(0)
            seen.append(list(inside))
        gates[4].set()
        await asyncio.gather(*visits)
        return seen

    first, then = [(2, 2), (1, 1)], [(3, 3), (1, 1)]
    assert asyncio.run(scene()) == [first, first, first + then, first + then, first + then + [(9, 4)]]


def test_a_task_that_was_cancelled_is_not_let_in() -> None:
    async def scene() -> None:
        bound = ConcurrencyLimit(Limit(1))
        async with bound:
            waiting = asyncio.ensure_future(bound.__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.sleep(0)
        await asyncio.wait_for(bound.__aenter__(), PATIENCE)

    asyncio.run(scene())
