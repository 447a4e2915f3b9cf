# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where passwords and tokens go: to the registry and its token server, and nowhere that either of them points to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from support.clients.collection_client import Heard, Opener, blob_descriptor, registry_client
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import Answer, ChangeHeaders, ChangeLocation, Redirect
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
Faulty = Callable[..., FaultProxy]
KINDS = ("htpasswd", "token")


@pytest.fixture(params=KINDS)
def registry_with_login(request: pytest.FixtureRequest, servers: Servers, faulty: Faulty) -> FaultProxy:
    """A registry that wants a login, through a proxy that can make it point elsewhere."""
    return faulty(servers.kind(request.param).endpoint)


@pytest.fixture
def elsewhere(faulty: Faulty, servers: Servers) -> Iterator[FaultProxy]:
    """Another host with an open registry. Whatever a test does, nobody may show it an Authorization."""
    proxy = faulty(servers.open.endpoint)
    yield proxy
    assert not [record for record in proxy.records() if "authorization" in record.headers]


def read(endpoint: Endpoint, repository: str, blob: images.Blob) -> bytes:
    with registry_client(endpoint) as registry:
        return b"".join(registry.repository(repository).open_blob(blob_descriptor(blob)))


# Redirects


def test_a_redirect_to_another_host_is_followed_without_a_login(
    registry_with_login: FaultProxy, elsewhere: FaultProxy, repository: str, plain: Plain, servers: Servers
) -> None:
    blob = images.random_blob(repository, 100_000)
    plain(servers.open.endpoint).push_blob(repository, blob)
    registry_with_login.add(Redirect(elsewhere.endpoint.url), method="GET", target="/blobs/", times=None)
    assert read(registry_with_login.endpoint, repository, blob) == blob.data
    assert elsewhere.counts() == {("GET", "blob"): 1}


def test_a_redirect_from_https_to_http_is_refused(
    servers: Servers, elsewhere: FaultProxy, repository: str, faulty: Faulty
) -> None:
    proxy = faulty(servers.htpasswd.endpoint, certificate=servers.certificate)
    proxy.add(Redirect(elsewhere.endpoint.url), method="GET", target="/blobs/", times=None)
    with pytest.raises(ImageOpsError):
        read(proxy.endpoint, repository, images.random_blob(repository, 1000))
    assert elsewhere.records() == []


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "[fe80::1]", "[::ffff:169.254.169.254]"])
def test_metadata_addresses_are_no_redirect_targets(
    registry_with_login: FaultProxy, repository: str, address: str
) -> None:
    registry_with_login.add(Redirect(f"http://{address}"), method="GET", target="/blobs/", times=None)
    with pytest.raises(ImageOpsError) as caught:
        read(registry_with_login.endpoint, repository, images.random_blob(repository, 1000))
    assert not caught.value.transient


def test_redirects_in_a_circle_come_to_an_end(registry_with_login: FaultProxy, repository: str) -> None:
    registry_with_login.add(Redirect(""), method="GET", target="/blobs/", times=None)
    with pytest.raises(ImageOpsError):
        read(registry_with_login.endpoint, repository, images.random_blob(repository, 1000))
    assert registry_with_login.counts()["GET", "blob"] <= 60


# Locations and pages


def test_an_upload_to_another_host_has_no_login(
    registry_with_login: FaultProxy, elsewhere: FaultProxy, repository: str
) -> None:
    registry_with_login.add(ChangeLocation(netloc=elsewhere.host), method="POST", times=None)
    elsewhere.add(Answer(201), method="PUT")
    blob = images.random_blob(repository, 1000)
    with registry_client(registry_with_login.endpoint) as registry:
        registry.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data))
    assert [record.request_bytes for record in elsewhere.records()] == [1000]


def test_a_proxy_that_forgot_https_is_met_with_https(servers: Servers, repository: str, faulty: Faulty) -> None:
    proxy = faulty(servers.htpasswd.endpoint, certificate=servers.certificate, forwarded_proto=False)
    heard = Heard()
    with registry_client(proxy.endpoint, heard=heard) as registry:
        for number in range(2):
            blob = images.random_blob(f"{repository} {number}", 1000)
            registry.repository(repository).put_blob(blob_descriptor(blob), Opener(blob.data))
    assert proxy.counts()["PUT", "upload"] == 2
    assert len([warning for warning in heard.warnings if "http" in warning]) == 1


def test_the_next_page_is_on_the_same_host(
    registry_with_login: FaultProxy, elsewhere: FaultProxy, repository: str, plain: Plain, servers: Servers
) -> None:
    plain(registry_with_login.endpoint).push(repository, images.image(repository), "tag")
    link = f'<{elsewhere.endpoint.url}/v2/{repository}/tags/list?last=tag>; rel="next"'
    registry_with_login.add(ChangeHeaders({"Link": link}), target="/tags/list", times=None)
    with registry_client(registry_with_login.endpoint) as registry:
        assert registry.repository(repository).tags() == ["tag"]  # the page is asked of the registry itself
    assert elsewhere.records() == []


# Token servers


def test_a_password_does_not_leave_https_for_a_token(servers: Servers, repository: str, faulty: Faulty) -> None:
    proxy = faulty(servers.token.endpoint, certificate=servers.certificate)
    servers.tokens.mark()
    with registry_client(proxy.endpoint) as registry, pytest.raises(ImageOpsError):
        registry.repository(repository).resolve("tag")
    assert servers.tokens.requests() == []


# The environment


def test_netrc_changes_nothing(
    servers: Servers, repository: str, faulty: Faulty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password from-netrc\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    for endpoint in (servers.htpasswd.endpoint.anonymous(), servers.htpasswd.endpoint):
        proxy = faulty(endpoint)
        with registry_client(proxy.endpoint) as registry:
            try:
                found = registry.repository(repository).resolve("tag")
            except ImageOpsError as error:
                assert (endpoint.username, error.code) == ("", "no_credentials")
            else:
                assert (endpoint.username, found) == (servers.htpasswd.endpoint.username, None)
        sent = {record.headers.get("authorization") for record in proxy.records()}
        assert "Basic c29tZWJvZHk6ZnJvbS1uZXRyYw==" not in sent
