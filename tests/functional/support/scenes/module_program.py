# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one module of the collection as a process of its own, as Ansible would, but without Ansible around it.

    python module_program.py TREE MODULE MEMORY_FD <OPTIONS.json

TREE is the directory that holds ansible_collections. The module prints its result as JSON. How many bytes of
memory it took at the most is written to the descriptor: what the kernel tells a parent of a child counts from before
the child was this program, and so is at least the parent's own memory.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import sys
from pathlib import Path


def main() -> None:
    """Run it, with signals as a terminal gives them: whoever started the tests may have them ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    tree, module, memory = sys.argv[1:]
    sys.path[0] = tree
    from ansible.module_utils import basic
    from ansible.module_utils.common.parameters import PASS_VARS

    options = json.load(sys.stdin)
    if "inject_invocation" not in PASS_VARS:  # before 2.20 the result always has the invocation
        options.pop("_ansible_inject_invocation", None)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    try:
        runpy.run_module(f"ansible_collections.imageops.registry.plugins.modules.{module}", run_name="__main__")
    finally:
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        os.write(int(memory), str(int(peak[1]) * 1024 if peak else 0).encode())


if __name__ == "__main__":
    main()
