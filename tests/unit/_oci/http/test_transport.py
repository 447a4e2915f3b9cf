# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange done well, seen from a registry that misbehaves in every way that HTTP allows."""

from __future__ import annotations

import base64
import socket
import threading
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryBudget, RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ImageOpsError,
    InputError,
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import Stats
from helpers.handlers import DIGEST, ONCE, resolved, with_basic
from helpers.raw_server import QUICK, Received, Told, client, raw_server

# Connections


def test_connections_are_kept() -> None:
    with raw_server(resolved) as server, client(server.host) as registry:
        for _ in range(5):
            found = registry.repository("a").resolve("1")
            assert found is not None
            assert str(found.digest) == DIGEST
        assert (server.connections, len(server.requests)) == (1, 5)
        assert registry.counters().requests == 5
        assert registry.counters().seconds > 0


def test_time_counts_once_however_many_exchanges_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    stats = Stats()
    stats.begin()
    clock[0] += 1
    stats.begin()
    clock[0] += 2
    stats.end()
    clock[0] += 4
    assert stats.seconds == 7.0
    stats.end()
    clock[0] += 8
    stats.begin()
    clock[0] += 16
    stats.end()
    assert stats.seconds == 23.0


def test_what_every_request_says() -> None:
    with raw_server(resolved) as server, client(server.host) as registry:
        registry.repository("a").resolve("1")
        headers = server.requests[0].headers
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == server.host
    assert "requests" not in headers["user-agent"]
    assert not {"authorization", "cookie", "transfer-encoding"} & headers.keys()


@pytest.mark.parametrize("when", ["after an answer", "at the next request"])
def test_an_idle_connection_that_was_closed_costs_no_attempt(when: str) -> None:
    def handle(request: Received) -> object:
        if when == "at the next request" and request.connection == 1 and request.target.endswith("second"):
            return "close"
        resolved(request)
        return "close" if when == "after an answer" else None

    # It costs a retry where the end is not seen before the request is sent.
    budget = RetryBudget(base=2, share=0)
    with raw_server(handle) as server, client(server.host, settings=ONCE, budget=budget) as registry:
        for tag in ("first", "second", "third"):
            assert registry.repository("a").resolve(tag) is not None


def test_a_reset_of_an_idle_connection_costs_no_attempt() -> None:
    def handle(request: Received) -> object:
        if request.connection == 1 and request.target.endswith("second"):
            request.reset()
            return "close"
        return resolved(request)

    with raw_server(handle) as server, client(server.host, settings=ONCE) as registry:
        for tag in ("first", "second"):
            assert registry.repository("a").resolve(tag) is not None


def test_closed_connections_do_not_make_for_more_tries() -> None:
    """Each of them may have been closed before, or because of the request: in all they are as many as other tries."""

    def handle(request: Received) -> object:
        return "close" if request.target.endswith("second") else resolved(request)

    with raw_server(handle) as server, client(server.host, settings=QUICK) as registry:
        registry.repository("a").resolve("first")
        with pytest.raises(RegistryError):
            registry.repository("a").resolve("second")
        second = [request for request in server.requests if request.target.endswith("second")]
        assert len(second) == QUICK.retry.attempts


def test_a_fresh_connection_that_is_closed_is_an_attempt() -> None:
    with raw_server(lambda request: "close") as server, client(server.host, settings=QUICK) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert (caught.value.code, caught.value.transient) == ("connection_failed", True)
        assert len(server.requests) == QUICK.retry.attempts


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    told = Told()
    with client(host, told=told) as registry:
        codes = []
        for _ in range(3):
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").resolve("1")
            codes.append(caught.value.code)
        assert codes == ["connection_failed", "registry_down", "registry_down"]
        assert registry.counters().requests == QUICK.retry.attempts
        registry.begin_round()
        with pytest.raises(RegistryError):
            registry.repository("a").resolve("1")
        assert registry.counters().requests == QUICK.retry.attempts + 1
    assert "connection refused" in str(told.log[0])


def test_closing_wakes_who_waits() -> None:
    told = Told()
    waiting = threading.Event()
    errors: list[ImageOpsError] = []

    def handle(request: Received) -> None:
        waiting.set()
        request.stopped.wait(30)

    with raw_server(handle) as server, client(server.host, told=told) as registry:

        def work() -> None:
            try:
                registry.repository("a").resolve("1")
            except ImageOpsError as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        assert waiting.wait(10)
        told.stop.set()
        registry.close()
        thread.join(5)
        assert not thread.is_alive()
    assert [error.code for error in errors] == ["interrupted"]


def test_nothing_is_sent_after_closing() -> None:
    with raw_server(resolved) as server:
        registry = client(server.host)
        registry.close()
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert caught.value.code == "interrupted"
        assert not server.requests


