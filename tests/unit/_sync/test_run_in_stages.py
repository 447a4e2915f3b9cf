# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that build on each other, on stores in memory: what is planned, what is copied, and what is not."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from helpers.memory_run import MemoryRun, errors, failing, fault, item
from helpers.memory_store import MemoryStore, Request, push
from support.scenes import images

HOSTS = ("a.test", "b.test", "c.test", "d.test")


@pytest.fixture
def stores() -> dict[str, MemoryStore]:
    return {host: MemoryStore(host) for host in HOSTS}


def run(stores: dict[str, MemoryStore]) -> MemoryRun:
    return MemoryRun(*stores.values())


def outcome(result: RunResult) -> dict[str, tuple[str, str]]:
    return {str(image.destination): (image.action.value, image.status.value) for image in result.images}


def tags(store: MemoryStore, path: str) -> dict[str, str]:
    return {tag: str(digest) for tag, digest in store.repository(path).tagged.items()}


@pytest.mark.parametrize("order", [1, -1])
def test_a_chain_is_copied_in_one_run(stores: dict[str, MemoryStore], order: int) -> None:
    image = images.image("chain")
    push(stores["a.test"], "x", image, "1", "2")
    chain = [item("a.test/x", "b.test/y"), item("b.test/y", "c.test/z"), item("c.test/z:1", "d.test/w:one")]

    result = run(stores).sync(*chain[::order])

    assert set(outcome(result).values()) == {("create", "done")}
    assert len(result.images) == 5
    assert tags(stores["d.test"], "w") == {"one": image.digest}
    assert not [request for request in stores["a.test"].requests if request.name != "a.test/x"]
    assert not run(stores).sync(*chain).changed


def test_check_mode_shows_all_stages_and_reads_the_first_source_alone(stores: dict[str, MemoryStore]) -> None:
    push(stores["a.test"], "x", images.multi_arch("chain"), "1")
    chain = [item("a.test/x", "b.test/y"), item("b.test/y", "c.test/z")]

    checked = run(stores).sync(*chain, check_mode=True)
    assert outcome(checked) == {"b.test/y:1": ("create", "done"), "c.test/z:1": ("create", "done")}
    assert checked.changed
    assert tags(stores["b.test"], "y") == {}
    done = run(stores).sync(*chain)

    assert [(each.digest, each.bytes, each.blobs_copied) for each in checked.images] == [
        (each.digest, each.bytes, each.blobs_copied) for each in done.images
    ]


def test_a_later_stage_takes_the_tags_that_are_there_and_those_that_come(stores: dict[str, MemoryStore]) -> None:
    old, new = images.image("old"), images.image("new")
    push(stores["a.test"], "x", new, "1", "3")
    push(stores["b.test"], "y", old, "1", "2")

    run(stores).sync(item("b.test/y", "c.test/z"), item("a.test/x", "b.test/y"))

    assert tags(stores["c.test"], "z") == {"1": new.digest, "2": old.digest, "3": new.digest}


def test_platforms_may_be_chosen_in_a_later_stage(stores: dict[str, MemoryStore]) -> None:
    push(stores["a.test"], "x", images.multi_arch("many"), "1")
    chain = [item("a.test/x", "b.test/y"), item("b.test/y", "c.test/z", platforms=["linux/amd64"])]

    checked = run(stores).sync(*chain, check_mode=True)
    done = run(stores).sync(*chain)

    assert {image.status for image in done.images} == {"done"}
    assert [image.digest for image in checked.images] == [image.digest for image in done.images]
    assert tags(stores["c.test"], "z")["1"] != tags(stores["b.test"], "y")["1"]


def test_whole_repositories_that_come_are_taken_too(stores: dict[str, MemoryStore]) -> None:
    for path in ("lib/one", "lib/two"):
        push(stores["a.test"], path, images.image(path), "1")
    push(stores["b.test"], "mirror/old", images.image("old"), "1")

    result = run(stores).sync(item("a.test/lib/*", "b.test/mirror"), item("b.test/mirror/*", "c.test/all"))

    there = {image.destination.repository for image in result.images if image.destination.registry == "c.test"}
    assert there == {"all/one", "all/two", "all/old"}
    assert {image.status for image in result.images} == {"done"}


def test_whole_repositories_in_a_circle_are_refused(stores: dict[str, MemoryStore]) -> None:
    push(stores["a.test"], "lib/one", images.image("one"), "1")
    with pytest.raises(InputError, match=r"images\[0\], images\[1\]"):
        run(stores).sync(item("a.test/lib/**", "b.test/mirror"), item("b.test/mirror/**", "a.test/lib/again"))
    assert tags(stores["b.test"], "mirror/one") == {}


