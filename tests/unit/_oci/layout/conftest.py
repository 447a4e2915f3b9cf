# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repository paths for the suites of layouts."""

from __future__ import annotations

import itertools
from typing import Callable

import pytest

_numbers = itertools.count()


@pytest.fixture
def fresh() -> Callable[[], str]:
    """Gives repository paths that no other test uses."""
    return lambda: f"tests/{next(_numbers)}"


@pytest.fixture
def repository(fresh: Callable[[], str]) -> str:
    """A repository path that no other test uses."""
    return fresh()
