# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole sync in which everything points elsewhere: nobody but registries and token servers learns a secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Callable
from urllib.parse import quote

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import ChangeHeaders, ChangeLocation, Redirect
from support.faults.fault_proxy import Action, FaultProxy, Request, Response
from support.scenes import images
from support.scenes.fault_scene import Guarded, Scene
from support.scenes.images import DOCKER_FOREIGN_LAYER, Blob
from support.scenes.modules import module, registry_option
from support.scenes.runs import Run, only
from support.servers.shared import PASSWORD, USER, Servers

Plain = Callable[[Endpoint], PlainClient]
Faulty = Callable[..., FaultProxy]
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
NEVER = (PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), BASIC, "Bearer ")


@pytest.fixture
def elsewhere(servers: Servers, faulty: Faulty) -> Iterator[FaultProxy]:
    """A server that writes down what it is told. It must not be told any secret, nor any Authorization at all."""
    proxy = faulty(servers.open.endpoint)
    yield proxy
    assert not proxy.leaks(*NEVER)
    assert not [record for record in proxy.records() if "authorization" in record.headers]


@pytest.mark.parametrize("kind", ["htpasswd", "token"])
def test_a_sync_in_which_everything_points_elsewhere(
    servers: Servers, guarded: Guarded, faulty: Faulty, plain: Plain, elsewhere: FaultProxy, repository: str, kind: str
) -> None:
    registry = servers.htpasswd if kind == "htpasswd" else guarded.source
    image = images.image(repository)
    for endpoint in (registry.endpoint, servers.open.endpoint):
        plain(endpoint).push(repository, image, "v1")
    source, destination = faulty(registry.endpoint), faulty(registry.endpoint)
    source.add(Redirect(elsewhere.endpoint.url), method="GET", target="/blobs/", times=None)
    # The sessions belong to the other registry then: it refuses them, and that is all that can happen.
    destination.add(ChangeLocation(netloc=elsewhere.host), method="POST", times=2)

    result = Run([source.endpoint, destination.endpoint]).sync(
        {
            "source": f"{source.endpoint.host}/{repository}:v1",
            "destination": f"{destination.endpoint.host}/{repository}/copy",
        },
        retries=1,
    )

    assert only(result).status == "done", str(only(result).error)
    assert {record.method for record in elsewhere.records()} >= {"GET", "PUT"}


@pytest.mark.parametrize("link", ["{}/v2/x/tags/list", "//{host}/v2/x/tags/list"])
def test_a_next_page_elsewhere_is_not_read(
    servers: Servers, faulty: Faulty, plain: Plain, elsewhere: FaultProxy, repository: str, link: str
) -> None:
    plain(servers.htpasswd.endpoint).push(repository, images.image(repository), "v1")
    source = faulty(servers.htpasswd.endpoint)
    target = link.format(elsewhere.endpoint.url, host=elsewhere.host)
    source.add(ChangeHeaders({"Link": f'<{target}>; rel="next"'}), target="/tags/list", times=None)

    result = Run([source.endpoint]).sync(
        {"source": f"{source.endpoint.host}/{repository}", "destination": f"{source.endpoint.host}/{repository}/copy"},
        retries=0,
    )

    assert only(result).error is not None and only(result).error.code == "protocol_error"
    assert elsewhere.records() == []


