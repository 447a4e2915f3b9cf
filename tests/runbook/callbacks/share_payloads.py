# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the runs of ansible-playbook in one directory of tests share what they made of modules. For tests.

Ansible packs each module with all that it imports once a run, which takes longer than most runs of a module.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: share_payloads
type: notification
short_description: keep packed modules for later runs
description: Takes modules that earlier runs have packed from the directory that SHARE_PAYLOADS names, and adds its own.
"""


class CallbackModule(CallbackBase):
    """Complete files alone are linked, so that runs may be under way at the same time."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "share_payloads"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._own = Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache")
        self._shared = Path(os.environ["SHARE_PAYLOADS"])
        _link(self._shared, self._own)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        _link(self._own, self._shared)


def _link(source: Path, target: Path) -> None:
    for directory in (source, target):
        directory.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.suffix != ".lock" and not path.name.endswith("-part"):
            try:
                os.link(path, target / path.name)
            except FileExistsError:
                pass
