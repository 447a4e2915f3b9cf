# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tags are deleted: one by one, by digest where that is safe, with what refers to them; on stores in memory."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.referrers import fallback_tag
from ansible_collections.imageops.registry.plugins.module_utils._sync.results import message
from helpers.memory_run import MemoryRun, errors, failing, fault, item
from helpers.memory_store import MemoryStore, Request, push
from helpers.pruned import MANY, deleted, scene
from support.scenes import images


def moving(store: MemoryStore, tag: str) -> None:
    """Let somebody else move a tag between the plan and its deletion: once the tags are listed for the second time."""
    seen: list[Request] = []

    def around(request: Request) -> AbstractContextManager[object]:
        seen.extend([request] if request.method == "tags" else [])
        if len(seen) == 2 and request is seen[1]:
            push(store, "y", images.image("somebody else's"), tag)
        return nullcontext()

    store.around = around


@pytest.mark.parametrize("deletes_tags", [True, False])
def test_a_tag_that_was_moved_meanwhile_is_left_and_reported(deletes_tags: bool) -> None:
    source, target = scene(MANY[2:], MANY)
    target.deletes_tags = deletes_tags
    moving(target, "1")
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))
    assert deleted(result) == {"2"}
    left = next(image for image in result.images if image.destination.tag == "1")
    assert (left.action.value, left.status.value) == ("skip", "done")
    assert "when this was planned" in left.notes[0] and images.image("somebody else's").digest in left.reason
    assert set(target.repository("y").tagged) == set(MANY) - {"2"}


def test_a_tag_that_is_gone_meanwhile_is_reported_and_no_change() -> None:
    source, target = scene(MANY[1:], MANY)
    listed: list[Request] = []

    def around(request: Request) -> AbstractContextManager[object]:
        listed.extend([request] if request.method == "tags" else [])
        if len(listed) == 2:
            target.repository("y").tagged.pop("1", None)
        return nullcontext()

    target.around = around
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))
    assert not result.changed and not deleted(result)


def test_each_tag_is_asked_for_again_right_before_it_goes() -> None:
    source, target = scene(MANY[2:], MANY)
    MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))
    last = [(request.method, request.ref) for request in target.requests][-4:]
    assert last == [("resolve", "1"), ("delete_tag", "1"), ("resolve", "2"), ("delete_tag", "2")]


# -- by digest ---------------------------------------------------------------------------------------------------


def by_digest(source: Collection[str], there: dict[str, images.Image]) -> tuple[MemoryStore, MemoryStore]:
    """A destination that deletes whole manifests alone, with these images."""
    stores = scene(source, MANY[2:])
    stores[1].deletes_tags = False
    for tag, image in there.items():
        push(stores[1], "y", image, tag)
    return stores


def test_a_manifest_goes_with_all_its_tags_when_all_of_them_are_to_go() -> None:
    image = images.image("one")
    source, target = by_digest(MANY[2:], {"1": image, "2": image})
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))
    assert deleted(result) == {"1", "2"}
    assert target.counts()["delete_manifest"] == 1


@pytest.mark.parametrize("holder", ["tag", "index", "deep", "digest"])
def test_a_manifest_stays_that_something_else_has(holder: str) -> None:
    image = images.image("one")
    index = images.index([image, images.image("other")])
    deep = images.index([images.index([image])])
    keeps = {"tag": {"keep": image}, "index": {"keep": index}, "deep": {"keep": deep}, "digest": {}}[holder]
    source, target = by_digest(MANY[2:], {"1": image, **keeps})
    rules = [item("a.test/x", "b.test/y", prune={"keep": "keep"})]
    if holder == "digest":
        push(source, "z", image)
        rules.append(item(f"b.test/y@{image.digest}", "a.test/copy"))
    result = MemoryRun(source, target).sync(*rules)
    assert not deleted(result)
    assert errors(result) == ["delete_unsupported"]
    assert "delete_manifest" not in target.counts()
    assert set(target.repository("y").tagged) == {*MANY[2:], "1", *keeps}


def test_one_tag_that_cannot_go_alone_does_not_keep_the_others() -> None:
    image = images.image("one")
    source, target = by_digest(MANY[2:], {"1": image, "2": images.image("two"), "keep": image})
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune={"keep": "keep"}))
    assert deleted(result) == {"2"} and errors(result) == ["delete_unsupported"]
    assert result.changed


