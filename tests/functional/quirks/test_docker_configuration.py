# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's configuration with something odd in it about another registry, and about the one that is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.scenes import images
from support.scenes.modules import Ended, module
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, scripted_registry

LOGIN = base64.b64encode(b"deploy:pass-word-of-the-deployer").decode()
OTHERS: dict[str, dict[str, Any]] = {
    "a helper without a name": {"credHelpers": {"pierone.example.com": ""}},
    "a helper that is not installed": {"credHelpers": {"public.ecr.aws": "ecr-login"}},
    "a store that is not installed": {"credsStore": "desktop"},
    "a login that is no pair": {"auths": {"other.example.com": {"auth": "bm90LWEtcGFpcg=="}}},
    "a login that is no base64": {"auths": {"other.example.com": {"auth": "%%%"}}},
    "keys that are not known": {"credSstore": "osxkeychain", "HttpHeaders": {"User-Agent": "x"}, "plugins": {}},
    "logins without anything": {"auths": {"https://index.docker.io/v1/": {}, "https://registry.gitlab.com": {}}},
}


@pytest.fixture
def source() -> Iterator[ScriptedRegistry]:
    def answer(request: Request) -> Reply | None:
        if request.headers.get("Authorization") == f"Basic {LOGIN}":
            return None
        return Reply(401, headers={"WWW-Authenticate": 'Basic realm="r"'})

    with scripted_registry(answer) as registry:
        registry.push("app", images.image("app"), "1")
        yield registry


def looked(source: ScriptedRegistry, document: dict[str, Any], home: Path) -> Ended:
    """Look for an image with this configuration in the user's home."""
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps(document))
    options = {
        "images": [f"{source.host}/app:1"],
        "registries": [{"registry": source.host, "plain_http": True}],
        "docker_config": str(home / ".docker" / "config.json"),
        "retry_delay": 0.01,
    }
    with module("registry_image_info", options, home=home) as running:
        return running.end()


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_odd_about_another_registry_does_not_matter(
    source: ScriptedRegistry, tmp_path: Path, name: str
) -> None:
    odd = OTHERS[name]
    ended = looked(source, {**odd, "auths": {**odd.get("auths", {}), source.host: {"auth": LOGIN}}}, tmp_path)
    assert ended.code == 0, ended.text
    assert [image["exists"] for image in ended.result["images"]] == [True]


def test_an_empty_helper_means_none(source: ScriptedRegistry, tmp_path: Path) -> None:
    document = {"auths": {source.host: {"auth": LOGIN}}, "credHelpers": {source.host: ""}, "credsStore": "desktop"}
    ended = looked(source, document, tmp_path)
    assert ended.code == 0, ended.text


@pytest.mark.parametrize(
    "odd",
    [
        {"auths": {"REGISTRY": {"auth": "bm90LWEtcGFpcg=="}}},
        {"auths": {}, "credHelpers": {"REGISTRY": "not-installed-anywhere"}},
    ],
)
def test_what_is_odd_about_the_registry_itself_is_an_error(
    source: ScriptedRegistry, tmp_path: Path, odd: dict[str, Any]
) -> None:
    ended = looked(source, json.loads(json.dumps(odd).replace("REGISTRY", source.host)), tmp_path)
    assert ended.code != 0
    assert source.host in ended.result["msg"]