@pytest.mark.parametrize("foreign_layers", [False, True])
def test_urls_of_foreign_layers_are_not_visited(
    servers: Servers, plain: Plain, elsewhere: FaultProxy, repository: str, foreign_layers: bool
) -> None:
    layer = Blob(b"a layer that somebody else distributes", DOCKER_FOREIGN_LAYER)
    image = images.image(repository, docker=True)
    content = json.loads(image.manifest)
    content["layers"].insert(0, layer.descriptor(urls=[f"{elsewhere.endpoint.url}/{layer.digest}"]))
    source = plain(servers.htpasswd.endpoint)
    source.push(repository, image)
    assert source.push_manifest(repository, "v1", json.dumps(content).encode(), image.media_type).status == 201

    result = Run([servers.htpasswd.endpoint, servers.relative.endpoint]).sync(
        {"source": f"{servers.htpasswd.host}/{repository}:v1", "destination": f"{servers.relative.host}/{repository}"},
        foreign_layers=foreign_layers,
        retries=0,
    )

    image_result = only(result)
    if foreign_layers:
        assert image_result.error is not None and image_result.error.code == "source_incomplete"
    else:
        assert image_result.status == "done", str(image_result.error)
    assert elsewhere.records() == []


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_token_server_that_sends_us_elsewhere(
    guarded_scene: Scene, guarded: Guarded, elsewhere: FaultProxy, status: int
) -> None:
    scene = guarded_scene
    scene.give("v1", images.image(scene.path))
    guarded.token_proxy.add(Redirect(elsewhere.endpoint.url, status), target="/token", times=None)

    result = scene.run.sync({**scene.rule, "source": f"{scene.rule['source']}:v1"}, retries=0)

    assert only(result).status == "failed"
    assert elsewhere.records()


@pytest.mark.parametrize("realm", ["http://169.254.169.254/token", "http://[fe80::1]/token", "http://100.100.100.200/"])
def test_a_metadata_address_is_no_token_server(servers: Servers, faulty: Faulty, repository: str, realm: str) -> None:
    source = faulty(servers.htpasswd.endpoint)
    challenge = ChangeHeaders({"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'})
    source.add(challenge, times=None)

    result = Run([source.endpoint]).sync(
        {"source": f"{source.endpoint.host}/{repository}:v1", "destination": f"{source.endpoint.host}/{repository}/b"},
        retries=0,
    )

    assert only(result).error is not None and only(result).error.code == "protocol_error"


class Unproxied(Action):
    """A forward proxy: what comes with a whole URL is sent on by its path, without what was for the proxy."""

    def on_request(self, request: Request) -> None:
        request.target = "/" + request.target.split("/", 3)[3]
        request.drop("Proxy-Authorization")

    def on_response(self, request: Request, response: Response) -> None:
        """As it came."""


@pytest.mark.parametrize("way", ["option", "environment", "NO_PROXY", "option says none"])
def test_a_proxy_learns_its_own_password_and_no_other_place_does(
    servers: Servers, faulty: Faulty, plain: Plain, repository: str, tmp_path: Path, way: str
) -> None:
    gate = "gåte:way/%"
    plain(servers.htpasswd.endpoint).push(repository, images.image(repository), "v1")
    registry = faulty(servers.htpasswd.endpoint)
    forward = faulty(registry.endpoint)
    forward.add(Unproxied(), times=None)
    url = f"http://me:{quote(gate, safe='')}@{forward.host}"
    option = registry_option(registry.endpoint)
    environment = {}
    if way == "option":
        option["proxy"] = url
    else:
        environment["HTTP_PROXY" if way == "environment" else "http_proxy"] = url
    if way == "NO_PROXY":
        environment["no_proxy"] = f"example.com,{registry.host}"
    if way == "option says none":
        option["proxy"] = ""
    options = {
        "images": [{"source": f"{registry.host}/{repository}:v1", "destination": f"{registry.host}/{repository}/copy"}],
        "registries": [option],
    }
    with module("registry_image_sync", options, home=tmp_path, environment=environment) as running:
        ended = running.end()

    assert ended.code == 0, ended.text
    used = way in ("option", "environment")
    assert bool(forward.records()) == used
    if used:
        wanted = "Basic " + base64.b64encode(f"me:{gate}".encode()).decode()
        assert {record.headers.get("proxy-authorization") for record in forward.records()} == {wanted}
    assert registry.records()
    assert not [record for record in registry.records() if "proxy-authorization" in record.headers]
