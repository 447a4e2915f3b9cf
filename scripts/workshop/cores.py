# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of ansible-core that are tested, and the Pythons that they run on."""

from __future__ import annotations

from pathlib import Path

from .interpreters import interpreters
from .shell import Shell
from .venvs import Venv, venv

OLDEST, MIDDLE, NEWEST = "2.19", "2.20", "2.21"
_CONTROLLERS = {
    OLDEST: ("3.11", "3.12", "3.13"),
    MIDDLE: ("3.14", "3.13", "3.12"),
    NEWEST: ("3.14", "3.13", "3.12"),
}


def controller(core: str) -> str | None:
    """Choose the version of Python that this core runs on here: the oldest for the oldest, else the newest."""
    return next((version for version in _CONTROLLERS[core] if version in interpreters()), None)


def requirement(core: str) -> str:
    """Give the requirement for the latest release of this core."""
    return f"ansible-core~={core}.0"


def core_venv(shell: Shell, core: str, version: str) -> Venv:
    """Make an environment with this core and what the collection needs."""
    return venv(shell, f"core-{core}", interpreters()[version], [requirement(core), "requests", "pyyaml"])


def module_utils(shell: Shell) -> Path:
    """Give a directory with what of ansible-core runs on managed hosts, for Pythons that are no controllers.

    That is how modules meet it there: from a newer controller.
    """
    core = NEWEST if controller(NEWEST) else OLDEST
    version = controller(core)
    assert version, "the workshop itself needs a Python that ansible-core 2.19 runs on"
    origin = next((core_venv(shell, core, version).directory / "lib").glob("python3*/site-packages/ansible"))
    target = origin.parent.parent / "managed"
    package = target / "ansible"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    for name in ("module_utils", "release.py"):
        if not (package / name).is_symlink():
            (package / name).symlink_to(origin / name)
    return target
