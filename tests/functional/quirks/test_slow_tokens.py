# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token servers that need long for a login, such as those before a directory service."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from support.clients.collection_client import registry_client
from support.scenes import images
from support.servers.scripted_registry import Reply
from support.servers.token_gate import TokenGate, token_gate

PATIENT = Settings(timeout=60.0, first_contact=0.2)
HASTY = Settings(timeout=0.5, retry=RetryPolicy(attempts=1))


class Slow:
    """A token server that answers when it is told to, and knows how many wait for it.

    :ivar most: how many requests of each scope were under way at once
    """

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()
        self.most: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, path: str, scope: str) -> Reply | None:
        with self._lock:
            self._now[scope] += 1
            self.most[scope] = max(self.most[scope], self._now[scope])
        self.begun.release()
        self.go_on.wait(60)
        with self._lock:
            self._now[scope] -= 1
        return None


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.go_on.set()


@pytest.fixture
def gate(slow: Slow) -> Iterator[TokenGate]:
    with token_gate() as made:
        for path in ("a", "b"):
            made.registry.push(path, images.image(path), "1")
        made.refuse = slow
        yield made


def test_a_slow_login_is_waited_for_and_made_once(gate: TokenGate, slow: Slow) -> None:
    with registry_client(gate.endpoint, settings=PATIENT) as registry, ThreadPoolExecutor(8) as threads:
        work = [threads.submit(registry.repository(path).resolve, "1") for path in "abab" * 2]
        assert slow.begun.acquire(timeout=30)
        # Several times what a registry has before it is asked whether it is there at all.
        assert not slow.go_on.wait(5 * PATIENT.first_contact)
        slow.go_on.set()
        assert all(each.result(30) is not None for each in work)
    assert dict(slow.most) == {"repository:a:pull": 1, "repository:b:pull": 1}
    assert len(gate.asked) == 2


def test_a_token_server_that_is_too_slow_is_named_with_the_time_that_it_had(gate: TokenGate) -> None:
    with registry_client(gate.endpoint, settings=HASTY) as registry, pytest.raises(RegistryError) as caught:
        registry.repository("a").resolve("1")
    error = caught.value
    assert error.code == "timeout"
    assert (error.action, error.subject) == ("get a token for", f"{gate.registry.host}/a")
    assert f"its token server {gate.registry.host}" in error.cause
    waited = re.search(r"gave no answer within ([0-9.]+) s", error.cause)
    assert waited is not None
    assert float(waited[1]) >= HASTY.timeout
