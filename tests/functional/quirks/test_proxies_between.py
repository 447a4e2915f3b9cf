# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies of companies: hosts that are reached without one, and what a proxy itself refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from support.scenes import images
from support.scenes.modules import Ended, module
from support.scenes.runs import Run, only
from support.servers.scripted_registry import Answer, Reply, ScriptedRegistry, refusal, scripted_registry

IMAGE = images.image("proxies")


@pytest.fixture
def source() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        registry.push("app", IMAGE, "v1")
        yield registry


def port(registry: ScriptedRegistry) -> str:
    return registry.host.rpartition(":")[2]


@pytest.mark.parametrize("form", ["127.0.0.0/8", "*.corp.example, 127.0.0.1:PORT"])
def test_what_no_proxy_names_is_reached_without_one(source: ScriptedRegistry, tmp_path: Path, form: str) -> None:
    with scripted_registry(lambda request: Reply(403, b"corporate proxy: forbidden")) as proxy:
        ended = looked(source, proxy, form.replace("PORT", port(source)), tmp_path)
        assert ended.code == 0, ended.text
        assert not proxy.requests


@pytest.mark.parametrize("form", ["", "127.0.0.1:1,*.corp.example,10.0.0.0/8"])
def test_what_it_does_not_name_goes_through_the_proxy(source: ScriptedRegistry, tmp_path: Path, form: str) -> None:
    with scripted_registry(lambda request: Reply(403, b"corporate proxy: forbidden")) as proxy:
        ended = looked(source, proxy, form, tmp_path)
        assert ended.code != 0
        assert proxy.requests and not source.requests
        assert f"the proxy {proxy.host}" in ended.result["msg"]
        assert "NO_PROXY" in ended.result["msg"]


def looked(source: ScriptedRegistry, proxy: ScriptedRegistry, no_proxy: str, home: Path) -> Ended:
    options = {
        "images": [f"{source.host}/app:v1"],
        "registries": [{"registry": source.host, "plain_http": True}],
        "retry_delay": 0.01,
    }
    environment = {"HTTP_PROXY": proxy.endpoint.url, "http_proxy": proxy.endpoint.url, "NO_PROXY": no_proxy}
    environment["no_proxy"] = no_proxy
    with module("registry_image_info", options, home=home, environment=environment) as running:
        return running.end()


@pytest.mark.parametrize(
    ("reply", "transient"),
    [
        (Reply(403, b"corporate proxy: forbidden"), False),
        (Reply(403, b"<html><h1>Access Denied</h1> squid</html>", {"Content-Type": "text/html"}), False),
        (Reply(407, b"", {"Proxy-Authenticate": 'Basic realm="proxy"'}), False),
        (Reply(502, b"<html>cannot connect</html>", {"Content-Type": "text/html"}), True),
        (Reply(503, b"the name has no address"), True),
    ],
    ids=["text", "page", "login", "unreachable", "unknown"],
)
def test_what_a_proxy_refuses_is_said_to_be_its_own(reply: Reply, transient: bool) -> None:
    error = through(lambda request: reply)
    assert (error.code, error.transient) == ("connection_failed", transient)
    assert "the proxy 127.0.0.1:" in error.cause
    assert "credentials" not in error.hint


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (refusal(403, "DENIED"), "pull_denied"),
        (Reply(403, b"", {"Docker-Distribution-Api-Version": "registry/2.0"}), "pull_denied"),
        (refusal(503, "UNAVAILABLE"), "server_error"),
        (refusal(404, "MANIFEST_UNKNOWN"), "tag_not_found"),
    ],
)
def test_what_a_registry_refuses_through_a_proxy_is_its_own(reply: Reply, code: str) -> None:
    error = through(lambda request: reply)
    assert error.code == code
    assert "proxy" not in error.cause


def through(answer: Answer) -> ImageOpsError:
    with scripted_registry(answer) as proxy, scripted_registry() as target:
        run = Run(
            [target.endpoint],
            access={"registry.corp.example": {"plain_http": True, "proxy": proxy.endpoint.url}},
        )
        result = only(run.sync({"source": "registry.corp.example/app:v1", "destination": f"{target.host}/app"}))
    assert result.error is not None
    return result.error


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_opens_no_tunnel_is_named(status: int) -> None:
    with scripted_registry(lambda request: Reply(status)) as proxy, scripted_registry() as target:
        run = Run([target.endpoint], access={"registry.corp.example": {"proxy": proxy.endpoint.url}})
        error = only(run.sync({"source": "registry.corp.example/app:v1", "destination": f"{target.host}/app"})).error
    assert error is not None and error.code == "connection_failed"
    assert f"the proxy {proxy.host}" in error.cause and f"HTTP {status}" in error.cause
