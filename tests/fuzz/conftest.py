# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much is tried."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--inputs", type=int, default=20_000, help="how many inputs each parser gets")
    parser.addoption("--seed", type=int, help="repeat a run whose seed was printed")
    parser.addoption("--keep", action="store_true", help="add what led somewhere new to the corpus")
