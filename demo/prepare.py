# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees to it that a demo's programs and an environment with ansible-core are there; prints that directory.

python prepare.py run|acr
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workshop import cores, debian
from workshop.interpreters import interpreters
from workshop.places import CACHE, REQUIREMENTS
from workshop.shell import CommandFailed, Shell
from workshop.venvs import Venv, venv

PROGRAMS = {
    "run": ("docker-registry", "openssl", "perl", "setpriv", "skopeo"),
    "acr": ("docker-registry", "setpriv"),
}
SECONDS = 600.0


def prepare(demo: str, shell: Shell) -> Venv:
    core = cores.NEWEST if cores.controller(cores.NEWEST) else cores.OLDEST
    version = cores.controller(core)
    if version is None:
        raise CommandFailed(f"no Python for ansible-core {core} is here")
    debian.need(shell, PROGRAMS[demo])
    if demo == "run":
        return cores.core_venv(shell, core, version)
    # The simulated account's servers want packages of their own.
    return venv(shell, "demo-acr", interpreters()[version], [cores.requirement(core), REQUIREMENTS / "demo.txt"])


def write_and_print(demo: str, path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    # In a thread, so that Ctrl-C finds what is running and can end it.
    with path.open("wb") as log, ThreadPoolExecutor(1) as pool:
        working = pool.submit(prepare, demo, Shell(log, SECONDS))
        try:
            print(working.result().directory)
        except KeyboardInterrupt:
            Shell.end_all()
            return 130
        except CommandFailed as error:
            print(f"{path.read_text(encoding='utf-8', errors='replace')}{error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(write_and_print(sys.argv[1], CACHE / "logs" / f"demo-{sys.argv[1]}-set-up.log"))
