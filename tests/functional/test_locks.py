# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks between two registries: written with what has arrived, used whatever tags name, and never written in part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.images import Image
from support.scenes.modules import Ended, module, registry_option
from support.servers.shared import Servers


class Mirror:
    """A source whose tags move, a destination, and a lock."""

    def __init__(self, servers: Servers, path: str, home: Path) -> None:
        self.source, self.destination = servers.htpasswd.endpoint, servers.open.endpoint
        self.path, self.home, self.lock = path, home, home / "mirror.lock.json"

    def give(self, name: str, *tags: str) -> Image:
        image = images.image(f"{self.path} {name}")
        with PlainClient(self.source) as client:
            client.push(self.path, image, *tags)
        return image

    def sync(self, mode: str, check_mode: bool = False, to: str = "", **more: Any) -> Ended:
        options = {
            "images": [
                {
                    "source": f"{self.source.host}/{self.path}",
                    "destination": f"{self.destination.host}/{to or self.path}",
                }
            ],
            "registries": [registry_option(endpoint) for endpoint in (self.source, self.destination)],
            "retry_delay": 0.01,
            "lock_path": str(self.lock),
            "lock": mode,
            **more,
        }
        with module("registry_image_sync", options, home=self.home, check_mode=check_mode) as running:
            return running.end()

    def name(self, tag: str) -> str:
        return f"{self.source.host}/{self.path}:{tag}"

    def locked(self) -> dict[str, str]:
        return dict(json.loads(self.lock.read_text(encoding="utf-8"))["images"])

    def tags(self, path: str = "") -> dict[str, str]:
        """What the destination has, as an independent client sees it."""
        with PlainClient(self.destination) as client:
            return {tag: client.manifest(path or self.path, tag).digest for tag in client.tags(path or self.path)}


@pytest.fixture
def mirror(servers: Servers, repository: str, tmp_path: Path) -> Mirror:
    return Mirror(servers, repository, tmp_path)


def test_the_same_images_again_after_tags_have_moved(mirror: Mirror) -> None:
    one, two = mirror.give("one", "1", "latest"), mirror.give("two", "2")
    first = mirror.sync("update").result
    assert first["lock"] == {"path": str(mirror.lock), "images": 3, "changed": 3}
    assert mirror.locked() == {
        mirror.name("1"): one.digest,
        mirror.name("2"): two.digest,
        mirror.name("latest"): one.digest,
    }
    before = mirror.lock.read_bytes()
    mirror.give("three", "3", "latest")

    used = mirror.sync("use", to=f"{mirror.path}/again").result

    assert mirror.tags(f"{mirror.path}/again") == {"1": one.digest, "2": two.digest, "latest": one.digest}
    assert (used["summary"]["not_locked"], used["summary"]["skipped"], used["lock"]["changed"]) == (1, 1, 0)
    assert mirror.lock.read_bytes() == before


def test_a_second_update_changes_nothing_and_a_moved_tag_one_line(mirror: Mirror) -> None:
    old, other = mirror.give("old", "1"), mirror.give("other", "2")
    mirror.sync("update")
    before = mirror.lock.stat()
    assert mirror.sync("update").result["changed"] is False
    assert mirror.lock.stat().st_mtime_ns == before.st_mtime_ns
    new = mirror.give("new", "1")

    checked = mirror.sync("update", check_mode=True, _ansible_diff=True).result
    assert checked["diff"]["prepared"].splitlines()[-4:] == [
        "--- lock before",
        "+++ lock after",
        f"-{mirror.name('1')} {old.digest}",
        f"+{mirror.name('1')} {new.digest}",
    ]
    assert (checked["changed"], checked["lock"]["changed"]) == (True, 1)
    assert mirror.lock.stat().st_mtime_ns == before.st_mtime_ns

    assert mirror.sync("update").result["lock"]["changed"] == 1
    assert mirror.locked() == {mirror.name("1"): new.digest, mirror.name("2"): other.digest}


def test_a_lock_of_images_that_are_there_already_is_a_change(mirror: Mirror) -> None:
    mirror.give("one", "1")
    mirror.sync("update")
    mirror.lock.unlink()
    ended = mirror.sync("update").result
    assert (ended["changed"], ended["summary"]["unchanged"]) == (True, 1)
    assert mirror.sync("update").result["changed"] is False


