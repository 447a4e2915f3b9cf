# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which reports are plans."""

from __future__ import annotations

import copy
import json
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.approved_plan import parse_plan
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import parse_rules

ONE = str(Digest.of(b"one"))
ENTRY: dict[str, Any] = {
    "rule": "images[0]",
    "source": "a.test/x:1",
    "source_digest": ONE,
    "destination": "b.test/y:1",
    "action": "create",
    "status": "done",
    "digest": ONE,
    "previous_digest": None,
    "referrers": [],
}
REPORT: dict[str, Any] = {
    "check_mode": True,
    "interrupted": False,
    "overdue": False,
    "plan": {"version": 1, "made": 1_768_651_200.5, "asked_sha256": "0" * 64, "images": [ENTRY]},
}
Change = Callable[[dict[str, Any]], object]


def parsed(change: Change = lambda report: None) -> Any:
    document = copy.deepcopy(REPORT)
    change(document)
    return parse_plan(json.dumps(document).encode())


def test_a_report_of_check_mode_is_a_plan() -> None:
    plan = parsed()
    assert (plan.made, plan.asked, len(plan.images)) == (1_768_651_200.5, "0" * 64, 1)
    (rule,) = plan.rules(
        parse_rules([{"source": "a.test/x", "destination": "b.test/y"}], default_registry=None, default_namespace=None)
    )
    assert (rule.source.name, rule.source.tags) == ("a.test/x", ("1",))
    assert [(each.name, each.tags) for each in rule.destinations] == [("b.test/y", ("1",))]


def entry(**values: Any) -> Change:
    return lambda report: report["plan"]["images"][0].update(values)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda report: report.update(check_mode=False), "no report of a task in check mode"),
        (lambda report: report.pop("plan"), "no report of a task in check mode"),
        (lambda report: report["plan"].update(version=2), "no plan of version 1"),
        (lambda report: report["plan"].update(version=True), "no plan of version 1"),
        (lambda report: report.update(interrupted=True), "before it was through"),
        (lambda report: report.update(overdue=True), "before it was through"),
        (lambda report: report["plan"].pop("made"), "when it was made"),
        (lambda report: report["plan"].update(asked_sha256=None), "when it was made"),
        (lambda report: report["plan"].pop("images"), "no list of images"),
        (lambda report: report["plan"]["images"].append("b.test/y:2"), "no list of images"),
        (entry(status="failed", action="create"), "b.test/y:1 (failed, create)"),
        (entry(status="pending", action="create"), "b.test/y:1 (pending, create)"),
        (entry(action="unknown"), "b.test/y:1 (done, unknown)"),
        (entry(action="conflict"), "b.test/y:1 (done, conflict)"),
        (entry(action="delete"), "it deletes tags"),
        (entry(digest="sha256:1"), "cannot be read"),
        (entry(source="A B"), "cannot be read"),
        (entry(referrers=None), "cannot be read"),
        (lambda report: report["plan"]["images"][0].pop("previous_digest"), "cannot be read"),
    ],
)
def test_what_is_no_whole_plan_is_refused(change: Change, cause: str) -> None:
    with pytest.raises(ImageOpsError) as refused:
        parsed(change)
    assert refused.value.code == "plan_refused"
    assert cause in refused.value.cause
    assert refused.value.hint


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b'{"plan": 1, "plan": 2}', b"\xff"])
def test_what_is_no_report_is_refused(raw: bytes) -> None:
    with pytest.raises(ImageOpsError) as refused:
        parse_plan(raw)
    assert refused.value.code == "plan_refused"


def test_an_image_of_another_rule_is_refused() -> None:
    rules = parse_rules(["a.test/x"], default_registry="b.test", default_namespace="n", origin="other")
    with pytest.raises(ImageOpsError) as refused:
        parsed().rules(rules)
    assert "no rule of this task" in refused.value.cause
