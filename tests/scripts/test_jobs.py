# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs run, are counted and reported, and end when their time is over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from workshop import jobs
from workshop.counts import Counts
from workshop.jobs import Absent, Job, record, run_all
from workshop.shell import Shell

ENV = dict(os.environ)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "CACHE", tmp_path)


def shell_job(name: str, script: str, *, limit: int = 60) -> Job:
    def work(shell: Shell) -> Counts:
        shell.run(["sh", "-c", script], env=ENV)
        return Counts(passed=2)

    return Job(name, work, limit=limit)


def test_counts_jobs_and_absent_parts() -> None:
    outcomes = run_all([shell_job("a/good", "true"), shell_job("a/bad", "exit 3"), Absent("a/gone", "it is not here")])
    assert {outcome.name: outcome.counts for outcome in outcomes} == {
        "a/good": Counts(passed=2),
        "a/bad": Counts(failed=1),
        "a/gone": Counts(skipped=1),
    }
    assert record(outcomes) == Counts(passed=2, failed=1, skipped=1)


def test_shows_what_a_failed_job_printed(capsys: pytest.CaptureFixture[str]) -> None:
    run_all([shell_job("a/bad", "echo why it failed; exit 3"), shell_job("a/good", "echo of no interest")])
    shown = capsys.readouterr().out
    assert "why it failed" in shown
    assert "exit code 3 from: sh -c" in shown
    assert "of no interest" not in shown


def test_ends_a_job_with_its_children_when_its_time_is_over(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    (outcome,) = run_all([shell_job("a/slow", f"sleep 600 & echo $! > {pid}; wait", limit=1)])
    assert outcome.counts == Counts(failed=1)
    assert outcome.note.startswith("out of time")
    state = Path(f"/proc/{pid.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_bug_in_a_job_is_not_swallowed() -> None:
    def work(shell: Shell) -> Counts:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        run_all([Job("a/bug", work)])
