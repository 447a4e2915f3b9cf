# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many tests passed, failed and were skipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

# What ansible-test says of a test that has nothing to look at, such as PowerShell's: not a test that was skipped.
_NOTHING_TO_TEST = "No tests applicable."


@dataclass(frozen=True)
class Counts:
    """A number of results; they add up."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def from_junit(reports: Iterable[Path]) -> Counts:
    """Add up the test cases of reports in JUnit's XML form."""
    total = Counts()
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            total += _of_case(case)
    return total


def _of_case(case: ElementTree.Element) -> Counts:
    if case.find("failure") is not None or case.find("error") is not None:
        return Counts(failed=1)
    skipped = case.find("skipped")
    if skipped is None:
        return Counts(passed=1)
    return Counts() if skipped.text == _NOTHING_TO_TEST else Counts(skipped=1)
