# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task returns of a run: which images, in which form and size, the message, the diff and the report file."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Secrets
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ImageOpsError,
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest, Reference
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Counters
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import Action, ReturnImages, Status
from ansible_collections.imageops.registry.plugins.module_utils._sync.plan.image_task import new_task
from ansible_collections.imageops.registry.plugins.module_utils._sync.results import message, report
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import (
    ImageResult,
    RunResult,
    by_destination,
)
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import parse_rules

OLD, NEW = Digest.of(b"old"), Digest.of(b"new")
BUILD: dict[str, Any] = {"return_images": "changed", "mask": str}


def denied(words: str = "") -> RegistryError:
    return RegistryError(
        code="push_denied",
        action="push",
        subject="b.example.com/app",
        cause="the registry answered 403",
        hint="give the user the right to push",
        status=403,
        words=words,
    )


def image(
    tag: str | None = "1",
    *,
    action: str = "create",
    status: str = "done",
    error: ImageOpsError | None = None,
    item: dict[str, Any] | None = None,
    **counted: Any,
) -> ImageResult:
    rule = parse_rules(
        [{"source": "a.example.com/app", "destination": "b.example.com/app", **(item or {})}],
        default_registry=None,
        default_namespace=None,
    )[0]
    source = Reference(rule.source.registry, rule.source.repository, tag)
    destination = Reference(rule.destinations[0].registry, rule.destinations[0].repository, tag)
    previous = None if action == "create" else NEW if action == "unchanged" else OLD
    task = replace(
        new_task(rule, source, destination),
        action=Action(action),
        reason="because",
        digest=NEW,
        previous=previous,
        error=error,
    )
    return ImageResult(task, Status(status), NEW, error=error, **counted)


def failed(tag: str | None = "1", *, error: ImageOpsError | None = None, **more: Any) -> ImageResult:
    return image(tag, status="failed", error=error or denied(), **more)


def run(*images: ImageResult, **more: Any) -> RunResult:
    values: dict[str, Any] = {
        "changed": True,
        "interrupted": False,
        "seconds": 1.5,
        "registries": {"b.example.com": Counters(4, 10, 20)},
        "rereads": [],
        "not_taken": [],
        **more,
    }
    return RunResult(images=by_destination(images), **values)


def again(items: object) -> list[Any]:
    """The rules that returned items stand for, as a further task reads them; where they stand is left aside."""
    return [
        (rule.source, rule.destinations, rule.tags, rule.platforms, rule.overwrite)
        for rule in parse_rules(items, default_registry=None, default_namespace=None)
    ]


@pytest.mark.parametrize(("wanted", "tags"), [("changed", ["1", "4"]), ("all", ["1", "2", "3", "4"]), ("none", [])])
def test_returns_the_images_that_are_asked_for_by_destination(wanted: str, tags: list[str]) -> None:
    images = [image("4", action="skip"), image("3", action="unchanged"), image("2", action="unchanged"), image("1")]
    returned = report.build(run(*images), return_images=ReturnImages(wanted), mask=str)["images"]
    assert [entry["destination"].rpartition(":")[2] for entry in returned] == tags


def test_a_failed_run_returns_the_failed_images_only() -> None:
    images = [image("1"), failed("2"), image("3", status="pending"), image("4", action="unchanged")]
    result = report.build(run(*images), return_images=ReturnImages.ALL, mask=str)
    assert [entry["source"] for entry in result["images"]] == ["a.example.com/app:2"]
    assert result["failed_images"] == [{"source": "a.example.com/app:2", "destination": "b.example.com/app:2"}]
    assert (result["summary"]["failed"], result["summary"]["pending"], result["summary"]["images"]) == (1, 1, 4)


def test_what_is_skipped_keeps_its_digest() -> None:
    (entry,) = report.build(run(image("1", action="skip")), **BUILD)["images"]
    assert entry["digest"] == entry["previous_digest"] == str(OLD)


def test_one_failure_in_two_thousand_images_is_small() -> None:
    images = [image(str(number), bytes=1) for number in range(1999)]
    result = report.build(run(*images, failed("broken")), return_images=ReturnImages.ALL, mask=str)
    assert len(json.dumps(result)) + len(message.failure_message(run(*images, failed()), check_mode=False)) < 20_000


