# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: ``scripts/run LAYER... [-- ARGUMENT...]``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from .ansible_tests import integration, sanity
from .docs import docs
from .jobs import Absent, Job, record, run_all
from .lint import build, changelog, layout, lint
from .places import CACHE
from .pytests import functional, fuzz, runbook, soak, unit

LAYERS: dict[str, Callable[[Sequence[str]], Iterator[Job | Absent]]] = {
    "lint": lint,
    "unit": unit,
    "fuzz": fuzz,
    "functional": functional,
    "runbook": runbook,
    "sanity": sanity,
    "integration": integration,
    "docs": docs,
}
BY_HAND: dict[str, Callable[[Sequence[str]], Iterator[Job | Absent]]] = {
    "build": build,
    "changelog": changelog,
    "format": layout,
    "soak": soak,
}


def main() -> int:
    """Run the layers that are named, print the sum as the last line, and give the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/run", description="Runs layers of the tests, set-up included.")
    parser.add_argument("layers", nargs="+", choices=[*LAYERS, *BY_HAND, "test"], help="test is all of them")
    wanted, arguments = _split(sys.argv[1:])
    layers = parser.parse_args(wanted).layers
    if arguments and len(layers) > 1:
        parser.error("arguments after -- are for one layer")
    chosen = list(LAYERS) if "test" in layers else list(dict.fromkeys(layers))
    CACHE.mkdir(exist_ok=True)
    begun = time.monotonic()
    outcomes = run_all([part for layer in chosen for part in {**LAYERS, **BY_HAND}[layer](arguments)])
    total = record(outcomes)
    failed = [outcome.name for outcome in outcomes if outcome.counts.failed]
    print(
        f"\n{', '.join(chosen)}: {time.monotonic() - begun:.0f} s, logs in {(CACHE / 'logs').relative_to(CACHE.parent)}"
    )
    if failed:
        print(f"failed: {', '.join(failed)}")
    if not total.passed and not failed:
        print("nothing was tested")
    print(total, flush=True)
    return 0 if total.passed and not total.failed else 1


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        # Jobs' threads may still be about to start something; what they started has ended.
        os._exit(130)
