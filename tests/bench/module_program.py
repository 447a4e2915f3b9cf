# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one module of the collection as a process of its own, as Ansible would, but without Ansible around it.

    python module_program.py TREE MODULE <OPTIONS.json

TREE is the directory that holds ansible_collections.
"""

from __future__ import annotations

import json
import runpy
import sys


def main() -> None:
    """Run it."""
    tree, module = sys.argv[1:]
    sys.path[0] = tree
    from ansible.module_utils import basic

    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": json.load(sys.stdin)}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    runpy.run_module(f"ansible_collections.imageops.registry.plugins.modules.{module}", run_name="__main__")


if __name__ == "__main__":
    main()