def test_a_result_stays_below_what_job_runners_keep() -> None:
    images = [image(f"{number:0100d}", action="update") for number in range(10_000)]
    result = report.build(run(*images), **BUILD)
    assert len(json.dumps({**result, "diff": report.diff(run(*images))})) < 700_000
    assert [note.split(",")[0] for note in result["notes"]] == [
        f"images lists the first {len(result['images'])} of 10000"
    ]


def test_every_number_of_the_summary() -> None:
    images = [
        image("1", bytes=5, blobs_copied=1, blobs_mounted=2, blobs_present=3),
        image("2", action="update", bytes=7, blobs_copied=1),
        image("3", action="unchanged"),
        image("4", action="skip"),
    ]
    assert report.build(run(*images), **BUILD)["summary"] == {
        "images": 4,
        "created": 1,
        "updated": 1,
        "unchanged": 1,
        "skipped": 1,
        "not_locked": 0,
        "unknown": 0,
        "deleted": 0,
        "failed": 0,
        "pending": 0,
        "bytes": 12,
        "blobs_copied": 2,
        "blobs_mounted": 2,
        "blobs_present": 3,
        "referrers_copied": 0,
        "referrers_present": 0,
        "referrers_refused": 0,
        "referrers_failed": 0,
        "referrers_pending": 0,
        "blobs_read_again": 0,
        "seconds": 1.5,
    }


def test_an_error_says_what_is_known_of_it() -> None:
    entry = report.build(run(failed(error=denied("DENIED:\n no"))), **BUILD)["images"][0]
    assert entry["error"] == {
        "code": "push_denied",
        "message": "cannot push b.example.com/app: the registry answered 403 (give the user the right to push)",
        "hint": "give the user the right to push",
        "status": 403,
        "words": "DENIED: no",
    }


def test_no_secret_in_what_registries_said() -> None:
    secrets = Secrets()
    secrets.add("hunter2")
    result = run(failed(error=denied("user bob with hunter2 may not")))
    texts = [
        json.dumps(report.build(result, return_images=ReturnImages.CHANGED, mask=secrets.mask)),
        json.dumps(report.full(result, check_mode=False, mask=secrets.mask)),
        secrets.mask(message.failure_message(result, check_mode=False)),
    ]
    assert all("hunter2" not in text and "********" in text for text in texts)


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"platforms": ["linux/arm64"], "overwrite": "skip"},
        {"tags": {"include": ["v.*"], "exclude": "v1", "newest": 3}},
        {"source": r"a.example.com/app:/^v\d+$/"},
        {"destination": "b.example.com/app:latest", "tags": {"newest": 1, "include": "v.*"}},
    ],
)
def test_a_repository_that_could_not_be_listed_comes_back_as_its_rule(item: dict[str, Any]) -> None:
    lost = failed(None, action="unknown", item=item)
    found = again(report.build(run(lost), **BUILD)["failed_images"])
    wanted = again([{"source": "a.example.com/app", "destination": "b.example.com/app", **item}])
    assert [str(parts) for parts in found] == [str(parts) for parts in wanted]


@pytest.mark.parametrize("item", [{}, {"platforms": ["linux/arm/v7"]}, {"overwrite": "fail"}, {"tags": {"newest": 2}}])
def test_a_failed_image_comes_back_as_a_rule_for_itself(item: dict[str, Any]) -> None:
    returned = report.build(run(failed("7", item=item)), **BUILD)["failed_images"]
    kept = {key: value for key, value in item.items() if key != "tags"}
    assert returned == [{"source": "a.example.com/app:7", "destination": "b.example.com/app:7", **kept}]
    assert again(returned)


def test_the_diff_shows_before_and_after_next_to_each_other_and_what_is_new_alone() -> None:
    images = [
        image("2", action="update", bytes=1500),
        image("1", bytes=1000),
        image("3", action="unchanged"),
        failed("4"),
        image("5", status="pending"),
    ]
    assert report.diff(run(*images))["prepared"].splitlines() == [
        "--- destination tags before",
        "+++ destination tags after, 2.5 kB",
        f"+b.example.com/app:1 {NEW}",
        f"-b.example.com/app:2 {OLD}",
        f"+b.example.com/app:2 {NEW}",
    ]


def test_the_diff_is_short_enough_to_be_read() -> None:
    shown = report.diff(run(*(image(str(number)) for number in range(1000))))["prepared"].splitlines()
    assert len(shown) == 202
    assert shown[-1] == "and 801 more lines"


