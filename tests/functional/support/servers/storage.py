# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory for the servers' storage, in memory where there is room: registries sync every file to the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
_PREFIX = "imageops-registry-tests-"


@contextmanager
def quick_directory(otherwise: Path) -> Iterator[Path]:
    """A directory that is gone afterwards. What a killed run has left behind is removed first.

    :param otherwise: the directory to use where memory offers no room
    """
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        yield otherwise
        return
    for left in MEMORY.glob(f"{_PREFIX}*"):
        if not Path("/proc", left.name[len(_PREFIX) :].partition("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
    if shutil.disk_usage(MEMORY).free < ROOM:
        yield otherwise
        return
    made = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=MEMORY))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
