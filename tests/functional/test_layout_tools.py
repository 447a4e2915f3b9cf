# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts between the collection and other tools: what each reads of ours, and what we read of each.

A tool that is not installed is skipped. docs/air-gaps.md has the commands as a table.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import module, registry_option
from support.servers.processes import wait_until
from support.servers.shared import Servers

REF = "org.opencontainers.image.ref.name"
Sync = Callable[[str, str], dict[str, Any]]
Tool = Callable[..., str]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory whose whole path could be a repository's name: buildah makes one of it."""
    path = Path(tempfile.gettempdir()).resolve() / f"layouts{uuid4().hex}"
    path.mkdir()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def sync(servers: Servers, tmp_path: Path) -> Sync:
    """Copies what a source means to a destination, and gives the module's result."""

    def run(source: str, destination: str) -> dict[str, Any]:
        options = {
            "images": [{"source": source, "destination": destination}],
            "registries": [registry_option(servers.open.endpoint)],
            "return_images": "all",
        }
        with module("registry_image_sync", options, home=tmp_path) as running:
            ended = running.end()
        assert ended.code == 0, ended.result
        return ended.result

    return run


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Runs a tool in the test's own directory; a test of one that is not there is skipped."""

    def run(*arguments: object) -> str:
        name = str(arguments[0])
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
        done = subprocess.run(
            [str(each) for each in arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    return run


@pytest.fixture
def buildah(tool: Tool, tmp_path: Path) -> Tool:
    """buildah, with a storage of its own."""
    places = ("--root", tmp_path / "storage", "--runroot", tmp_path / "run", "--storage-driver", "vfs")
    return lambda *arguments: tool("buildah", *places, *arguments)


@pytest.fixture
def ctr(tool: Tool, tmp_path: Path) -> Iterator[Tool]:
    """containerd's ctr, with a containerd of its own."""
    for name in ("containerd", "ctr"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
    home = tmp_path / "containerd"
    home.mkdir()
    (home / "config.toml").write_text(
        f'version = 2\nroot = "{home}/root"\nstate = "{home}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\n  address = "{home}/sock"\n[plugins."io.containerd.internal.v1.opt"]\n  path = "{home}/opt"\n'
    )
    with open(home / "log", "wb") as log:
        server = subprocess.Popen(["containerd", "--config", home / "config.toml"], stdout=log, stderr=log)
    try:
        wait_until(lambda: (home / "sock").exists() or server.poll() is not None, "containerd")
        if server.poll() is not None:
            pytest.skip(f"containerd does not run here: {(home / 'log').read_text()[-300:]}")
        yield lambda *arguments: tool("ctr", "--address", home / "sock", *arguments)
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def source(servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str) -> str:
    """A repository with a multi-architecture image and one of a single platform."""
    client = plain(servers.open.endpoint)
    client.push(repository, images.multi_arch(repository), "all")
    client.push(repository, images.image(repository), "one")
    return f"{servers.open.host}/{repository}"


@pytest.fixture(params=["oci", "oci-archive"])
def bundle(request: pytest.FixtureRequest, sync: Sync, source: str, tmp_path: Path) -> str:
    """A layout of ours, as skopeo and buildah name it without a reference."""
    path = tmp_path / ("bundle" if request.param == "oci" else "bundle.tar")
    sync(source, f"{request.param}:{path}")
    return f"{request.param}:{path}"


def digests(result: dict[str, Any]) -> dict[str, str]:
    """The digest of each destination, by its tag."""
    return {image["destination"].rpartition(":")[2]: image["digest"] for image in result["images"]}


def index(layout: Path) -> list[dict[str, Any]]:
    return list(json.loads((layout / "index.json").read_bytes())["manifests"])


# What others read of ours


@pytest.mark.parametrize("tag", ["all", "one"])
def test_skopeo_reads_ours(bundle: str, repository: str, tool: Tool, tmp_path: Path, tag: str) -> None:
    tool("skopeo", "copy", "--all", f"{bundle}:{repository}:{tag}", f"dir:{tmp_path}/copied")
    wanted = images.multi_arch(repository) if tag == "all" else images.image(repository)
    assert (tmp_path / "copied" / "manifest.json").read_bytes() == wanted.manifest


def test_buildah_reads_ours(bundle: str, repository: str, buildah: Tool) -> None:
    pulled = buildah("pull", "--quiet", f"{bundle}:{repository}:one").strip()
    assert (
        json.loads(buildah("inspect", "--type", "image", pulled))["FromImageDigest"] == images.image(repository).digest
    )


def test_umoci_unpacks_ours(sync: Sync, source: str, repository: str, tool: Tool, tmp_path: Path) -> None:
    sync(f"{source}:one", f"oci:{tmp_path}/bundle")
    assert tool("umoci", "ls", "--layout", "bundle").split() == [f"{repository}:one"]
    tool("umoci", "unpack", "--rootless", "--image", f"bundle:{repository}:one", "unpacked")
    assert list((tmp_path / "unpacked" / "rootfs" / "etc").iterdir())


def test_containerd_imports_our_archive(sync: Sync, source: str, ctr: Tool, tmp_path: Path) -> None:
    sync(f"{source}:one", f"oci-archive:{tmp_path}/bundle.tar")
    ctr("images", "import", "--snapshotter", "native", "--all-platforms", "bundle.tar")
    assert ctr("images", "ls", "--quiet").split() == [f"{source}:one"]


def test_oras_pushes_ours(
    sync: Sync, servers: Servers, plain: Callable[[Endpoint], PlainClient], source: str, repository: str, tmp_path: Path
) -> None:
    oras = pytest.importorskip("oras.layout.layout")
    provider = pytest.importorskip("oras.provider")
    sync(source, f"oci:{tmp_path}/bundle")
    registry = provider.Registry(hostname=servers.open.host, insecure=True, tls_verify=False)
    target = f"{servers.open.host}/pushed/{repository}:all"
    oras.Layout(str(tmp_path / "bundle")).push_to_registry(registry, target, f"{repository}:all")
    pushed = plain(servers.open.endpoint).manifest(f"pushed/{repository}", "all")
    assert pushed.body == images.multi_arch(repository).manifest


# What we read of others


@pytest.mark.parametrize("place", ["oci", "oci-archive", "docker-archive"])
def test_we_read_skopeos(
    sync: Sync, servers: Servers, source: str, repository: str, tool: Tool, tmp_path: Path, place: str
) -> None:
    path = tmp_path / ("theirs" if place == "oci" else "theirs.tar")
    tool("skopeo", "copy", "--src-tls-verify=false", f"docker://{source}:one", f"{place}:{path}:acme/theirs:v1")
    result = sync(f"{place}:{path}", f"{servers.open.host}/home/{repository}")
    (image,) = result["images"]
    assert image["destination"] == f"{servers.open.host}/home/{repository}/acme/theirs:v1"
    if place != "docker-archive":
        assert image["digest"] == images.image(repository).digest
    assert not sync(f"{place}:{path}", f"{servers.open.host}/home/{repository}")["changed"]


def test_we_read_buildahs(bundle: str, sync: Sync, repository: str, buildah: Tool, tmp_path: Path) -> None:
    pulled = buildah("pull", "--quiet", f"{bundle}:{repository}:one").strip()
    for place, path, name in (
        ("oci", "theirs", "v1"),
        ("oci-archive", "theirs.tar", "a/b:v2"),
        ("docker-archive", "docker.tar", "a/b:v3"),
    ):
        buildah("push", pulled, f"{place}:{tmp_path}/{path}:{name}")
        sync(f"{place}:{tmp_path}/{path}", f"oci:{tmp_path}/read")
    named = [entry["annotations"][REF] for entry in index(tmp_path / "read")]
    assert named == ["theirs:v1", "a/b:v2", "a/b:v3"]


def test_we_read_umocis_and_write_beside_it(
    sync: Sync, source: str, tool: Tool, tmp_path: Path, repository: str
) -> None:
    tool("umoci", "init", "--layout", "theirs")
    tool("umoci", "new", "--image", "theirs:v1")
    before = index(tmp_path / "theirs")
    sync(f"{source}:one", f"oci:{tmp_path}/theirs")
    assert index(tmp_path / "theirs")[:1] == before
    assert sorted(tool("umoci", "ls", "--layout", "theirs").split()) == sorted(["v1", f"{repository}:one"])
    read = sync(f"oci:{tmp_path}/theirs//theirs:v1", f"oci:{tmp_path}/read")
    assert digests(read) == {"v1": before[0]["digest"]}


def test_we_read_what_oras_pulls(sync: Sync, servers: Servers, source: str, repository: str, tmp_path: Path) -> None:
    oras = pytest.importorskip("oras.layout.layout")
    provider = pytest.importorskip("oras.provider")
    registry = provider.Registry(hostname=servers.open.host, insecure=True, tls_verify=False)
    oras.NewLayoutFromRegistry(str(tmp_path / "theirs"), registry, f"{source}:all", "v1")
    read = sync(f"oci:{tmp_path}/theirs", f"oci:{tmp_path}/read")
    assert digests(read) == {"v1": images.multi_arch(repository).digest}


def test_we_read_containerds(sync: Sync, source: str, ctr: Tool, tmp_path: Path, repository: str) -> None:
    sync(f"{source}:one", f"oci-archive:{tmp_path}/bundle.tar")
    ctr("images", "import", "--snapshotter", "native", "--all-platforms", "bundle.tar")
    ctr("images", "export", "--all-platforms", "theirs.tar", f"{source}:one")
    read = sync(f"oci-archive:{tmp_path}/theirs.tar", f"oci:{tmp_path}/read")
    assert [image["destination"] for image in read["images"]] == [f"oci:{tmp_path}/read//{repository}:one"]
    assert digests(read)["one"] == images.image(repository).digest
