# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as a plot: for each scenario a bar a contender, as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .results import OURS, Entry, Results
from .worlds import PLAIN

_WIDTH, _LEFT, _RIGHT = 760, 110, 90
_BAR, _GAP, _HEAD = 15, 5, 26
_COLOURS = {OURS: "#2563eb", "replay": "#94a3b8"}
_OTHER = "#d97706"


def svg(results: Results) -> str:
    """The medians of the near world; each scenario has its own scale."""
    parts: list[str] = []
    y = 10.0
    for entry in results.entries:
        if entry.world == PLAIN:
            parts.extend(_group(entry, y))
            y += _HEAD + len(_shown(entry)) * (_BAR + _GAP) + 10
    style = "font-family:system-ui,sans-serif;font-size:12px"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y:.0f}" width="{_WIDTH}" style="{style}">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _shown(entry: Entry) -> list[str]:
    return [name for name in entry.samples if not name.endswith(" as a task")]


def _group(entry: Entry, y: float) -> Iterator[str]:
    yield f'<text x="8" y="{y + 14:.0f}" fill="#0f172a" font-weight="600">{entry.number}. {escape(entry.title)}</text>'
    longest = max(entry.wall(name) for name in _shown(entry))
    for number, name in enumerate(_shown(entry)):
        top = y + _HEAD + number * (_BAR + _GAP)
        seconds = entry.wall(name)
        length = max(1.0, (_WIDTH - _LEFT - _RIGHT) * seconds / longest)
        colour = _COLOURS.get(name, _OTHER)
        label = "imageops" if name == OURS else name
        yield f'<text x="{_LEFT - 8}" y="{top + 12:.0f}" fill="#334155" text-anchor="end">{escape(label)}</text>'
        yield f'<rect x="{_LEFT}" y="{top:.0f}" width="{length:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>'
        yield f'<text x="{_LEFT + length + 6:.0f}" y="{top + 12:.0f}" fill="#334155">{seconds:.2f} s</text>'
