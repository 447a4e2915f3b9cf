# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Across an air gap: registry → layout → registry, with what each run reports and leaves on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import Action, Status
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from helpers.memory_run import MemoryRun, errors, item, only
from helpers.memory_store import MemoryStore, push
from support.scenes import images, layouts

LIST = images.multi_arch("list")
IMAGE = images.image("image")
SBOM = images.artifact("sbom", IMAGE)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return tmp_path / "bundle"


@pytest.fixture
def outside() -> MemoryStore:
    """A registry with two repositories and a referrer."""
    store = MemoryStore("outside.test")
    store.lists_referrers = True
    push(store, "library/nginx", LIST, "1.27", "latest")
    push(store, "library/redis", IMAGE, "7")
    push(store, "library/redis", SBOM)
    return store


def actions(result: RunResult) -> list[tuple[str, str]]:
    return [(image.action.value, image.status.value) for image in result.images]


def export(outside: MemoryStore, layout: Path, **options: object) -> RunResult:
    return MemoryRun(outside).sync(item("outside.test/library/**", f"oci:{layout}"), **options)


def test_a_project_becomes_a_layout_with_every_blob_once(outside: MemoryStore, layout: Path) -> None:
    result = export(outside, layout)
    assert actions(result) == [("create", "done")] * 3
    assert layouts.faults(layout) == []
    assert layouts.named(layout) == {
        "library/nginx:1.27": LIST.digest,
        "library/nginx:latest": LIST.digest,
        "library/redis:7": IMAGE.digest,
    }
    origins = {entry["annotations"][layouts.FULL] for entry in layouts.entries(layout) if "annotations" in entry}
    assert origins == {f"outside.test/library/{name}" for name in ("nginx:1.27", "nginx:latest", "redis:7")}
    files = {path.name for path in (layout / "blobs/sha256").iterdir()}
    wanted = {*LIST.all_manifests(), *LIST.all_blobs(), *IMAGE.all_manifests(), *IMAGE.all_blobs()}
    assert files == {digest[7:] for digest in {*wanted, *SBOM.all_manifests(), *SBOM.all_blobs()}}


def test_a_referrer_is_an_entry_without_a_name_and_parts_of_an_index_are_none(
    outside: MemoryStore, layout: Path
) -> None:
    export(outside, layout)
    nameless = [entry for entry in layouts.entries(layout) if "annotations" not in entry]
    assert [(entry["digest"], bool(entry["artifactType"])) for entry in nameless] == [(SBOM.digest, True)]


def test_the_second_run_is_unchanged_and_writes_nothing(outside: MemoryStore, layout: Path) -> None:
    export(outside, layout)
    before = {path: path.stat().st_mtime_ns for path in layout.rglob("*") if "imageops" not in str(path)}
    result = export(outside, layout)
    assert actions(result) == [("unchanged", "done")] * 3
    assert not result.changed
    assert {path: path.stat().st_mtime_ns for path in layout.rglob("*") if "imageops" not in str(path)} == before


def test_check_mode_says_what_would_be_and_leaves_no_directory(outside: MemoryStore, layout: Path) -> None:
    result = export(outside, layout, check_mode=True)
    assert actions(result) == [("create", "done")] * 3
    assert result.changed
    assert sum(image.bytes for image in result.images) > 0
    assert not layout.exists()


def test_what_is_in_a_layout_comes_into_a_registry(outside: MemoryStore, layout: Path) -> None:
    export(outside, layout)
    inside = MemoryStore("inside.test")
    inside.lists_referrers = True
    run = MemoryRun(inside)
    rule = item(f"oci:{layout}", "inside.test/mirror")
    assert actions(run.sync(rule)) == [("create", "done")] * 3
    assert str(inside.repository("mirror/library/nginx").tagged["1.27"]) == LIST.digest
    about = inside.repository("mirror/library/redis").referrers(inside.repository("mirror/library/redis").tagged["7"])
    assert [str(each.digest) for each in about or ()] == [SBOM.digest]
    assert actions(run.sync(rule)) == [("unchanged", "done")] * 3


def test_fallback_and_cosign_tags_stay_tags(layout: Path) -> None:
    store = MemoryStore("outside.test")
    tag = IMAGE.digest.replace(":", "-")
    signature = images.image("signature")
    push(store, "app", IMAGE, "1")
    push(store, "app", SBOM)
    push(store, "app", images.index([(SBOM, {"artifactType": "sbom"})]), tag)
    push(store, "app", signature, f"{tag}.sig")
    result = MemoryRun(store).sync(item("outside.test/app:1", f"oci:{layout}"))
    assert only(result).status == Status.DONE
    assert set(layouts.named(layout)) == {"app:1", f"app:{tag}", f"app:{tag}.sig"}
    assert layouts.faults(layout) == []
    inside = MemoryStore("inside.test")
    MemoryRun(inside).sync(item(f"oci:{layout}//app:1", "inside.test/app"))
    assert set(inside.repository("app").tagged) == {"1", tag, f"{tag}.sig"}


