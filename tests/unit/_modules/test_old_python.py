# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python that is too old gets a sentence, before anything is imported that it cannot read."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
LAYER = PLUGINS / "module_utils" / "_modules" / "__init__.py"
OURS = "ansible_collections.imageops.registry.plugins.module_utils."


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 8, 18)])
def test_an_old_python_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3.8")
    with pytest.raises(ImportError) as caught:
        runpy.run_path(str(LAYER))
    for words in ("needs Python 3.9 or newer", f"Python 3.{version[1]}", "/usr/bin/python3.8", "python_interpreter"):
        assert words in str(caught.value)


@pytest.mark.parametrize("version", [(3, 9, 0), (3, 14, 0), (4, 0, 0)])
def test_another_is_not(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    runpy.run_path(str(LAYER))


@pytest.mark.parametrize("module", sorted((PLUGINS / "modules").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_every_module_imports_that_first(module: Path) -> None:
    names = [node.module or "" for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ImportFrom)]
    ours = [name for name in names if name.startswith(OURS)]
    assert ours and ours[0].startswith(f"{OURS}_modules.")
