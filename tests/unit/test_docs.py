# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides and the code agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def test_every_error_code_has_a_section() -> None:
    explained = set(
        re.findall(r"^### (\w+)$", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.M)
    )
    raised: set[str] = set()
    for floor in ("_oci", "_acr", "_sync"):
        for file in (ROOT / "plugins" / "module_utils" / floor).glob("*.py"):
            raised.update(re.findall(r'(?:\bcode="|"(?=acr_))([a-z0-9_]+)"', file.read_text(encoding="utf-8")))
    assert raised - explained == set()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_example_is_yaml_and_every_link_leads_somewhere(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    for example in re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S):
        assert yaml.safe_load(example)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert target.startswith("https://") or (guide.parent / target).exists(), target
