# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees to it that the demo's programs and an environment with ansible-core are there; prints that directory."""

from __future__ import annotations

import sys

from workshop import cores, debian
from workshop.places import CACHE
from workshop.shell import CommandFailed, Shell

PROGRAMS = ("docker-registry", "openssl", "perl", "setpriv", "skopeo")
SECONDS = 600.0


def main() -> int:
    path = CACHE / "logs" / "demo-set-up.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as log:
        shell = Shell(log, SECONDS)
        core = cores.NEWEST if cores.controller(cores.NEWEST) else cores.OLDEST
        version = cores.controller(core)
        try:
            if version is None:
                raise CommandFailed(f"no Python for ansible-core {core} is here")
            debian.need(shell, PROGRAMS)
            made = cores.core_venv(shell, core, version)
        except CommandFailed as error:
            print(f"{path.read_text(encoding='utf-8', errors='replace')}{error}", file=sys.stderr)
            return 1
    print(made.directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
