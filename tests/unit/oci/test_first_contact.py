# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that says nothing, and one that is slow. No test here comes to its end if the time-out is waited for."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.transport import Settings
from raw_server import RawServer, Received, client, raw_server

DIGEST = "sha256:" + hashlib.sha256(b"manifest").hexdigest()
PATIENT = Settings(timeout=3600.0, first_contact=0.2, backoff=0.001, backoff_cap=0.002)


def asked(server: RawServer) -> Counter[str]:
    return Counter(request.target.rpartition("/")[2] for request in server.requests)


def silent(request: Received) -> None:
    request.stopped.wait()


def test_a_registry_that_says_nothing_is_down_at_once() -> None:
    with raw_server(silent) as server, client(server.host, settings=PATIENT) as registry:
        repository = registry.repository("a")
        with pytest.raises(RegistryError, match="not even whether it is there") as caught:
            repository.resolve("1")
        assert (caught.value.code, caught.value.transient) == ("timeout", True)
        with pytest.raises(RegistryError) as again:
            repository.resolve("2")
        assert again.value.code == "registry_down"
        assert asked(server) == {"1": 1, "": 1}
        registry.probe_again()
        with pytest.raises(RegistryError):
            repository.resolve("3")
        assert asked(server) == {"1": 1, "3": 1, "": 2}


def test_many_who_meet_silence_wait_for_one() -> None:
    with raw_server(silent) as server, client(server.host, settings=PATIENT) as registry:
        codes: list[str] = []

        def ask(tag: int) -> None:
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").resolve(str(tag))
            codes.append(caught.value.code)

        threads = [threading.Thread(target=ask, args=(tag,)) for tag in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert Counter(codes) == {"timeout": 1, "registry_down": 7}
        assert len(server.requests) == 2


def test_a_slow_registry_has_all_its_time() -> None:
    seen = threading.Event()
    first: list[Received] = []

    def handle(request: Received) -> None:
        if request.target.endswith("/v2/"):
            seen.set()
            request.answer(401)
        elif not first:
            first.append(request)
            request.stopped.wait()  # the client gives up before
        else:
            # Longer than the short wait: the second request must not be cut off by it.
            request.stopped.wait(3 * PATIENT.first_contact)
            request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")

    with raw_server(handle) as server, client(server.host, settings=PATIENT) as registry:
        for tag in ("1", "2"):
            found = registry.repository("a").resolve(tag)
            assert found is not None
            assert str(found.digest) == DIGEST
        assert seen.is_set()
        assert asked(server) == {"1": 2, "": 1, "2": 1}


def test_a_registry_that_has_answered_is_not_asked_whether_it_is_there() -> None:
    def handle(request: Received) -> None:
        if request.target.endswith("/2"):
            request.stopped.wait(3 * PATIENT.first_contact)
        request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")

    with raw_server(handle) as server, client(server.host, settings=PATIENT) as registry:
        assert registry.repository("a").resolve("1")
        assert registry.repository("a").resolve("2")
        assert asked(server) == {"1": 1, "2": 1}
