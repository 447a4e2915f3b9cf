# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results are counted from JUnit's reports, as pytest and ansible-test write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from workshop.counts import Counts, from_junit


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("", Counts(passed=1)),
        ('<failure message="no">at line 1</failure>', Counts(failed=1)),
        ("<error>broken</error>", Counts(failed=1)),
        ("<skipped>Python 3.14 could not be found.</skipped>", Counts(skipped=1)),
        ("<skipped/>", Counts(skipped=1)),
        ("<skipped>No tests applicable.</skipped>", Counts()),
        ("<system-out>text</system-out>", Counts(passed=1)),
    ],
)
def test_counts_a_case(tmp_path: Path, case: str, expected: Counts) -> None:
    report = tmp_path / "report.xml"
    report.write_text(f'<testsuites><testsuite><testcase name="a">{case}</testcase></testsuite></testsuites>')
    assert from_junit([report]) == expected


def test_adds_up_reports(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("<testsuite><testcase/><testcase><failure/></testcase></testsuite>")
    total = from_junit(tmp_path.iterdir())
    assert total == Counts(passed=2, failed=2)
    assert str(total + Counts(skipped=3)) == "2 passed, 2 failed, 3 skipped"


def test_no_report_is_nothing_passed() -> None:
    assert from_junit([]) == Counts()
