# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as tables of text, which are Markdown as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .goals import judged
from .results import Entry, Results
from .worlds import WORLDS

_HEAD = (
    "who",
    "wall s",
    "CPU s",
    "memory MB",
    "requests",
    "read MB",
    "written MB",
    "ours / it",
    "CPU, ours / it",
)


def tables(results: Results) -> str:
    """Everything, scenario by scenario."""
    parts = [_scenario(entry) for entry in results.entries]
    if results.sweep:
        parts.append("### How cost grows\n\n" + _layout(list(_sweep(results))))
    return "\n\n".join(parts)


def scenario(entry: Entry) -> str:
    """One scenario."""
    return _scenario(entry)


def _scenario(entry: Entry) -> str:
    rows = [_HEAD, *(_row(entry, name) for name in entry.samples)]
    lines = [f"### {entry.number}. {entry.title}: {WORLDS[entry.world]}", "", _layout(rows)]
    lines += ["", *(f"{name} failed: {reason.splitlines()[0]}" for name, reason in entry.failures.items())]
    lines += [f"- {line}" for line in judged(entry)]
    return "\n".join(lines).rstrip()


def _row(entry: Entry, name: str) -> tuple[str, ...]:
    counts = entry.counts(name)
    requests = " + ".join(str(counts.total(side)) for side in counts.requests)
    return (
        name,
        f"{entry.wall(name):.2f}",
        f"{entry.cpu(name):.2f}",
        f"{entry.memory(name) / 1e6:.0f}",
        requests,
        f"{counts.read / 1e6:.1f}",
        f"{counts.written / 1e6:.1f}",
        str(entry.against(name) or ""),
        str(entry.against(name, "cpu") or ""),
    )


def _sweep(results: Results) -> Iterator[tuple[str, ...]]:
    yield ("what", "amount", "wall s", "CPU s", "memory MB", "CPU a unit")
    for row in results.sweep:
        yield (
            row["what"],
            f"{row['amount']:,}",
            f"{row['wall']:.2f}",
            f"{row['cpu']:.2f}",
            f"{row['memory'] / 1e6:.0f}",
            f"{row['cpu'] / row['amount'] * 1e3:.2f} ms",
        )


def _layout(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
