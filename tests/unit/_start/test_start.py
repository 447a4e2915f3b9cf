# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that is brought: how it is imported, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.imageops.registry.plugins.module_utils._start.start import UTILS, SentCode

TREE = Path(__file__).resolve().parents[3] / ".cache" / "tree"
START = f"{UTILS}._start.start"
PROGRAM = f"""
import importlib, os, shutil, sys
sys.path.insert(0, {str(TREE)!r})
from {START} import InstalledCode, SentCode
directory = sys.argv[1]
def imported(name):
    return importlib.import_module("{UTILS}." + name)
"""


def _run(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", PROGRAM + program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def _tree(directory: Path) -> Path:
    for name in ("early", "late", "folder/later"):
        path = directory / "utils" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"value = 'old {name}'\n", encoding="utf-8")
    return directory / "utils"


INSTALLED = f"""
sys.meta_path.insert(0, InstalledCode(directory))
sys.modules["{UTILS}"].__path__.append(directory)
found = [imported("early").value]
"""


def test_installed_code_is_imported_from_its_files(tmp_path: Path) -> None:
    tree = _tree(tmp_path)
    printed = _run(INSTALLED + "print(imported('folder.later').value, imported('late').__file__)", str(tree))
    assert printed == f"old folder/later {tree / 'late.py'}"


def test_what_is_replaced_during_a_run_is_imported_as_it_was(tmp_path: Path) -> None:
    change = """
open(directory + "/late.py", "w").write("value = 'new'")
print(*found, imported("late").value, imported("folder.later").value, sep=", ")
"""
    assert _run(INSTALLED + change, str(_tree(tmp_path))) == "old early, old late, old folder/later"


def test_what_is_removed_during_a_run_is_imported_as_it_was(tmp_path: Path) -> None:
    change = """
shutil.rmtree(directory)
print(*found, imported("late").value, imported("folder.later").value, sep=", ")
"""
    assert _run(INSTALLED + change, str(_tree(tmp_path))) == "old early, old late, old folder/later"


def test_stray_files_stand_in_nobodys_way(tmp_path: Path) -> None:
    tree = _tree(tmp_path)
    (tree / "bytes.py").write_bytes(b"\xff\xfe")
    (tree / "dangling.py").symlink_to(tree / "nothing")
    assert _run(INSTALLED + "print(*found, imported('late').value)", str(tree)) == "old early old late"


def test_a_traceback_of_sent_code_has_its_lines() -> None:
    program = f"""
import traceback
source = "def fail():\\n    raise ValueError('here')\\n"
sys.meta_path.insert(0, SentCode({{"{UTILS}.sent": None, "{UTILS}.sent.module": source}}))
try:
    imported("sent.module").fail()
except ValueError:
    print(traceback.format_exc())
"""
    printed = _run(program, "")
    assert 'module_utils/sent/module.py", line 2, in fail' in printed
    assert "    raise ValueError('here')" in printed


def test_a_package_has_a_name_of_a_file_too() -> None:
    assert SentCode({"a.b": None}).get_filename("a.b") == "a/b/__init__.py"