def test_a_wait_between_tries_ends_with_the_run() -> None:
    told = Told()

    def handle(request: Received) -> None:
        request.answer(503)
        told.stop.set()

    patient = Settings(retry=RetryPolicy(backoff=1000, backoff_cap=1000))
    with raw_server(handle) as server, client(server.host, told=told, settings=patient) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert caught.value.code == "interrupted"


# Waits that are asked for


def test_retry_after_is_waited_for() -> None:
    def handle(request: Received) -> None:
        if len(server.requests) == 1:
            request.answer(429, b"", Retry_After="1")
        else:
            resolved(request)

    told = Told()
    with raw_server(handle) as server, client(server.host, told=told) as registry:
        waits: list[float | None] = []
        told.stop.wait = lambda timeout=None: bool(waits.append(timeout))  # type: ignore[method-assign]
        assert registry.repository("a").resolve("1") is not None
    assert [round(wait or 0) for wait in waits] == [1]


def test_retry_after_six_hours_fails_at_once() -> None:
    def handle(request: Received) -> None:
        request.answer(429, b"", Retry_After="21600")

    with raw_server(handle) as server, client(server.host) as registry:
        for _ in range(3):
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").resolve("1")
            assert (caught.value.code, caught.value.transient) == ("rate_limited", False)
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_errors_are_tried_again(status: int) -> None:
    with raw_server(lambda request: request.answer(status)) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert (caught.value.status, caught.value.transient) == (status, True)
        assert len(server.requests) == QUICK.retry.attempts


@pytest.mark.parametrize("status", [400, 401, 403, 405, 412, 418, 501])
def test_lasting_errors_are_not(status: int) -> None:
    with raw_server(lambda request: request.answer(status)) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").manifest("1")
        assert caught.value.status == status
        assert len(server.requests) == 1


def test_retries_of_a_run_are_limited_together() -> None:
    budget = RetryBudget(base=2, share=0)
    with raw_server(lambda request: request.answer(503)) as server, client(server.host, budget=budget) as registry:
        codes = []
        for _ in range(3):
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").resolve("1")
            codes.append(caught.value.codes)
        assert codes == [("server_error", "retry_budget")] * 3
        assert len(server.requests) == 5


# Proxies and the environment


def test_a_proxy_gets_its_own_password_and_the_registry_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    told = Told()
    with raw_server(resolved) as proxy:
        access = {"proxy": f"http://me:pr0xy-s3cret@{proxy.host}"}
        with client("registry.example.com", told=told, **access) as registry:
            assert registry.repository("a").resolve("1") is not None
        request = proxy.requests[0]
    assert request.target == "http://registry.example.com/v2/a/manifests/1"
    assert request.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"me:pr0xy-s3cret").decode()
    assert "pr0xy-s3cret" in told.secrets


@pytest.mark.parametrize(("status", "tries"), [(407, 1), (403, 1), (502, QUICK.retry.attempts)])
def test_a_proxy_that_refuses_a_tunnel(status: int, tries: int) -> None:
    with raw_server(lambda request: request.answer(status)) as proxy:
        options = {"plain_http": False, "proxy": f"http://me:s3cret@{proxy.host}"}
        with client("registry.example.com", **options) as registry, pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert [(r.method, r.target) for r in proxy.requests] == [("CONNECT", "registry.example.com:443")] * tries
    assert caught.value.code == "connection_failed"
    assert "proxy" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_environments_proxy_is_used_and_no_proxy_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(resolved) as proxy, raw_server(resolved) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with client("registry.example.com") as registry:
            registry.repository("a").resolve("1")
        with client(server.host) as registry:
            registry.repository("a").resolve("1")
        assert (len(proxy.requests), len(server.requests)) == (1, 1)


def test_docker_hub_has_an_address_of_its_own() -> None:
    with raw_server(resolved) as proxy, client("docker.io", proxy=proxy.url) as registry:
        registry.repository("library/nginx").resolve("1")
        assert registry.repository("library/nginx").name == "docker.io/library/nginx"
        assert proxy.requests[0].target == "http://registry-1.docker.io/v2/library/nginx/manifests/1"
        assert proxy.requests[0].headers["host"] == "registry-1.docker.io"


def test_socks_needs_its_library() -> None:
    address = {"proxy": "socks5://127.0.0.1:1"}
    with client("registry.example.com", **address) as registry, pytest.raises((InputError, RegistryError)):
        registry.repository("a").resolve("1")


def test_netrc_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\ndefault login me password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    netrc.rename(tmp_path / ".netrc")
    with raw_server(lambda request: with_basic(request) and resolved(request)) as server:
        with client(server.host) as registry, pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert caught.value.code == "no_credentials"
        assert not [r for r in server.requests if "authorization" in r.headers]
