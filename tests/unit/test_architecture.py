# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The map in docs/architecture.md names every file where it is, and no file that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE_UTILS = ROOT / "plugins" / "module_utils"
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_file_is_on_the_map() -> None:
    listed = set()
    for section in MAP.split("\n### ")[1:]:
        folder = re.match(r"`([^`]+)`", section)
        assert folder, section[:60]
        listed |= {f"{folder[1]}/{name}" for name in re.findall(r"^\| `([^`]+\.py)` \|", section, re.M)}
    there = {path.relative_to(MODULE_UTILS).as_posix() for path in MODULE_UTILS.rglob("*.py")}
    assert listed == there


def test_every_path_on_the_map_is_there() -> None:
    named = re.findall(r"`((?:plugins|tests|docs|roles|_[a-z]+)/[\w./-]+)`", MAP)
    assert len(named) > 20
    missing = [path for path in named if not any((base / path).exists() for base in (ROOT, MODULE_UTILS))]
    assert missing == []
