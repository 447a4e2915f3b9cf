# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test support itself, checked with clients that are not the collection's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Callable
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient, Refused
from support.clients.skopeo import copy_to_directory, independent_digest, put_as_schema1
from support.scenes import images
from support.servers import storage
from support.servers.access_log import classify
from support.servers.docker_registry import docker_registry
from support.servers.processes import ServerFailed, ServerProcess, wait_until
from support.servers.shared import IDENTITY_TOKEN, PASSWORD, READER, USER, Kind, Servers

Plain = Callable[[Endpoint], PlainClient]


# Images


@pytest.mark.parametrize("name", ["open", "zuul", "planted"])
def test_every_shape_arrives(servers: Servers, name: str, repository: str, plain: Plain) -> None:
    shapes = images.gallery(repository)
    if name == "planted":
        client = plain(servers.open.endpoint)
        servers.open.plant(repository, shapes)
    else:
        client = plain(servers.kind(name).endpoint)
        for tag, image in shapes.items():
            client.push(repository, image, tag)
    for tag, image in shapes.items():
        answer = client.manifest(repository, tag)
        assert (answer.status, answer.body) == (200, image.manifest), tag
        assert answer.headers["content-type"].partition(";")[0] == image.media_type
        for digest, blob in image.all_blobs().items():
            assert client.blob(repository, digest).body == blob.data, (tag, digest)
    assert set(shapes) <= set(client.tags(repository))


def test_skopeo_agrees_with_the_digests(registry_kind: Kind, repository: str, plain: Plain) -> None:
    image = images.multi_arch(repository)
    plain(registry_kind.endpoint).push(repository, image, "latest")
    assert independent_digest(registry_kind.endpoint, repository, "latest") == image.digest


