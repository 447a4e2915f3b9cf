# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans between two registries: a report of check mode, looked at, pinned and applied as it is or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.plain_client import PlainClient
from support.faults.fault_proxy import Action, FaultProxy, Request
from support.scenes import images
from support.scenes.images import Image
from support.scenes.modules import Ended, module, registry_option
from support.servers.shared import Servers

DAY = 86400.0


class Stage:
    """A repository whose images are promoted to another registry by a plan."""

    def __init__(self, servers: Servers, path: str, home: Path) -> None:
        self.source, self.destination = servers.htpasswd.endpoint, servers.open.endpoint
        self.path, self.home, self.plan = path, home, home / "plan.json"

    def push(self, endpoint: Any, name: str, *tags: str) -> Image:
        image = images.image(f"{self.path} {name}")
        with PlainClient(endpoint) as client:
            client.push(self.path, image, *tags)
        return image

    @property
    def rule(self) -> dict[str, Any]:
        return {"source": f"{self.source.host}/{self.path}", "destination": f"{self.destination.host}/{self.path}"}

    def options(self, **more: Any) -> dict[str, Any]:
        return {
            "images": [self.rule],
            "registries": [registry_option(endpoint) for endpoint in (self.source, self.destination)],
            "retry_delay": 0.01,
            **more,
        }

    def sync(self, check_mode: bool = False, **more: Any) -> Ended:
        with module("registry_image_sync", self.options(**more), home=self.home, check_mode=check_mode) as running:
            return running.end()

    def make_plan(self, **more: Any) -> str:
        """Make a plan; gives its SHA-256."""
        return str(self.sync(check_mode=True, report_path=str(self.plan), **more).result["plan_sha256"])

    def apply(self, **more: Any) -> Ended:
        return self.sync(**{"plan": str(self.plan), **more})

    def tags(self) -> dict[str, str]:
        """What the destination has, as an independent client sees it."""
        with PlainClient(self.destination) as client:
            return {tag: client.manifest(self.path, tag).digest for tag in client.tags(self.path)}

    def change_plan(self, change: Callable[[dict[str, Any]], object]) -> None:
        document = json.loads(self.plan.read_text(encoding="utf-8"))
        change(document)
        self.plan.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
def stage(servers: Servers, repository: str, tmp_path: Path) -> Stage:
    return Stage(servers, repository, tmp_path)


def test_what_was_approved_is_done_and_nothing_else(stage: Stage) -> None:
    new, old = stage.push(stage.source, "new", "1", "2"), stage.push(stage.destination, "old", "1")
    digest = stage.make_plan()
    assert digest == hashlib.sha256(stage.plan.read_bytes()).hexdigest()
    plan = json.loads(stage.plan.read_text(encoding="utf-8"))["plan"]
    assert [(entry["action"], entry["source_digest"], entry["previous_digest"]) for entry in plan["images"]] == [
        ("update", new.digest, old.digest),
        ("create", new.digest, None),
    ]
    stage.push(stage.source, "later", "3")

    ended = stage.apply(plan_sha256=digest)

    assert (ended.code, stage.tags()) == (0, {"1": new.digest, "2": new.digest})
    again = stage.apply(plan_sha256=f"sha256:{digest.upper()}").result
    assert (again["changed"], again["summary"]["unchanged"]) == (False, 2)


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_tag_that_has_moved_and_nothing_is_written(
    stage: Stage, servers: Servers, side: str, check_mode: bool
) -> None:
    stage.push(stage.source, "new", "1", "2", "3")
    stage.push(stage.destination, "old", "1", "2")
    stage.make_plan()
    stage.push(getattr(stage, side), "moved", "1", "2")
    before = stage.tags()
    servers.open.mark()

    ended = stage.apply(check_mode=check_mode, report_path="applied.json")

    assert (ended.code, ended.result["error_codes"]) == (1, ["plan_changed"])
    assert {request.method for request in servers.open.requests()} <= {"GET", "HEAD"}
    assert stage.tags() == before
    report = json.loads((stage.home / "applied.json").read_text(encoding="utf-8"))
    statuses = [(entry["destination"].rpartition(":")[2], entry["status"]) for entry in report["images"]]
    assert statuses == [("1", "failed"), ("2", "failed"), ("3", "pending")]


class KillBefore(Action):
    """Kill the client before one of its requests is sent on."""

    pid: int | None = None

    def on_request(self, request: Request) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)


def test_a_run_that_was_killed_is_completed_by_the_same_plan(
    stage: Stage, servers: Servers, faulty: Callable[..., FaultProxy]
) -> None:
    proxy = faulty(servers.open.endpoint)
    stage.destination = proxy.endpoint
    made = [stage.push(stage.source, f"image {number}", str(number)) for number in range(4)]
    stage.push(stage.destination, "old", *map(str, range(4)))
    digest = stage.make_plan()
    kill = KillBefore()
    proxy.add(kill, method="PUT", target="/manifests/", skip=2)
    with module("registry_image_sync", stage.options(plan=str(stage.plan), concurrency=1), home=stage.home) as running:
        kill.pid = running.process.pid
        assert running.end().code == -signal.SIGKILL
    kill.pid = None
    proxy.clear()
    wanted = {str(number): image.digest for number, image in enumerate(made)}
    there = {tag for tag, found in stage.tags().items() if found == wanted[tag]}
    assert 0 < len(there) < len(wanted)

    ended = stage.apply(plan_sha256=digest)

    assert (ended.code, ended.result["summary"]["unchanged"], ended.result["summary"]["updated"]) == (
        0,
        len(there),
        len(wanted) - len(there),
    )
    assert stage.tags() == wanted


