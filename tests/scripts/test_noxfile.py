# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sum of sessions: what they count, what they could not run, and the exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOXFILE = Path(__file__).resolve().parents[2] / "noxfile.py"
LAST = 'if __name__ == "__main__":'
SESSIONS = """
@nox.session(python=False)
def reports(session: Session) -> None:
    finish(session, of_reports(sorted(ROOT.glob("*.xml"))))


@nox.session(python=False)
def quiet(session: Session) -> None:
    # What a tool reports is no count.
    (RESULTS / "quiet.json").write_text('{"found": []}', encoding="utf-8")


@nox.session(python=False)
def broken(session: Session) -> None:
    session.run("sh", "-c", "echo why it failed; exit 3")


@nox.session(python=False)
def idle(session: Session) -> None:
    finish(session, Counter(skipped=2))


@nox.session(python=False)
def tests(session: Session) -> None:
    pytest(session, "test_project.py")


@nox.session(python="3.99")
def absent(session: Session) -> None:
    finish(session, Counter(passed=1))


"""
TESTS = """
from pathlib import Path

def test_good():
    pass

def test_bad():
    raise ValueError

def test_unsteady():
    been_here = Path("been_here")
    again = been_here.exists()
    been_here.touch()
    assert again
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with the noxfile and some sessions more, whose path has a blank."""
    directory = tmp_path / "a project"
    directory.mkdir()
    text = NOXFILE.read_text(encoding="utf-8")
    assert text.count(LAST) == 1
    (directory / "noxfile.py").write_text(text.replace(LAST, SESSIONS + LAST), encoding="utf-8")
    return directory


def run(project: Path, *sessions: str) -> tuple[int, str]:
    """Run sessions; return the exit code and what was printed."""
    ended = subprocess.run(
        [sys.executable, project / "noxfile.py", *sessions],
        env={"PATH": f"{project}/bin{os.pathsep}{os.environ['PATH']}", "HOME": str(project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout


def last_line(text: str) -> str:
    return text.splitlines()[-1]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("", "2 passed, 0 failed, 0 skipped"),
        ('<failure message="no">at line 1</failure>', "1 passed, 1 failed, 0 skipped"),
        ("<error>broken</error>", "1 passed, 1 failed, 0 skipped"),
        ("<skipped>Python 3.14 could not be found.</skipped>", "1 passed, 0 failed, 1 skipped"),
        ("<skipped/>", "1 passed, 0 failed, 1 skipped"),
        ("<skipped>No tests applicable.</skipped>", "1 passed, 0 failed, 0 skipped"),
        ("<system-out>text</system-out>", "2 passed, 0 failed, 0 skipped"),
    ],
)
def test_counts_the_cases_of_reports(project: Path, case: str, expected: str) -> None:
    for number, inner in enumerate(("", case)):
        text = f'<testsuites><testsuite><testcase name="a">{inner}</testcase></testsuite></testsuites>'
        (project / f"{number}.xml").write_text(text, encoding="utf-8")
    code, text = run(project, "reports")
    assert last_line(text) == expected
    assert (code == 0) == ("0 failed" in expected)


def test_adds_up_sessions_and_skips_a_python_that_is_not_here(project: Path) -> None:
    (project / "report.xml").write_text("<testsuite><testcase/><testcase/></testsuite>", encoding="utf-8")
    assert run(project, "reports", "quiet", "absent")[0] == 0
    assert last_line(run(project, "reports", "quiet", "absent")[1]) == "3 passed, 0 failed, 1 skipped"


def test_a_session_that_breaks_is_a_failure_and_shows_why(project: Path) -> None:
    code, text = run(project, "quiet", "broken")
    assert code == 1
    assert last_line(text) == "1 passed, 1 failed, 0 skipped"
    assert "why it failed" in text


def test_what_passes_by_itself_is_unsteady_and_what_does_not_has_failed(project: Path) -> None:
    (project / "bin").mkdir()
    (project / "bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    (project / "bin/python").chmod(0o755)
    (project / "test_project.py").write_text(TESTS, encoding="utf-8")
    code, text = run(project, "tests")
    assert code == 1
    assert "unsteady: 1 of the failures above" in text
    assert last_line(text) == "2 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize("session", ["idle", "absent", "no_such_session"])
def test_nothing_tested_is_no_success(project: Path, session: str) -> None:
    code, text = run(project, session)
    assert code == 1
    assert last_line(text).startswith("0 passed, ")
