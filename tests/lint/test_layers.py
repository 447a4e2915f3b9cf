# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom: the contracts in pyproject.toml, and that breaking one of them is seen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UTILS = "plugins/module_utils"


class Tree:
    """A copy of the plugins in which every folder is a package."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.collection = path / "ansible_collections" / "imageops" / "registry"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "plugins", self.collection / "plugins", ignore=ignored)
        for folder in [self.collection / "plugins", *(self.collection / "plugins").rglob("*")]:
            if folder.is_dir():
                (folder / "__init__.py").touch()
        shutil.copy(ROOT / "pyproject.toml", path)

    def append(self, file: str, text: str) -> None:
        with (self.collection / file).open("a", encoding="utf-8") as opened:
            opened.write(f"\n{text}\n")

    def lint(self) -> subprocess.CompletedProcess[str]:
        """Run import-linter as its command does."""
        return self._run(
            "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())",
            "--no-cache",
        )

    def modules(self) -> set[str]:
        """The modules that import-linter's graph has."""
        package = "ansible_collections.imageops.registry.plugins"
        ended = self._run(f"import grimp; print(*grimp.build_graph({package!r}, cache_dir=None).modules)")
        return set(ended.stdout.split())

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.path,
            env={"PYTHONPATH": str(self.path), "PATH": "", "NO_COLOR": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_the_contracts_are_kept_and_every_file_is_looked_at(tree: Tree) -> None:
    ended = tree.lint()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 broken" in ended.stdout
    assert len(tree.modules()) == len(list(tree.collection.rglob("*.py")))


FORBIDDEN = {
    "upward": (f"{UTILS}/_oci/errors.py", "from .._sync.engine import Engine"),
    "sideways": (f"{UTILS}/_acr/api/names.py", "from ..._harbor.catalog import HarborCatalog"),
    "inside a function": (
        f"{UTILS}/_oci/image/platform.py",
        "def late() -> None:\n    from ..http.transport import Access\n",
    ),
    "for types alone": (
        f"{UTILS}/_sync/rules/rule.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..plan.image_task import ImageTask",
    ),
    "sideways within a run": (f"{UTILS}/_sync/work/stores.py", "from ..rules.rule import Rule"),
    "past vendors": (f"{UTILS}/_sync/plan/planner.py", "from ..._acr.api.names import path_fault"),
    "past _modules": ("plugins/modules/acr_endpoint.py", f"from ..{UTILS.partition('/')[2]}._oci import errors"),
    "in a circle": (f"{UTILS}/_oci/image/reference.py", "from . import manifest"),
    "of Ansible": (f"{UTILS}/_oci/errors.py", "from ansible.module_utils.basic import AnsibleModule"),
}


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_a_forbidden_import_is_seen(tree: Tree, kind: str) -> None:
    file, text = FORBIDDEN[kind]
    tree.append(file, text)
    ended = tree.lint()
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "BROKEN" in ended.stdout


def test_a_new_folder_has_to_be_given_a_layer(tree: Tree) -> None:
    folder = tree.collection / UTILS / "_oci" / "elsewhere"
    folder.mkdir()
    (folder / "__init__.py").touch()
    ended = tree.lint()
    assert ended.returncode == 1
    assert "elsewhere" in ended.stdout