def test_somebody_who_writes_while_the_task_runs_is_not_overwritten(
    stage: Stage, servers: Servers, faulty: Callable[..., FaultProxy]
) -> None:
    class Writes(Action):
        def on_request(self, request: Request) -> None:
            with PlainClient(servers.open.endpoint) as client:
                client.push(stage.path, other, "1")

    other = images.image(f"{stage.path} other")
    proxy = faulty(servers.open.endpoint)
    stage.destination = proxy.endpoint
    stage.push(stage.source, "new", "1")
    stage.push(stage.destination, "old", "1")
    stage.make_plan()
    proxy.add(Writes(), method="POST", target="/uploads/")
    ended = stage.apply()
    assert (ended.code, ended.result["error_codes"]) == (1, ["plan_changed"])
    assert stage.tags() == {"1": other.digest}


def age(days: float) -> Callable[[dict[str, Any]], object]:
    return lambda report: report["plan"].update(made=report["plan"]["made"] - days * DAY)


@pytest.mark.parametrize(
    ("change", "options", "code", "said"),
    [
        (None, {"plan_sha256": "0" * 64}, "plan_refused", "and plan_sha256 is"),
        (None, {"plan_sha256": "0"}, "invalid_input", "it is no SHA-256"),
        (None, {"plan": "", "plan_sha256": "0" * 64}, "invalid_input", "plan is not given"),
        (None, {"plan": "other.json"}, "invalid_input", "No such file"),
        (None, {"overwrite": "skip"}, "plan_refused", "other rules or options"),
        (None, {"unsupported_artifacts": "strip"}, "invalid_input", "only the run shows"),
        (None, {"report_path": "plan.json"}, "invalid_input", "that file is the plan"),
        (age(7.1), {}, "plan_refused", "it is 7.1 days old"),
        (age(2), {"plan_max_age": 1}, "plan_refused", "plan_max_age is 1"),
        (age(-1), {}, "plan_refused", "later than it is now"),
        (None, {"plan_max_age": 0}, "invalid_input", "no plan is so young"),
        (lambda report: report.update(check_mode=False), {}, "plan_refused", "no report of a task in check mode"),
        (
            lambda report: report["plan"]["images"][0].update(status="failed"),
            {},
            "plan_refused",
            "not all of its images could be planned",
        ),
    ],
    ids=map(str, range(13)),
)
def test_a_plan_that_is_refused_before_any_contact(
    stage: Stage,
    servers: Servers,
    change: Callable[[dict[str, Any]], object] | None,
    options: dict[str, Any],
    code: str,
    said: str,
) -> None:
    stage.push(stage.source, "new", "1")
    stage.make_plan()
    if change is not None:
        stage.change_plan(change)
    servers.open.mark()
    servers.htpasswd.mark()
    ended = stage.apply(**options)
    assert (ended.code, ended.result["error_codes"]) == (1, [code])
    assert said in ended.result["msg"]
    assert not servers.open.requests() and not servers.htpasswd.requests()


def test_other_rules_are_refused(stage: Stage) -> None:
    stage.push(stage.source, "new", "1")
    stage.make_plan()
    for rules in ([], [stage.rule, stage.rule], [{**stage.rule, "tags": {"include": ".*"}}]):
        ended = stage.apply(images=rules)
        assert ended.result["error_codes"] == ["plan_refused"]
    with_another_login = [registry_option(stage.source), registry_option(stage.destination), {"registry": "c.test"}]
    assert stage.apply(registries=with_another_login, concurrency=2).code == 0


def test_rules_with_prune_are_refused(stage: Stage) -> None:
    stage.push(stage.source, "new", "1")
    rules = [{**stage.rule, "prune": True}]
    stage.make_plan(images=rules)
    ended = stage.apply(images=rules)
    assert ended.result["error_codes"] == ["invalid_input"]
    assert "leave prune to a task of its own" in ended.result["msg"]


def test_a_failed_check_makes_no_plan_that_is_applied(stage: Stage) -> None:
    stage.push(stage.source, "new", "1")
    absent = {"source": f"{stage.source.host}/{stage.path}:9", "destination": f"{stage.destination.host}/z"}
    rules = [stage.rule, absent]
    stage.make_plan(images=rules)
    ended = stage.apply(images=rules)
    assert ended.result["error_codes"] == ["plan_refused"]
    assert "(failed, unknown)" in ended.result["msg"]


def test_a_plan_with_backups_and_a_lock(stage: Stage) -> None:
    new, old = stage.push(stage.source, "new", "1"), stage.push(stage.destination, "old", "1")
    more = {"backup": "{tag}-was-{digest}", "lock_path": "mirror.lock.json", "lock": "update"}
    stage.make_plan(**more)
    ended = stage.apply(**more)
    assert ended.code == 0
    assert stage.tags() == {"1": new.digest, f"1-was-{old.digest.partition(':')[2]}": old.digest}
    lock = json.loads((stage.home / "mirror.lock.json").read_text(encoding="utf-8"))
    assert lock["images"] == {f"{stage.source.host}/{stage.path}:1": new.digest}
