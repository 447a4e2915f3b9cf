# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes what the benchmark needs, and becomes the benchmark: ``python -m workshop.bench ARGUMENT...``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from . import cores, debian
from .interpreters import interpreters
from .places import CACHE, REQUIREMENTS, ROOT
from .shell import CommandFailed, Shell
from .venvs import venv

_PROGRAMS = ("docker-registry", "skopeo", "openssl", "setpriv")
_SETUP_SECONDS = 600


def main() -> NoReturn:
    """Set up, with a log, and run."""
    log = CACHE / "logs" / "bench.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    version = cores.controller(cores.NEWEST) or cores.controller(cores.OLDEST)
    if version is None:
        sys.exit("no Python here runs ansible-core")
    core = cores.NEWEST if cores.controller(cores.NEWEST) else cores.OLDEST
    with log.open("wb") as file:
        shell = Shell(file, _SETUP_SECONDS)
        try:
            debian.need(shell, _PROGRAMS)
            packages: list[str | Path] = [
                cores.requirement(core),
                REQUIREMENTS / "unit.txt",
                REQUIREMENTS / "functional.txt",
            ]
            made = venv(shell, "functional", interpreters()[version], packages)
        except CommandFailed as error:
            sys.exit(f"{error}; see {log}")
    tests = ROOT / "tests"
    env = made.environment(PYTHONPATH=os.pathsep.join(map(str, (tests, tests / "functional"))))
    os.chdir(ROOT)
    os.execve(made.python, [str(made.python), "-m", "bench", *sys.argv[1:]], env)


if __name__ == "__main__":
    main()
