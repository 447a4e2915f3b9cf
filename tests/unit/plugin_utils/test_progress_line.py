# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line of progress: what it says of each phase, how fast and how long, and what no_log leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.plugin_utils.progress_line import line

GB = 1_000_000_000


def snapshot(**given: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "phase": "copy",
        "images_total": 300,
        "images_done": 37,
        "images_failed": 0,
        "bytes": 0,
        "bytes_total": 0,
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