def test_a_diff_of_nothing_is_empty() -> None:
    assert report.diff(run(image("3", action="unchanged"))) == {"prepared": ""}


def test_a_failed_result_says_each_cause_once_and_names_few_images() -> None:
    images = [failed(f"{number:04}", error=denied("no")) for number in range(2000)]
    result = report.build(run(*images), **BUILD)
    assert len(result["images"]) == 3
    (cause,) = result["causes"]
    assert (cause["code"], cause["count"], len(cause["images"])) == ("push_denied", 2000, 3)
    assert "failed_images" not in result or len(json.dumps(result["failed_images"])) <= 10_000
    assert len(json.dumps(result)) < 20_000


def test_a_failed_result_names_an_image_of_each_cause_first() -> None:
    other = ImageOpsError(code="timeout", action="read", subject="x", cause="no answer", hint="wait")
    result = report.build(run(*(failed(str(n)) for n in range(1, 6)), failed("9", error=other)), **BUILD)
    assert [entry["destination"].rpartition(":")[2] for entry in result["images"]] == ["1", "2", "9"]
    assert [(cause["message"], cause["hint"]) for cause in result["causes"]] == [
        ("cannot push b.example.com/app: the registry answered 403", "give the user the right to push"),
        ("cannot read x: no answer", "wait"),
    ]


def test_failed_images_are_complete_or_absent() -> None:
    few = report.build(run(*(failed(f"{number}") for number in range(100))), **BUILD)
    tags = ",".join(sorted(map(str, range(100))))
    assert few["failed_images"] == [{"source": f"a.example.com/app:{tags}", "destination": f"b.example.com/app:{tags}"}]
    many = report.build(run(*(failed(f"{number:0120d}") for number in range(200))), **BUILD)
    assert "failed_images" not in many
    assert many["failed_images_left_out"] > 10


def test_the_message_groups_by_code_and_says_what_to_do() -> None:
    timeout = ImageOpsError(
        code="timeout", action="read", subject="a.example.com/app:9", cause="no answer", hint="look there"
    )
    text = message.failure_message(
        run(image("0"), *(failed(str(n)) for n in range(1, 6)), failed("9", error=timeout)), check_mode=False
    )
    assert text.splitlines() == [
        "6 of 7 images failed (1 created)",
        "push_denied, 5 images: cannot push b.example.com/app: the registry answered 403",
        "  not written: b.example.com/app:1, b.example.com/app:2, b.example.com/app:3 and 2 more",
        "  what to do: give the user the right to push",
        "timeout, 1 image: cannot read a.example.com/app:9: no answer",
        "  not written: b.example.com/app:9",
        "  what to do: look there",
    ]


def test_the_message_never_has_more_than_twenty_lines() -> None:
    errors = [
        ImageOpsError(code=f"code_{n}", action="copy", subject="x\ny", cause="z\n" * 50, hint="a\nb") for n in range(30)
    ]
    lines = message.failure_message(
        run(*(failed(str(n), error=e) for n, e in enumerate(errors))), check_mode=False
    ).splitlines()
    assert len(lines) == 20
    assert lines[-1].startswith("and 24 images more: code_")
    assert all(len(line) <= 500 for line in lines)


def test_an_interrupted_run_says_so_first() -> None:
    text = message.failure_message(
        run(image("1"), image("2", status="pending"), interrupted=True), check_mode=False, signal="SIGTERM"
    )
    assert text.startswith("interrupted by SIGTERM; ")
    assert text.endswith("0 of 2 images failed (1 created, 1 not tried)")


@pytest.mark.parametrize(
    ("check_mode", "text"),
    [
        (False, "2 images: 1 updated, 1 unchanged; 1.5 MB written in 1.5 s"),
        (True, "2 images: 1 to update, 1 unchanged; 1.5 MB would be written"),
    ],
)
def test_a_good_run_says_what_was_done(check_mode: bool, text: str) -> None:
    images = [image("1", action="update", bytes=1_500_000), image("2", action="unchanged")]
    assert message.success_message(run(*images), check_mode=check_mode) == text


def test_a_run_without_images_says_so() -> None:
    assert message.success_message(run(), check_mode=False) == "no images to copy"


def test_the_report_has_every_image() -> None:
    images = [image(str(number), action="unchanged") for number in range(3)]
    written = report.full(run(*images, failed("9")), check_mode=True, mask=str)
    assert (len(written["images"]), len(written["failed_images"]), written["check_mode"]) == (4, 1, True)
