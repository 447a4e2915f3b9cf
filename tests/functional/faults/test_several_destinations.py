# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One read for several destinations, of which one is slow, refuses or breaks: the others do not notice."""

from __future__ import annotations

import threading
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._sync.copy import blob_transfers, fan_out
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import (
    Answer,
    CutRequest,
    CutResponse,
    FlipResponse,
    HoldRequest,
    StallRequest,
    error_answer,
)
from support.faults.fault_proxy import FaultProxy, Record
from support.scenes import images
from support.scenes.images import Blob
from support.scenes.runs import QUICK, Run
from support.servers.processes import wait_until
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
SIZE = 20_000_000


class Delivery:
    """An image with a large layer that goes to three registries at once, each behind a proxy."""

    def __init__(self, servers: Servers, faulty: Callable[..., FaultProxy], plain: Plain, path: str) -> None:
        registries = (servers.relative, servers.htpasswd, servers.token)
        self.path = path
        self.large = images.random_blob(path, SIZE)
        self.image = images.image(path, layers=[self.large, images.layer(path)])
        self.source = faulty(servers.open.endpoint)
        self.destinations = [faulty(registry.endpoint) for registry in registries]
        self.targets = [plain(registry.endpoint) for registry in registries]
        plain(servers.open.endpoint).push(path, self.image, "v1")

    def sync(self, settings: Settings = QUICK, **options: Any) -> RunResult:
        run = Run([self.source.endpoint, *(proxy.endpoint for proxy in self.destinations)], settings=settings)
        return run.sync(
            {
                "source": f"{self.source.endpoint.host}/{self.path}:v1",
                "destination": [f"{proxy.endpoint.host}/{self.path}" for proxy in self.destinations],
            },
            **{"retries": 0, **options},
        )

    def reads(self, blob: Blob) -> list[Record]:
        return [record for record in self.source.records() if blob.digest in record.target]

    def arrived(self) -> list[bool]:
        """Which destinations have the tag."""
        return [client.tags(self.path) == ["v1"] for client in self.targets]

    def outcomes(self, result: RunResult) -> list[str]:
        """The status at each destination, in their order."""
        status = {image.destination.registry: image.status for image in result.images}
        return [status[proxy.endpoint.host] for proxy in self.destinations]


@pytest.fixture
def delivery(servers: Servers, faulty: Callable[..., FaultProxy], plain: Plain, repository: str) -> Delivery:
    return Delivery(servers, faulty, plain, repository)


def _released_when_the_others_have_it(delivery: Delivery) -> RunResult:
    """Run while the first destination is stuck, and let it go on once the others have ended."""
    results: list[RunResult] = []
    run = threading.Thread(target=lambda: results.append(delivery.sync()))
    run.start()
    wait_until(lambda: delivery.arrived() == [False, True, True], "the others' end")
    delivery.destinations[0].release()
    run.join(60)
    assert delivery.outcomes(results[0]) == ["done", "done", "done"]
    assert delivery.arrived() == [True, True, True]
    return results[0]


def test_a_destination_that_is_stuck_is_left_behind_and_served_later(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "_PATIENCE", 0.5)
    delivery.destinations[0].add(StallRequest(after=1_000_000), method="PUT", target=delivery.large.digest)
    result = _released_when_the_others_have_it(delivery)
    assert [reread.reason for reread in result.rereads] == ["read again"]
    assert len(delivery.reads(delivery.large)) == 2


def test_a_destination_that_does_not_open_its_upload_is_left_behind_and_served_later(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_transfers, "_SESSION_WAIT", 0.5)
    delivery.destinations[0].add(HoldRequest(), method="POST", target=delivery.large.digest)
    _released_when_the_others_have_it(delivery)


def test_a_destination_that_stays_stuck_fails_alone(delivery: Delivery) -> None:
    delivery.destinations[1].add(StallRequest(after=1_000_000), method="PUT", target=delivery.large.digest, times=None)

    result = delivery.sync(Settings(timeout=0.5, retry=RetryPolicy(attempts=2, backoff=0.01)))

    assert delivery.outcomes(result) == ["done", "failed", "done"]
    assert delivery.arrived() == [True, False, True]


@pytest.mark.parametrize("step", ["POST", "PUT"])
def test_a_destination_that_refuses_fails_alone(delivery: Delivery, step: str) -> None:
    delivery.destinations[2].add(error_answer(403, "DENIED"), method=step, target="/blobs/uploads/", times=None)

    result = delivery.sync()

    assert delivery.outcomes(result) == ["done", "done", "failed"]
    assert delivery.arrived() == [True, True, False]
    assert {image.error.code for image in result.images if image.error} == {"push_denied"}
    assert len(delivery.reads(delivery.large)) == 1


def test_a_destination_that_refuses_in_the_middle_holds_up_nobody(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "_PATIENCE", 60.0)
    monkeypatch.setattr(fan_out, "_STARVED", 5.0)  # whoever had to wait would read by himself
    refusal = Answer(403, b"no", after=100_000)
    delivery.destinations[1].add(refusal, method="PUT", target=delivery.large.digest, times=None)

    result = delivery.sync()

    assert delivery.outcomes(result) == ["done", "failed", "done"]
    assert delivery.arrived() == [True, False, True]
    assert len(delivery.reads(delivery.large)) == 1


def test_a_destination_that_breaks_is_served_again_and_no_other(delivery: Delivery) -> None:
    delivery.destinations[0].add(CutRequest(after=3_000_000), method="PUT", target=delivery.large.digest)

    result = delivery.sync()

    assert delivery.outcomes(result) == ["done", "done", "done"]
    assert delivery.arrived() == [True, True, True]
    assert len(delivery.reads(delivery.large)) == 2
    assert [proxy.counts()["PUT", "upload"] for proxy in delivery.destinations] == [4, 3, 3]


def test_a_read_that_breaks_is_taken_up_once_for_all(delivery: Delivery) -> None:
    delivery.source.add(CutResponse(after=7_000_000), method="GET", target=delivery.large.digest)

    result = delivery.sync()

    assert delivery.outcomes(result) == ["done", "done", "done"]
    assert delivery.arrived() == [True, True, True]
    _first, second = delivery.reads(delivery.large)
    assert second.response_bytes == SIZE - 7_000_000
    assert [proxy.counts()["PUT", "upload"] for proxy in delivery.destinations] == [3, 3, 3]


def test_a_spoilt_source_spoils_nothing(delivery: Delivery) -> None:
    delivery.source.add(FlipResponse(at=SIZE // 2), method="GET", target=delivery.large.digest, times=None)

    result = delivery.sync()

    assert {image.error.code for image in result.images if image.error} == {"digest_mismatch"}
    assert delivery.arrived() == [False, False, False]
    assert not any(client.has_blob(delivery.path, delivery.large.digest) for client in delivery.targets)
    assert len(delivery.reads(delivery.large)) == 1
