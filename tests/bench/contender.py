# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever can do a job."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from .job import Job
from .launch import Command


class Contender(Protocol):
    """One way to do a job, as a command of whole processes."""

    name: str

    def command(self, job: Job, directory: Path) -> Command | None:
        """The command; what it reads is written into the directory. None when it cannot do the job."""
