# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that says how far a run is, out of two snapshots of its progress. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_THOUSAND = 1000
_MINUTE = 60
_HOUR = 3600
_VERBS = {"plan": "planning", "copy": "copying", "retry": "trying again", "confirm": "confirming", "prune": "deleting"}
_MOST_WAITS = 3


def line(now: Mapping[str, Any], before: Mapping[str, Any] | None, *, counts_only: bool) -> str:
    """Return one line for people.

    :param now: the last snapshot: phase, images_total, images_done, images_failed, bytes, bytes_total, retries,
        waiting, blob, at (seconds of a monotonic clock)
    :param before: an earlier snapshot, for the speed
    :param counts_only: leave out everything that names a registry or an image
    """
    verb = _VERBS.get(now["phase"], now["phase"] or "beginning")
    done = now["images_done"] + now["images_failed"]
    parts = [f"{verb} {done}/{now['images_total']} images" if now["images_total"] else verb]
    if now["images_failed"]:
        parts.append(f"{now['images_failed']} failed")
    if now["bytes_total"]:
        parts.append(_amount(now["bytes"], now["bytes_total"]))
        parts += _speed(now, before)
    if now["retries"]:
        parts.append(f"{now['retries']} requests repeated")
    text = ", ".join(parts)
    if counts_only:
        return text
    if now.get("blob"):
        blob = now["blob"]
        share = int(100 * blob["done"] / blob["size"]) if blob["size"] else 100
        text += f"; {blob['digest'][:19]} of {size(blob['size'])}: {share} %"
    if now["waiting"]:
        text += f"; waiting for {_some(now['waiting'])}"
    return text


def size(amount: float) -> str:
    """Return a number of bytes for people, in powers of 1000."""
    for unit in _UNITS:
        if amount < _THOUSAND or unit == _UNITS[-1]:
            break
        amount /= _THOUSAND
    return f"{amount:.0f} {unit}" if unit == _UNITS[0] else f"{amount:.1f} {unit}"


def _amount(done: int, total: int) -> str:
    """Return ``1.2 of 8.4 GB``, with one unit where both have the same."""
    first, second = size(done), size(total)
    number, unit = first.split(" ")
    return f"{number if second.endswith(f' {unit}') else first} of {second}"


def _speed(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> Sequence[str]:
    if before is None or now["at"] <= before["at"] or now["bytes"] <= before["bytes"]:
        return []
    rate = (now["bytes"] - before["bytes"]) / (now["at"] - before["at"])
    left = (now["bytes_total"] - now["bytes"]) / rate
    return [f"{size(rate)}/s", f"about {_time(left)} left"] if left > 0 else [f"{size(rate)}/s"]


def _time(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    return f"{seconds / _HOUR:.1f} h"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_WAITS
    return ", ".join(names[:_MOST_WAITS]) + (f" and {more} more" if more > 0 else "")
