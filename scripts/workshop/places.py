# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are, and the environment that every command gets."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
BUILD = ROOT / "build"
REQUIREMENTS = ROOT / "tests" / "requirements"

# Set by what called us, and changing what a test sees.
_UNWANTED_PREFIXES = ("ANSIBLE_", "PYTHON", "PYTEST_", "GALAXY_", "HYPOTHESIS_", "MAKE", "MFLAGS", "VIRTUAL_ENV")


def plain(path: Path) -> Path:
    """Give a path in the checkout as programs can take it that split it at blanks, whatever the checkout is called."""
    return _link() / path.relative_to(ROOT) if re.search(r"[^\w./+-]", str(ROOT)) else path


@functools.cache
def _link() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="imageops-registry-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    link = directory / "checkout"
    link.symlink_to(ROOT)
    return link


def environment(path: list[Path], **more: str) -> dict[str, str]:
    """Give the caller's environment without what would change results, with these directories first on PATH.

    Shims are left out: what stands in for an interpreter confuses ansible-test.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED_PREFIXES)}
    old = [item for item in kept.get("PATH", os.defpath).split(os.pathsep) if item and Path(item).name != "shims"]
    kept["PATH"] = os.pathsep.join([*map(str, path), *old, "/usr/sbin", "/sbin"])
    kept["LC_ALL"] = "C.UTF-8"
    kept["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    kept["PIP_NO_INPUT"] = "1"
    return {**kept, **more}