def test_every_tag_is_asked_before_a_manifest_goes() -> None:
    source, target = by_digest(MANY[2:], {"1": images.image("one")})
    MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))
    refused = next(at for at, request in enumerate(target.requests) if request.method == "delete_tag")
    asked = {request.ref for request in target.requests[refused:] if request.method == "resolve"}
    assert asked >= {*MANY[2:], "1"}
    assert target.requests[-1].method == "delete_manifest"


def test_nothing_goes_by_digest_when_one_tag_does_not_answer() -> None:
    source, target = by_digest(MANY[2:], {"1": images.image("one")})
    seen: list[Request] = []

    def around(request: Request) -> AbstractContextManager[object]:
        seen.append(request)
        if request.method == "resolve" and request.ref == "20" and any(one.method == "delete_tag" for one in seen):
            raise fault("server_error", transient=False)
        return nullcontext()

    target.around = around
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))
    assert not deleted(result) and errors(result) == ["server_error"]


def test_a_registry_that_deletes_nothing_says_what_to_do() -> None:
    source, target = by_digest(MANY[2:], {"1": images.image("one")})
    target.deletes_manifests = False
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))
    assert errors(result) == ["delete_unsupported"] and not result.changed
    assert "storage.delete.enabled" in message.failure_message(result, check_mode=False)


def test_after_another_error_nothing_more_goes() -> None:
    source, target = scene(MANY[2:], MANY)
    target.around = failing("delete_tag", fault("push_denied", transient=False, status=403), 1)
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))
    assert not deleted(result)
    states = {image.destination.tag: image.status.value for image in result.images if image.action.value == "delete"}
    assert states == {"1": "failed", "2": "pending"}


# -- signatures --------------------------------------------------------------------------------------------------


def signed(store: MemoryStore, path: str, subject: images.Image, *kinds: str) -> set[str]:
    """Give an image signatures under cosign's tags. Return the tags."""
    tags = {f"{fallback_tag(Digest.parse(subject.digest))}.{kind}" for kind in kinds}
    for tag in tags:
        push(store, path, images.image(f"about {tag}"), tag)
    return tags


@pytest.mark.parametrize("deletes_tags", [True, False])
@pytest.mark.parametrize("check_mode", [False, True])
def test_what_refers_to_a_deleted_image_goes_with_it(deletes_tags: bool, check_mode: bool) -> None:
    source, target = scene(MANY[1:], MANY)
    target.deletes_tags = deletes_tags
    going = signed(target, "y", images.image("1"), "sig", "att")
    staying = signed(target, "y", images.image("2"), "sig")
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True), check_mode=check_mode)
    there = set(target.repository("y").tagged)
    assert deleted(result) == {"1"}
    assert there == {*MANY, *staying, *going} if check_mode else there == {*MANY[1:], *staying}
    (gone,) = [image for image in result.images if image.action.value == "delete"]
    assert len(gone.notes) == 2 and ("would go" in gone.notes[0]) == check_mode


@pytest.mark.parametrize("keep", ["tag", "index", "pattern"])
def test_signatures_stay_while_something_names_their_image(keep: str) -> None:
    source, target = scene(MANY[1:], MANY)
    tags = signed(target, "y", images.image("1"), "sig")
    prune: dict[str, Any] = {"keep": ["stable"]}
    if keep == "pattern":
        prune = {"keep": [r".*\.sig"]}
    elif keep == "tag":
        push(target, "y", images.image("1"), "stable")
    else:
        push(target, "y", images.index([images.image("1")]), "stable")
    assert deleted(MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=prune))) == {"1"}
    assert tags <= set(target.repository("y").tagged)


@pytest.mark.parametrize("lists_referrers", [True, False])
def test_referrers_that_no_tag_names_go_by_their_digests(lists_referrers: bool) -> None:
    source, target = scene(MANY[1:], MANY)
    target.lists_referrers = lists_referrers
    subject = images.image("1")
    sbom = images.artifact("sbom", subject)
    push(target, "y", sbom)
    target.repository("y").list_referrer(target.repository("y").manifests[Digest.parse(sbom.digest)])
    assert deleted(MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))) == {"1"}
    assert Digest.parse(sbom.digest) not in target.repository("y").manifests
    assert set(target.repository("y").tagged) == set(MANY[1:])


def test_the_signature_of_a_platform_goes_with_the_index() -> None:
    child = images.image("child")
    source, target = scene(MANY[1:], MANY[1:])
    push(target, "y", images.index([child]), "1")
    signed(target, "y", child, "sig")
    assert deleted(MemoryRun(source, target).sync(item("a.test/x", "b.test/y", prune=True))) == {"1"}
    assert set(target.repository("y").tagged) == set(MANY[1:])
