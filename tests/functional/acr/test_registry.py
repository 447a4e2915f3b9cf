# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for an instance's registry refuses what ACR refuses, as an independent client sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPSConnection

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient, Refused
from support.scenes import images
from support.scenes.acr_scene import Scene


@pytest.fixture
def endpoint(scene: Scene) -> Endpoint:
    scene.instance.passwords["acme"] = "correct7horse"
    return scene.registry.gate.endpoint.as_user("acme", "correct7horse")


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[PlainClient]:
    with PlainClient(endpoint) as opened:
        yield opened


def test_its_challenge_names_the_instance(endpoint: Endpoint) -> None:
    with closing(HTTPSConnection(endpoint.host, context=endpoint.ssl_context())) as connection:
        connection.request("GET", "/v2/")
        answer = connection.getresponse()
    assert answer.status == 401
    assert re.search(
        r'^Bearer realm="https://127\.0\.0\.1:\d+/auth",service="registry\.aliyuncs\.com:cn-shanghai:china:cri-\w+"$',
        answer.headers["WWW-Authenticate"],
    )


def test_a_push_makes_the_repository_where_the_namespace_lets_it(scene: Scene, client: PlainClient) -> None:
    scene.add_namespace("by-hand", auto_create=False)
    client.push("image-syncer/nginx", images.image("nginx"), "1")
    assert client.tags("image-syncer/nginx") == ["1"]
    for path in ("by-hand/nginx", "nowhere/nginx"):
        with pytest.raises(Refused, match="401") as caught:
            client.push(path, images.image("nginx"), "1")
        assert "UNAUTHORIZED" in str(caught.value)
    assert scene.instance.namespaces["by-hand"].repositories == {}


def test_it_has_no_catalog_and_takes_no_artifacts(client: PlainClient) -> None:
    assert client.request("GET", "/v2/_catalog", scope="registry:catalog:*").status == 401
    with pytest.raises(Refused, match=r"unknown manifest class for application/vnd\.oci\.empty\.v1"):
        client.push("image-syncer/bom", images.artifact("bom"), "1")


def test_a_token_ends(scene: Scene, client: PlainClient, endpoint: Endpoint) -> None:
    client.push("image-syncer/nginx", images.image("nginx"), "1")
    scene.simulator.world.token_seconds = -1
    with PlainClient(endpoint) as late:
        assert late.manifest("image-syncer/nginx", "1").status == 401
