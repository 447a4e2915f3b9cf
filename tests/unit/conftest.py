# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hypothesis runs: the same examples every time, however slow the machine is.

``pytest --hypothesis-profile=search`` looks for new ones. ``brief`` is for the Pythons beside one that runs the whole:
what is to be found there is what Pythons do differently.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("brief", settings.get_profile("ci"), max_examples=20)
settings.register_profile("search", deadline=None, max_examples=3000, database=None)
settings.load_profile("steady")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many examples there were."""
    terminalreporter.write_line(f"hypothesis: {settings.default.max_examples} examples of each property")
