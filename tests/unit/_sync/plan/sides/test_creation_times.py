# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest images by when they were built: what is read for that, how often, and what is no reason to fail."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._sync.plan.sides.creation_times import parse_time
from helpers.memory_run import MemoryRun, errors, failing, fault, item
from helpers.memory_store import MemoryStore, push
from support.scenes import images

NEWEST = {"newest": 2, "by": "created"}
CREATED = "org.opencontainers.image.created"


@pytest.fixture
def source() -> MemoryStore:
    """A source whose tags say nothing of age: the oldest comes first in the alphabet."""
    store = MemoryStore("a.test")
    for tag, day in {"f00": "2026-03-01", "e11": "2026-02-01", "a22": "2025-12-31"}.items():
        push(store, "x", images.image(tag, created=f"{day}T00:00:00Z"), tag)
    return store


@pytest.fixture
def target() -> MemoryStore:
    return MemoryStore("b.test")


def taken(run: MemoryRun, target: MemoryStore, **tags: Any) -> set[str]:
    result = run.sync(item("a.test/x", "b.test/y", tags={**NEWEST, **tags}))
    assert not errors(result)
    return set(target.repository("y").tagged)


def test_the_newest_are_taken_and_each_manifest_and_config_is_read_once(
    source: MemoryStore, target: MemoryStore
) -> None:
    assert taken(MemoryRun(source, target), target) == {"f00", "e11"}
    by_tag = [request.ref for request in source.requests if request.method == "manifest" and ":" not in request.ref]
    assert sorted(by_tag) == ["a22", "e11", "f00"]
    oldest = Digest.parse(images.image("a22", created="2025-12-31T00:00:00Z").blobs[0].digest)
    assert [request.ref for request in source.requests if request.method == "open_blob"].count(str(oldest)) == 1


def test_only_what_the_other_filters_leave_is_read(source: MemoryStore, target: MemoryStore) -> None:
    assert taken(MemoryRun(source, target), target, exclude="f.*") == {"e11", "a22"}
    assert "f00" not in {request.ref for request in source.requests}


def test_an_index_is_as_old_as_its_first_platform(source: MemoryStore, target: MemoryStore) -> None:
    children = [
        images.image(platform, platform=platform, created=time)
        for platform, time in {"linux/amd64": "2026-01-15T00:00:00Z", "linux/arm64": "2027-01-01T00:00:00Z"}.items()
    ]
    push(source, "x", images.index(children), "0index")
    assert taken(MemoryRun(source, target), target, newest=1) == {"f00"}
    assert taken(MemoryRun(source, target), target, newest=3) == {"f00", "e11", "0index"}


def test_what_has_no_time_is_neither_counted_nor_left(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", images.artifact("sbom"), "sbom")
    push(source, "x", images.image("none", created=None), "none")
    push(source, "x", images.image("go", created="0001-01-01T00:00:00Z"), "go")
    assert taken(MemoryRun(source, target), target) == {"f00", "e11", "sbom", "none", "go"}


def test_an_annotation_tells_what_a_configuration_does_not(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", images.image("chart", created=None, annotations={CREATED: "2026-04-01T00:00:00Z"}), "chart")
    assert taken(MemoryRun(source, target), target) == {"f00", "chart"}


def test_a_rule_fails_when_a_time_cannot_be_read(source: MemoryStore, target: MemoryStore) -> None:
    source.around = failing("manifest", fault("pull_denied", transient=False, status=403), 1)
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", tags=NEWEST))
    (image,) = result.images
    assert (image.reason, errors(result)) == ("when the source's images were built is not known", ["pull_denied"])
    assert not target.repository("y").tagged


def test_a_passing_fault_is_tried_again_and_what_was_read_is_kept(source: MemoryStore, target: MemoryStore) -> None:
    source.around = failing("manifest", fault("server_error"), 1, "e11")
    assert taken(MemoryRun(source, target), target) == {"f00", "e11"}
    by_tag = [request.ref for request in source.requests if request.method == "manifest" and ":" not in request.ref]
    assert sorted(by_tag) == ["a22", "e11", "e11", "f00"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-02-04T18:02:11Z", (2026, 2, 4, 18, 2, 11)),
        ("2026-02-04T18:02:11.5Z", (2026, 2, 4, 18, 2, 11, 500000)),
        ("2026-02-04T18:02:11.123456789Z", (2026, 2, 4, 18, 2, 11, 123457)),
        ("2026-02-04t18:02:11z", (2026, 2, 4, 18, 2, 11)),
        ("2026-02-04T18:02:11+08:00", (2026, 2, 4, 10, 2, 11)),
        ("2026-02-04T18:02:11-05:30", (2026, 2, 4, 23, 32, 11)),
        ("1970-01-01T00:00:00Z", (1970, 1, 1)),
    ],
)
def test_times(text: str, time: tuple[int, ...]) -> None:
    assert parse_time(text) == datetime(*time, tzinfo=timezone.utc)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        5,
        "yesterday",
        "2026-02-30T00:00:00Z",
        "2026-02-04",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_what_is_no_time(text: object) -> None:
    assert parse_time(text) is None
