# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of tags with digests, as the documents of Google, Azure, Quay and Docker Hub show them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._hosted.services import (
    AZURE,
    DOCKER_HUB,
    GOOGLE,
    QUAY,
    Service,
    service_of,
)
from ansible_collections.imageops.registry.plugins.module_utils._hosted.tag_lists import read_tags
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from helpers.raw_server import RawServer, Received, client, raw_server

TAGS = [f"v{number:03}" for number in range(250)]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LOGIN = Credential(username="user", password="secret")
PATIENCE = 60.0  # seconds; nothing here waits for an answer that does not come, and a busy machine is slow
PATH = {DOCKER_HUB: "library/nginx"}


def digest(tag: str) -> str:
    return str(Digest.of(tag.encode()))


def google(request: Received) -> tuple[dict[str, Any], dict[str, str]]:
    rows = {digest(tag): {"mediaType": MANIFEST, "tag": [tag], "timeUploadedMs": "1"} for tag in TAGS}
    untagged = {digest("nothing"): {"mediaType": MANIFEST, "tag": []}, digest("odd"): {"tag": None}}
    assert request.target == "/v2/team/app/tags/list"
    return {"child": [], "manifest": {**rows, **untagged}, "name": "team/app", "tags": TAGS}, {}


def azure(request: Received) -> tuple[dict[str, Any], dict[str, str]]:
    query = parse_qs(urlsplit(request.target).query)
    assert urlsplit(request.target).path == "/acr/v1/team/app/_tags" and query["n"] == ["1000"]
    rest = [tag for tag in TAGS if tag > query.get("last", [""])[0]]
    rows = [{"name": tag, "digest": digest(tag), "lastUpdateTime": "2026-01-01T00:00:00Z"} for tag in rest[:100]]
    link = f'</acr/v1/team/app/_tags?last={rest[99]}&n=100&orderby=>; rel="next"' if rest[100:] else ""
    return {"registry": "a.azurecr.io", "imageName": "team/app", "tags": rows}, {"Link": link} if link else {}


def quay(request: Received) -> tuple[dict[str, Any], dict[str, str]]:
    query = parse_qs(urlsplit(request.target).query)
    assert urlsplit(request.target).path == "/api/v1/repository/team/app/tag/"
    assert (query["limit"], query["onlyActiveTags"]) == (["100"], ["true"])
    page = int(query["page"][0])
    shown = TAGS[(page - 1) * 100 : page * 100]
    rows = [{"name": tag, "manifest_digest": digest(tag), "is_manifest_list": False} for tag in shown]
    return {"tags": rows, "page": page, "has_additional": page < 3}, {}


def docker_hub(request: Received) -> tuple[dict[str, Any], dict[str, str]]:
    query = parse_qs(urlsplit(request.target).query)
    assert urlsplit(request.target).path == "/v2/namespaces/library/repositories/nginx/tags"
    page = int(query["page"][0])
    shown = TAGS[(page - 1) * 100 : page * 100]
    rows: list[dict[str, Any]] = [{"name": tag, "digest": digest(tag), "media_type": MANIFEST} for tag in shown]
    rows += [{"name": "old", "images": []}, {"name": "odd", "digest": "sha256:0"}]
    return {"count": 250, "next": "https://hub.docker.com/next" if page < 3 else None, "results": rows}, {}


PAGES: dict[Service, Callable[[Received], tuple[dict[str, Any], dict[str, str]]]] = {
    GOOGLE: google,
    AZURE: azure,
    QUAY: quay,
    DOCKER_HUB: docker_hub,
}


def with_token(request: Received) -> bool:
    """Want a bearer token from a server of its own; Google and Azure list with the registry's."""
    if request.target.startswith("/token"):
        request.answer(200, json.dumps({"token": "good"}).encode())
        return False
    if request.headers.get("authorization") == "Bearer good":
        return True
    realm = f'Bearer realm="http://{request.headers["host"]}/token",service="registry"'
    request.answer(401, b"", WWW_Authenticate=realm)
    return False


