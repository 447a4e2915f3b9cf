# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles that leave out what earlier ones have: three generations, one that is missing, and what is not believed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.inventory import Bases, read_inventory
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from helpers.memory_run import MemoryRun, errors, item
from helpers.memory_store import MemoryStore, push
from support.scenes import images, layouts
from support.scenes.images import Blob, Image

BASE = [images.random_blob(f"base {number}", 200_000) for number in range(3)]
PLACES = [("oci", ""), ("oci-archive", ".tar")]


def image(*own: Blob) -> Image:
    return images.image(str([blob.digest for blob in own]), layers=[*BASE, *own])


FIRST = image()
SECOND = image(images.random_blob("second", 5_000))
THIRD = image(images.random_blob("second", 5_000), images.random_blob("third", 6_000))


class Gap:
    """Two registries, and what is carried from one to the other."""

    def __init__(self, folder: Path, transport: str, ending: str) -> None:
        self.outside, self.inside = MemoryStore("outside.test"), MemoryStore("inside.test")
        self._folder, self._transport, self._ending = folder, transport, ending

    def path(self, number: int) -> Path:
        return self._folder / f"bundle-{number}{self._ending}"

    def inventory(self, number: int) -> Path:
        return Path(f"{self.path(number)}.inventory.json")

    def export(self, number: int, *bases: int) -> RunResult:
        run = MemoryRun(self.outside)
        known = [read_inventory(str(self.inventory(base))) for base in bases]
        run.bases = Bases([each for each in known if each is not None])
        return run.sync(item("outside.test/library/**", f"{self._transport}:{self.path(number)}"))

    def bring(self, number: int, destination: str = "inside.test/mirror", **options: Any) -> RunResult:
        place = f"{self._transport}:{self.path(number)}"
        return MemoryRun(self.inside).sync(item(place, destination), retries=0, **options)

    def size(self, number: int) -> int:
        path = self.path(number)
        return sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file())


@pytest.fixture(params=PLACES, ids=[transport for transport, _ending in PLACES])
def gap(request: pytest.FixtureRequest, tmp_path: Path) -> Gap:
    return Gap(tmp_path, *request.param)


@pytest.fixture
def exported(gap: Gap) -> Gap:
    """Three generations, each with what is new; the newest image of each is in a repository of its own."""
    push(gap.outside, "library/app", FIRST, "1")
    gap.export(1)
    push(gap.outside, "library/app", SECOND, "2")
    gap.export(2, 1)
    push(gap.outside, "library/other", THIRD, "3")
    gap.export(3, 1, 2)
    return gap


def test_three_generations_arrive_one_after_the_other(exported: Gap) -> None:
    for number in (1, 2, 3):
        assert errors(exported.bring(number)) == []
    assert exported.inside.repository("mirror/library/app").tagged.keys() == {"1", "2"}
    there = exported.inside.repository("mirror/library/other")
    assert str(there.tagged["3"]) == THIRD.digest
    assert {str(digest) for digest in there.blobs} == {blob.digest for blob in THIRD.blobs}
    assert not exported.bring(3).changed


def test_an_increment_is_as_small_as_what_is_new(exported: Gap) -> None:
    assert exported.size(1) > 600_000
    assert exported.size(2) < 60_000
    assert exported.size(3) < 60_000


def test_what_is_left_out_is_mounted_from_the_repository_that_has_it(exported: Gap) -> None:
    exported.bring(1)
    exported.bring(2)
    before = exported.inside.counts()
    result = exported.bring(3)
    mounted = sum(each.blobs_mounted for each in result.images)
    assert mounted == len(BASE) + 1
    assert exported.inside.counts().get("put_blob", 0) - before["put_blob"] == 2  # the new layer and configuration


def test_a_generation_that_has_not_come_is_named_before_anything_is_written(exported: Gap) -> None:
    exported.bring(1)
    written = exported.inside.counts()["put_manifest"]
    result = exported.bring(3)
    assert set(errors(result)) == {"bundle_missing"}
    assert exported.path(2).name in str(next(each.error for each in result.images if each.error))
    assert exported.inside.counts()["put_manifest"] == written
    assert set(errors(exported.bring(3, check_mode=True))) == {"bundle_missing"}


def test_the_inventory_says_what_is_there_and_what_is_needed(exported: Gap) -> None:
    raw = exported.inventory(2).read_bytes()
    told = json.loads(raw)
    base = exported.inventory(1).read_bytes()
    assert told["bundle"] == exported.path(2).name
    assert told["tags"] == {"library/app:1": FIRST.digest, "library/app:2": SECOND.digest}
    assert told["needs"] == {exported.path(1).name: "sha256:" + hashlib.sha256(base).hexdigest()}
    assert set(told["left_out"]) == {blob.digest for blob in FIRST.blobs}
    new = {blob.digest for blob in SECOND.blobs} - {blob.digest for blob in FIRST.blobs}
    assert set(told["blobs"]) == new | {FIRST.digest, SECOND.digest}
    found = read_inventory(str(exported.inventory(2)))
    assert found is not None and str(found.digest) == "sha256:" + hashlib.sha256(raw).hexdigest()


def test_the_run_says_which_bundle_is_needed(gap: Gap) -> None:
    push(gap.outside, "library/app", FIRST, "1")
    assert not [note for note in gap.export(1).not_taken if "needs the bundle" in note]
    push(gap.outside, "library/app", SECOND, "2")
    (note,) = [note for note in gap.export(2, 1).not_taken if "needs the bundle" in note]
    assert f"needs the bundle {gap.path(1).name}, which has {len(FIRST.blobs)} of its blobs" in note


def test_an_increment_is_unchanged_the_second_time(exported: Gap) -> None:
    before = exported.inventory(3).read_bytes()
    assert not exported.export(3, 1, 2).changed
    assert exported.inventory(3).read_bytes() == before


def test_a_bundle_without_a_base_is_whole(gap: Gap, tmp_path: Path) -> None:
    push(gap.outside, "library/app", SECOND, "2")
    gap.export(1)
    folder = gap.path(1)
    if folder.is_file():
        folder = tmp_path / "unpacked"
        folder.mkdir()
        layouts.unpack(gap.path(1), folder)
    assert layouts.faults(folder) == []
    told = json.loads(gap.inventory(1).read_bytes())
    assert (told["needs"], told["left_out"]) == ({}, {})


def test_an_inventory_that_lies_leaves_nothing_wrong_behind(exported: Gap) -> None:
    """It says that all was left out: what the bundle has is taken all the same, and what is nowhere is missing."""
    told = json.loads(exported.inventory(1).read_bytes())
    every = {digest: {**each, "bundle": "lie"} for digest, each in told["blobs"].items()}
    exported.inventory(1).write_text(json.dumps({**told, "left_out": every, "blobs": {}}))
    assert errors(exported.bring(1)) == []
    if exported.path(1).is_dir():
        layouts.blob_path(exported.path(1), BASE[0].digest).unlink()
        exported.inside = MemoryStore("inside.test")
        assert errors(exported.bring(1)) == ["bundle_missing"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'{"version": 2}', b'{"version": 1}', b'{"version":1,"bundle":"x","blobs":[],"left_out":{}}'],
)
def test_what_is_no_inventory_is_an_error_of_ours(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x.inventory.json").write_bytes(raw)
    with pytest.raises(ContentError) as caught:
        read_inventory(str(tmp_path / "x.inventory.json"))
    assert caught.value.code == "layout_invalid"
