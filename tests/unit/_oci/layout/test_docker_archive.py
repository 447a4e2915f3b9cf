# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of docker save before version 25 as a source."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError, RegistryError
from helpers.memory_run import MemoryRun, errors, item, only
from helpers.memory_store import MemoryStore
from support.clients.collection_client import manifest_of
from support.scenes import images, layouts

LAYERS = [b"one" * 1000, b"two" * 2000]


def config(layers: list[bytes]) -> bytes:
    diff_ids = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
    return json.dumps(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    ).encode()


def save(path: Path, files: Mapping[str, bytes], listed: Any, links: Mapping[str, str] | None = None) -> Path:
    """An archive with these files, and what its manifest.json says."""
    with tarfile.open(path, "w:") as tar:
        for name, data in {**files, "manifest.json": json.dumps(listed).encode()}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two names of an image whose second layer is the first of another one by a link, as docker wrote it."""
    files = {"c.json": config(LAYERS), "1/layer.tar": LAYERS[0], "2/layer.tar": LAYERS[1], "d.json": config(LAYERS[1:])}
    listed = [
        {"Config": "c.json", "RepoTags": ["nginx:1", "h.example:5000/a/b:2"], "Layers": ["1/layer.tar", "2/layer.tar"]},
        {"Config": "d.json", "RepoTags": ["c/d:3"], "Layers": ["3/layer.tar"]},
    ]
    return save(tmp_path / "saved.tar", files, listed, {"3/layer.tar": "../2/layer.tar"})


def test_every_image_is_copied_with_its_layers_as_they_are_and_the_second_run_is_unchanged(archive: Path) -> None:
    inside = MemoryStore("inside.test")
    run = MemoryRun(inside)
    rule = item(f"docker-archive:{archive}", "inside.test/mirror")
    assert [image.action.value for image in run.sync(rule).images] == ["create"] * 3
    assert sorted(inside.catalog("")) == ["mirror/a/b", "mirror/c/d", "mirror/nginx"]
    there = inside.repository("mirror/nginx")
    manifest = there.manifest("1")
    assert manifest.media_type == "application/vnd.oci.image.manifest.v1+json"
    assert [there.blobs[blob.digest] for blob in manifest.blobs] == [config(LAYERS), *LAYERS]
    result = run.sync(rule)
    assert [image.action.value for image in result.images] == ["unchanged"] * 3
    assert not result.changed


def test_it_is_said_that_the_digests_are_made_here(archive: Path) -> None:
    said: list[str] = []
    with closing(layouts.opened(archive, "docker-archive", said.append)) as store:
        store.repository("nginx").tags()
        store.repository("c/d").tags()
    assert len(said) == 1 and "made here" in said[0]


def test_a_layer_that_is_not_that_of_its_configuration_does_not_arrive(tmp_path: Path) -> None:
    files = {"c.json": config(LAYERS[:1]), "1/layer.tar": b"One" * 1000}
    listed = [{"Config": "c.json", "RepoTags": ["nginx:1"], "Layers": ["1/layer.tar"]}]
    path = save(tmp_path / "saved.tar", files, listed)
    inside = MemoryStore("inside.test")
    result = MemoryRun(inside).sync(item(f"docker-archive:{path}//nginx:1", "inside.test/nginx"), retries=0)
    assert errors(result) == ["digest_mismatch"]
    assert inside.repository("nginx").tagged == {}


def test_compressed_layers_stay_compressed(tmp_path: Path) -> None:
    packed = gzip.compress(LAYERS[0])
    listed = [{"Config": "c.json", "RepoTags": None, "Layers": ["l.tar.gz"]}]
    path = save(tmp_path / "my-app.tar", {"c.json": config(LAYERS[:1]), "l.tar.gz": packed}, listed)
    inside = MemoryStore("inside.test")
    result = MemoryRun(inside).sync(item(f"docker-archive:{path}", "inside.test"))
    assert str(only(result).destination) == "inside.test/my-app:latest"
    layer = inside.repository("my-app").manifest("latest").blobs[1]
    assert layer.media_type == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert inside.repository("my-app").blobs[layer.digest] == packed


def test_an_archive_with_a_layout_in_it_keeps_the_digests_of_its_images(tmp_path: Path) -> None:
    image = images.image("image")
    names = {layouts.FULL: "docker.io/library/nginx:1", layouts.REF: "1"}
    layouts.write(tmp_path / "folder", [(image, names)])
    (tmp_path / "folder" / "manifest.json").write_text("[]")
    layouts.pack(tmp_path / "folder", tmp_path / "saved.tar")
    said: list[str] = []
    with closing(layouts.opened(tmp_path / "saved.tar", "docker-archive", said.append)) as store:
        assert store.repository("library/nginx").manifest("1").raw == image.manifest
    assert said == []


@pytest.mark.parametrize(
    ("listed", "links", "cause"),
    [
        pytest.param({}, {}, "not a list of images", id="no list"),
        pytest.param([{"Config": "../c.json", "Layers": []}], {}, "no file of it", id="a path that leads out"),
        pytest.param([{"Config": "/etc/passwd", "Layers": []}], {}, "no file of it", id="an absolute path"),
        pytest.param(
            [{"Config": "x", "Layers": []}], {"x": "/etc/passwd"}, "no file of it", id="a link that leads out"
        ),
        pytest.param([{"Config": "x", "Layers": []}], {"x": "y", "y": "x"}, "no file of it", id="links in a circle"),
        pytest.param([{"Config": "c.json", "Layers": []}], {}, "other layers", id="too few layers"),
        pytest.param([{"Config": 7, "Layers": []}], {}, "no file of it", id="a number"),
        pytest.param([{"Config": "l", "Layers": []}], {}, "a configuration", id="a configuration that is none"),
        pytest.param(
            [{"Config": "c.json", "Layers": ["l"], "RepoTags": [1]}],
            {},
            "not a list of names",
            id="names that are none",
        ),
    ],
)
def test_what_means_ill_is_an_error_of_ours(tmp_path: Path, listed: Any, links: dict[str, str], cause: str) -> None:
    path = save(tmp_path / "saved.tar", {"c.json": config([b"x"]), "l": b"x"}, listed, links)
    with pytest.raises(ContentError) as caught:
        layouts.opened(path, "docker-archive").repository("a").tags()
    assert caught.value.code == "layout_invalid"
    assert cause in caught.value.cause


def test_nothing_is_written_to_one(archive: Path) -> None:
    with pytest.raises(RegistryError) as caught:
        layouts.opened(archive, "docker-archive").repository("a").put_manifest(
            manifest_of(images.artifact("x", images.image("image"))), "1"
        )
    assert caught.value.code in ("unsupported", "server_error")
