# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters of a run, and the log file that they are written to."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Reference
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import Action, Status
from ansible_collections.imageops.registry.plugins.module_utils._sync.plan.image_task import new_task
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.log_file import LogFile
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult, RunResult
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.progress.counters import (
    Counts,
    Progress,
    Span,
)
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.progress.log import ProgressLog
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import parse_rules

RULE = parse_rules(
    [{"source": "a.example.com/app:1", "destination": "b.example.com/app"}],
    default_registry=None,
    default_namespace=None,
)[0]
SOURCE, DESTINATION = Reference("a.example.com", "app", "1"), Reference("b.example.com", "app", "1")


def image(status: str = "done", error: ImageOpsError | None = None) -> ImageResult:
    task = replace(new_task(RULE, SOURCE, DESTINATION), action=Action.CREATE, error=error)
    return ImageResult(task, Status(status), bytes=12, seconds=0.25, error=error)


def failure(cause: str = "no answer") -> ImageResult:
    return image("failed", ImageOpsError(code="timeout", action="read", subject="x", cause=cause))


def log(path: Path, warnings: list[str] | None = None) -> LogFile:
    return LogFile(str(path), mask=lambda text: text.replace("hunter2", "********"), warn=(warnings or []).append)


def lines(path: Path) -> list[str]:
    """The lines without their times."""
    found = path.read_text(encoding="utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in found)
    return [line.partition(" ")[2] for line in found]


def test_counts_every_kind() -> None:
    progress = Progress()
    progress.enter("copy")
    progress.expect_images(3)
    progress.image_finished(image())
    progress.image_finished(failure())
    progress.expect_bytes(10)
    progress.begin_blob("sha256:a", 10)
    progress.move("sha256:a", 5, written=10)
    progress.blob_finished()
    assert progress.snapshot() == Counts("copy", 3, 1, 1, 1, 10, 10)
    progress.retry_images(1)
    assert progress.snapshot().images_processed == 1


def test_shows_the_largest_blob_that_is_under_way() -> None:
    progress = Progress()
    progress.begin_blob("sha256:large", 100)
    progress.begin_blob("sha256:large", 100)
    progress.begin_blob("sha256:small", 10)
    progress.move("sha256:large", 40, written=80)
    progress.end_blob("sha256:large")
    assert progress.view()["blob"] == {"digest": "sha256:large", "size": 100, "done": 40}
    progress.end_blob("sha256:large")
    assert progress.view()["blob"] == {"digest": "sha256:small", "size": 10, "done": 0}
    progress.end_blob("sha256:small")
    assert progress.view()["blob"] is None


def test_tells_what_was_done_and_waited_for_when(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    progress = Progress()
    progress.enter("plan")
    clock[0] = 102.0
    progress.enter("copy")
    clock[0] = 103.0
    progress.asked_to_wait("a.example.com", 3.0)
    clock[0] = 104.0
    progress.asked_to_wait("a.example.com", 4.0)
    progress.asked_to_wait("a.example.com", 1.0)
    assert progress.view()["waiting"] == ["a.example.com (429)"]
    clock[0] = 110.0
    assert progress.view()["waiting"] == []
    assert progress.timeline() == [
        Span("plan", "", 0.0, 2.0),
        Span("copy", "", 2.0, 10.0),
        Span("copy", "a.example.com", 3.0, 8.0),
    ]


def test_no_count_is_lost_between_threads() -> None:
    seen: list[int] = []
    progress = Progress(lambda _image, counts: seen.append(counts.images_processed))
    finished = image()

    def work() -> None:
        for _turn in range(200):
            progress.move("sha256:a", 1, written=1)
            progress.image_finished(finished)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert progress.snapshot().bytes == 1600
    assert seen == list(range(1, 1601))


def test_the_log_has_a_line_an_image_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sync.log"
    progress = Progress(log(path).image)
    progress.expect_images(2)
    progress.image_finished(image())
    assert lines(path) == [
        "create a.example.com/app:1 -> b.example.com/app:1 (12 bytes, 0.2 s); now 1/2 images processed"
    ]
    progress.image_finished(failure("no\nanswer for hunter2"))
    assert lines(path)[1] == (
        "failed (timeout) a.example.com/app:1 -> b.example.com/app:1: cannot read x: no answer for ********; "
        "now 2/2 images processed"
    )


def test_the_log_ends_with_what_it_cost_and_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "sync.log"
    for _run in range(2):
        file = log(path)
        file.finished(RunResult([image(), failure()], True, False, 1.5, {}, [], []), check_mode=False)
        file.close()
    totals = "totals: 2 images: 1 created; 24 bytes written in 1.5 s"
    assert lines(path) == [totals, "synchronization finished, 1 of 2 images failed, cost 1.5 s"] * 2


def test_the_log_says_where_a_run_begins(tmp_path: Path) -> None:
    path = tmp_path / "sync.log"
    log(path).begun(1, check_mode=False)
    log(path).begun(12, check_mode=True)
    assert lines(path) == ["synchronization begins, 1 rule", "synchronization begins in check mode, 12 rules"]


def test_the_log_has_lines_of_progress_while_the_run_lasts(tmp_path: Path) -> None:
    progress, written = Progress(), threading.Event()
    file = log(tmp_path / "sync.log")

    def write(text: str) -> None:
        file.line(text)
        if text.startswith("copying"):
            written.set()

    def snapshot() -> dict[str, Any]:
        return {**progress.view(), "retries": 0, "check_mode": False}

    progress.enter("copy")
    progress.expect_images(3)
    progress.copy_images(2)
    with ProgressLog(0.001, snapshot, write):
        assert written.wait(60)
    assert lines(tmp_path / "sync.log")[:2] == ["to copy: 2 of 3 images", "copying 0/3 images"]


def test_the_log_has_no_lines_of_progress_where_none_are_wanted(tmp_path: Path) -> None:
    with ProgressLog(0, dict, pytest.fail):
        pass


def test_a_log_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="log_path"):
        log(tmp_path)


def test_a_full_disk_is_a_warning_once() -> None:
    warnings: list[str] = [""]
    file = log(Path("/dev/full"), warnings)
    file.line("one")
    file.line("two")
    file.close()
    assert len(warnings) == 2 and "/dev/full" in warnings[1]