def test_what_fails_keeps_its_entry(mirror: Mirror, servers: Servers) -> None:
    old = mirror.give("old", "1", "2")
    mirror.sync("update")
    new = mirror.give("new", "1", "2")
    name = f"{servers.htpasswd.host}/{mirror.path}"
    there = f"{servers.open.host}/{mirror.path}"
    ended = mirror.sync(
        "update",
        images=[
            {"source": f"{name}:1", "destination": there, "overwrite": "fail"},
            {"source": f"{name}:2", "destination": there},
        ],
    )
    assert (ended.code, ended.result["error_codes"]) == (1, ["conflict"])
    assert mirror.locked() == {mirror.name("1"): old.digest, mirror.name("2"): new.digest}


@pytest.mark.parametrize(("overwrite", "moved"), [(None, False), ("always", True), ("skip", False)])
def test_a_destination_that_has_moved_on_is_left(mirror: Mirror, overwrite: str | None, moved: bool) -> None:
    old = mirror.give("old", "1")
    mirror.sync("update")
    mine = images.image(f"{mirror.path} mine")
    with PlainClient(mirror.destination) as client:
        client.push(mirror.path, mine, "1")
    mirror.sync("use", **({"overwrite": overwrite} if overwrite else {}))
    assert mirror.tags() == {"1": (old if moved else mine).digest}


def test_a_digest_that_the_source_has_no_more(mirror: Mirror) -> None:
    old = mirror.give("old", "1")
    mirror.sync("update")
    new = mirror.give("new", "1")
    with PlainClient(mirror.source) as client:
        client.delete(mirror.path, old.digest)
    ended = mirror.sync("use", to=f"{mirror.path}/again")
    assert (ended.code, ended.result["error_codes"]) == (1, ["source_gone"])
    assert "lock: update" in ended.result["msg"]
    assert mirror.sync("update").code == 0
    assert mirror.locked() == {mirror.name("1"): new.digest}


def test_a_tag_without_an_entry_fails_where_that_is_asked_for(mirror: Mirror) -> None:
    one = mirror.give("one", "1")
    mirror.sync("update")
    mirror.give("two", "2")
    ended = mirror.sync("use", lock_missing="fail")
    assert (ended.code, ended.result["error_codes"]) == (1, ["lock_missing"])
    assert mirror.tags() == {"1": one.digest}


def test_a_new_lock_is_its_owners_alone_and_an_old_one_keeps_its_mode(mirror: Mirror) -> None:
    mirror.give("one", "1")
    mirror.sync("update")
    assert mirror.lock.stat().st_mode & 0o777 == 0o600
    mirror.lock.chmod(0o644)
    mirror.give("two", "1")
    mirror.sync("update")
    assert mirror.lock.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in mirror.home.iterdir() if path.name.startswith("mirror.lock")] == ["mirror.lock.json"]


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (None, {"mode": "use"}, "it is not there (make it with lock: update)"),
        ("{}", {"mode": "use"}, "it is no lock of version 1"),
        ("{}", {"mode": "update"}, "it is no lock of version 1"),
        ('{"version": 1, "images": {}}', {"mode": "use", "lock_path": ""}, "give both or none"),
        (None, {"mode": "update", "shard": {"index": 0, "count": 2, "by": "tag"}}, "a task without shard"),
    ],
    ids=["no file", "no lock", "update", "no path", "shard"],
)
def test_what_is_no_lock_is_refused_before_any_contact(
    mirror: Mirror, servers: Servers, content: str | None, options: dict[str, Any], said: str
) -> None:
    if content is not None:
        mirror.lock.write_text(content, encoding="utf-8")
    servers.open.mark()
    ended = mirror.sync(**options)
    assert ended.code == 1
    assert said in ended.result["msg"]
    assert not servers.open.requests()


def test_each_shard_has_a_lock_of_its_own(mirror: Mirror) -> None:
    one = mirror.give("one", "1")
    shards = [{"index": index, "count": 2} for index in range(2)]
    assert [mirror.sync("update", shard=shard).code for shard in shards] == [0, 0]
    assert not mirror.lock.exists()
    files = [mirror.home / f"mirror.lock-{index}-of-2.json" for index in range(2)]
    (written,) = (file for file in files if file.exists())
    assert json.loads(written.read_text(encoding="utf-8"))["images"] == {mirror.name("1"): one.digest}

    mirror.give("two", "1")
    owner = shards[files.index(written)]
    assert mirror.sync("use", shard=owner).result["summary"]["unchanged"] == 1
