# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every target of the Makefile is told by ``make help`` and in the guide for contributors."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def targets() -> set[str]:
    lists = dict(re.findall(r"^(layers|others|tools) := (.*)$", MAKEFILE, re.M))
    phony = re.sub(r"\$\((\w+)\)", lambda name: lists[name[1]], re.findall(r"^\.PHONY:(.*)$", MAKEFILE, re.M)[0])
    rules = {name for line in re.findall(r"^([a-z][a-z -]*):(?!=)", MAKEFILE, re.M) for name in line.split()}
    assert set(phony.split()) == rules
    return rules


def test_help_lists_every_target_with_what_it_does() -> None:
    run = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    told = dict(re.findall(r"^  make (\S+) +(\S.*)$", run.stdout, re.M))
    assert set(told) == targets()
    assert "demo-acr" in told


def test_the_guide_names_every_target() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    layers = re.findall(r"^make unit +# one layer: (.*)$", guide, re.M)[0].split(", ")
    assert {*re.findall(r"\bmake ([a-z-]+)", guide), *layers} >= targets()
