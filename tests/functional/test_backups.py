# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task overwrites is kept first: each kind of registry, check mode, and a task that is killed in between."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.fault_proxy import Action, FaultProxy, Request
from support.scenes import images
from support.scenes.modules import Ended, module, registry_option
from support.servers.harbor import harbor
from support.servers.harbor_world import MAINTAINER
from support.servers.scripted_registry import ScriptedRegistry, scripted_registry
from support.servers.shared import Kind, Servers

DATED = re.compile(r"1-backup-[0-9]{8}T[0-9]{6}Z")
EARLIER = [f"1-backup-2026010{day}T000000Z" for day in range(1, 5)]


class Mirror:
    """A source with a tag that has moved, and a destination that has the old image under it."""

    def __init__(self, source: Endpoint, destination: Endpoint, path: str, home: Path) -> None:
        self.source, self.destination, self.path, self.home = source, destination, path, home
        self.old, self.new, self.other = (images.image(f"{path} {name}") for name in ("old", "new", "other"))
        with PlainClient(source) as client:
            client.push(path, self.new, "1")
        with PlainClient(destination) as client:
            client.push(path, self.old, "1")

    def options(self, **more: Any) -> dict[str, Any]:
        ends = {endpoint.host: endpoint for endpoint in (self.source, self.destination)}
        return {
            "images": [
                {"source": f"{self.source.host}/{self.path}", "destination": f"{self.destination.host}/{self.path}"}
            ],
            "registries": [registry_option(endpoint) for endpoint in ends.values()],
            "retry_delay": 0.01,
            "backup": "{tag}-backup-{date}",
            **more,
        }

    def sync(self, check_mode: bool = False, **more: Any) -> Ended:
        with module("registry_image_sync", self.options(**more), home=self.home, check_mode=check_mode) as running:
            return running.end()

    def tags(self) -> dict[str, str]:
        """What the destination has, as an independent client sees it."""
        with PlainClient(self.destination) as client:
            return {tag: client.manifest(self.path, tag).digest for tag in client.tags(self.path)}


Begin = Callable[..., Mirror]


@pytest.fixture
def begin(servers: Servers, repository: str, tmp_path: Path) -> Begin:
    def made(destination: Endpoint | None = None) -> Mirror:
        return Mirror(servers.htpasswd.endpoint, destination or servers.open.endpoint, repository, tmp_path)

    return made


def test_the_old_image_keeps_a_name(servers: Servers, registry_kind: Kind, repository: str, tmp_path: Path) -> None:
    source = servers.open if registry_kind.name != "open" else servers.htpasswd
    mirror = Mirror(source.endpoint, registry_kind.endpoint, repository, tmp_path)

    ended = mirror.sync(return_images="all")

    (image,) = ended.result["images"]
    name = image["backup"].rpartition(":")[2]
    assert DATED.fullmatch(name)
    assert mirror.tags() == {"1": mirror.new.digest, name: mirror.old.digest}
    again = mirror.sync(return_images="all").result
    assert (again["changed"], [image.get("backup") for image in again["images"]]) == (False, [None])


def test_check_mode_shows_the_backup_and_writes_nothing(begin: Begin, servers: Servers) -> None:
    mirror = begin()
    servers.open.mark()
    ended = mirror.sync(check_mode=True, _ansible_diff=True).result
    assert {request.method for request in servers.open.requests()} <= {"GET", "HEAD"}
    (image,) = ended["images"]
    assert DATED.fullmatch(image["backup"].rpartition(":")[2])
    assert f"+{image['backup']} {mirror.old.digest} (backup)" in ended["diff"]["prepared"].splitlines()
    assert mirror.tags() == {"1": mirror.old.digest}


@pytest.fixture
def deleting() -> Iterator[ScriptedRegistry]:
    """A registry that deletes single tags, as distribution-spec 1.1 has it; docker-registry 2.8 does not."""
    with scripted_registry() as registry:
        yield registry


def test_older_backups_go_and_everything_else_stays(begin: Begin, deleting: ScriptedRegistry) -> None:
    mirror = begin(deleting.endpoint)
    others = ["latest", "1-backup-", "10-backup-20260101T000000Z"]
    deleting.push(mirror.path, mirror.other, *EARLIER, *others)
    checked = mirror.sync(check_mode=True, backup_keep=2).result
    ended = mirror.sync(backup_keep=2, _ansible_diff=True).result
    (image,) = ended["images"]
    made = image["backup"].rpartition(":")[2]
    gone = [f"{deleting.host}/{mirror.path}:{tag}" for tag in EARLIER[:3]]
    assert [entry["removed_backups"] for entry in checked["images"]] == [image["removed_backups"]] == [gone]
    assert {f"-{name} (backup)" for name in gone} <= set(ended["diff"]["prepared"].splitlines())
    assert deleting.repository(mirror.path).tags == {
        "1": mirror.new.digest,
        made: mirror.old.digest,
        **dict.fromkeys([EARLIER[3], *others], mirror.other.digest),
    }


