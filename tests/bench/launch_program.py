# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs commands one after another and says what they cost; small, because a process inherits its parent's peak memory.

    python launch_program.py <STEPS.json

The answer is JSON on stdout. What the commands print goes to a log.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Run the steps until one fails."""
    task = json.load(sys.stdin)
    environment = {**os.environ, **task["environment"]}
    code, memory, cpu = 0, 0, 0.0
    begun = time.monotonic()
    with open(task["log"], "ab") as log:
        for step in task["steps"]:
            with open(step["stdin"] or os.devnull, "rb") as given:
                process = subprocess.Popen(
                    step["argv"], stdin=given, stdout=log, stderr=log, env=environment, cwd=task["directory"]
                )
            _pid, status, usage = os.wait4(process.pid, 0)
            code = process.returncode = os.waitstatus_to_exitcode(status)
            cpu += usage.ru_utime + usage.ru_stime
            memory = max(memory, usage.ru_maxrss * 1024)
            if code:
                break
    wall = time.monotonic() - begun
    json.dump({"code": code, "wall": wall, "cpu": cpu, "memory": memory}, sys.stdout)


if __name__ == "__main__":
    main()
