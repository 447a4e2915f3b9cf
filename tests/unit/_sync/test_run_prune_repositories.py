# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole repositories that ``prune`` deletes, and when it does not: stores in memory behind two instances of ACR."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from helpers.memory_run import MemoryRun, fault, item
from helpers.memory_store import MemoryStore, Request, push
from support.scenes import images

SOURCE = "source-registry.cn-shanghai.cr.aliyuncs.com"
MIRROR = "mirror-registry.cn-shanghai.cr.aliyuncs.com"
RULE = item(f"{SOURCE}/lib/*", f"{MIRROR}/lib", prune={"repositories": True})


class Instance:
    """What stands for the API of an instance.

    :ivar refuses: the error that its complete list ends with
    :ivar deleted: the repositories that were deleted by it
    """

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.refuses: ImageOpsError | None = None
        self.deleted: list[str] = []

    def repositories(self, beginning: str) -> Iterator[str]:
        return self._store.catalog(beginning)

    def complete_repositories(self, namespace: str) -> list[str]:
        if self.refuses is not None:
            raise self.refuses
        return [path for path in self._store.catalog(f"{namespace}/") if path not in self.deleted]

    def delete_repository(self, path: str) -> None:
        self.deleted.append(path)

    def obstacles(self, paths: list[str]) -> Any:
        return SimpleNamespace(faults={}, unknown=[], absent=[])

    def listed_digests(self, path: str, *, patience: float) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """Do nothing."""


class World:
    """A source with one repository, and a mirror that has others, too."""

    def __init__(self, *more: str) -> None:
        self.source, self.mirror = MemoryStore(SOURCE), MemoryStore(MIRROR)
        for store in (self.source, self.mirror):
            push(store, "lib/app", images.image("app"), "1")
        for path in more:
            push(self.mirror, path, images.image(path), "1", "2")
        self.instances = {SOURCE: Instance(self.source), MIRROR: Instance(self.mirror)}

    def sync(self, *rules: dict[str, Any], **options: Any) -> RunResult:
        run = MemoryRun(self.source, self.mirror)
        run.managed = dict(self.instances)
        return run.sync(*(rules or (RULE,)), **options)

    @property
    def deleted(self) -> list[str]:
        return self.instances[MIRROR].deleted


def repositories(result: RunResult) -> dict[str, str]:
    """What became of the repositories that were to go."""
    return {
        image.destination.repository: image.error.code if image.error else f"{image.action} {image.status}"
        for image in result.images
        if image.destination.tag is None
    }


def test_a_repository_goes_that_the_source_does_not_have() -> None:
    world = World("lib/old")
    planned = world.sync(check_mode=True)
    assert (repositories(planned), planned.changed, world.deleted) == ({"lib/old": "delete done"}, True, [])

    result = world.sync()

    assert (repositories(result), result.changed) == ({"lib/old": "delete done"}, True)
    assert world.deleted == ["lib/old"]


@pytest.mark.parametrize(
    "rule",
    [
        item(f"{SOURCE}/lib/*", f"{MIRROR}/lib", prune=True),
        item(f"{SOURCE}/lib/*", f"{MIRROR}/lib", prune={"repositories": True, "keep": "2"}),
        item(f"{SOURCE}/lib/*", f"{MIRROR}/lib", prune={"repositories": True}, tags={"include": "1"}),
        item(f"{SOURCE}/lib/*", f"{MIRROR}/lib/x-{{name}}", prune={"repositories": True}),
    ],
    ids=["not asked for", "a tag is kept", "a tag is not the rule's", "it does not lead back"],
)
def test_a_repository_stays(rule: dict[str, Any]) -> None:
    world = World("lib/old")
    assert not repositories(world.sync(rule)) and not world.deleted


def test_a_repository_stays_that_another_rule_writes() -> None:
    world = World("lib/old")
    push(world.source, "other/old", images.image("lib/old"), "1")
    world.sync(RULE, item(f"{SOURCE}/other/old:1", f"{MIRROR}/lib/old"))
    assert not world.deleted


def test_more_repositories_than_one_are_none() -> None:
    world = World("lib/old", "lib/older")
    assert repositories(world.sync()) == dict.fromkeys(("lib/old", "lib/older"), "prune_limit")
    assert not world.deleted
    rule = item(f"{SOURCE}/lib/*", f"{MIRROR}/lib", prune={"repositories": True, "max_repositories": 2})
    assert set(repositories(world.sync(rule)).values()) == {"delete done"}


