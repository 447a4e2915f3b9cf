# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python that is too old gets a sentence, before anything is imported that it cannot read."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

import ansible.module_utils.basic  # noqa: F401  # before a test says that this is another Python
import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
CHECK = PLUGINS / "module_utils" / "_modules" / "ansible_module.py"
OURS = "ansible_collections.imageops.registry.plugins.module_utils."


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 8, 18)])
def test_an_old_python_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3.8")
    with pytest.raises(ImportError) as caught:
        runpy.run_path(str(CHECK))
    for words in ("needs Python 3.9 or newer", f"Python 3.{version[1]}", "/usr/bin/python3.8", "python_interpreter"):
        assert words in str(caught.value)


@pytest.mark.parametrize("version", [(3, 9, 0), (3, 14, 0), (4, 0, 0)])
def test_another_is_not(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    runpy.run_path(str(CHECK))


MODULES = sorted((PLUGINS / "modules").glob("[a-z]*.py"))
SYNC = PLUGINS / "module_utils" / "_modules" / "sync" / "module.py"
START = sorted((PLUGINS / "module_utils" / "_start").glob("*.py"))


def _first_of_ours(file: Path) -> str:
    """Return the name of the first of our modules that a file imports."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    return next(node.module or "" for node in nodes if node.level or (node.module or "").startswith(OURS))


@pytest.mark.parametrize(
    "file", [SYNC, *(path for path in MODULES if "_sync" not in path.stem)], ids=lambda path: path.stem
)
def test_every_module_imports_that_first(file: Path) -> None:
    assert _first_of_ours(file).removeprefix(OURS).removeprefix("_modules.") == "ansible_module"


def test_the_module_of_a_sync_imports_only_its_start() -> None:
    assert _first_of_ours(PLUGINS / "modules" / "registry_image_sync.py") == f"{OURS}_modules.sync.module"


@pytest.mark.parametrize("file", [CHECK, SYNC, *START, *MODULES], ids=lambda path: path.stem)
def test_python_3_6_reads_what_comes_before_that(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 6))
    assert "__future__" not in [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
