# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definition in the guide makes an execution environment that has what the collection needs."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / ".cache" / "tree"  # linked by tests/conftest.py
BUILDER = Path(sys.executable).with_name("ansible-builder")

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ansible_builder") is None, reason="ansible-builder is not installed"
)


def builder(*arguments: str, cwd: Path) -> str:
    """Run ansible-builder, and return what it prints."""
    done = subprocess.run([BUILDER, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    """A directory with the files of the guide, by the names that their first lines give."""
    text = (ROOT / "docs" / "awx.md").read_text(encoding="utf-8")
    for name in ("execution-environment.yml", "requirements.yml"):
        (content,) = re.findall(rf"^```yaml\n(# {re.escape(name)}\n.*?)^```$", text, re.M | re.S)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_ansible_builder_takes_it(definition: Path) -> None:
    builder("create", "--output-filename", "Containerfile", cwd=definition)
    context = definition / "context"
    assert "FROM $EE_BASE_IMAGE" in (context / "Containerfile").read_text(encoding="utf-8")
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert [each["name"] for each in wanted["collections"]] == ["imageops.registry"]
    assert "cryptography" in (context / "_build" / "requirements.txt").read_text(encoding="utf-8")


def test_the_collection_says_what_it_needs(tmp_path: Path) -> None:
    found = yaml.safe_load(builder("introspect", str(TREE), cwd=tmp_path))
    # PyYAML comes with ansible-core, so that ansible-builder leaves it out.
    assert [line.partition("#")[0].strip() for line in found["python"]] == ["requests >= 2.25.1"]
