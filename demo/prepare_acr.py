# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees to it that an environment with ansible-core and the tests' servers is there; prints that directory."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from workshop import cores, debian
from workshop.interpreters import interpreters
from workshop.places import CACHE, REQUIREMENTS
from workshop.shell import CommandFailed, Shell
from workshop.venvs import Venv, venv

PROGRAMS = ("docker-registry", "setpriv")
SECONDS = 600.0
LOG = CACHE / "logs" / "demo-acr-set-up.log"


def prepare(shell: Shell) -> Venv:
    core = cores.NEWEST if cores.controller(cores.NEWEST) else cores.OLDEST
    version = cores.controller(core)
    if version is None:
        raise CommandFailed(f"no Python for ansible-core {core} is here")
    debian.need(shell, PROGRAMS)
    return venv(shell, "demo-acr", interpreters()[version], [cores.requirement(core), REQUIREMENTS / "demo.txt"])


def main() -> int:
    LOG.parent.mkdir(parents=True, exist_ok=True)
    # In a thread, so that Ctrl-C finds what is running and can end it.
    with LOG.open("wb") as log, ThreadPoolExecutor(1) as pool:
        working = pool.submit(prepare, Shell(log, SECONDS))
        try:
            print(working.result().directory)
        except KeyboardInterrupt:
            Shell.end_all()
            return 130
        except CommandFailed as error:
            print(f"{LOG.read_text(encoding='utf-8', errors='replace')}{error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
