# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Pythons this machine has."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# What the collection supports where its modules run.
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

_PROBE = """
import ctypes, ensurepip, ssl, sys, venv
print(sys.implementation.name, "%d.%d" % sys.version_info[:2])
print(sys.base_prefix)
"""
_PROBE_SECONDS = 30


@cache
def interpreters() -> dict[str, Path]:
    """Find a complete CPython for each version, on PATH and where Pythons are commonly put; oldest first."""
    found = {}
    for version in VERSIONS:
        for candidate in _candidates(version):
            real = _probe(candidate, version)
            if real:
                found[version] = real
                break
    return found


def directories() -> list[Path]:
    """Give the interpreters' directories, newest first, for PATH."""
    return list(dict.fromkeys(path.parent for path in reversed(interpreters().values())))


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    places = [Path(item) for item in os.environ.get("PATH", os.defpath).split(os.pathsep) if item]
    places += [Path("/usr/local/bin"), Path("/usr/bin"), *sorted(Path("/opt").glob("*/bin"))]
    places += sorted(Path.home().glob(f".pyenv/versions/{version}*/bin"), reverse=True)
    for place in dict.fromkeys(places):
        if (place / name).exists():
            yield place / name


def _probe(candidate: Path, version: str) -> Path | None:
    """Ask a candidate what it really is: a shim or an environment's link gives way to the interpreter behind it."""
    try:
        answer = subprocess.run(
            [candidate, "-I", "-c", _PROBE],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_PROBE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    kind, prefix = answer.stdout.splitlines()
    real = Path(prefix) / "bin" / f"python{version}"
    return real if kind == f"cpython {version}" and real.exists() else None
