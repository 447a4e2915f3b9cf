# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many questions at once, each with an answer or an error of its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

from .._oci.errors import ImageOpsError
from .lanes import Lane
from .unexpected import unexpected

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_AHEAD = 256
"""Questions that wait in a lane at once: more than any registry gets, and little to keep."""


def ask(
    questions: Iterable[tuple[Lane, K]], answer: Callable[[K], V], *, action: str, log: Callable[[str], None]
) -> dict[K, V | ImageOpsError]:
    """Have every question answered in its lane; gives what came of each, the error included that it ended with.

    :param questions: what each is about; of a tuple its first part is named in messages
    :param action: what they do, for the message of a fault that nobody expected
    :param log: takes the traceback of such a fault
    """
    lanes: dict[Lane, list[K]] = {}
    for lane, key in questions:
        lanes.setdefault(lane, []).append(key)
    found: dict[K, V | ImageOpsError] = {}
    ended: SimpleQueue[None] = SimpleQueue()

    def outcome(key: K) -> None:
        try:
            found[key] = answer(key)
        except ImageOpsError as fault:
            found[key] = fault
        except Exception as fault:  # noqa: BLE001 - it stops nothing but what needs this answer
            subject = str(key[0] if isinstance(key, tuple) else key)
            found[key] = unexpected(fault, action=action, subject=subject, log=log)

    rows = 0
    for lane, keys in lanes.items():
        row = _Row(lane, iter(keys), outcome, ended)
        for _key in keys[:_AHEAD]:
            lane.start(row)
            rows += 1
    for _row in range(rows):
        ended.get()
    return {key: found[key] for keys in lanes.values() for key in keys}


class _Row(Generic[K]):
    """A job that asks the next question and queues up again; it may stand in its lane many times.

    :param keys: to take one is a single step of the interpreter, so that jobs need no lock for it
    :param ended: told by each job that finds none left
    """

    def __init__(self, lane: Lane, keys: Iterator[K], outcome: Callable[[K], None], ended: SimpleQueue[None]) -> None:
        self._lane = lane
        self._keys = keys
        self._outcome = outcome
        self._ended = ended

    def __call__(self) -> None:
        for key in self._keys:
            self._outcome(key)
            self._lane.start(self)
            return
        self._ended.put(None)
