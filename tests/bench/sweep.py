# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How cost grows with the number of tags and with bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .figures import median
from .ours import Module
from .rounds import Say, course
from .scenarios import MEGABYTE, SCENARIOS, Size
from .worlds import World

TAGS = (100, 1_000, 10_000)
MEGABYTES = (10, 100, 1_000)
_TIMES = 3


def sweep(size: Size, world: World, scratch: Path, say: Say) -> Iterator[dict[str, Any]]:
    """A row for each amount: medians of a few runs of the module."""
    for amount in TAGS:
        yield _measure("tags, nothing to do", 4, amount, replace(size, tags=amount), world, scratch, say)
    for amount in MEGABYTES:
        yield _measure("MB in one layer", 1, amount, replace(size, layer=amount * MEGABYTE), world, scratch, say)


def _measure(what: str, number: int, amount: int, size: Size, world: World, scratch: Path, say: Say) -> dict[str, Any]:
    directory = scratch / f"sweep-{number}-{amount}"
    directory.mkdir()
    with course(SCENARIOS[number], size, world, directory, say) as made:
        samples = [made.run(Module()) for _time in range(_TIMES)]
    return {
        "what": what,
        "amount": amount,
        "wall": median([sample.wall for sample in samples]),
        "cpu": median([sample.cpu for sample in samples]),
        "memory": median([sample.memory for sample in samples]),
    }
