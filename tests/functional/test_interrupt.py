# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that is told to end: at once, with what it knows, and with nothing incomplete left behind."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import StallRequest, StallResponse
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.scenes.modules import module, registry_option
from support.servers.processes import wait_until
from support.servers.shared import Servers

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_signal_ends_a_stalled_run(
    number: signal.Signals,
    side: str,
    servers: Servers,
    plain: Callable[[Endpoint], PlainClient],
    faulty: Callable[..., FaultProxy],
    fresh: Callable[[], str],
    tmp_path: Path,
) -> None:
    path = fresh()
    source, destination = faulty(servers.open.endpoint), faulty(servers.relative.endpoint)
    made = images.image(path, layers=[images.random_blob(path, 4_000_000)])
    plain(servers.open.endpoint).push(path, made, "1.0")
    plain(servers.open.endpoint).push(path, images.image(f"{path} small"), "0.1")
    encoded = made.blobs[-1].digest.partition(":")[2]
    if side == "source":
        source.add(StallResponse(after=1_000_000), method="GET", target=encoded)
    else:
        destination.add(StallRequest(after=1_000_000), method="PUT", target=encoded)
    options = {
        "images": [{"source": f"{source.endpoint.host}/{path}", "destination": f"{destination.endpoint.host}/{path}"}],
        "registries": [registry_option(source.endpoint), registry_option(destination.endpoint)],
        "timeout": 600,
    }
    with module("registry_image_sync", options, home=tmp_path) as running:
        wait_until(lambda: plain(servers.relative.endpoint).tags(path) == ["0.1"], "the small image to arrive")
        stalling, method = (source, "GET") if side == "source" else (destination, "PUT")
        stalling.wait_for(method=method, target=encoded)
        running.process.send_signal(number)
        ended = running.end()  # long before the time-out that the stalled transfer has

    assert ended.code != 0
    assert ended.result["failed"] and ended.result["error_codes"] == ["interrupted"]
    assert number.name in ended.result["msg"]
    assert ended.result["changed"]
    assert plain(servers.relative.endpoint).tags(path) == ["0.1"]
