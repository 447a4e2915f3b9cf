# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one rule by which everything is tried again."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryBudget, RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run, Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, RegistryError

POLICY = RetryPolicy(attempts=3, backoff=0.0, backoff_cap=0.0)


def failure(code: Any = "server_error", *, transient: bool = True, retry_after: float | None = None) -> RegistryError:
    return RegistryError(
        code=code, action="read", subject="x", cause="it is so", transient=transient, retry_after=retry_after
    )


def test_a_passing_failure_is_tried_again_as_often_as_the_policy_says() -> None:
    run = Run(settings=Settings(retry=POLICY))
    error = failure()
    for failures in (1, 2):
        run.try_again(error, failures)
    with pytest.raises(RegistryError) as caught:
        run.try_again(error, 3)
    assert caught.value is error
    assert not error.given_up
    assert run.budget.spent == 2


@pytest.mark.parametrize("error", [failure(transient=False), failure("registry_down")], ids=["lasting", "down"])
def test_what_does_not_pass_is_raised_at_once_and_costs_nothing(error: RegistryError) -> None:
    run = Run(settings=Settings(retry=POLICY))
    with pytest.raises(RegistryError) as caught:
        run.try_again(error, 1)
    assert caught.value is error
    assert run.budget.spent == 0


def test_a_closed_idle_connection_is_tried_once_more_without_a_pause() -> None:
    waits: list[float] = []
    run = Run(
        settings=Settings(retry=replace(POLICY, attempts=1, backoff=1000.0, backoff_cap=1000.0)), stop=Stop(waits)
    )
    run.try_again(failure(), 1, stale=True)
    assert not waits
    with pytest.raises(RegistryError):
        run.try_again(failure(), 2, stale=True)


@pytest.mark.parametrize(("retry_after", "pauses"), [(None, 1), (0.0, 1), (7.0, 0)])
def test_it_pauses_unless_the_server_asked_for_a_wait(retry_after: float | None, pauses: int) -> None:
    waits: list[float] = []
    run = Run(settings=Settings(retry=replace(POLICY, backoff=4.0, backoff_cap=4.0)), stop=Stop(waits))
    run.try_again(failure(retry_after=retry_after), 1)
    assert len(waits) == pauses
    assert all(0 <= wait <= 4.0 for wait in waits)


def test_the_end_of_the_run_ends_the_pause() -> None:
    stop = threading.Event()
    stop.set()
    run = Run(settings=Settings(retry=replace(POLICY, backoff=3600.0, backoff_cap=3600.0)), stop=stop)
    with pytest.raises(ImageOpsError) as caught:
        run.try_again(failure(), 1)
    assert caught.value.code == "interrupted"


def test_without_a_retry_left_the_failure_itself_is_raised() -> None:
    run = Run(settings=Settings(retry=POLICY), budget=RetryBudget(base=2, share=0))
    error = failure()
    with pytest.raises(RegistryError) as caught:
        run.try_again(error, 1, requests=3)
    assert caught.value is error
    assert error.codes == ("server_error", "retry_budget")


def test_pauses_double_up_to_their_ceiling() -> None:
    policy = RetryPolicy(backoff=1.0, backoff_cap=30.0)
    assert [policy.ceiling(tries) for tries in (1, 2, 3, 4, 5, 6, 7, 5000)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert all(0 <= policy.pause(3) <= 4 for _try in range(100))


class Stop(threading.Event):
    """Never set; notes how long it is waited for and waits no time."""

    def __init__(self, waits: list[float]) -> None:
        super().__init__()
        self.waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return False
