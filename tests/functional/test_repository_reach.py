# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that cannot be reached as they are addressed: each way has an error of its own that says what to do."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, RegistryError
from support.clients.collection_client import BLOCK, QUICK, Opener, blob_descriptor, registry_client
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import HoldRequest, StallRequest, StallResponse
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.servers.certificates import CertificateAuthority
from support.servers.docker_registry import docker_registry
from support.servers.ports import dead_host, silent_host
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
Faulty = Callable[..., FaultProxy]
IMPATIENT = replace(QUICK, timeout=0.3, retry=replace(QUICK.retry, attempts=2))


def failure(endpoint: Endpoint, **options: Any) -> RegistryError:
    with registry_client(endpoint, **options) as registry, pytest.raises(RegistryError) as caught:
        registry.repository("tests/any").resolve("tag")
    assert endpoint.host in str(caught.value)
    return caught.value


# TLS


def test_a_private_ca_has_to_be_named(servers: Servers) -> None:
    error = failure(servers.tls.endpoint, ca_path=None)
    assert (error.code, error.transient) == ("tls_untrusted", False)
    assert "ca_path" in error.hint


def test_another_ca_does_not_do(servers: Servers, tmp_path: Path) -> None:
    other = CertificateAuthority(tmp_path, "another CA")
    assert failure(servers.tls.endpoint, ca_path=str(other.ca_path)).code == "tls_untrusted"


def test_certificates_need_not_be_checked(servers: Servers) -> None:
    with registry_client(servers.tls.endpoint, ca_path=None, validate_certs=False) as registry:
        assert registry.repository("tests/any").resolve("tag") is None


def test_the_environment_does_not_decide_whom_to_trust(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(servers.authority.ca_path))
    assert failure(servers.tls.endpoint, ca_path=None).code == "tls_untrusted"


@pytest.mark.parametrize(("hosts", "expired"), [(("elsewhere.example.com",), False), (("127.0.0.1",), True)])
def test_a_certificate_has_to_fit(
    servers: Servers, faulty: Faulty, request: pytest.FixtureRequest, hosts: tuple[str, ...], expired: bool
) -> None:
    certificate = servers.authority.issue(f"unfit-{expired}", hosts, expired=expired)
    proxy = faulty(servers.open.endpoint, certificate=certificate)
    error = failure(proxy.endpoint)
    assert (error.code, error.transient) == ("tls_untrusted", False)
    assert ("expired" if expired else "127.0.0.1") in error.cause


def test_client_certificates_are_shown(servers: Servers, tmp_path: Path) -> None:
    client = servers.authority.issue("client-of-ours", client=True)
    with docker_registry(tmp_path, certificate=servers.certificate, client=client) as made:
        with registry_client(made.endpoint) as registry:
            assert registry.repository("tests/any").resolve("tag") is None
        failure(replace(made.endpoint, client=None))


# Plain HTTP


def test_plain_http_has_to_be_asked_for(servers: Servers) -> None:
    error = failure(servers.open.endpoint, plain_http=False)
    assert (error.code, error.transient) == ("plain_http", False)
    assert "plain_http" in error.hint


def test_insecure_finds_plain_http_by_itself(servers: Servers) -> None:
    with registry_client(servers.open.endpoint, plain_http=False, insecure=True) as registry:
        assert registry.repository("tests/any").resolve("tag") is None
    with registry_client(servers.tls.endpoint, ca_path=None, insecure=True) as registry:
        assert registry.repository("tests/any").resolve("tag") is None


# Nobody there


def test_a_registry_that_is_not_there() -> None:
    with dead_host() as host:
        error = failure(Endpoint(host))
    assert (error.code, error.transient) == ("connection_failed", True)


def test_a_name_that_is_none() -> None:
    assert failure(Endpoint("no-such-host.invalid")).code == "connection_failed"


def test_a_registry_that_says_nothing() -> None:
    with silent_host() as host:
        error = failure(Endpoint(host), settings=IMPATIENT)
    assert (error.code, error.transient) == ("timeout", True)


def test_a_download_that_stalls(servers: Servers, repository: str, plain: Plain, faulty: Faulty) -> None:
    blob = images.random_blob(repository, 1_000_000)
    plain(servers.open.endpoint).push_blob(repository, blob)
    proxy = faulty(servers.open.endpoint)
    proxy.add(StallResponse(after=300_000), method="GET")
    with registry_client(proxy.endpoint, settings=IMPATIENT) as registry:
        received = 0
        with pytest.raises(RegistryError) as caught:
            for block in registry.repository(repository).open_blob(blob_descriptor(blob)):
                received += len(block)
    assert (caught.value.code, caught.value.transient) == ("timeout", True)
    assert 300_000 - BLOCK < received <= 300_000


def test_an_upload_that_stalls_begins_anew(servers: Servers, repository: str, plain: Plain, faulty: Faulty) -> None:
    blob = images.random_blob(repository, 30_000_000)
    proxy = faulty(servers.open.endpoint)
    proxy.add(StallRequest(after=300_000), method="PUT")
    opener = Opener(blob.data)
    with registry_client(proxy.endpoint, settings=IMPATIENT) as registry:
        registry.repository(repository).put_blob(blob_descriptor(blob), opener)
    assert opener.offsets == [0, 0]
    assert plain(servers.open.endpoint).has_blob(repository, blob.digest)


# Ending


def test_closing_ends_those_who_wait(servers: Servers, faulty: Faulty) -> None:
    proxy = faulty(servers.open.endpoint)
    proxy.add(HoldRequest(), times=None)
    stop = threading.Event()
    caught: list[ImageOpsError] = []

    def wait() -> None:
        try:
            registry.repository("tests/any").resolve("tag")
        except ImageOpsError as error:
            caught.append(error)

    with registry_client(proxy.endpoint, stop=stop) as registry:
        threads = [threading.Thread(target=wait) for _ in range(4)]
        for thread in threads:
            thread.start()
        proxy.wait_for(number=1)
        stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert {error.code for error in caught} == {"interrupted"}
    assert len(caught) == 4
