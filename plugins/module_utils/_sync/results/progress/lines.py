# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that say how far a run is, out of snapshots of its progress: for a terminal, and for the log. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..amounts import size

_MINUTE = 60
_HOUR = 3600
_VERBS = {"plan": "planning", "copy": "copying", "retry": "trying again", "confirm": "confirming", "prune": "deleting"}
_COPYING = ("copy", "retry")
_MOST_WAITS = 3
_LARGE = 10_000_000
"""Bytes from which a blob under way has a percentage of its own."""

Snapshot = Mapping[str, Any]
"""``Progress.view()`` as JSON takes it, with ``retries`` (repeated requests) and ``check_mode``."""


class ProgressLines:
    """Decides which lines are due, when a snapshot of a run is looked at from time to time.

    :param interval: seconds between two lines; 0 for no lines
    :param counts_only: leave out everything that names a registry or an image
    :param begin: the clock's seconds now
    """

    def __init__(self, interval: float, *, counts_only: bool, begin: float) -> None:
        self._interval = interval
        self._counts_only = counts_only
        self._shown = begin
        self._before: Snapshot | None = None
        self._said_what_to_do = False

    def due(self, now: Snapshot, clock: float) -> list[str]:
        """Return the lines that are due.

        :param clock: the clock's seconds now
        """
        if not self._interval:
            return []
        is_time = clock - self._shown >= self._interval
        lines = []
        if not self._said_what_to_do and (_all_read(now) or (is_time and now["phase"] in _COPYING)):
            self._said_what_to_do = True
            lines.append(to_do(now))
        if is_time:
            lines.append(line(now, self._before, counts_only=self._counts_only))
            self._shown, self._before = clock, now
        return lines


def to_do(now: Snapshot) -> str:
    """Return the line that says what there is to copy."""
    what = f"to copy: {now['images_to_copy']} of {now['images_total']} images"
    if not now["bytes_total"]:
        return what
    return f"{what}, {_at_least(now)}{size(max(now['bytes_total'], now['bytes']))}"


def line(now: Snapshot, before: Snapshot | None, *, counts_only: bool) -> str:
    """Return one line that says how far the run is.

    :param before: an earlier snapshot, for the speed
    :param counts_only: leave out everything that names a registry or an image
    """
    verb = "checking" if now["check_mode"] and now["phase"] == "copy" else _VERBS.get(now["phase"], now["phase"])
    verb = verb or "beginning"
    done = now["images_done"] + now["images_failed"]
    parts = [f"{verb} {done}/{now['images_total']} images" if now["images_total"] else verb]
    if now["images_failed"]:
        parts.append(f"{now['images_failed']} failed")
    if now["bytes_total"] and now["check_mode"]:
        parts.append(f"{_at_least(now)}{size(now['bytes_total'])} would be written")
    elif now["bytes_total"]:
        parts += [_amount(now), *_speed(now, before)]
    if now["retries"]:
        parts.append(f"{now['retries']} requests repeated")
    text = ", ".join(parts)
    if counts_only:
        return text
    blob = now["blob"]
    if blob and blob["size"] >= _LARGE:
        text += f"; {blob['digest'][:19]} of {size(blob['size'])}: {min(100, 100 * blob['done'] // blob['size'])} %"
    if now["waiting"]:
        text += f"; waiting for {_some(now['waiting'])}"
    return text


def _all_read(now: Snapshot) -> bool:
    """Return whether the sizes of all images that are to be copied are known."""
    return bool(0 < now["images_to_copy"] <= now["images_read"])


def _at_least(now: Snapshot) -> str:
    return "" if _all_read(now) else "at least "


def _amount(now: Snapshot) -> str:
    """Return ``1.2 of 8.4 GB``, with one unit where both have the same."""
    first, second = size(now["bytes"]), size(max(now["bytes_total"], now["bytes"]))
    number, unit = first.split(" ")
    return f"{number if second.endswith(f' {unit}') else first} of {_at_least(now)}{second}"


def _speed(now: Snapshot, before: Snapshot | None) -> Sequence[str]:
    if before is None or now["at"] <= before["at"] or now["bytes"] <= before["bytes"]:
        return []
    rate = (now["bytes"] - before["bytes"]) / (now["at"] - before["at"])
    left = (now["bytes_total"] - now["bytes"]) / rate
    return [f"{size(rate)}/s", f"{_at_least(now) or 'about '}{_time(left)} left"] if left > 0 else [f"{size(rate)}/s"]


def _time(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    return f"{seconds / _HOUR:.1f} h"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_WAITS
    return ", ".join(names[:_MOST_WAITS]) + (f" and {more} more" if more > 0 else "")
