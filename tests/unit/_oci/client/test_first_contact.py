# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that says nothing, and one that is slow.

Where a registry answers, no test here comes to its end if the time-out is waited for.
"""

from __future__ import annotations

import hashlib
import socket
import threading
from collections import Counter
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryBudget, RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from helpers.raw_server import RawServer, Received, client, raw_server

DIGEST = "sha256:" + hashlib.sha256(b"manifest").hexdigest()
SILENT = Settings(timeout=0.6, first_contact=0.2, retry=RetryPolicy(backoff=0.001, backoff_cap=0.002))
PATIENT = Settings(timeout=3600.0, first_contact=0.2, retry=RetryPolicy(backoff=0.001, backoff_cap=0.002))


def asked(server: RawServer) -> Counter[str]:
    return Counter(request.target.rpartition("/")[2] for request in server.requests)


def silent(request: Received) -> None:
    request.stopped.wait()


def test_a_registry_that_says_nothing_is_down_after_its_time_out() -> None:
    with raw_server(silent) as server, client(server.host, settings=SILENT) as registry:
        repository = registry.repository("a")
        with pytest.raises(RegistryError, match=r"no answer within 0\.6 s, not even whether it is there") as caught:
            repository.resolve("1")
        assert (caught.value.code, caught.value.transient) == ("timeout", True)
        with pytest.raises(RegistryError) as again:
            repository.resolve("2")
        assert again.value.code == "registry_down"
        assert asked(server) == {"1": 1, "": 1}
        registry.begin_round()
        with pytest.raises(RegistryError):
            repository.resolve("3")
        assert asked(server) == {"1": 1, "3": 1, "": 2}


def test_many_who_meet_silence_wait_for_one() -> None:
    with raw_server(silent) as server, client(server.host, settings=SILENT) as registry:
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


@pytest.mark.parametrize("slow", [0, 10], ids=["answers GET /v2/ at once", "needs long for that too"])
def test_a_slow_registry_has_all_its_time(slow: int) -> None:
    seen = threading.Event()
    first: list[Received] = []

    def handle(request: Received) -> None:
        if request.target.endswith("/v2/"):
            seen.set()
            request.stopped.wait(slow * PATIENT.first_contact)
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


def close(request: Received) -> str:
    return "close"


def nonsense(request: Received) -> str:
    request.send(b"SSH-2.0-something\r\n\r\n")
    return "close"


def endless(request: Received) -> None:
    request.send(b"HTTP/1.1 200 Whatever\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000)
    request.stopped.wait()


@pytest.mark.parametrize(
    "answered",
    [
        close,
        nonsense,
        Received.reset,
        endless,
        lambda request: request.answer(500),
        lambda request: request.answer(503, Retry_After="36000"),
        lambda request: request.answer(200, b"x", Content_Encoding="gzip"),
        lambda request: request.answer(302, Location="/v2/"),
        lambda request: request.answer(302, Location="http://169.254.169.254/"),
        lambda request: request.answer(302),
    ],
    ids=["closes", "nonsense", "reset", "endless", "500", "503", "compressed", "loop", "metadata", "nowhere"],
)
def test_whatever_is_answered_to_get_v2_the_registry_is_there(answered: Callable[[Received], object]) -> None:
    first: list[Received] = []

    def handle(request: Received) -> object:
        if request.target == "/v2/":
            return answered(request)
        if not first:
            first.append(request)
            request.stopped.wait()  # the client gives up before
        request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")
        return None

    with raw_server(handle) as server, client(server.host, settings=PATIENT) as registry:
        assert registry.repository("a").resolve("1")
        assert asked(server) == {"1": 2, "": 1}


def test_one_that_hangs_does_not_bring_down_a_registry_that_is_there() -> None:
    hasty = Settings(timeout=1.0, first_contact=0.5, retry=RetryPolicy(attempts=1))

    def handle(request: Received) -> None:
        if "/hangs/" in request.target:
            request.stopped.wait()
        request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")

    with raw_server(handle) as server, client(server.host, settings=hasty) as registry:
        with pytest.raises(RegistryError, match="no progress within the time-out"):
            registry.repository("hangs").resolve("1")
        assert registry.repository("a").resolve("1")


def test_what_breaks_after_get_v2_is_said_as_it_is() -> None:
    def handle(request: Received) -> str | None:
        if request.target == "/v2/":
            request.answer(401, Connection="close")
            return "close"
        if len(server.requests) > 1:
            return "close"
        request.stopped.wait()  # the client gives up before
        return None

    settings = Settings(timeout=3600.0, first_contact=0.2, retry=RetryPolicy(attempts=1))
    with raw_server(handle) as server, client(server.host, settings=settings) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert caught.value.code == "connection_failed"


def test_what_breaks_after_a_fallback_to_http_is_said_as_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in (b"HTTP/1.0 400 Bad Request\r\n\r\n", b""):  # to TLS, and to HTTP
                sock, _address = listener.accept()
                with sock:
                    sock.recv(65536)
                    sock.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(timeout=10.0, retry=RetryPolicy(attempts=1))
        registry = client(host, settings=settings, plain_http=False, insecure=True)
        with registry, pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
    assert (caught.value.code, caught.value.transient) == ("connection_failed", True)


def test_a_token_server_that_is_not_there_costs_no_other_retries() -> None:
    budget = RetryBudget(base=20, share=0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        realm = f"http://127.0.0.1:{taken.getsockname()[1]}/token"

        def handle(request: Received) -> None:
            request.answer(401, WWW_Authenticate=f'Bearer realm="{realm}",service="s"')

        with raw_server(handle) as server, client(server.host, budget=budget) as registry:
            for tag in range(30):
                with pytest.raises(RegistryError) as caught:
                    registry.repository("a").resolve(str(tag))
    assert caught.value.code == "registry_down"
    assert not budget.is_spent
