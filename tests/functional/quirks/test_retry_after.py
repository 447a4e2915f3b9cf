# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Retry-After says: seconds, a date, a Unix time, or nothing that makes sense."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import formatdate
from typing import Callable

import pytest
from support.scenes import images
from support.scenes.runs import Run, only
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, refusal, scripted_registry

SOON: dict[str, Callable[[], str]] = {
    "seconds": lambda: "1",
    "HTTP date": lambda: formatdate(time.time() + 1, usegmt=True),
    "Unix time": lambda: str(int(time.time()) + 1),
    "Unix time in milliseconds": lambda: str(int(time.time() * 1000) + 1000),
    "ISO date": lambda: datetime.fromtimestamp(time.time() + 1, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
}
PAST: dict[str, Callable[[], str]] = {
    "HTTP date": lambda: formatdate(time.time() - 3600, usegmt=True),
    "Unix time": lambda: str(int(time.time()) - 3600),
    "nought": lambda: "0",
}
NONSENSE = ["soon", "-1", "1.5", "99999999", "9999999999", "999999999999999", "Wed, 21 Oct 2093 07:28:00 GMT", ""]
LATER: dict[str, Callable[[], str]] = {
    "seconds": lambda: "7200",
    "HTTP date": lambda: formatdate(time.time() + 7200, usegmt=True),
    "Unix time": lambda: str(int(time.time()) + 7200),
}


@dataclass
class Scene:
    """A source that refuses its first blobs, and a destination."""

    source: ScriptedRegistry
    target: ScriptedRegistry

    def refuse(self, retry_after: str, times: int = 1, status: int = 429) -> None:
        left = iter(range(times))
        said = refusal(status, "TOOMANYREQUESTS", "You have reached your pull rate limit")

        def answer(request: Request) -> Reply | None:
            if request.kind == "blob" and next(left, None) is not None:
                return Reply(said.status, said.body, {**said.headers, "Retry-After": retry_after})
            return None

        self.source.answer = answer

    def run(self) -> Run:
        return Run([self.source.endpoint, self.target.endpoint])

    @property
    def rule(self) -> dict[str, str]:
        return {"source": f"{self.source.host}/app:1", "destination": f"{self.target.host}/app"}


@pytest.fixture
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        made = Scene(*(stack.enter_context(scripted_registry()) for _side in range(2)))
        made.source.push("app", images.image("app"), "1")
        yield made


@pytest.mark.parametrize("form", SOON)
@pytest.mark.parametrize("status", [429, 503])
def test_a_time_that_is_near_is_waited_for(scene: Scene, form: str, status: int) -> None:
    scene.refuse(SOON[form](), status=status)
    assert only(scene.run().sync(scene.rule)).error is None


@pytest.mark.parametrize("form", PAST)
def test_a_time_that_has_passed_means_now(scene: Scene, form: str) -> None:
    scene.refuse(PAST[form]())
    assert only(scene.run().sync(scene.rule)).error is None


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_is_no_reason_to_wait_nor_to_give_up(scene: Scene, value: str) -> None:
    scene.refuse(value, times=2)
    assert only(scene.run().sync(scene.rule)).error is None


@pytest.mark.parametrize("form", LATER)
def test_a_time_that_is_far_ends_the_run_and_is_said(scene: Scene, form: str) -> None:
    before = datetime.fromtimestamp(time.time() + 7200 - 1, timezone.utc)
    scene.refuse(LATER[form](), times=1000)
    error = only(scene.run().sync(scene.rule, retries=1)).error
    assert error is not None
    assert (error.code, error.transient) == ("rate_limited", False)
    said = datetime.strptime(error.cause.partition("until ")[2][:23], "%Y-%m-%d %H:%M:%S UTC")
    assert before <= said.replace(tzinfo=timezone.utc) <= datetime.fromtimestamp(time.time() + 7202, timezone.utc)
