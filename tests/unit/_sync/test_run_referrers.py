# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What refers to images travels with them: signatures, SBOMs and what refers to those, on stores in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import Action, Status
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult, RunResult
from helpers.memory_run import MemoryRun, errors, failing, fault, item
from helpers.memory_store import MemoryStore, push
from support.scenes import images
from support.scenes.images import Image

SIGNATURE = "application/vnd.example.signature"


@pytest.fixture(params=[True, False], ids=["listed by the source", "by tags"])
def source(request: pytest.FixtureRequest) -> MemoryStore:
    store = MemoryStore("a.test")
    store.lists_referrers = request.param
    return store


@pytest.fixture(params=[True, False], ids=["listed by the destination", "by its tags"])
def target(request: pytest.FixtureRequest) -> MemoryStore:
    store = MemoryStore("b.test")
    store.lists_referrers = request.param
    return store


def refer(store: MemoryStore, *referrers: Image, to: Image) -> None:
    """Put manifests that refer to an image, and the tag with their list where the store has no list of its own."""
    for referrer in referrers:
        push(store, "x", referrer)
    if not store.lists_referrers:
        entries = [(one, {"artifactType": json.loads(one.manifest)["artifactType"]}) for one in referrers]
        push(store, "x", images.index(entries), to.digest.replace(":", "-"))


def only(result: RunResult) -> ImageResult:
    (image,) = result.images
    return image


def states(image: ImageResult) -> list[str]:
    return sorted(state.value for state in image.referrers.values())


def has(store: MemoryStore, image: Image) -> bool:
    return Digest.parse(image.digest) in store.repository("y").manifests


def test_signatures_come_with_the_image_and_before_its_tag(source: MemoryStore, target: MemoryStore) -> None:
    image = images.image("app")
    signature = images.artifact("signature", image, SIGNATURE)
    push(source, "x", image, "1")
    refer(source, signature, to=image)

    result = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y:2")))

    assert result.status == Status.DONE
    assert states(result) == ["copied"]
    assert has(target, signature)
    puts = [request.ref for request in target.requests if request.method == "put_manifest"]
    assert puts[0] == image.digest
    assert puts[-1] == "2"
    assert puts.index(signature.digest) < puts.index("2")


def test_the_second_run_changes_nothing(source: MemoryStore, target: MemoryStore) -> None:
    image = images.image("app")
    push(source, "x", image, "1")
    refer(source, images.artifact("one", image), images.artifact("two", image), to=image)
    run = MemoryRun(source, target)
    run.sync(item("a.test/x", "b.test/y"))
    written = target.counts()["put_manifest"]

    result = run.sync(item("a.test/x", "b.test/y"))

    assert not result.changed
    assert only(result).action == Action.UNCHANGED
    assert set(states(only(result))) == {"present"}
    assert target.counts()["put_manifest"] == written


def test_a_signature_that_comes_later_is_brought_later(source: MemoryStore, target: MemoryStore) -> None:
    image = images.image("app")
    push(source, "x", image, "1")
    run = MemoryRun(source, target)
    run.sync(item("a.test/x:1", "b.test/y"))
    signature = images.artifact("signature", image)
    refer(source, signature, to=image)

    checked = only(run.sync(item("a.test/x:1", "b.test/y"), check_mode=True))
    assert (checked.action, states(checked)) == (Action.UPDATE, ["copied"])
    assert not has(target, signature)
    result = run.sync(item("a.test/x:1", "b.test/y"))

    assert result.changed
    assert has(target, signature)
    assert only(run.sync(item("a.test/x:1", "b.test/y"))).action == Action.UNCHANGED


