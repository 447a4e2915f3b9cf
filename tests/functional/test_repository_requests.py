# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests each call of the ``Repository`` interface costs, by the registry's own access log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from support.clients.collection_client import Opener, blob_descriptor, manifest_of, registry_client
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import PagedTags
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
Fresh = Callable[[], str]
Faulty = Callable[..., FaultProxy]


def test_each_call_costs_one_request(servers: Servers, repository: str, plain: Plain) -> None:
    image = images.image(repository)
    blob = image.blobs[0]
    plain(servers.open.endpoint).push(repository, image, "tag")
    with registry_client(servers.open.endpoint) as registry:
        there = registry.repository(repository)
        servers.open.mark()
        assert there.resolve("none") is None
        assert servers.open.counts() == {("HEAD", "manifest"): 1, ("GET", "manifest"): 1}, "confirmed once a registry"
        calls: list[tuple[Callable[[], object], tuple[str, str]]] = [
            (lambda: there.tags(), ("GET", "tags")),
            (lambda: there.resolve("tag"), ("HEAD", "manifest")),
            (lambda: there.resolve("none"), ("HEAD", "manifest")),
            (lambda: there.manifest("tag"), ("GET", "manifest")),
            (lambda: there.has_blob(blob_descriptor(blob)), ("HEAD", "blob")),
            (lambda: list(there.open_blob(blob_descriptor(blob), 5)), ("GET", "blob")),
            (lambda: there.mount_blob(blob_descriptor(blob)), ("POST", "mount")),
            (lambda: there.put_manifest(manifest_of(image), "again"), ("PUT", "manifest")),
            (lambda: there.delete_manifest(Digest.parse(image.digest)), ("DELETE", "manifest")),
        ]
        for call, expected in calls:
            servers.open.mark()
            call()
            assert servers.open.counts() == {expected: 1}


def test_a_missing_blob_costs_two(servers: Servers, repository: str) -> None:
    blob = images.random_blob(repository, 300_000)
    with registry_client(servers.open.endpoint) as registry:
        there = registry.repository(repository)
        servers.open.mark()
        upload = there.mount_blob(blob_descriptor(blob))
        there.put_blob(blob_descriptor(blob), Opener(blob.data), upload)
        assert servers.open.counts() == {("POST", "mount"): 1, ("PUT", "upload"): 1}


def test_a_blob_of_another_repository_costs_one(servers: Servers, fresh: Fresh, plain: Plain) -> None:
    here, there = fresh(), fresh()
    blob = images.random_blob(here, 1000)
    plain(servers.open.endpoint).push_blob(there, blob)
    with registry_client(servers.open.endpoint) as registry:
        servers.open.mark()
        registry.repository(here).mount_blob(blob_descriptor(blob), there)
        (request,) = servers.open.requests()
    assert (request.kind, request.repository, request.source, request.status) == ("mount", here, there, 201)


def test_a_registry_that_cannot_mount_is_remembered(servers: Servers, repository: str) -> None:
    blobs = [images.random_blob(f"{repository} {number}", 1000) for number in range(3)]
    with registry_client(servers.zuul.endpoint) as registry:
        there = registry.repository(repository)
        for blob in blobs:
            servers.zuul.mark()
            upload = there.mount_blob(blob_descriptor(blob))
            there.put_blob(blob_descriptor(blob), Opener(blob.data), upload)
        assert servers.zuul.counts() == {("HEAD", "blob"): 1, ("POST", "uploads"): 1, ("PUT", "upload"): 1}


def test_a_registry_that_knows_no_pages_is_remembered(servers: Servers, repository: str, plain: Plain) -> None:
    plain(servers.zuul.endpoint).push(repository, images.image(repository), "tag")
    with registry_client(servers.zuul.endpoint) as registry:
        assert registry.repository(repository).tags() == ["tag"]
        servers.zuul.mark()
        assert registry.repository(repository).tags() == ["tag"]
        assert servers.zuul.counts() == {("GET", "tags"): 1}


@pytest.mark.parametrize("absolute", [False, True])
def test_every_page_is_asked_for_once(
    servers: Servers, repository: str, plain: Plain, faulty: Faulty, absolute: bool
) -> None:
    tags = [f"v{number:02}" for number in range(25)]
    plain(servers.open.endpoint).push(repository, images.image(repository), *tags)
    proxy = faulty(servers.open.endpoint)
    proxy.add(PagedTags(10, absolute=absolute), target="/tags/list", times=None)
    with registry_client(proxy.endpoint) as registry:
        assert registry.repository(repository).tags() == tags
    assert proxy.counts() == {("GET", "tags"): 3}


def test_pages_in_a_circle_come_to_an_end(servers: Servers, repository: str, plain: Plain, faulty: Faulty) -> None:
    plain(servers.open.endpoint).push(repository, images.image(repository), "a", "b", "c")
    proxy = faulty(servers.open.endpoint)
    proxy.add(PagedTags(2, loop=True), target="/tags/list", times=None)
    with registry_client(proxy.endpoint) as registry:
        assert registry.repository(repository).tags() == ["a", "b"]
    assert proxy.counts()["GET", "tags"] <= 2


# Logins


def test_a_password_is_asked_for_once(servers: Servers, fresh: Fresh) -> None:
    with registry_client(servers.htpasswd.endpoint) as registry, ThreadPoolExecutor(8) as threads:
        servers.htpasswd.mark()
        list(threads.map(lambda path: registry.repository(path).resolve("tag"), [fresh() for _ in range(20)]))
        statuses = [request.status for request in servers.htpasswd.requests()]
    assert sorted(statuses) == [401, *([404] * 21)], "the first 404 to a HEAD is confirmed"


def test_a_token_is_asked_for_once_a_repository(servers: Servers, fresh: Fresh) -> None:
    paths = [fresh() for _ in range(5)]
    with registry_client(servers.token.endpoint) as registry, ThreadPoolExecutor(8) as threads:
        servers.token.mark()
        servers.tokens.mark()
        list(threads.map(lambda path: registry.repository(path).resolve("tag"), paths * 4))
        statuses = [request.status for request in servers.token.requests()]
        asked = [request.scopes for request in servers.tokens.requests()]
    assert sorted(statuses) == [401, *([404] * 21)], "the first 404 to a HEAD is confirmed"
    assert sorted(asked) == sorted((f"repository:{path}:pull",) for path in paths)


def test_a_token_to_push_serves_to_pull(servers: Servers, fresh: Fresh) -> None:
    here, there = fresh(), fresh()
    blob = images.random_blob(here, 1000)
    with registry_client(servers.token.endpoint) as registry:
        servers.tokens.mark()
        repository = registry.repository(here)
        repository.put_blob(blob_descriptor(blob), Opener(blob.data), repository.mount_blob(blob_descriptor(blob)))
        assert repository.has_blob(blob_descriptor(blob))
        assert [request.scopes for request in servers.tokens.requests()] == [(f"repository:{here}:pull,push",)]
        servers.tokens.mark()
        assert registry.repository(there).mount_blob(blob_descriptor(blob), here) is None
        (mounting,) = servers.tokens.requests()
    assert set(mounting.scopes) == {f"repository:{there}:pull,push", f"repository:{here}:pull"}
