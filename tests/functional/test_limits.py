# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that users set: time, bytes a second; and the one that a registry sets by refusing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.collection_client import Opener, blob_descriptor, registry_client
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import StallRequest, StallResponse, error_answer
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.scenes.modules import Ended, module, registry_option
from support.scenes.runs import Run
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
Fresh = Callable[[], str]
Faulty = Callable[..., FaultProxy]


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_run_ends_in_time_and_the_next_goes_on(
    side: str, servers: Servers, plain: Plain, faulty: Faulty, fresh: Fresh, tmp_path: Path
) -> None:
    path = fresh()
    source, destination = faulty(servers.open.endpoint), faulty(servers.relative.endpoint)
    stuck = images.image(path, layers=[images.random_blob(path, 4_000_000)])
    plain(servers.open.endpoint).push(path, stuck, "1.0")
    plain(servers.open.endpoint).push(path, images.image(f"{path} small"), "0.1")
    encoded = stuck.blobs[-1].digest.partition(":")[2]
    if side == "source":
        source.add(StallResponse(after=1_000_000), method="GET", target=encoded)
    else:
        destination.add(StallRequest(after=1_000_000), method="PUT", target=encoded)

    def sync(**limits: Any) -> Ended:
        options = {
            "images": [
                {"source": f"{source.endpoint.host}/{path}", "destination": f"{destination.endpoint.host}/{path}"}
            ],
            "registries": [registry_option(source.endpoint), registry_option(destination.endpoint)],
            "report_path": "report.json",
            "log_path": "sync.log",
            "timeout": 600,
            **limits,
        }
        with module("registry_image_sync", options, home=tmp_path) as running:
            return running.end()

    first = sync(max_runtime=3)
    assert (first.code, first.result["changed"]) == (0, True)
    assert {image["destination"].rpartition(":")[2]: image["status"] for image in first.result["images"]} == {
        "0.1": "done",
        "1.0": "pending",
    }
    (warning,) = map(str, first.result["warnings"])
    assert "max_runtime ended the run after" in warning and "pending: 1 of 2 images" in warning
    assert first.result["msg"].startswith("2 images: 1 created, 1 not finished; ")
    assert plain(servers.relative.endpoint).tags(path) == ["0.1"]
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["overdue"]
    assert "synchronization out of time" in (tmp_path / "sync.log").read_text(encoding="utf-8")

    for proxy in (source, destination):
        proxy.clear()
    second = sync(max_runtime=600, bandwidth_limit="20M")
    assert (second.code, second.result["summary"]["created"], second.result["summary"]["unchanged"]) == (0, 1, 1)
    assert "warnings" not in second.result
    assert not json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["overdue"]


def test_a_run_whose_time_is_up_before_it_knows_the_images_says_so(
    servers: Servers, faulty: Faulty, repository: str, tmp_path: Path
) -> None:
    source = faulty(servers.open.endpoint)
    source.add(StallResponse(after=0), target="/tags/list")
    options = {
        "images": [{"source": f"{source.endpoint.host}/{repository}", "destination": f"{servers.open.host}/copy"}],
        "registries": [registry_option(source.endpoint), registry_option(servers.open.endpoint)],
        "timeout": 600,
        "max_runtime": 1,
    }
    with module("registry_image_sync", options, home=tmp_path) as running:
        ended = running.end()
    assert (ended.code, ended.result["changed"], ended.result["summary"]["pending"]) == (0, False, 1)
    assert [image["status"] for image in ended.result["images"]] == ["pending"]
    assert "pending: 1 of 1 image" in str(ended.result["warnings"])


def test_what_failed_before_the_time_was_up_fails_the_task(
    servers: Servers, plain: Plain, faulty: Faulty, repository: str, tmp_path: Path
) -> None:
    source = faulty(servers.open.endpoint)
    stuck = images.image(repository, layers=[images.random_blob(repository, 400_000)])
    plain(servers.open.endpoint).push(repository, stuck, "1.0")
    source.add(StallResponse(after=1000), method="GET", target=stuck.blobs[-1].digest.partition(":")[2])
    options = {
        "images": [
            {"source": f"{source.endpoint.host}/{repository}:1.0,2.0", "destination": f"{servers.open.host}/copy"}
        ],
        "registries": [registry_option(source.endpoint), registry_option(servers.open.endpoint)],
        "timeout": 600,
        "max_runtime": 2,
    }
    with module("registry_image_sync", options, home=tmp_path) as running:
        ended = running.end()
    assert ended.code != 0
    assert ended.result["error_codes"] == ["tag_not_found"]
    assert ended.result["msg"].startswith("1 of 2 images failed (1 not finished)")


@pytest.mark.parametrize("destinations", [1, 2])
def test_bytes_a_second_over_all_transfers(destinations: int, servers: Servers, plain: Plain, fresh: Fresh) -> None:
    path = fresh()
    layers = [images.random_blob(f"{path} {number}", 200_000) for number in range(3)]
    plain(servers.open.endpoint).push(path, images.image(path, layers=layers), "1.0")
    ends = [servers.relative.endpoint, servers.open.endpoint][:destinations]

    result = Run([servers.open.endpoint, servers.relative.endpoint]).sync(
        {"source": f"{servers.open.host}/{path}", "destination": [f"{end.host}/copies/{path}" for end in ends]},
        bandwidth_limit=1_000_000,
    )

    assert [image.status for image in result.images] == ["done"] * destinations
    sent = sum(image.bytes for image in result.images)
    assert sent >= 600_000
    assert result.seconds >= sent / 1_000_000  # what the limit means; a slow machine only adds to it


def test_a_registry_that_has_enough_gets_half_as_much(
    servers: Servers, plain: Plain, faulty: Faulty, repository: str
) -> None:
    destination = faulty(servers.open.endpoint)
    with registry_client(destination.endpoint) as registry:
        there = registry.repository(repository)
        assert registry.limit() == 10
        destination.add(error_answer(429, "TOOMANYREQUESTS"), method="POST", target="/uploads/", times=1)
        blob = images.random_blob(repository, 100_000)
        there.put_blob(blob_descriptor(blob), Opener(blob.data))
        assert registry.limit() == 5
        assert there.has_blob(blob_descriptor(blob))
    with registry_client(destination.endpoint) as registry:
        destination.add(error_answer(503, "UNAVAILABLE"), method="PUT", target="/uploads/", times=1)
        other = images.random_blob(f"{repository} other", 100_000)
        registry.repository(repository).put_blob(blob_descriptor(other), Opener(other.data))
        assert registry.limit() < 10