def test_an_image_that_a_removed_backup_named_is_there_under_its_other_tags(
    begin: Begin, deleting: ScriptedRegistry
) -> None:
    """What is deleted is the tag, never the manifest: the image that is kept now had a backup before."""
    mirror = begin(deleting.endpoint)
    deleting.push(mirror.path, mirror.old, *EARLIER)
    (image,) = mirror.sync(backup_keep=1).result["images"]
    assert len(image["removed_backups"]) == 4
    assert mirror.tags() == {"1": mirror.new.digest, image["backup"].rpartition(":")[2]: mirror.old.digest}
    deleted = [request.path.rpartition("/")[2] for request in deleting.requests if request.method == "DELETE"]
    assert sorted(deleted) == EARLIER


@pytest.mark.parametrize("kind", ["open", "zuul"])
def test_a_registry_that_does_not_delete_tags_keeps_older_backups(begin: Begin, servers: Servers, kind: str) -> None:
    registry = servers.kind(kind).endpoint
    mirror = begin(registry)
    with PlainClient(registry) as client:
        client.push(mirror.path, mirror.other, *EARLIER)
    ended = mirror.sync(backup_keep=1)
    (image,) = ended.result["images"]
    assert (ended.code, image["status"]) == (0, "done")
    assert any(note.startswith("older backups stay: ") for note in image["notes"])
    assert set(EARLIER) <= set(mirror.tags())


@pytest.mark.parametrize("immutable", [False, True])
def test_harbor_removes_older_backups_by_its_own_api(servers: Servers, tmp_path: Path, immutable: bool) -> None:
    with harbor(tmp_path / "harbor") as server:
        server.world.add_project("mirror")
        server.world.add_account("robot$mirror+sync", "secret", rights={"mirror": MAINTAINER})
        mirror = Mirror(servers.htpasswd.endpoint, server.endpoint_of("robot$mirror+sync"), "mirror/backups", tmp_path)
        with PlainClient(server.admin) as client:
            client.push(mirror.path, mirror.other, *EARLIER)
        server.world.immutable = {EARLIER[0]} if immutable else set()
        ended = mirror.sync(backup_keep=1)
        (image,) = ended.result["images"]
        made = image["backup"].rpartition(":")[2]
        assert (ended.code, len(image["removed_backups"])) == (0, 3 if immutable else 4)
        assert set(server.world.tags(mirror.path)) == {"1", made, *(EARLIER[:1] if immutable else [])}
        assert bool(image.get("notes")) == immutable


class KillBefore(Action):
    """Kill the client before one of its requests is sent on."""

    pid: int | None = None

    def on_request(self, request: Request) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)


def test_killed_between_backup_and_tag(servers: Servers, begin: Begin, faulty: Callable[..., FaultProxy]) -> None:
    proxy = faulty(servers.open.endpoint)
    mirror = begin(proxy.endpoint)
    kill = KillBefore()
    proxy.add(kill, method="PUT", target="/manifests/1$")
    with module("registry_image_sync", mirror.options(), home=mirror.home) as running:
        kill.pid = running.process.pid
        assert running.end().code == -signal.SIGKILL
    kill.pid = None
    proxy.clear()
    there = mirror.tags()
    (backup,) = set(there) - {"1"}
    assert there[backup] == mirror.old.digest
    assert mirror.sync().code == 0
    after = mirror.tags()
    assert after.items() >= {backup: mirror.old.digest}.items()
    assert after["1"] == mirror.new.digest


def test_a_backup_that_names_another_image_is_not_overwritten(begin: Begin, servers: Servers) -> None:
    mirror = begin()
    name = f"1-was-{mirror.old.digest.partition(':')[2]}"
    with PlainClient(servers.open.endpoint) as client:
        client.push(mirror.path, mirror.other, name)
    ended = mirror.sync(backup="{tag}-was-{digest}")
    assert (ended.code, ended.result["error_codes"]) == (1, ["backup_failed"])
    assert "names another image" in ended.result["msg"]
    assert mirror.tags() == {"1": mirror.old.digest, name: mirror.other.digest}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backup": "{tag}-old"}, "every backup would have the same name"),
        ({"backup": "{tag}-{digest}", "backup_keep": 2}, "it lacks {date}"),
        ({"backup": None, "backup_keep": 2}, "backup is not given"),
    ],
    ids=["one name", "no date", "no backup"],
)
def test_what_makes_no_way_back_is_refused_before_any_contact(
    begin: Begin, servers: Servers, options: dict[str, Any], said: str
) -> None:
    mirror = begin()
    servers.open.mark()
    ended = mirror.sync(**options)
    assert ended.result["error_codes"] == ["invalid_input"]
    assert said in ended.result["msg"]
    assert not servers.open.requests()