def test_unchanged_images_are_left_alone_where_that_is_asked(source: MemoryStore, target: MemoryStore) -> None:
    image = images.image("app")
    push(source, "x", image, "1")
    run = MemoryRun(source, target)
    run.sync(item("a.test/x:1", "b.test/y"))
    refer(source, images.artifact("signature", image), to=image)
    source.requests.clear()

    result = run.sync(item("a.test/x:1", "b.test/y", referrers={"unchanged": False}))

    assert only(result).action == Action.UNCHANGED
    assert source.counts() == {"resolve": 1}


def test_what_refers_to_children_and_to_referrers_comes_too(source: MemoryStore, target: MemoryStore) -> None:
    child = images.image("child")
    index = images.index([(child, {"platform": {"os": "linux", "architecture": "amd64"}})])
    sbom = images.artifact("sbom", child, "application/spdx+json")
    signed = images.artifact("signature of the sbom", sbom, SIGNATURE)
    push(source, "x", index, "1")
    refer(source, sbom, to=child)
    refer(source, signed, to=sbom)

    result = only(MemoryRun(source, target).sync(item("a.test/x", "b.test/y")))

    assert result.status == Status.DONE
    assert has(target, sbom)
    assert has(target, signed)


def test_cosigns_tags_keep_their_names_and_come_before_the_image_s(source: MemoryStore, target: MemoryStore) -> None:
    image = images.image("app")
    base = image.digest.replace(":", "-")
    push(source, "x", image, "1")
    push(source, "x", images.image("a signature"), f"{base}.sig")
    push(source, "x", images.image("an attestation"), f"{base}.att")

    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", tags={"newest": 1}))

    assert [str(one.destination) for one in result.images] == ["b.test/y:1"]
    assert sorted(target.repository("y").tagged) == ["1", f"{base}.att", f"{base}.sig"]
    puts = [request.ref for request in target.requests if request.method == "put_manifest"]
    assert puts[-1] == "1"


@pytest.mark.parametrize("overwrite", ["always", "skip", "fail"])
def test_a_tag_of_cosign_that_differs_is_treated_as_the_option_for_tags_says(
    source: MemoryStore, target: MemoryStore, overwrite: str
) -> None:
    image, ours, theirs = images.image("app"), images.image("of the source"), images.image("of the destination")
    tag = image.digest.replace(":", "-") + ".sig"
    push(source, "x", image, "1")
    push(source, "x", ours, tag)
    push(target, "y", image, "1")
    push(target, "y", theirs, tag)

    result = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y", overwrite=overwrite)))

    kept = str(target.repository("y").tagged[tag])
    decided = {
        "always": (Action.UPDATE, Status.DONE, ours.digest),
        "skip": (Action.UNCHANGED, Status.DONE, theirs.digest),
        "fail": (Action.UNKNOWN, Status.FAILED, theirs.digest),
    }
    assert (result.action, result.status, kept) == decided[overwrite]
    if result.error is not None:
        assert (result.error.code, result.error.subject) == ("conflict", f"b.test/y:{tag}")


def test_a_tag_of_a_digest_that_is_no_image_of_the_run_is_copied_by_itself(
    source: MemoryStore, target: MemoryStore
) -> None:
    push(source, "x", images.image("app"), "1")
    push(source, "x", images.image("an orphan"), "sha256-" + "0" * 64 + ".sig")

    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"))

    assert {one.status for one in result.images} == {Status.DONE}
    assert sorted(target.repository("y").tagged) == ["1", "sha256-" + "0" * 64 + ".sig"]


def test_without_referrers_nothing_of_them_comes(source: MemoryStore, target: MemoryStore) -> None:
    image = images.image("app")
    push(source, "x", image, "1")
    push(source, "x", images.image("a signature"), image.digest.replace(":", "-") + ".sig")
    refer(source, images.artifact("signature", image), to=image)

    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y", referrers=False))

    assert sorted(target.repository("y").tagged) == ["1"]
    assert len(target.repository("y").manifests) == 1
    assert any("are left, since referrers is false" in note for note in result.not_taken)