def test_an_image_by_digest_alone_is_an_entry_without_a_name(outside: MemoryStore, layout: Path) -> None:
    rule = item(f"outside.test/library/nginx@{LIST.digest}", f"oci:{layout}")
    run = MemoryRun(outside)
    assert only(run.sync(rule)).action == Action.CREATE
    assert [entry["digest"] for entry in layouts.entries(layout)] == [LIST.digest]
    assert only(run.sync(rule)).action == Action.UNCHANGED


def test_platforms_templates_and_tags_are_chosen_as_with_registries(outside: MemoryStore, layout: Path) -> None:
    rule = item("outside.test/library/nginx:/^1/", f"oci:{layout}//apps/{{name}}:{{tag}}-x", platforms=["linux/amd64"])
    result = MemoryRun(outside).sync(rule)
    assert list(layouts.named(layout)) == ["apps/nginx:1.27-x"]
    assert only(result).digest is not None
    assert layouts.faults(layout) == []


def test_a_tag_that_moved_is_updated_in_its_place(outside: MemoryStore, layout: Path) -> None:
    export(outside, layout)
    push(outside, "library/redis", images.image("newer"), "7")
    result = export(outside, layout)
    assert sorted(image.action.value for image in result.images) == ["unchanged", "unchanged", "update"]
    assert layouts.named(layout)["library/redis:7"] == images.image("newer").digest
    assert layouts.faults(layout) == []


def test_a_blob_with_a_flipped_byte_reaches_no_registry(outside: MemoryStore, layout: Path) -> None:
    export(outside, layout)
    blob = layouts.blob_path(layout, IMAGE.blobs[-1].digest)
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)
    inside = MemoryStore("inside.test")
    result = MemoryRun(inside).sync(item(f"oci:{layout}//library/redis:7", "inside.test/redis"), retries=0)
    assert errors(result) == ["digest_mismatch"]
    assert inside.repository("redis").tagged == {}


def test_a_layout_that_lost_a_blob_names_it(outside: MemoryStore, layout: Path) -> None:
    export(outside, layout)
    layouts.blob_path(layout, IMAGE.blobs[-1].digest).unlink()
    inside = MemoryStore("inside.test")
    result = MemoryRun(inside).sync(item(f"oci:{layout}//library/redis:7", "inside.test/redis"), retries=0)
    assert errors(result) == ["source_incomplete"]
    assert IMAGE.blobs[-1].digest in str(only(result).error)


def test_a_layout_goes_into_another_layout(outside: MemoryStore, layout: Path, tmp_path: Path) -> None:
    export(outside, layout)
    other = tmp_path / "other"
    MemoryRun().sync(item(f"oci:{layout}//library/*", f"oci:{other}"))
    assert layouts.named(other) == layouts.named(layout)
    assert layouts.faults(other) == []


def test_an_archive_carries_the_same_and_is_not_touched_where_nothing_is_new(
    outside: MemoryStore, tmp_path: Path
) -> None:
    archive, run = tmp_path / "bundle.tar", MemoryRun(outside)
    rule = item("outside.test/library/**", f"oci-archive:{archive}")
    assert actions(run.sync(rule, check_mode=True)) == [("create", "done")] * 3
    assert list(tmp_path.iterdir()) == []
    assert actions(run.sync(rule)) == [("create", "done")] * 3
    before = archive.stat()
    assert actions(run.sync(rule)) == [("unchanged", "done")] * 3
    assert (archive.stat().st_ino, archive.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    push(outside, "library/redis", images.image("newer"), "8")
    assert sorted(each[0] for each in actions(run.sync(rule))) == ["create", "unchanged", "unchanged", "unchanged"]
    inside = MemoryStore("inside.test")
    assert actions(MemoryRun(inside).sync(item(f"oci-archive:{archive}", "inside.test"))) == [("create", "done")] * 4
    assert str(inside.repository("library/nginx").tagged["1.27"]) == LIST.digest
    (tmp_path / "unpacked").mkdir()
    layouts.unpack(archive, tmp_path / "unpacked")
    assert layouts.faults(tmp_path / "unpacked") == []


class Unfinished(MemoryStore):
    """A store that loses what was written when the run ends."""

    def finish(self) -> None:
        raise ImageOpsError(code="storage_failed", action="write", subject="it", cause="a test says so")


def test_where_making_it_last_fails_every_image_that_was_written_there_fails(outside: MemoryStore) -> None:
    result = MemoryRun(outside, Unfinished("inside.test")).sync(
        item("outside.test/library/redis:7", "inside.test/redis")
    )
    assert errors(result) == ["storage_failed"]
    assert only(result).status == Status.FAILED
    assert result.changed
