# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""image-syncer's files, lists of references and docker configurations as people have them, through the module."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import Ended, module
from support.servers.docker_registry import DockerRegistry, docker_registry
from support.servers.shared import PASSWORD, USER, Servers

NUMBER, DIGITS = "100012345678", "0071234"

Sync = Callable[..., Ended]


@pytest.fixture
def sync(tmp_path: Path, servers: Servers) -> Sync:
    """Runs the module with files of the given texts in its directory; the names of files are those of options."""

    def run(
        files: dict[str, str], environment: dict[str, str] | None = None, *, check_mode: bool = False, **options: Any
    ) -> Ended:
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        plain_http = [{"registry": host, "plain_http": True} for host in (servers.htpasswd.host, servers.open.host)]
        given = {"registries": plain_http, "retry_delay": 0.01, "docker_config": "", **options}
        with module(
            "registry_image_sync", given, home=tmp_path, check_mode=check_mode, environment=environment
        ) as running:
            return running.end()

    return run


@pytest.fixture
def source(servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str) -> str:
    """A repository with an image for two platforms, which everybody may read."""
    client = plain(servers.open.endpoint)
    client.push(repository, images.multi_arch(repository, ["linux/amd64", "linux/arm64"]), "1.0")
    client.push(repository, images.image(f"{repository} 2.0"), "2.0")
    return f"{servers.open.host}/{repository}"


@pytest.fixture
def arrived(
    servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str
) -> Callable[[str], dict[str, Any]]:
    """Gives the manifest that has arrived in the default destination under a tag."""
    path = f"copies/{repository.partition('/')[2]}"
    return lambda tag: plain(servers.open.endpoint).manifest(path, tag).json()  # type: ignore[no-any-return]


def defaults(servers: Servers) -> dict[str, str]:
    return {"default_registry": servers.open.host, "default_namespace": "copies"}


def test_nothing_behind_a_source_is_the_default_destination(
    sync: Sync, servers: Servers, source: str, arrived: Callable[[str], dict[str, Any]]
) -> None:
    files = {"images.yaml": f"# theirs\n{source}:1.0:\n{source}:2.0:\n"}
    refused = sync(files, images_file="images.yaml").result
    assert refused["error_codes"] == ["invalid_input"]
    assert "give default_registry and default_namespace" in refused["msg"]
    assert sync(files, images_file="images.yaml", **defaults(servers)).result["summary"]["created"] == 2
    assert arrived("2.0")["schemaVersion"] == 2


def test_a_plain_list_of_references(
    sync: Sync, servers: Servers, source: str, arrived: Callable[[str], dict[str, Any]]
) -> None:
    files = {"list.txt": f"# theirs\n--platform=linux/arm64 {source}:1.0\n{source}:2.0   # the other one\n"}
    assert sync(files, images_file="list.txt", **defaults(servers)).result["summary"]["created"] == 2
    assert [entry["platform"]["architecture"] for entry in arrived("1.0")["manifests"]] == ["arm64"]
    assert sync(files, images_file="list.txt", **defaults(servers)).result["changed"] is False


@pytest.mark.parametrize("form", ["string", "list of strings", "mapping"])
def test_images_without_a_destination(
    sync: Sync, servers: Servers, source: str, arrived: Callable[[str], dict[str, Any]], form: str
) -> None:
    image = f"{source}:1.0"
    forms: dict[str, Any] = {"string": image, "list of strings": [image], "mapping": {image: ""}}
    ended = sync({}, images=forms[form], platforms=["linux/amd64"], **defaults(servers))
    assert ended.result["summary"]["created"] == 1
    assert [entry["platform"]["architecture"] for entry in arrived("1.0")["manifests"]] == ["amd64"]


def test_a_mapping_of_images_names_its_destinations(sync: Sync, servers: Servers, source: str, repository: str) -> None:
    targets = [f"{servers.open.host}/{name}/{repository}" for name in ("one", "two")]
    ended = sync({}, images={source: targets, f"{source}:2.0": f"{targets[0]}:stable"})
    assert ended.result["summary"]["created"] == 5


def test_rules_of_a_file_may_build_on_each_other(
    sync: Sync, servers: Servers, source: str, plain: Callable[[Endpoint], PlainClient], repository: str
) -> None:
    first, second = (f"{name}-of-a-chain/{repository}" for name in ("mirror", "offline"))
    files = {
        "images.yaml": f"{servers.open.host}/{first}:2.0: {servers.open.host}/{second}\n"
        f"{source}:2.0: {servers.open.host}/{first}\n"
    }
    shown = sync(files, images_file="images.yaml", check_mode=True, return_images="all").result
    assert [image["action"] for image in shown["images"]] == ["create", "create"]
    done = sync(files, images_file="images.yaml").result
    assert (done["summary"]["created"], done["changed"]) == (2, True)
    client = plain(servers.open.endpoint)
    assert client.manifest(second, "2.0").json() == client.manifest(repository, "2.0").json()
    assert sync(files, images_file="images.yaml").result["changed"] is False