def serve(service: Service) -> Callable[[Received], None]:
    def handle(request: Received) -> None:
        if service in (GOOGLE, AZURE) and not with_token(request):
            return
        content, headers = PAGES[service](request)
        request.answer(200, json.dumps(content).encode(), **headers)

    return handle


def listed(service: Service, server: RawServer) -> dict[str, tuple[str, str]]:
    with client(server.host, credential=LOGIN) as registry:
        found = read_tags(service, registry, PATH.get(service, "team/app"), patience=PATIENCE)
    return {tag: (str(each.digest), each.media_type) for tag, each in found.items()}


@pytest.mark.parametrize(("service", "requests"), [(GOOGLE, 1), (AZURE, 3), (QUAY, 3), (DOCKER_HUB, 3)])
def test_all_pages_are_read(service: Service, requests: int) -> None:
    with raw_server(serve(service)) as server:
        found = listed(service, server)
        pages = [one for one in server.requests if not one.target.startswith("/token")]
    media_type = MANIFEST if service in (GOOGLE, DOCKER_HUB) else ""
    assert found == {tag: (digest(tag), media_type) for tag in TAGS}
    challenged = 1 if service in (GOOGLE, AZURE) else 0
    assert len(pages) == requests + challenged


def test_azure_is_asked_with_a_token_for_metadata() -> None:
    with raw_server(serve(AZURE)) as server:
        listed(AZURE, server)
        (token,) = [one.target for one in server.requests if one.target.startswith("/token")]
    assert parse_qs(urlsplit(token).query)["scope"] == ["repository:team/app:metadata_read"]


@pytest.mark.parametrize("service", [QUAY, DOCKER_HUB])
def test_a_list_that_takes_no_login_gets_none(service: Service) -> None:
    with raw_server(serve(service)) as server:
        listed(service, server)
        assert not [one for one in server.requests if "authorization" in one.headers]


@pytest.mark.parametrize("service", PAGES)
@pytest.mark.parametrize(
    ("status", "body"),
    [(403, b"{}"), (404, b"{}"), (429, b"{}"), (500, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"{}")],
)
def test_a_list_that_does_not_come_is_asked_for_once(service: Service, status: int, body: bytes) -> None:
    asked: list[str] = []

    def handle(request: Received) -> None:
        if service in (GOOGLE, AZURE) and not with_token(request):
            return
        asked.append(request.target)
        request.answer(status, body)

    with raw_server(handle) as server, pytest.raises(RegistryError):
        listed(service, server)
    assert len(asked) == 1


def test_no_request_waits_for_what_a_refused_list_asks_to_wait() -> None:
    def handle(request: Received) -> None:
        if "/_tags" in request.target:
            request.answer(429, b"", Retry_After="3600")
        else:
            request.answer(200, b'{"tags": ["1"]}')

    with raw_server(handle) as server, client(server.host) as registry:
        with pytest.raises(RegistryError):
            read_tags(AZURE, registry, "team/app", patience=PATIENCE)
        assert registry.repository("team/app").tags() == ["1"]


@pytest.mark.parametrize(
    ("host", "challenge", "service"),
    [
        ("gcr.io", "", GOOGLE),
        ("eu.gcr.io", "", GOOGLE),
        ("europe-docker.pkg.dev", "", GOOGLE),
        ("acme.azurecr.io", "", AZURE),
        ("acme.azurecr.cn", "", AZURE),
        ("registry.example.com", "acme.azurecr.io", AZURE),
        ("quay.io", "", QUAY),
        ("docker.io", "registry.docker.io", DOCKER_HUB),
        ("mirror.example.com", "registry.docker.io", None),
        ("azurecr.io.example.com", "", None),
        ("ghcr.io", "ghcr.io", None),
    ],
)
def test_a_service_is_known_by_its_host_or_its_challenge(host: str, challenge: str, service: Service | None) -> None:
    assert service_of(host, challenge) == service
