# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A push that is refused for a right that was given a moment ago: tried again a few times, once for a registry."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.call import Purpose
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.settling import PAUSES, Settling
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError

PUSH = Purpose("upload", "registry.example.com/team/app", "registry.example.com", write=True)


class Clock(threading.Event):
    """An end of the run whose waits take no time and are noted."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return self.is_set()


def test_three_tries_more_for_the_whole_registry() -> None:
    clock = Clock()
    settling = Settling(60.0, Run(stop=clock))
    assert [settling.pause(settling.pauses, PUSH) for _ in range(4)] == [True, True, True, False]
    assert clock.waits == list(PAUSES)
    assert settling.is_over


def test_who_was_refused_meanwhile_does_not_wait_once_more() -> None:
    clock = Clock()
    settling = Settling(60.0, Run(stop=clock))
    seen = settling.pauses
    assert settling.pause(seen, PUSH)
    assert settling.pause(seen, PUSH)
    assert clock.waits == [5.0]


@pytest.mark.parametrize(("seconds", "pauses"), [(0.0, 0), (4.0, 0), (6.0, 1), (11.0, 2)])
def test_no_pause_ends_after_the_time_that_is_given(seconds: float, pauses: int) -> None:
    clock = Clock()
    settling = Settling(seconds, Run(stop=clock))
    while settling.pause(settling.pauses, PUSH):
        pass
    assert clock.waits == list(PAUSES[:pauses])


def test_the_end_of_the_run_ends_the_wait() -> None:
    clock = Clock()
    clock.set()
    with pytest.raises(RegistryError) as caught:
        Settling(60.0, Run(stop=clock)).pause(0, PUSH)
    assert caught.value.code == "interrupted"
