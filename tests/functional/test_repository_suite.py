# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared suite of ``Repository`` against docker-registry in its modes and against zuul-registry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.scenes.tested_stores import TestedStore, tested_registry
from support.servers.shared import KINDS, Servers

pytest.register_assert_rewrite("support.scenes.repository_suite")
from support.scenes.repository_suite import *  # noqa: E402, F403


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, servers: Servers) -> Iterator[TestedStore]:
    """Each registry in turn."""
    with tested_registry(servers.kind(request.param)) as found:
        yield found
