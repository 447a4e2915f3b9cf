# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments, made once for each set of requirements."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import interpreters
from .places import CACHE, environment
from .shell import Argv, Shell


@dataclass(frozen=True)
class Venv:
    """A virtual environment that is ready."""

    directory: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def tool(self, name: str) -> Path:
        """Give the path of a command that was installed into it."""
        return self.directory / "bin" / name

    def environment(self, **more: str) -> dict[str, str]:
        """Give the environment for commands that are to use it."""
        return environment([self.directory / "bin", *interpreters.directories()], **more)


def venv(
    shell: Shell, purpose: str, python: Path, requirements: Sequence[str | Path], pins: Path | None = None
) -> Venv:
    """Make an environment, or give the one that was made before of the same interpreter and requirements.

    :param purpose: a word for its name
    :param requirements: files of requirements, and requirements
    :param pins: a file of constraints
    """
    key = hashlib.sha256(f"{python}\n".encode())
    arguments: list[str] = []
    for item in requirements:
        key.update(item.read_bytes() if isinstance(item, Path) else f"{item}\n".encode())
        arguments += ["-r", str(item)] if isinstance(item, Path) else [item]
    if pins:
        key.update(b"pins\n" + pins.read_bytes())
        arguments += ["-c", str(pins)]
    directory = CACHE / "venvs" / f"{purpose}-{python.name}-{key.hexdigest()[:10]}"
    complete = directory / "complete"
    with locked(directory.name):
        if not complete.exists():
            shutil.rmtree(directory, ignore_errors=True)
            plain = environment([])
            shell.run([python, "-m", "venv", directory], env=plain)
            # Programs compile what they use of it, which is little.
            pip: Argv = [directory / "bin" / "python", "-m", "pip", "install", "-qq", "--no-compile"]
            shell.run([*pip, *arguments], env=plain)
            complete.touch()
    return Venv(directory)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock that other jobs and other runs in this checkout respect."""
    path = CACHE / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