def test_skopeo_pulls_what_the_plain_client_pushed(
    servers: Servers, repository: str, plain: Plain, tmp_path: Path
) -> None:
    image = images.multi_arch(repository, attestations=True)
    plain(servers.token.endpoint).push(repository, image, "latest")
    copy_to_directory(servers.token.endpoint, repository, "latest", tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == image.manifest
    for digest, blob in image.all_blobs().items():
        assert (tmp_path / digest.partition(":")[2]).read_bytes() == blob.data


def test_images_are_the_same_for_the_same_seed() -> None:
    assert images.gallery("one") == images.gallery("one")
    assert images.gallery("one")["oci"].digest != images.gallery("two")["oci"].digest


def test_foreign_layers_and_manifests_without_a_type_are_kept(servers: Servers, repository: str, plain: Plain) -> None:
    client = plain(servers.open.endpoint)
    for image in (
        images.image(repository, docker=True, foreign=True),
        images.image(repository, say_media_type=False),
    ):
        client.push(repository, image, "tag")
        assert client.manifest(repository, "tag").body == image.manifest


# Logins


@pytest.mark.parametrize("name", ["htpasswd", "token", "zuul"])
def test_a_wrong_password_is_refused(servers: Servers, name: str, repository: str, plain: Plain) -> None:
    endpoint = servers.kind(name).endpoint
    with pytest.raises(Refused, match="401"):
        plain(endpoint.as_user(endpoint.username, "wrong")).push(repository, images.image(repository), "tag")


def test_rights_are_kept(servers: Servers, plain: Plain, fresh: Callable[[], str]) -> None:
    writer, reader = servers.token.endpoint, servers.token.endpoint.as_user(READER, PASSWORD)
    repository = fresh()
    image = images.image(repository)
    plain(writer).push(repository, image, "tag")
    assert plain(reader).manifest(repository, "tag").body == image.manifest
    with pytest.raises(Refused, match=r"DENIED|UNAUTHORIZED"):
        plain(reader).push(repository, images.image("another"), "tag")
    limited = plain(writer.as_user("limited", PASSWORD))
    limited.push(f"limited/{repository}", image, "tag")
    with pytest.raises(Refused):
        limited.push(repository, images.image("another"), "tag")


def test_requests_for_tokens_are_counted(servers: Servers, repository: str, plain: Plain) -> None:
    servers.tokens.mark()
    plain(servers.token.endpoint).manifest(repository, "none")
    with pytest.raises(Refused):
        plain(servers.token.endpoint.as_user(USER, "wrong")).manifest(repository, "none")
    first, second = servers.tokens.requests()
    assert (first.method, first.scopes, first.account, first.status) == (
        "GET",
        (f"repository:{repository}:pull",),
        USER,
        200,
    )
    assert first.service == servers.tokens.service
    assert servers.tokens.refused() == [second]


def test_an_identity_token_is_changed_for_tokens(servers: Servers, repository: str) -> None:
    form = f"grant_type=refresh_token&service=x&client_id=y&scope=repository:{repository}:pull&refresh_token="

    def ask(token: str) -> dict[str, str]:
        with build_opener(ProxyHandler({})).open(servers.tokens.realm, (form + token).encode()) as answer:
            found: dict[str, str] = json.load(answer)
        return found

    assert ask(IDENTITY_TOKEN)["access_token"]
    with pytest.raises(HTTPError, match="401"):
        ask("wrong")


def test_a_token_is_refused_when_its_life_is_over(servers: Servers, repository: str, plain: Plain) -> None:
    servers.tokens.life = 0
    try:
        answer = plain(servers.token.endpoint).manifest(repository, "none")
    finally:
        servers.tokens.life = 300
    assert answer.status == 401


# Modes of docker-registry


def test_a_private_ca_is_needed(servers: Servers) -> None:
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        build_opener(ProxyHandler({})).open(servers.tls.endpoint.url)


def test_client_certificates_can_be_wanted(servers: Servers, tmp_path: Path, plain: Plain) -> None:
    client = servers.authority.issue("client", client=True)
    with docker_registry(tmp_path, certificate=servers.certificate, client=client) as registry:
        assert plain(registry.endpoint).request("GET", "/v2/").status == 200
        with pytest.raises(OSError, match=r"ALERT|reset"):
            plain(Endpoint(registry.host, registry.endpoint.ca_path)).request("GET", "/v2/")


def test_a_readonly_registry_takes_nothing(tmp_path: Path, repository: str, plain: Plain) -> None:
    with docker_registry(tmp_path, readonly=True) as registry, pytest.raises(Refused, match="405"):
        plain(registry.endpoint).push(repository, images.image(repository), "tag")


def test_locations_are_relative_only_where_asked_for(servers: Servers, repository: str, plain: Plain) -> None:
    path = f"/v2/{repository}/blobs/uploads/"
    assert plain(servers.relative.endpoint).request("POST", path).headers["location"].startswith(path)
    assert plain(servers.open.endpoint).request("POST", path).headers["location"].startswith("http://")


def test_storage_can_be_spoiled(servers: Servers, repository: str, plain: Plain) -> None:
    image = images.image(repository)
    client = plain(servers.open.endpoint)
    client.push(repository, image, "tag")
    blob = image.blobs[1]
    assert servers.open.blob_path(blob.digest).read_bytes() == blob.data
    servers.open.blob_path(blob.digest).write_bytes(b"x" * len(blob.data))
    assert client.blob(repository, blob.digest).body == b"x" * len(blob.data)
    assert servers.open.repository_path(repository).is_dir()


def test_a_registry_comes_back_on_its_port_with_what_it_had(tmp_path: Path, repository: str, plain: Plain) -> None:
    image = images.image(repository)
    with docker_registry(tmp_path) as registry:
        plain(registry.endpoint).push(repository, image, "tag")
        registry.process.kill()
        with pytest.raises(ConnectionRefusedError):
            plain(registry.endpoint).request("GET", "/v2/")
        registry.restart()
        assert plain(registry.endpoint).manifest(repository, "tag").body == image.manifest


def test_an_unhealthy_registry_answers_503(tmp_path: Path, plain: Plain) -> None:
    with docker_registry(tmp_path) as registry:
        client = plain(registry.endpoint)
        registry.health_file.touch()
        wait_until(lambda: client.request("GET", "/v2/").status == 503, "503")


def test_signed_manifests_of_old_can_be_allowed(tmp_path: Path, repository: str, plain: Plain) -> None:
    with docker_registry(tmp_path, schema1=True) as registry:
        client = plain(registry.endpoint)
        client.push(repository, images.image(repository, docker=True), "new")
        put_as_schema1(registry.endpoint, repository, "new", "old")
        assert client.manifest(repository, "old").json()["schemaVersion"] == 1


def test_classes_of_repositories_can_be_limited(tmp_path: Path, repository: str, plain: Plain) -> None:
    with docker_registry(tmp_path, classes=["image"]) as registry:
        client = plain(registry.endpoint)
        client.push(repository, images.image(repository), "image")
        with pytest.raises(Refused, match="403"):
            client.push(repository, images.helm_chart(repository), "chart")


def test_storage_is_in_memory_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    otherwise = tmp_path / "otherwise"
    monkeypatch.setattr(storage, "MEMORY", tmp_path)
    left_behind = tmp_path / "imageops-registry-tests-999999999"
    left_behind.mkdir()
    with storage.quick_directory(otherwise) as directory:
        assert directory.parent == tmp_path and directory.name.startswith(f"imageops-registry-tests-{os.getpid()}-")
        assert directory.is_dir()
        assert not left_behind.exists()
    assert not directory.exists()
    monkeypatch.setattr(storage, "ROOM", 1 << 60)
    with storage.quick_directory(otherwise) as directory:
        assert directory == otherwise


# Counting


def test_requests_are_counted_by_kind(servers: Servers, fresh: Callable[[], str], plain: Plain) -> None:
    client, repository, other = plain(servers.open.endpoint), fresh(), fresh()
    image = images.image(repository)
    client.push(repository, image, "tag")
    servers.open.mark()
    client.tags(repository)
    client.request("HEAD", f"/v2/{repository}/manifests/tag", headers={"User-Agent": 'a "quoted" agent'})
    client.blob(repository, image.blobs[0].digest)
    client.request("POST", f"/v2/{other}/blobs/uploads/?mount={image.blobs[0].digest}&from={repository}")
    client.request("POST", f"/v2/{other}/blobs/uploads/")
    assert servers.open.counts() == {
        ("GET", "tags"): 1,
        ("HEAD", "manifest"): 1,
        ("GET", "blob"): 1,
        ("POST", "mount"): 1,
        ("POST", "uploads"): 1,
    }
    head, mount = servers.open.requests()[1], servers.open.requests()[3]
    assert (head.repository, head.reference, head.status, head.writes) == (repository, "tag", 404, False)
    assert (mount.repository, mount.reference, mount.source) == (other, image.blobs[0].digest, repository)
    assert (mount.status, mount.writes) == (201, True)
    servers.open.mark()
    assert not servers.open.counts()


@pytest.mark.parametrize(
    ("target", "kind", "repository", "reference"),
    [
        ("/v2/", "base", "", ""),
        ("/v2/_catalog?n=5", "catalog", "", ""),
        ("/v2/a/b/tags/list?n=1", "tags", "a/b", ""),
        ("/v2/a/manifests/v1", "manifest", "a", "v1"),
        ("/v2/a/blobs/sha256:12", "blob", "a", "sha256:12"),
        ("/v2/a/blobs/sha256%3A12", "blob", "a", "sha256:12"),
        ("/v2/blobs/uploads/blobs/uploads/", "uploads", "blobs/uploads", ""),
        ("/v2/a/blobs/uploads/?mount=sha256%3A12&from=b", "mount", "a", "sha256:12"),
        ("/v2/a/blobs/uploads/7?_state=x", "upload", "a", "7"),
        ("/v2/a/referrers/sha256:12", "referrers", "a", "sha256:12"),
        ("/token?scope=x", "other", "", ""),
    ],
)
def test_paths_are_classified(target: str, kind: str, repository: str, reference: str) -> None:
    found = classify("GET", target)
    assert (found.kind, found.repository, found.reference) == (kind, repository, reference)


def test_zuul_counts_too(servers: Servers, repository: str, plain: Plain) -> None:
    servers.zuul.mark()
    plain(servers.zuul.endpoint).tags(repository)
    assert servers.zuul.counts()["GET", "tags"] == 2  # the first one was challenged


# Processes


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    program = "import sys; sys.exit('no such luck')"
    with (
        pytest.raises(ServerFailed, match="no such luck"),
        ServerProcess("broken", [sys.executable, "-c", program], tmp_path) as process,
    ):
        process.wait_for("ready")


def test_nothing_outlives_its_block(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); child = os.fork();"
        "print(f'pids {os.getpid()} {child}.', file=sys.stderr, flush=True) if child else None; time.sleep(600)"
    )
    with ServerProcess("stubborn", [sys.executable, "-c", program], tmp_path) as process:
        process.stop_seconds = 0.1
        found = process.wait_for(r"pids (\d+) (\d+)\.")
    for pid in found.groups():
        wait_until(partial(has_ended, int(pid)), "end of all that it started")


def test_a_server_ends_with_the_tests_however_they_end(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from support.servers.processes import ServerProcess;"
        "server = ServerProcess('left', ['sleep', '600'], Path(sys.argv[1])); server.start();"
        "print(server.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=environment, capture_output=True, check=False
    )
    wait_until(lambda: has_ended(int(done.stdout)), "end of the server")


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits for nothing but its parent's notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return True
