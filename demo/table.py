# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints what happened to each tag in each run: takes the demo's scratch directory and the names of the runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def rows(scratch: Path, runs: list[str]) -> list[list[str]]:
    """Give the table's head and a row for each tag that any run spoke of."""
    reports = {run: load(scratch / f"{run}.report.json") for run in runs}
    actions = {
        run: {image["destination"].partition("/")[2]: image["action"] for image in report["images"]}
        for run, report in reports.items()
    }
    found = load(scratch / f"{runs[-1]}.found.json")
    table = [["tag", "digest", "what it is", *runs, "skopeo"]]
    for tag in sorted({tag for by_tag in actions.values() for tag in by_tag}):
        here = found.get(tag)
        digest, kind = (here["digest"].partition(":")[2][:12], here["kind"]) if here else ("-", "-")
        verdict = "confirmed" if here else "confirmed absent"
        table.append([tag, digest, kind, *(actions[run].get(tag, "-") for run in runs), verdict])
    return table


def main(scratch: Path, runs: list[str]) -> None:
    table = rows(scratch, runs)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    table.insert(1, ["-" * width for width in widths])
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
