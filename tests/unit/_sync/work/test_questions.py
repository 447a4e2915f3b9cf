# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many questions at once: each has its answer or its own error, however many there are."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.work.workers import WorkerQueue, ask_all


def answered(number: int) -> int:
    if number % 7 == 3:
        raise InputError(subject=str(number), cause="it is refused")
    if number == 5:
        raise ZeroDivisionError("nobody foresaw this")
    return number * number


@pytest.mark.parametrize("count", [0, 1, 10, 1000])
@pytest.mark.parametrize("shut", [False, True])
def test_every_question_has_its_outcome(count: int, shut: bool) -> None:
    log: list[str] = []
    queues = [WorkerQueue("even", lambda: 3), WorkerQueue("odd", lambda: 1)]
    if shut:
        for queue in queues:
            queue.shutdown()

    found = ask_all(
        ((queues[number % 2], number) for number in range(count)), answered, action="square", log=log.append
    )

    assert sorted(found) == list(range(count))
    for number, outcome in found.items():
        if isinstance(outcome, ImageOpsError):
            expected = "unexpected" if number == 5 else "invalid_input"
            assert (outcome.code, number % 7 == 3 or number == 5) == (expected, True)
        else:
            assert outcome == number * number
    assert len(log) == (count > 5)
    assert all("ZeroDivisionError: nobody foresaw this" in text for text in log)
    for queue in queues:
        queue.shutdown()


def test_outcomes_come_in_the_order_of_the_questions() -> None:
    queue = WorkerQueue("one", lambda: 4)
    found = ask_all(((queue, word) for word in ("c", "a", "b")), str.upper, action="shout", log=print)
    queue.shutdown()
    assert list(found.items()) == [("c", "C"), ("a", "A"), ("b", "B")]
