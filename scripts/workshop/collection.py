# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as users get it: built, and installed somewhere of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from .places import CACHE
from .shell import Argv, Shell
from .venvs import Venv


def build(shell: Shell, venv: Venv, directory: Path) -> Path:
    """Build the collection into a directory, and give the archive."""
    galaxy: Argv = [venv.python, venv.tool("ansible-galaxy"), "collection", "build"]
    shell.run([*galaxy, "--force", "--output-path", directory], env=venv.environment())
    return max(directory.glob("imageops-registry-*.tar.gz"), key=lambda path: path.stat().st_mtime_ns)


def install(shell: Shell, venv: Venv, purpose: str) -> Path:
    """Build the collection and install it afresh into a directory of this purpose; give the collection's directory.

    What ansible-test keeps there between runs goes too, so that only the results of one run are there.
    """
    tree = CACHE / "installed" / purpose
    shutil.rmtree(tree, ignore_errors=True)
    archive = build(shell, venv, tree)
    galaxy: Argv = [venv.python, venv.tool("ansible-galaxy"), "collection", "install"]
    env = venv.environment(ANSIBLE_COLLECTIONS_PATH=str(tree))
    shell.run([*galaxy, "--offline", "--force", "-p", tree, archive], env=env)
    return tree / "ansible_collections" / "imageops" / "registry"