def test_overlaps_of_later_stages_are_refused_before_anything_is_written(stores: dict[str, MemoryStore]) -> None:
    push(stores["a.test"], "x", images.image("one"), "1")
    push(stores["a.test"], "other", images.image("two"), "1")

    result = run(stores).sync(
        item("a.test/x", "b.test/y"), item("b.test/y", "c.test/z"), item("a.test/other", "c.test/z")
    )

    assert outcome(result)["b.test/y:1"] == ("create", "pending")
    assert errors(result) == ["conflict", "conflict"]
    assert not result.changed


def test_what_a_failed_image_was_to_bring_is_pending_and_nothing_stale_is_copied(
    stores: dict[str, MemoryStore],
) -> None:
    push(stores["a.test"], "x", images.image("new"), "1")
    push(stores["a.test"], "x", images.image("other"), "2")
    push(stores["b.test"], "y", images.image("old"), "1")
    stores["b.test"].around = failing("put_manifest", fault("push_denied", transient=False), 1, "1")

    result = run(stores).sync(item("a.test/x", "b.test/y"), item("b.test/y", "c.test/z"))

    assert outcome(result) == {
        "b.test/y:1": ("update", "failed"),
        "b.test/y:2": ("create", "done"),
        "c.test/z:1": ("create", "pending"),
        "c.test/z:2": ("create", "done"),
    }
    assert set(tags(stores["c.test"], "z")) == {"2"}


def test_what_a_later_round_brings_is_copied_on_in_that_round(stores: dict[str, MemoryStore]) -> None:
    image = images.image("late")
    push(stores["a.test"], "x", image, "1")
    stores["b.test"].around = failing("put_manifest", fault("server_error"), 1)

    result = run(stores).sync(item("a.test/x", "b.test/y"), item("b.test/y", "c.test/z"))

    assert set(outcome(result).values()) == {("create", "done")}
    assert tags(stores["c.test"], "z") == {"1": image.digest}


@pytest.mark.parametrize("passing", [True, False])
def test_a_source_that_cannot_be_planned_holds_back_what_copies_it(
    stores: dict[str, MemoryStore], passing: bool
) -> None:
    new, old = images.image("new"), images.image("old")
    push(stores["a.test"], "x", new, "1")
    push(stores["b.test"], "y", old, "1")
    stores["a.test"].around = failing("tags", fault("server_error", transient=passing), 1)

    result = run(stores).sync(item("a.test/x", "b.test/y"), item("b.test/y", "c.test/z"))

    if passing:
        assert {image.status for image in result.images} == {"done"}
        assert tags(stores["c.test"], "z") == {"1": new.digest}
    else:
        assert {image.status for image in result.images} == {"failed", "pending"}
        assert tags(stores["c.test"], "z") == {}


def test_a_list_of_repositories_that_cannot_be_read_holds_back_what_copies_them(
    stores: dict[str, MemoryStore],
) -> None:
    push(stores["b.test"], "mirror/old", images.image("old"), "1")

    result = run(stores).sync(item("a.test/lib/*", "b.test/mirror"), item("b.test/mirror/old", "c.test/z"))

    assert outcome(result)["c.test/z"] == ("unknown", "pending")
    assert tags(stores["c.test"], "z") == {}


def test_what_an_earlier_stage_leaves_alone_is_copied_as_it_is(stores: dict[str, MemoryStore]) -> None:
    old = images.image("old")
    push(stores["a.test"], "x", images.image("new"), "1")
    push(stores["b.test"], "y", old, "1")

    result = run(stores).sync(item("a.test/x", "b.test/y", overwrite="skip"), item("b.test/y", "c.test/z"))

    assert outcome(result) == {"b.test/y:1": ("skip", "done"), "c.test/z:1": ("create", "done")}
    assert tags(stores["c.test"], "z") == {"1": old.digest}


@pytest.mark.parametrize("older_is_there", [True, False])
def test_a_tag_that_moved_during_the_run_is_copied_on_as_it_came(
    stores: dict[str, MemoryStore], older_is_there: bool
) -> None:
    before, after = images.image("before"), images.image("after")
    if older_is_there:
        push(stores["b.test"], "y", before)
    push(stores["a.test"], "x", before, "1")
    source = stores["a.test"].repository("x")

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "manifest" and request.ref == before.digest:
            source.manifests.pop(Digest.parse(before.digest), None)
            push(stores["a.test"], "x", after, "1")
        return nullcontext()

    stores["a.test"].around = around
    result = run(stores).sync(item("a.test/x", "b.test/y"), item("b.test/y", "c.test/z"))

    assert {image.status for image in result.images} == {"done"}, errors(result)
    assert tags(stores["b.test"], "y") == tags(stores["c.test"], "z") == {"1": after.digest}
    assert {str(image.digest) for image in result.images} == {after.digest}
