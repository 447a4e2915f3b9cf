# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of shards become one: sums, states, and what a shard without a report may have."""

from __future__ import annotations

from typing import Any

from ansible_collections.imageops.registry.plugins.module_utils._sync.results.html.page import page as html_page
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.merged_report import (
    Share,
    codes,
    merge,
    message,
    returned,
)

ACTIONS = ("created", "updated", "unchanged", "skipped", "unknown", "deleted")


def image(name: str, status: str = "done") -> dict[str, Any]:
    entry: dict[str, Any] = {
        "source": f"a.test/{name}:1",
        "destination": f"b.test/{name}:1",
        "action": "create",
        "status": status,
        "digest": None,
        "previous_digest": None,
        "bytes": 10,
        "seconds": 1.0,
    }
    return {**entry, "error": {"code": "push_denied", "message": "no", "hint": "ask"}} if status == "failed" else entry


def report(*images: dict[str, Any], seconds: float = 1.0) -> dict[str, Any]:
    failed = [one for one in images if one["status"] == "failed"]
    return {
        "run": {"user": "me", "started": f"2026-01-01T00:00:0{seconds:.0f}Z", "ended": "2026-01-01T00:01:00Z"},
        "rules": ["a.test/* to b.test/{name}"],
        "inputs": [{"name": "rules", "sha256": "x"}],
        "check_mode": False,
        "changed": True,
        "interrupted": False,
        "overdue": False,
        "images": list(images),
        "failed_images": [{"source": one["source"], "destination": one["destination"]} for one in failed],
        "registries": {"b.test": {"requests": 3, "bytes_read": 0, "bytes_written": 10}},
        "read_again": [],
        "notes": ["the same note"],
        "summary": {
            **dict.fromkeys(ACTIONS, 0),
            "images": len(images),
            "created": len(images) - len(failed),
            "failed": len(failed),
            "pending": 0,
            "bytes": 10 * len(images),
            "seconds": seconds,
        },
    }


def test_sums_states_and_order() -> None:
    merged = merge(
        [
            Share(0, "m0", report(image("z"), image("b", "failed"), seconds=2)),
            Share(1, "m1", report(image("a"), seconds=5)),
        ]
    )
    assert [one["destination"] for one in merged["images"]] == ["b.test/a:1", "b.test/b:1", "b.test/z:1"]
    assert (merged["summary"]["created"], merged["summary"]["failed"], merged["summary"]["seconds"]) == (2, 1, 5)
    assert merged["registries"]["b.test"]["requests"] == 6
    assert (merged["notes"], merged["run"]["started"]) == (["the same note"], "2026-01-01T00:00:02Z")
    assert [shard["state"] for shard in merged["shards"]] == ["failed", "done"]
    assert merged["failed_images"] == [{"source": "a.test/b:1", "destination": "b.test/b:1"}]
    assert codes(merged) == ["push_denied"]
    assert "push_denied, 1 images: no" in message(merged)
    assert [one["destination"] for one in returned(merged)["images"]] == ["b.test/b:1"]


def test_a_shard_without_a_report_fails_the_result_and_is_told_with_its_rules() -> None:
    merged = merge([Share(0, "m0", report(image("a"))), Share(1, "m1", None, "<gone>", ["a.test/x to b.test/x"])])
    assert merged["shards"][1] == {
        "index": 1,
        "host": "m1",
        "state": "unknown",
        "rules": ["a.test/x to b.test/x"],
        "error": "<gone>",
    }
    assert codes(merged) == ["shard_unknown"]
    assert "shard 1 of m1 is unknown: <gone>" in message(merged)
    page = html_page(merged)
    assert "1 (m1): unknown; &lt;gone&gt;; a.test/x to b.test/x" in page and 'class="state bad"' in page


def test_nothing_but_unknown_shards_is_a_report_too() -> None:
    merged = merge([Share(index, f"m{index}", None, rules=["x"]) for index in range(30)])
    assert (merged["images"], codes(merged)) == ([], ["shard_unknown"])
    assert len(message(merged).splitlines()) <= 21
    assert html_page(merged)