def test_the_tags_of_a_repository_count_for_max_total() -> None:
    world = World("lib/old")
    rule = item(f"{SOURCE}/lib/*", f"{MIRROR}/lib", prune={"repositories": True, "max_total": 1})
    assert repositories(world.sync(rule)) == {"lib/old": "prune_limit"} and not world.deleted


@pytest.mark.parametrize("host", [SOURCE, MIRROR])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_nothing_goes_when_a_project_is_not_shown(host: str, status: int) -> None:
    world = World("lib/old")
    world.instances[host].refuses = fault("pull_denied", transient=False, status=status)
    result = world.sync()
    assert not repositories(result) and not world.deleted
    assert "nothing is deleted in this run" in " ".join(result.not_taken)


def test_nothing_goes_without_a_list_that_is_surely_whole() -> None:
    source, mirror = MemoryStore("a.test"), MemoryStore("b.test")
    for store in (source, mirror):
        push(store, "lib/app", images.image("app"), "1")
    push(mirror, "lib/old", images.image("old"), "1")
    result = MemoryRun(source, mirror).sync(item("a.test/lib/*", "b.test/lib", prune={"repositories": True}))
    assert not repositories(result)
    assert "no list of them that is known to be whole" in " ".join(result.not_taken)


def test_nothing_goes_when_an_image_failed() -> None:
    world = World("lib/old")
    push(world.source, "lib/app", images.image("new"), "new")

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "put_manifest":
            raise fault("push_denied", transient=False, status=403)
        return nullcontext()

    world.mirror.around = around
    assert repositories(world.sync()) == {"lib/old": "delete pending"} and not world.deleted


def test_a_repository_stays_that_has_changed_since_it_was_planned() -> None:
    world = World("lib/old")
    listed: list[Request] = []

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == "tags" and request.name.endswith("lib/old"):
            listed.append(request)
            if len(listed) == 2:
                push(world.mirror, "lib/old", images.image("somebody else's"), "3")
        return nullcontext()

    world.mirror.around = around
    result = world.sync()
    assert repositories(result) == {"lib/old": "skip done"} and not world.deleted and not result.changed


def test_a_repository_stays_that_the_source_has_again() -> None:
    world = World("lib/old")
    listed: list[str] = []
    complete = world.instances[SOURCE].complete_repositories

    def again(namespace: str) -> list[str]:
        listed.append(namespace)
        return [*complete(namespace), *(["lib/old"] if len(listed) > 1 else [])]

    world.instances[SOURCE].complete_repositories = again  # type: ignore[method-assign]
    assert repositories(world.sync()) == {"lib/old": "skip done"} and not world.deleted


@pytest.mark.parametrize(
    ("source", "destination", "why"),
    [
        (f"{SOURCE}/lib/app", f"{MIRROR}/lib/app", "for all repositories of one project"),
        (f"{SOURCE}/**", f"{MIRROR}/{{repository}}", "for all repositories of one project"),
        (f"{SOURCE}/lib/**", f"{MIRROR}/lib/{{name}}", "does not lead back"),
        (f"{SOURCE}/lib/*", f"{MIRROR}/{{namespace}}/{{name}}", "does not lead back"),
        (f"{SOURCE}/lib/*", f"{MIRROR}/{{repository}}", "does not lead back"),
    ],
)
def test_what_does_not_lead_back_is_refused_before_anything_is_asked(source: str, destination: str, why: str) -> None:
    with pytest.raises(InputError, match=re.escape(why)):
        MemoryRun().sync(item(source, destination, prune={"repositories": True}))


@pytest.mark.parametrize("template", ["lib", "lib/{name}", "mirror/{repository}", "mirror/{path}", "lib/m-{name}-x"])
def test_a_template_that_leads_back_is_understood(template: str) -> None:
    old = {"mirror/{repository}": "mirror/lib/old", "mirror/{path}": "mirror/old", "lib/m-{name}-x": "lib/m-old-x"}
    path = old.get(template, "lib/old")
    world = World(path, f"{path.partition('/')[0]}/stays")
    push(world.source, "lib/stays", images.image("stays"), "1", "2")
    world.sync(item(f"{SOURCE}/lib/*", f"{MIRROR}/{template}", prune={"repositories": True, "keep": "nothing"}))
    assert world.deleted == [path]