@pytest.mark.parametrize("excluding", [False, True])
@pytest.mark.parametrize("all_wanted", [False, True])
def test_only_the_kinds_that_are_wanted_come(
    source: MemoryStore, target: MemoryStore, all_wanted: bool, excluding: bool
) -> None:
    image = images.image("app")
    signature, sbom = images.artifact("s", image, SIGNATURE), images.artifact("b", image, "application/spdx+json")
    of_signature, of_sbom = (images.artifact("of it", one, SIGNATURE) for one in (signature, sbom))
    push(source, "x", image, "1")
    push(source, "x", images.image("a signature of cosign"), image.digest.replace(":", "-") + ".sig")
    refer(source, signature, sbom, to=image)
    refer(source, of_signature, to=signature)
    refer(source, of_sbom, to=sbom)
    wanted = [r"application/vnd\.example\..*", *([r"application/spdx\+json"] if all_wanted else [])]
    unwanted = [r"application/vnd\.dev\.cosign\..*", *([] if all_wanted else [r"application/spdx\+json"])]
    rule = item("a.test/x:1", "b.test/y", referrers={"exclude": unwanted} if excluding else {"types": wanted})

    result = MemoryRun(source, target).sync(rule)

    assert only(result).status == Status.DONE, only(result).error
    assert has(target, signature)
    assert has(target, of_signature)
    assert (has(target, sbom), has(target, of_sbom)) == (all_wanted, all_wanted)
    tags = sorted(target.repository("y").tagged)
    assert tags[0] == "1"
    assert not any(tag.endswith(".sig") for tag in tags)
    if not target.lists_referrers:
        assert image.digest.replace(":", "-") in tags
    assert not MemoryRun(source, target).sync(rule).changed


def test_what_refers_comes_to_any_depth(source: MemoryStore, target: MemoryStore) -> None:
    image = images.image("app")
    push(source, "x", image, "1")
    chain = [image]
    for number in range(12):
        chain.append(images.artifact(str(number), chain[-1]))
        refer(source, chain[-1], to=chain[-2])

    result = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y")))

    assert result.status == Status.DONE
    assert all(has(target, one) for one in chain)


def test_tags_that_belong_to_each_other_in_a_circle_come_once(source: MemoryStore, target: MemoryStore) -> None:
    image, one, two = images.image("app"), images.image("one"), images.image("two")
    push(source, "x", image, "1")
    for named, of in ((one, image), (two, one), (one, two)):
        push(source, "x", named, of.digest.replace(":", "-") + ".sig")

    result = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y")))

    assert (result.status, states(result)) == (Status.DONE, ["copied"] * 3)


@pytest.mark.parametrize("deep", [False, True])
def test_an_image_with_more_referrers_than_can_be_meant_fails_alone(target: MemoryStore, deep: bool) -> None:
    source = MemoryStore("a.test")
    source.lists_referrers = True
    image, other = images.image("app"), images.image("other")
    push(source, "x", image, "1")
    push(source, "x", other, "2")
    refer(source, images.artifact("of the other", other), to=other)
    subject = image
    for number in range(1100):
        made = images.artifact(str(number), subject)
        refer(source, made, to=subject)
        subject = made if deep else image

    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"))

    assert {one.source.tag: one.status for one in result.images} == {"1": Status.FAILED, "2": Status.DONE}
    assert errors(result) == ["too_large"]
    assert "1" not in target.repository("y").tagged
    assert source.counts()["referrers"] < (1010 if deep else 10)  # it is not asked about any further


def test_a_list_that_cannot_be_read_fails_its_image_alone(target: MemoryStore) -> None:
    source = MemoryStore("a.test")
    image, other = images.image("app"), images.image("other")
    push(source, "x", image, "1")
    push(source, "x", other, "2")
    refer(source, images.artifact("signature", image), to=image)
    push(source, "x", images.image("orphan"), "sha256-" + "0" * 64 + ".sig")  # so that lists are looked into
    listed = source.repository("x").tagged[image.digest.replace(":", "-")]
    source.around = failing("manifest", fault("server_error", transient=False, status=500), 9, str(listed))

    result = MemoryRun(source, target).sync(item("a.test/x:1,2", "b.test/y"))

    assert {one.source.tag: one.status for one in result.images} == {"1": Status.FAILED, "2": Status.DONE}


SELECTIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a tag": ("a.test/x:1.0", "b.test/y:other", {}),
    "a list": ("a.test/x:1.0,0.9", "b.test/y", {}),
    "a pattern": ("a.test/x:/^1/", "b.test/y", {}),
    "newest": ("a.test/x", "b.test/y", {"tags": {"newest": 1}}),
    "an exclusion": ("a.test/x", "b.test/y", {"tags": {"exclude": ["sha256-.*", "0.*"]}}),
    "a template": ("a.test/x:/^1/", "b.test/y:{tag}-mirror", {}),
    "a digest": ("a.test/x@{digest}", "b.test/y", {}),
}


@pytest.mark.parametrize("selection", SELECTIONS)
def test_what_belongs_to_an_image_comes_however_it_is_selected(
    source: MemoryStore, target: MemoryStore, selection: str
) -> None:
    image = images.image("app")
    base = image.digest.replace(":", "-")
    push(source, "x", images.image("older"), "0.9")
    push(source, "x", image, "1.0")
    push(source, "x", images.image("a signature of cosign"), f"{base}.sig")
    signature = images.artifact("signature", image, SIGNATURE)
    refer(source, signature, to=image)
    origin, destination, more = SELECTIONS[selection]
    rule = item(origin.format(digest=image.digest), destination, **more)

    run = MemoryRun(source, target)
    result = run.sync(rule)

    assert {one.status for one in result.images} == {Status.DONE}
    assert has(target, signature)
    belonging = {tag for tag in target.repository("y").tagged if tag.startswith("sha256-")}
    assert {f"{base}.sig"} <= belonging <= {base, f"{base}.sig"}
    puts = [request.ref for request in target.requests if request.method == "put_manifest"]
    assert (puts.count(f"{base}.sig"), puts.count(signature.digest)) == (1, 1)
    assert not run.sync(rule).changed


def test_what_the_destination_has_in_its_own_list_stays_in_it(target: MemoryStore) -> None:
    source = MemoryStore("a.test")
    image = images.image("app")
    theirs, ours = images.artifact("theirs", image), images.artifact("ours", image)
    push(source, "x", image, "1")
    refer(source, ours, to=image)
    for one in (image, theirs):
        push(target, "y", one)
    if not target.lists_referrers:
        push(target, "y", images.index([(theirs, {})]), image.digest.replace(":", "-"))

    MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"))

    assert has(target, ours)
    if not target.lists_referrers:
        tag = target.repository("y").tagged[image.digest.replace(":", "-")]
        listed = {str(child.digest) for child in target.repository("y").manifests[tag].children}
        assert listed == {theirs.digest, ours.digest}


def test_a_list_that_grows_at_the_source_is_brought_once(target: MemoryStore) -> None:
    source = MemoryStore("a.test")
    image = images.image("app")
    one, two = images.artifact("one", image), images.artifact("two", image)
    nameless = images.artifact("without a subject")
    push(source, "x", image, "1")
    refer(source, one, to=image)
    run = MemoryRun(source, target)
    run.sync(item("a.test/x:1", "b.test/y"))
    refer(source, one, two, nameless, to=image)

    assert run.sync(item("a.test/x:1", "b.test/y")).changed
    tag = target.repository("y").tagged[image.digest.replace(":", "-")]
    listed = {str(child.digest) for child in target.repository("y").manifests[tag].children}
    assert listed == {one.digest, two.digest, nameless.digest}
    again = run.sync(item("a.test/x:1", "b.test/y"))
    assert (only(again).action, again.changed) == (Action.UNCHANGED, False)


