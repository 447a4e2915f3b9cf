# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated account for each test, and clients of it that do not wait for long."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator

import pytest

from ansible_collections.imageops.registry.plugins.module_utils._acr.exchange import Line
from ansible_collections.imageops.registry.plugins.module_utils._acr.keys import AccessKey
from ansible_collections.imageops.registry.plugins.module_utils._acr.openapi import Calls, OpenApi, Service
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance, Key

CR = "2018-12-01"
RAM = "2015-05-01"
QUICK = Calls(timeout=5.0, attempts=5, backoff=0.001, per_second=10_000.0)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(tmp_path) as running:
        yield running


@pytest.fixture
def instance(simulator: Simulator) -> Instance:
    return simulator.world.add_instance()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Callable[..., OpenApi]]:
    """Makes clients; by default one of CR that the account's own key signs."""
    opened: list[OpenApi] = []

    def make(version: str = CR, *, key: Key | None = None, calls: Calls = QUICK) -> OpenApi:
        signer = key or simulator.world.add_key()
        access_key = AccessKey(signer.key_id, signer.secret, signer.security_token)
        opened.append(OpenApi(Service(simulator.url, version), lambda: access_key, line=Line(), calls=calls))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def cr(client: Callable[..., OpenApi]) -> OpenApi:
    return client()


@pytest.fixture
def ram(client: Callable[..., OpenApi]) -> OpenApi:
    return client(RAM)
