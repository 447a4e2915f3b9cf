# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, in a form that is written as JSON and that table and plot are made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .figures import Ratio, Sample, median, ratio

OURS = "module"


@dataclass
class Entry:
    """One scenario in one world.

    :ivar samples: of each contender, in the order of the rounds
    :ivar failures: why a contender has none
    """

    world: str
    number: int
    title: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def wall(self, name: str) -> float:
        """A contender's median, in seconds."""
        return median([sample.wall for sample in self.samples[name]])

    def cpu(self, name: str) -> float:
        """Likewise its CPU time."""
        return median([sample.cpu for sample in self.samples[name]])

    def memory(self, name: str) -> float:
        """Likewise its memory at the peak, in bytes."""
        return median([sample.memory for sample in self.samples[name]])

    def counts(self, name: str) -> Sample:
        """A sample whose counts stand for all: the last one, when everything was warm."""
        return self.samples[name][-1]

    def against(self, name: str, what: str = "wall") -> Ratio | None:
        """Ours over a contender's in each round; a task's is our task's. None when there is no pair."""
        ours = f"{OURS} as a task" if name.endswith(" as a task") else OURS
        if name == ours or ours not in self.samples or name not in self.samples:
            return None
        return ratio(*([getattr(sample, what) for sample in self.samples[one]] for one in (ours, name)))


@dataclass
class Results:
    """All of a run."""

    machine: dict[str, Any]
    entries: list[Entry] = field(default_factory=list)
    sweep: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Everything, with medians and ratios beside the samples."""
        return {"machine": self.machine, "scenarios": [_entry(entry) for entry in self.entries], "sweep": self.sweep}


def _entry(entry: Entry) -> dict[str, Any]:
    contenders = {}
    for name, samples in entry.samples.items():
        wall, cpu = entry.against(name), entry.against(name, "cpu")
        contenders[name] = {
            "wall": entry.wall(name),
            "cpu": entry.cpu(name),
            "memory": entry.memory(name),
            "wall_ratio": asdict(wall) if wall else None,
            "cpu_ratio": asdict(cpu) if cpu else None,
            "samples": [asdict(sample) for sample in samples],
        }
    return {
        "world": entry.world,
        "scenario": entry.number,
        "title": entry.title,
        "contenders": contenders,
        "failures": entry.failures,
    }