def test_a_login_that_no_image_uses_may_name_a_variable_that_is_not_set(
    sync: Sync, servers: Servers, source: str, repository: str
) -> None:
    login = "{{username: {}, password: '${{{}}}'}}"
    files = {
        "auth.yaml": f"{servers.htpasswd.host}: {login.format(USER, 'SYNC_PASSWORD')}\n"
        f"other.example.net: {login.format('sync', 'OTHER_PASSWORD')}\n",
        "images.yaml": f"{source}:2.0: {servers.htpasswd.host}/{repository}-unused-login\n",
    }
    options = {"auth_file": "auth.yaml", "images_file": "images.yaml"}
    done = sync(files, {"SYNC_PASSWORD": PASSWORD}, **options).result
    assert done["summary"]["created"] == 1
    (warning,) = done["warnings"]
    assert "other.example.net" in str(warning) and "OTHER_PASSWORD is not set" in str(warning)
    refused = sync(files, {"OTHER_PASSWORD": PASSWORD}, **options).result
    assert refused["error_codes"] == ["invalid_input"] and "SYNC_PASSWORD is not set" in refused["msg"]


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A registry whose user and password are digits."""
    with docker_registry(tmp_path_factory.mktemp("numbered"), users={NUMBER: DIGITS}) as registry:
        yield registry


@pytest.mark.parametrize("key", ["{host}", "{host}/"])
def test_digits_are_a_user_and_a_password(
    sync: Sync, source: str, numbered: DockerRegistry, repository: str, key: str
) -> None:
    files = {
        "auth.yaml": f"{key.format(host=numbered.host)}:\n  username: {NUMBER}\n  password: {DIGITS}\n  insecure: on\n",
        "images.yaml": f"{source}:2.0: {numbered.host}/{repository}{len(key)}\n",
    }
    assert sync(files, auth_file="auth.yaml", images_file="images.yaml").result["summary"]["created"] == 1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("images.yaml", "a.example/b:1: $REGISTRY/coreos/etcd\n", ["REGISTRY is not replaced", "write ${REGISTRY}"]),
        ("images.yaml", "a.example/b: c.example/d\na.example/b: e.example/f\n", ["with a list of destinations"]),
        ("images.json", '{"a.example/b": "c.example/d" // theirs\n}', ["JSON has no comments"]),
        ("images.yaml", "a.example/b: oci:/srv/images:v1\n", ["write oci:/srv/images//images:v1"]),
        ("list.txt", "docker://a.example/b:1\n", ["write a.example/b:1"]),
    ],
)
def test_what_is_wrong_is_said_as_such(sync: Sync, servers: Servers, name: str, text: str, says: list[str]) -> None:
    refused = sync({name: text}, {"REGISTRY": "c.example"}, images_file=name, **defaults(servers)).result
    assert refused["error_codes"] == ["invalid_input"]
    assert all(words in refused["msg"] for words in says)


LOGIN = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


@pytest.mark.parametrize("form", ["old", "odd neighbours"])
def test_dockers_configuration_in_other_forms(
    sync: Sync, servers: Servers, source: str, repository: str, form: str
) -> None:
    document: dict[str, Any] = {servers.htpasswd.host: {**LOGIN, "email": "a@b"}}
    if form == "odd neighbours":
        document["broken.example.net"] = {"auth": "bm90LWEtbG9naW4="}
        document = {"auths": document, "credHelpers": {"other.example.net": ""}}
    rule = {"source": f"{source}:2.0", "destination": f"{servers.htpasswd.host}/{repository}-{form[:3]}"}
    done = sync({"config.json": json.dumps(document)}, images=[rule], docker_config="config.json").result
    assert (done["summary"]["created"], done.get("warnings", [])) == (1, [])


def test_a_docker_configuration_with_nothing_in_it_is_warned_of(sync: Sync, source: str, servers: Servers) -> None:
    rule = {"source": f"{source}:2.0", "destination": f"{source}-copy"}
    done = sync({"config.json": '{"auths": {}}'}, images=[rule], docker_config="config.json").result
    assert "there are no credentials in it" in str(done["warnings"])