def test_a_kind_that_the_destination_does_not_take_is_a_note(source: MemoryStore, target: MemoryStore) -> None:
    image = images.image("app")
    push(source, "x", image, "1")
    refer(source, images.artifact("signature", image, SIGNATURE), to=image)
    target.refuses = (SIGNATURE,)

    result = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y")))

    assert result.status == Status.DONE
    assert states(result) == ["refused"]
    assert any("does not take" in note for note in result.notes)
    assert sorted(target.repository("y").tagged) == ["1"]

    again = MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"))
    assert (only(again).action, only(again).status, again.changed) == (Action.UNCHANGED, Status.DONE, False)
    assert states(only(again)) == ["refused"]
    assert "does not take" in only(again).reason

    # Check mode cannot know it, unless it is said.
    rule = item("a.test/x:1", "b.test/y", referrers={"exclude": [SIGNATURE.replace(".", r"\.")]})
    assert MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), check_mode=True).changed
    checked = MemoryRun(source, target).sync(rule, check_mode=True)
    assert (only(checked).action, checked.changed, states(only(checked))) == (Action.UNCHANGED, False, [])


@pytest.mark.parametrize(
    ("options", "refuses", "around"),
    [
        ({"referrers_required": True}, (SIGNATURE,), None),
        ({}, (), failing("put_manifest", fault("push_denied", transient=False, status=403), 9, "sha256:")),
    ],
    ids=["refused and required", "denied"],
)
def test_an_image_whose_referrers_fail_gets_no_tag(
    source: MemoryStore, options: dict[str, Any], refuses: tuple[str, ...], around: Any
) -> None:
    target = MemoryStore("b.test")
    target.refuses = refuses
    if around:
        target.around = around
    image = images.image("app")
    push(source, "x", image, "1")
    refer(source, images.artifact("signature", image, SIGNATURE), to=image)

    result = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), **options))

    assert result.status == Status.FAILED
    assert "1" not in target.repository("y").tagged


def test_what_refers_to_an_index_stays_behind_when_platforms_make_another_of_it(target: MemoryStore) -> None:
    source = MemoryStore("a.test")
    source.lists_referrers = True
    child, other = images.image("amd64"), images.image("arm64")
    entries = [
        (child, {"platform": {"os": "linux", "architecture": "amd64"}}),
        (other, {"platform": {"os": "linux", "architecture": "arm64"}}),
    ]
    index = images.index(entries)
    of_index, of_child = images.artifact("of the index", index), images.artifact("of the child", child)
    push(source, "x", index, "1")
    refer(source, of_index, to=index)
    refer(source, of_child, to=child)

    result = MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y", platforms=["linux/amd64"]))

    assert has(target, of_child)
    assert not has(target, of_index)
    assert any("1 referrers of a.test/x@" in note for note in result.not_taken)


@pytest.mark.parametrize(("lists", "cost"), [(True, {"referrers": 3}), (False, {"resolve": 0})])
def test_what_unchanged_images_cost(lists: bool, cost: dict[str, int]) -> None:
    source, target = MemoryStore("a.test"), MemoryStore("b.test")
    source.lists_referrers = target.lists_referrers = lists
    children = [images.image("one"), images.image("two")]
    entries = [(one, {"platform": {"os": "linux", "architecture": one.digest[-4:]}}) for one in children]
    push(source, "x", images.index(entries), "1")
    run = MemoryRun(source, target)
    run.sync(item("a.test/x:1", "b.test/y"))
    source.requests.clear()
    target.requests.clear()

    run.sync(item("a.test/x:1", "b.test/y"))

    expected = {"resolve": 1, "tags": 1}
    expected.update({name: expected.get(name, 0) + count for name, count in cost.items()})
    assert source.counts() == expected
    assert target.counts() == {"resolve": 1, "manifest": 1}
