# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a destination does not show, and names that it does not take, on stores in memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._sync.results import message, report
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from helpers.memory_run import Around, MemoryRun, errors, failing, fault, item
from helpers.memory_store import MemoryStore, push
from support.scenes import images

ACR = "acme-registry.cn-shanghai.cr.aliyuncs.com"


@pytest.fixture
def source() -> MemoryStore:
    store = MemoryStore("a.test")
    push(store, "x", images.image("one"), "1")
    push(store, "x", images.image("two"), "2")
    return store


@pytest.fixture
def target() -> MemoryStore:
    return MemoryStore("b.test")


def hidden(code: str = "pull_denied", status: int = 403) -> Around:
    """Requests about what is there that a destination refuses."""
    refuse = [failing(method, fault(code, transient=False, status=status), 99) for method in ("resolve", "tags")]

    def around(request: Any) -> Any:
        for each in refuse:
            context = each(request)
        return context

    return around


def actions(result: RunResult) -> list[str]:
    return [image.action.value for image in result.images]


@pytest.mark.parametrize("status", [401, 403])
def test_what_is_not_shown_is_unknown_in_check_mode_and_would_change(
    source: MemoryStore, target: MemoryStore, status: int
) -> None:
    target.around = hidden(status=status)
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"), check_mode=True)

    assert actions(result) == ["unknown", "unknown"]
    assert {image.status for image in result.images} == {"done"}
    assert result.changed
    assert f"does not show what it has (HTTP {status})" in result.images[0].reason
    assert report.build(result, return_images=report.ReturnImages.CHANGED, mask=str)["summary"]["unknown"] == 2
    text = message.success_message(result, check_mode=True)
    assert text.startswith("2 images: 2 unknown; ") and "does not show" in text
    assert "(absent)" not in report.diff(result)["prepared"]
    assert report.diff(result)["prepared"].count("(unknown)") == 2


def test_what_is_not_shown_is_written_in_a_real_run(source: MemoryStore, target: MemoryStore) -> None:
    target.around = hidden()
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"))
    assert actions(result) == ["create", "create"]
    assert set(target.repository("y").tagged) == {"1", "2"}
    assert "(absent)" not in report.diff(result)["prepared"]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("code", ["no_credentials", "bad_credentials"])
def test_a_login_that_is_missing_or_wrong_fails_in_check_mode_too(
    source: MemoryStore, target: MemoryStore, check_mode: bool, code: str
) -> None:
    target.around = hidden(code, 401)
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"), check_mode=check_mode)
    assert errors(result) == [code, code]
    assert target.counts().keys() <= {"resolve", "tags"}


def managed(*absent: str, faults: dict[str, Any] | None = None) -> Any:
    """An instance of ACR whose API answers so."""

    def obstacles(paths: list[str]) -> Any:
        return SimpleNamespace(faults=faults or {}, unknown=[], absent=[path for path in paths if path in absent])

    return SimpleNamespace(obstacles=obstacles, close=lambda: None)


@pytest.mark.parametrize(("absent", "action"), [(("ns/app",), "create"), ((), "unknown")])
def test_the_api_of_acr_settles_what_its_registry_does_not_show(
    source: MemoryStore, absent: tuple[str, ...], action: str
) -> None:
    target = MemoryStore(ACR)
    target.around = hidden()
    run = MemoryRun(source, target)
    run.managed = {ACR: managed(*absent)}

    result = run.sync(item("a.test/x", f"{ACR}/ns/app"), check_mode=True)

    assert actions(result) == [action, action]


def test_what_the_api_of_acr_does_not_let_be_created_fails_in_check_mode(source: MemoryStore) -> None:
    target = MemoryStore(ACR)
    target.around = hidden()
    error = ImageOpsError(code="destination_missing", action="create", subject="it", cause="no namespace")
    run = MemoryRun(source, target)
    run.managed = {ACR: managed("ns/app", faults={"ns/app": error})}
    assert errors(run.sync(item("a.test/x", f"{ACR}/ns/app"), check_mode=True)) == ["destination_missing"] * 2


def test_a_name_that_is_not_taken_stops_only_its_own_images(source: MemoryStore, target: MemoryStore) -> None:
    acr = MemoryStore(ACR)
    result = MemoryRun(source, target, acr).sync(
        item("a.test/x", "b.test/y", f"{ACR}/no-namespace"), item("a.test/x:1", f"{ACR}/ns/good")
    )
    outcome = {str(image.destination): image.status.value for image in result.images}
    assert outcome == {
        f"{ACR}/no-namespace": "failed",
        f"{ACR}/ns/good:1": "done",
        "b.test/y:1": "done",
        "b.test/y:2": "done",
    }
    assert errors(result) == ["invalid_input"]
    assert "1 of 4 images failed (3 created)" in message.failure_message(result, check_mode=False)


def test_where_no_name_is_taken_nothing_is_asked(source: MemoryStore) -> None:
    acr = MemoryStore(ACR)
    result = MemoryRun(source, acr).sync(item("a.test/x", f"{ACR}/a"), item("a.test/x:1", f"{ACR}/b"))
    assert errors(result) == ["invalid_input", "invalid_input"]
    assert source.requests == acr.requests == []


def test_images_that_are_not_tried_since_another_is_refused_are_counted(
    source: MemoryStore, target: MemoryStore
) -> None:
    result = MemoryRun(source, target).sync(
        item("a.test/x", "b.test/one:tag"), item("a.test/x", "b.test/y"), item("a.test/x:1", "b.test/z")
    )
    text = message.failure_message(result, check_mode=False)
    assert "1 of 4 images failed (3 not tried)" in text
    assert not target.repository("y").tagged
    assert report.build(result, return_images=report.ReturnImages.ALL, mask=str)["summary"]["pending"] == 3


def test_images_that_are_not_begun_after_an_error_are_counted(source: MemoryStore, target: MemoryStore) -> None:
    for number in range(3, 99):
        push(source, "x", images.image(number), str(number))
    target.around = failing("put_manifest", fault("push_denied", transient=False), 99)
    result = MemoryRun(source, target).sync(item("a.test/x", "b.test/y"), on_error="stop", concurrency=2)
    assert " not tried" in message.failure_message(result, check_mode=False)
