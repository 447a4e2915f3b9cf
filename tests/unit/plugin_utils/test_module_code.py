# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of modules in one piece: that all of it is there, and that it is made once in a run of Ansible."""

from __future__ import annotations

import ast
import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.plugin_utils import module_code
from ansible_collections.imageops.registry.plugins.plugin_utils.module_code import UTILS, sent_code

NAME = "ansible_collections.imageops.registry.plugins.module_utils"
START = UTILS / "_start" / "start.py"


def _sources(code: str) -> dict[str, str | None]:
    found: dict[str, str | None] = json.loads(zlib.decompress(base64.b64decode(code)))
    return found


def test_every_file_and_every_folder_is_in_it(tmp_path: Path) -> None:
    sources = _sources(sent_code(tmp_path))
    files = {
        ".".join([NAME, *path.relative_to(UTILS).with_suffix("").parts]): path.read_text(encoding="utf-8")
        for path in UTILS.rglob("*.py")
    }
    assert {name: source for name, source in sources.items() if source is not None} == files
    packages = {name.rpartition(".")[0] for name in files} - {NAME}
    assert packages <= {name for name, source in sources.items() if source is None}


def test_what_is_no_module_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, linked = tmp_path / "tree", tmp_path / "linked"
    for name in ("a.py", "b/c.py", "b/._c.py", "b/.#c.py", "b/__pycache__/c.cpython-312.pyc", "d.txt", "e-f/g.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(b"\xff" if "._" in name else b"1")
    linked.mkdir()
    (linked / "i.py").touch()
    (tree / "h").symlink_to(linked)
    monkeypatch.setattr(module_code, "UTILS", tree)
    names = {name.removeprefix(NAME).lstrip(".") for name in _sources(sent_code(tmp_path))}
    assert names == {"a", "b", "b.c", "h", "h.i"}


def test_it_is_made_once_in_a_run(tmp_path: Path) -> None:
    first = sent_code(tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.read_text(encoding="ascii") == first
    kept.write_text("kept", encoding="ascii")
    assert sent_code(tmp_path) == "kept"


def test_ansible_packs_all_that_the_code_needs_of_it() -> None:
    needed = {name for path in UTILS.rglob("*.py") for name in _of_ansible(path)}
    assert "ansible.module_utils.basic" in needed
    assert needed == set(_of_ansible(START))


def _of_ansible(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "ansible.module_utils":
            yield from (f"ansible.module_utils.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ansible."):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            assert not [alias.name for alias in node.names if alias.name.startswith("ansible.")]
