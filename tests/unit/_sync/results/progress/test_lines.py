# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of progress: what they say, when they are due, and what no_log leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.progress.lines import (
    ProgressLines,
    line,
    to_do,
)

GB = 1_000_000_000


def snapshot(**given: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "phase": "copy",
        "images_total": 300,
        "images_done": 37,
        "images_failed": 0,
        "bytes": 0,
        "bytes_total": 0,
        "images_to_copy": 260,
        "images_read": 260,
        "check_mode": False,
        "retries": 0,
        "waiting": [],
        "blob": None,
        "at": 0.0,
    }
    return {**nothing, **given}


def test_says_images_bytes_speed_time_and_what_is_waited_for() -> None:
    before = snapshot(bytes=930_000_000, bytes_total=8.4 * GB, at=10.0)
    now = snapshot(bytes=1.2 * GB, bytes_total=8.4 * GB, at=15.0, waiting=["harbor.example.com (429)"])
    assert line(now, before, counts_only=False) == (
        "copying 37/300 images, 1.2 of 8.4 GB, 54.0 MB/s, about 2 min left; waiting for harbor.example.com (429)"
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"phase": "", "images_total": 0, "images_done": 0}, "beginning"),
        ({"phase": "plan", "images_total": 0, "images_done": 0}, "planning"),
        ({"phase": "plan", "images_done": 5, "images_total": 12}, "planning 5/12 images"),
        ({"phase": "retry", "images_failed": 3}, "trying again 40/300 images, 3 failed"),
        ({"phase": "prune"}, "deleting 37/300 images"),
        ({"bytes": 500, "bytes_total": 2000}, "copying 37/300 images, 500 bytes of 2.0 kB"),
        ({"retries": 4}, "copying 37/300 images, 4 requests repeated"),
        (
            {"blob": {"digest": "sha256:" + "ab" * 32, "done": 3 * GB, "size": 4 * GB}},
            "copying 37/300 images; sha256:abababababab of 4.0 GB: 75 %",
        ),
        ({"blob": {"digest": "sha256:" + "ab" * 32, "done": 5, "size": 9_999_999}}, "copying 37/300 images"),
        (
            {"blob": {"digest": "sha256:" + "ab" * 32, "done": 5 * GB, "size": 4 * GB}},
            "copying 37/300 images; sha256:abababababab of 4.0 GB: 100 %",
        ),
        ({"bytes": GB, "bytes_total": 2 * GB, "images_read": 64}, "copying 37/300 images, 1.0 of at least 2.0 GB"),
        ({"bytes": 2 * GB, "bytes_total": GB}, "copying 37/300 images, 2.0 of 2.0 GB"),
        ({"check_mode": True, "bytes_total": GB}, "checking 37/300 images, 1.0 GB would be written"),
        ({"check_mode": True, "phase": "plan"}, "planning 37/300 images"),
        ({"waiting": ["a", "b", "c", "d", "e"]}, "copying 37/300 images; waiting for a, b, c and 2 more"),
    ],
)
def test_says_what_there_is_to_say_and_nothing_else(given: dict[str, Any], text: str) -> None:
    assert line(snapshot(**given), None, counts_only=False) == text


def test_names_nothing_where_only_counts_may_be_shown() -> None:
    blob = {"digest": "sha256:" + "ab" * 32, "done": 1, "size": 4}
    now = snapshot(bytes=1, bytes_total=4, waiting=["harbor.example.com (429)"], blob=blob)
    assert line(now, None, counts_only=True) == "copying 37/300 images, 1 of 4 bytes"


@pytest.mark.parametrize(("left", "text"), [(4, "4 s"), (90, "2 min"), (5400, "1.5 h"), (0.2, "1 s")])
def test_says_the_time_that_is_left_in_a_fitting_unit(left: float, text: str) -> None:
    now = snapshot(bytes=1000, bytes_total=1000 + 1000 * left, at=1.0)
    assert f"about {text} left" in line(now, snapshot(at=0.0), counts_only=False)


def test_says_no_speed_while_nothing_moves() -> None:
    now = snapshot(bytes=1000, bytes_total=4000, at=5.0)
    assert line(now, {**now, "at": 0.0}, counts_only=False) == "copying 37/300 images, 1.0 of 4.0 kB"


def test_says_no_more_than_it_knows_of_the_time_that_is_left() -> None:
    now = snapshot(bytes=1000, bytes_total=61_000, at=1.0, images_read=64)
    assert "at least 1 min left" in line(now, snapshot(at=0.0), counts_only=False)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"bytes_total": 8.4 * GB}, "to copy: 260 of 300 images, 8.4 GB"),
        ({"bytes_total": 8.4 * GB, "images_read": 64}, "to copy: 260 of 300 images, at least 8.4 GB"),
        ({}, "to copy: 260 of 300 images"),
    ],
)
def test_says_what_there_is_to_do(given: dict[str, Any], text: str) -> None:
    assert to_do(snapshot(**given)) == text


def test_says_once_what_there_is_to_do_as_soon_as_it_is_known() -> None:
    lines = ProgressLines(5.0, counts_only=False, begin=100.0)
    planning = snapshot(phase="plan", images_to_copy=0, images_read=0)
    assert lines.due(planning, 101.0) == []
    assert lines.due(planning, 105.0) == ["planning 37/300 images"]
    assert lines.due(snapshot(images_read=64), 106.0) == []
    assert lines.due(snapshot(), 107.0) == ["to copy: 260 of 300 images"]
    assert lines.due(snapshot(), 110.0) == ["copying 37/300 images"]
    assert lines.due(snapshot(), 114.9) == []


def test_does_not_wait_for_long_until_all_sizes_are_known() -> None:
    lines = ProgressLines(5.0, counts_only=False, begin=100.0)
    late = snapshot(images_read=64, bytes_total=GB)
    assert lines.due(late, 105.0) == [
        "to copy: 260 of 300 images, at least 1.0 GB",
        "copying 37/300 images, 0 bytes of at least 1.0 GB",
    ]


def test_a_run_that_copies_nothing_does_not_say_what_there_is_to_do() -> None:
    lines = ProgressLines(5.0, counts_only=False, begin=100.0)
    assert lines.due(snapshot(phase="plan", images_to_copy=0, images_read=0), 105.0) == ["planning 37/300 images"]


def test_no_line_is_due_where_none_is_wanted() -> None:
    assert ProgressLines(0.0, counts_only=False, begin=0.0).due(snapshot(), 1000.0) == []
