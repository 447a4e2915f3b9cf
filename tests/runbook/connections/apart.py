# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another machine, for tests: this one, where one directory is another. What is in which shows where a task has run."""

from __future__ import annotations

import shlex
from typing import Any

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: apart
short_description: this machine, with another directory in the place of one
description: Runs commands where one directory is mounted over another.
options:
  place:
    description: The directory that is covered.
    vars: [{name: apart_place}]
    type: path
    required: true
  cover:
    description: The directory that is mounted there.
    vars: [{name: apart_cover}]
    type: path
    required: true
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(Local):
    """Commands are run in a mount namespace of their own; that takes root."""

    transport = "apart"

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Any:
        mount = f"mount --bind {self.get_option('cover')} {self.get_option('place')}"
        inside = shlex.quote(f"{mount} && cd / && {cmd}")
        return super().exec_command(f"unshare --mount /bin/sh -c {inside}", in_data=in_data, sudoable=sudoable)
