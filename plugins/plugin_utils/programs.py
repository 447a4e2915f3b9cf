# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that plugins run on the controller, such as credential helpers of docker."""

from __future__ import annotations

import subprocess


def run_program(argv: list[str], stdin: str) -> tuple[int, str, str]:
    """Run a program to its end. Return its exit status and what it wrote.

    :raises OSError: when it cannot be started
    """
    ended = subprocess.run(argv, input=stdin, capture_output=True, text=True, errors="replace", check=False)
    return ended.returncode, ended.stdout, ended.stderr
