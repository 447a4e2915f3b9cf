# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries behind proxies of every kind, with TLS to the registry through each of them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ImageOpsError,
    InputError,
)
from support.clients.collection_client import Opener, blob_descriptor, registry_client
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.servers.ports import dead_host, silent_host
from support.servers.processes import wait_until
from support.servers.relays import Relay, http_relay, socks_relay
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
Faulty = Callable[..., FaultProxy]
NAME = "registry.test"
"""A name that the proxies alone resolve."""
USER = "me:s3cret-for-the-proxy"


@pytest.fixture
def hidden(servers: Servers, faulty: Faulty) -> FaultProxy:
    """A registry with TLS and a certificate for a name."""
    return faulty(servers.open.endpoint, certificate=servers.authority.issue("hidden-registry", (NAME,)))


@pytest.fixture
def endpoint(hidden: FaultProxy) -> Endpoint:
    return Endpoint(f"{NAME}:{hidden.host.rpartition(':')[2]}", hidden.endpoint.ca_path)


def failure(endpoint: Endpoint, proxy: str) -> ImageOpsError:
    with registry_client(endpoint, proxy=proxy) as registry, pytest.raises(ImageOpsError) as caught:
        registry.repository("tests/any").resolve("tag")
    return caught.value


def relay(kind: str, servers: Servers, hidden: FaultProxy) -> AbstractContextManager[Relay]:
    names = {NAME: hidden.host}
    if kind.startswith("socks"):
        return socks_relay(names, user=USER if kind.startswith("socks5") else "")
    return http_relay(names, user=USER, certificate=servers.certificate if kind == "https" else None)


@pytest.mark.parametrize("kind", ["http", "https", "socks5h", "socks4a"])
def test_images_go_through_a_proxy(
    servers: Servers, hidden: FaultProxy, endpoint: Endpoint, plain: Plain, repository: str, kind: str
) -> None:
    if kind.startswith("socks"):
        pytest.importorskip("socks")
    blob = images.random_blob(repository, 3_000_000)
    with relay(kind, servers, hidden) as proxy:
        url = f"{kind}://{USER}@{proxy.host}"
        with registry_client(endpoint, proxy=url) as registry:
            there = registry.repository(repository)
            there.put_blob(blob_descriptor(blob), Opener(blob.data))
            assert b"".join(there.open_blob(blob_descriptor(blob))) == blob.data
            for _ in range(5):
                assert there.resolve("none") is None
        assert set(proxy.asked) == {endpoint.host}
        assert len(proxy.asked) <= 2, "connections through a proxy are kept"
    assert plain(servers.open.endpoint).has_blob(repository, blob.digest)
    assert not hidden.leaks("s3cret-for-the-proxy")


@pytest.mark.parametrize("kind", ["socks5", "socks4"])
def test_names_are_resolved_here_where_the_scheme_says_so(servers: Servers, repository: str, kind: str) -> None:
    pytest.importorskip("socks")
    port = servers.open.endpoint.host.rpartition(":")[2]
    with socks_relay() as proxy:
        with registry_client(Endpoint(f"localhost:{port}"), proxy=f"{kind}://{proxy.host}") as registry:
            assert registry.repository(repository).resolve("none") is None
        assert proxy.asked[0] in (f"127.0.0.1:{port}", f"::1:{port}")


@pytest.mark.parametrize("kind", ["http", "https", "socks5h"])
def test_a_certificate_is_checked_through_a_proxy(
    servers: Servers, faulty: Faulty, endpoint: Endpoint, kind: str
) -> None:
    if kind.startswith("socks"):
        pytest.importorskip("socks")
    other = faulty(servers.open.endpoint, certificate=servers.authority.issue("other-registry", ("other.test",)))
    with relay(kind, servers, other) as proxy:
        error = failure(endpoint, f"{kind}://{USER}@{proxy.host}")
    assert (error.code, error.transient) == ("tls_untrusted", False)
    assert NAME in error.cause


def test_a_proxys_own_certificate_is_checked(servers: Servers, hidden: FaultProxy, endpoint: Endpoint) -> None:
    certificate = servers.authority.issue("other-proxy", ("elsewhere.test",))
    with http_relay({NAME: hidden.host}, certificate=certificate) as proxy:
        error = failure(endpoint, f"https://{proxy.host}")
    assert error.code == "tls_untrusted"
    assert not proxy.asked


@pytest.mark.parametrize("kind", ["http", "https", "socks5h"])
def test_a_wrong_password_for_a_proxy_is_said_once(
    servers: Servers, hidden: FaultProxy, endpoint: Endpoint, kind: str
) -> None:
    if kind.startswith("socks"):
        pytest.importorskip("socks")
    with relay(kind, servers, hidden) as proxy:
        error = failure(endpoint, f"{kind}://me:wr0ng@{proxy.host}")
    assert (error.code, error.transient) == ("connection_failed", False)
    assert "proxy" in error.cause and error.hint == "check proxy"
    assert "wr0ng" not in str(error)
    assert not proxy.asked and not hidden.records()


@pytest.mark.parametrize("kind", ["http", "socks5h"])
def test_a_proxy_that_is_not_there_is_named(endpoint: Endpoint, kind: str) -> None:
    if kind.startswith("socks"):
        pytest.importorskip("socks")
    with dead_host() as dead:
        error = failure(endpoint, f"{kind}://{dead}")
    assert (error.code, error.transient) == ("connection_failed", True)
    assert "the proxy 127.0.0.1" in error.cause and "refused" in error.cause


def test_socks_without_its_library_says_what_to_install(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)  # as if it were not there
    with dead_host() as dead:
        error = failure(endpoint, f"socks5://{dead}")
    assert isinstance(error, InputError) and "PySocks" in error.cause


@pytest.fixture(params=["http", "socks5h"])
def silent_proxy(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param.startswith("socks"):
        pytest.importorskip("socks")
    with silent_host() as host:
        yield f"{request.param}://{host}"


def test_closing_ends_those_who_wait_for_a_tunnel(endpoint: Endpoint, silent_proxy: str) -> None:
    stop, errors = threading.Event(), []

    def wait() -> None:
        try:
            registry.repository("tests/any").resolve("tag")
        except ImageOpsError as error:
            errors.append(error.code)

    with registry_client(endpoint, proxy=silent_proxy, stop=stop) as registry:
        thread = threading.Thread(target=wait)
        thread.start()
        wait_until(lambda: registry.counters().requests > 0, "a request")
        stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert errors == ["interrupted"]
