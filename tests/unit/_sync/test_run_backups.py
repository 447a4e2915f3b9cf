# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run overwrites is kept first, on stores in memory."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results import report
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.backup_names import (
    BackupTemplate,
    parse_backup,
)
from helpers.memory_run import MemoryRun, errors, failing, fault, item, only
from helpers.memory_store import MemoryStore, Request, push
from support.scenes import images

OLD, NEW, OTHER = (images.image(name) for name in ("old", "new", "other"))
WRITES = {"put_blob", "mount_blob", "put_manifest", "delete_tag", "delete_manifest"}
BEGAN, DATE = 1_768_651_200.0, "20260117T120000Z"


@pytest.fixture
def source() -> MemoryStore:
    store = MemoryStore("a.test")
    push(store, "x", NEW, "1")
    return store


@pytest.fixture
def target() -> MemoryStore:
    store = MemoryStore("b.test")
    push(store, "y", OLD, "1")
    return store


def template(text: str, keep: int | None = None) -> BackupTemplate:
    found = parse_backup(text, keep)
    assert found is not None
    return found


DIGESTED = template("{tag}-was-{digest}")
DATED = template("{tag}-backup-{date}", 2)
WAS = f"1-was-{Digest.parse(OLD.digest).encoded}"
RULE = item("a.test/x:1", "b.test/y")


def tagged(store: MemoryStore) -> dict[str, str]:
    return {tag: str(digest) for tag, digest in store.repository("y").tagged.items()}


def writes(store: MemoryStore) -> list[str]:
    return [request.method for request in store.requests if request.method in WRITES]


def test_what_is_overwritten_is_kept_under_another_tag(source: MemoryStore, target: MemoryStore) -> None:
    result = MemoryRun(source, target).sync(RULE, backup=DIGESTED)
    image = only(result)
    assert (image.status, str(image.backup)) == ("done", f"b.test/y:{WAS}")
    assert tagged(target) == {"1": NEW.digest, WAS: OLD.digest}
    lines = report.diff(result)["prepared"].splitlines()
    assert lines[2:] == [
        f"-b.test/y:1 {OLD.digest}",
        f"+b.test/y:1 {NEW.digest}",
        f"+b.test/y:{WAS} {OLD.digest} (backup)",
    ]


def test_the_backup_is_there_before_the_tag_moves(source: MemoryStore, target: MemoryStore) -> None:
    MemoryRun(source, target).sync(RULE, backup=DIGESTED)
    puts = [request.ref for request in target.requests if request.method == "put_manifest"]
    assert puts == [WAS, "1"]


