# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated account for each test, and clients of it that do not wait for long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi
from ansible_collections.imageops.registry.tests.acr_simulator.clients import RAM, connect
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance
from support.scenes.acr_scene import Scene, open_scene


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(tmp_path) as running:
        yield running


@pytest.fixture
def instance(simulator: Simulator) -> Instance:
    return simulator.world.add_instance()


@pytest.fixture
def cr(simulator: Simulator) -> Iterator[OpenApi]:
    with connect(simulator) as api:
        yield api


@pytest.fixture
def ram(simulator: Simulator) -> Iterator[OpenApi]:
    with connect(simulator, RAM) as api:
        yield api


@pytest.fixture
def scene(simulator: Simulator, instance: Instance, tmp_path: Path) -> Iterator[Scene]:
    with open_scene(tmp_path, simulator, instance) as opened:
        yield opened
