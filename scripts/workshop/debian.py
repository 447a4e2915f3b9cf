# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs from Debian's packages, installed when they are missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .places import environment
from .shell import CommandFailed, Shell
from .venvs import locked

# Programs whose package has another name, or is not enough.
_PACKAGES = {"gcc": ["gcc", "libc6-dev"], "setpriv": ["util-linux"], "ssh-keygen": ["openssh-client"]}
_POLICY = Path("/usr/sbin/policy-rc.d")


def need(shell: Shell, programs: Sequence[str]) -> None:
    """See to it that these programs, and files that are named with their whole path, are there.

    :raises CommandFailed: when one is missing and cannot be installed
    """
    with locked("debian"):
        missing = [program for program in programs if not _is_there(program)]
        if not missing:
            return
        packages = [package for program in missing for package in _packages(program)]
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise CommandFailed(f"missing: {', '.join(missing)} (Debian: apt-get install {' '.join(packages)})")
        env = environment([], DEBIAN_FRONTEND="noninteractive")
        apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"]
        with _no_services():
            shell.run([*apt, "update"], env=env)
            shell.run([*apt, "install", "-y", "--no-install-recommends", *packages], env=env)


def compiler(python: Path) -> list[str]:
    """Give what building an extension module for an interpreter needs; other Pythons than Debian's bring headers."""
    return ["gcc", *([f"/usr/include/{python.name}/Python.h"] if python.parent == Path("/usr/bin") else [])]


def _is_there(program: str) -> bool:
    return Path(program).exists() if "/" in program else bool(shutil.which(program, path=environment([])["PATH"]))


def _packages(program: str) -> list[str]:
    """Give the packages of a program, or of an interpreter's headers."""
    if "/" in program:
        return [f"{Path(program).parent.name}-dev"]
    return _PACKAGES.get(program, [program])


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep packages from starting the services that they bring: the tests start their own."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
