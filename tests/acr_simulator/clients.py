# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own client, connected to a simulator and quick to try again. For tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.service import (
    CR_VERSION,
    RAM_VERSION,
    STS_VERSION,
    ServerAccess,
    Service,
)
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.signature import AccessKey, KeySource
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.resource import Wait
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run, Settings

from .server import Simulator
from .world import Key

CR = CR_VERSION
RAM = RAM_VERSION
STS = STS_VERSION
QUICK = Settings(timeout=5.0, retry=RetryPolicy(attempts=5, backoff=0.001))
SHORT_WAIT = Wait(timeout=20.0, interval=0.001)


def access_key(key: Key) -> AccessKey:
    """A simulated key as the client takes it."""
    return AccessKey(key.key_id, key.secret, key.security_token)


def connect(
    simulator: Simulator,
    version: str = CR,
    *,
    key: AccessKey | None = None,
    url: str | None = None,
    settings: Settings = QUICK,
    stop: threading.Event | None = None,
    now: Callable[[], float] | None = None,
    per_second: float = 10_000.0,
) -> OpenApi:
    """A client of one API; unless said otherwise a new key of the account itself signs, by the simulator's clock."""
    signer = key or access_key(simulator.world.add_key())
    clock = now or simulator.world.now
    return open_api(
        url or simulator.url, signer, version, settings=settings, stop=stop, now=clock, per_second=per_second
    )


def open_api(
    url: str,
    key: AccessKey,
    version: str = CR,
    *,
    settings: Settings = QUICK,
    stop: threading.Event | None = None,
    now: Callable[[], float] = time.time,
    per_second: float = 10_000.0,
) -> OpenApi:
    """A client of whatever is at a URL."""
    return OpenApi(
        Service(url, version),
        lambda: key,
        access=ServerAccess(),
        run=Run(settings=settings, stop=stop or threading.Event()),
        per_second=per_second,
        now=now,
    )


def connect_with(simulator: Simulator, keys: KeySource, version: str = CR) -> OpenApi:
    """A client of one API that signs with what a source of keys gives."""
    run = Run(settings=QUICK)
    return OpenApi(Service(simulator.url, version), keys, access=ServerAccess(), run=run, per_second=10_000.0)