def test_a_second_run_and_a_new_tag_need_no_backup(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", NEW, "2")
    run = MemoryRun(source, target)
    run.sync(item("a.test/x", "b.test/y"), backup=DIGESTED)
    again = run.sync(item("a.test/x", "b.test/y"), backup=DIGESTED)
    assert not again.changed
    assert [image.backup for image in again.images] == [None, None]
    assert tagged(target) == {"1": NEW.digest, "2": NEW.digest, WAS: OLD.digest}


def test_check_mode_says_the_same_and_writes_nothing(source: MemoryStore, target: MemoryStore) -> None:
    for day in range(10, 14):
        push(target, "y", OTHER, f"1-backup-202601{day}T120000Z")
    before = tagged(target)
    run = MemoryRun(source, target)
    checked = only(run.sync(RULE, backup=DATED, began=BEGAN, check_mode=True))
    assert tagged(target) == before
    assert writes(target) == []
    done = only(run.sync(RULE, backup=DATED, began=BEGAN))
    assert checked.backup == done.backup and str(done.backup) == f"b.test/y:1-backup-{DATE}"
    assert checked.removed_backups == done.removed_backups
    assert [ref.tag for ref in done.removed_backups] == [f"1-backup-202601{day}T120000Z" for day in (10, 11, 12)]


def test_older_backups_go_by_their_tags_alone(source: MemoryStore, target: MemoryStore) -> None:
    others = ["1-backup-", "2-backup-20260101T000000Z", "latest"]
    for tag in others:
        push(target, "y", OTHER, tag)
    for day in range(10, 14):
        push(target, "y", OTHER, f"1-backup-202601{day}T120000Z")
    MemoryRun(source, target).sync(RULE, backup=DATED, began=BEGAN)
    kept = [f"1-backup-{DATE}", "1-backup-20260113T120000Z"]
    assert set(tagged(target)) == {"1", *kept, *others}
    assert "delete_manifest" not in target.counts()


def test_older_backups_stay_where_the_image_was_not_written(source: MemoryStore, target: MemoryStore) -> None:
    for day in range(10, 14):
        push(target, "y", OTHER, f"1-backup-202601{day}T120000Z")

    def around(request: Request) -> AbstractContextManager[object]:
        if (request.method, request.ref) == ("put_manifest", "1"):
            raise fault("push_denied", transient=False, status=403)
        return nullcontext()

    target.around = around
    result = MemoryRun(source, target).sync(RULE, backup=DATED, began=BEGAN)
    assert errors(result) == ["push_denied"]
    assert len(tagged(target)) == 6  # the tag, four older backups, and the one that was just made


def test_backups_that_cannot_be_removed_are_noted(source: MemoryStore, target: MemoryStore) -> None:
    for day in range(10, 14):
        push(target, "y", OTHER, f"1-backup-202601{day}T120000Z")
    target.around = failing("delete_tag", fault("unsupported", transient=False, status=405), 99)
    image = only(MemoryRun(source, target).sync(RULE, backup=DATED, began=BEGAN))
    assert (image.status, image.removed_backups) == ("done", ())
    assert all(note.startswith("older backups stay: ") for note in image.notes) and image.notes


def test_a_removal_that_does_nothing_is_no_removal(
    source: MemoryStore, target: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(target, "y", OTHER, "1-backup-20260110T120000Z", "1-backup-20260111T120000Z")
    monkeypatch.setattr(target.repository("y"), "delete_tag", lambda tag: None)
    image = only(MemoryRun(source, target).sync(RULE, backup=DATED, began=BEGAN))
    assert image.removed_backups == ()
    assert "and still has it" in image.notes[0]


def test_a_backup_with_another_digest_is_never_overwritten(source: MemoryStore, target: MemoryStore) -> None:
    push(target, "y", OTHER, WAS)
    result = MemoryRun(source, target).sync(RULE, backup=DIGESTED)
    assert errors(result) == ["backup_failed"]
    assert tagged(target) == {"1": OLD.digest, WAS: OTHER.digest}


def test_a_backup_that_is_there_already_is_taken(source: MemoryStore, target: MemoryStore) -> None:
    push(target, "y", OLD, WAS)
    image = only(MemoryRun(source, target).sync(RULE, backup=DIGESTED))
    assert (image.status, str(image.backup)) == ("done", f"b.test/y:{WAS}")
    assert [request.ref for request in target.requests if request.method == "put_manifest"] == ["1"]


def test_what_another_client_has_written_meanwhile_is_kept(source: MemoryStore, target: MemoryStore) -> None:
    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "put_blob":
            push(target, "y", OTHER, "1")
        return nullcontext()

    target.around = around
    MemoryRun(source, target).sync(RULE, backup=DIGESTED)
    assert tagged(target) == {"1": NEW.digest, f"1-was-{Digest.parse(OTHER.digest).encoded}": OTHER.digest}


def test_a_name_that_is_too_long_is_refused_before_anything_is_written(
    source: MemoryStore, target: MemoryStore
) -> None:
    long = "x" * 100
    push(source, "x", NEW, long)
    push(target, "y", OLD, long)
    result = MemoryRun(source, target).sync(item(f"a.test/x:{long}", "b.test/y"), backup=DIGESTED)
    assert errors(result) == ["invalid_input"]
    assert writes(target) == []


def test_two_images_that_would_be_kept_under_one_tag_are_refused(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", NEW, "2")
    push(target, "y", OTHER, "2")
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"), backup=template("backup-{date}"))
    assert errors(result) == ["backup_failed", "backup_failed"]
    assert writes(target) == []


def test_what_the_destination_does_not_show_is_not_overwritten(source: MemoryStore, target: MemoryStore) -> None:
    target.around = failing("resolve", fault("pull_denied", transient=False, status=403), 99)
    result = MemoryRun(source, target).sync(RULE, backup=DIGESTED)
    assert errors(result) == ["backup_failed"]
    assert writes(target) == []


def test_an_image_whose_backup_cannot_be_written_is_not_overwritten(source: MemoryStore, target: MemoryStore) -> None:
    target.around = failing("put_manifest", fault("push_denied", transient=False, status=403), 1, ref="1-was-")
    result = MemoryRun(source, target).sync(RULE, backup=DIGESTED)
    assert errors(result) == ["push_denied"]
    assert tagged(target) == {"1": OLD.digest}


def test_backups_at_the_source_are_not_copied(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", OTHER, WAS)
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"), backup=DIGESTED)
    assert [image.source.tag for image in result.images] == ["1"]
    assert tagged(target)[WAS] == OLD.digest


def test_a_template_that_makes_a_name_for_backups_is_refused(source: MemoryStore, target: MemoryStore) -> None:
    hexadecimal = Digest.parse(OTHER.digest).encoded
    result = MemoryRun(source, target).sync(item("a.test/x", f"b.test/y:{{tag}}-was-{hexadecimal}"), backup=DIGESTED)
    assert errors(result) == ["invalid_input"]
    assert writes(target) == []


def test_a_backup_is_never_pruned(source: MemoryStore, target: MemoryStore) -> None:
    push(target, "y", OTHER, "gone", WAS)
    rule = item("a.test/x", "b.test/y", prune={"max_share": 50})
    result = MemoryRun(source, target).sync(rule, backup=DIGESTED)
    assert errors(result) == ["backup_failed"]  # nothing is deleted in a run that failed, so once more without that
    assert set(tagged(target)) == {"1", "gone", WAS}
    push(target, "y", OLD, WAS)
    MemoryRun(source, target).sync(rule, backup=DIGESTED)
    assert tagged(target) == {"1": NEW.digest, WAS: OLD.digest}
