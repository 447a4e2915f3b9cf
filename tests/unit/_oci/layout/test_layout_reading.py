# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts as other tools write them, and layouts that mean ill."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError, ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from support.clients.collection_client import blob_descriptor, manifest_of
from support.scenes import images, layouts

IMAGE = images.image("image")
OTHER = images.image("other")
REF, FULL = layouts.REF, layouts.FULL


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return tmp_path / "My App"


@pytest.mark.parametrize(
    ("annotations", "repository", "tag"),
    [
        pytest.param({REF: "library/nginx:1.27", FULL: "h.example/a/b:c"}, "library/nginx", "1.27", id="ours"),
        pytest.param({REF: "1.27"}, "my-app", "1.27", id="skopeo, buildah, umoci, oras and regctl, with a tag"),
        pytest.param({REF: "nginx:1.27"}, "nginx", "1.27", id="skopeo, with a name"),
        pytest.param({REF: "docker.io/library/nginx:1.27"}, "library/nginx", "1.27", id="skopeo, with a whole one"),
        pytest.param({REF: "localhost:5000/a:1"}, "a", "1", id="a registry with a port"),
        pytest.param({REF: "1.27", FULL: "docker.io/library/nginx:1.27"}, "library/nginx", "1.27", id="docker save"),
        pytest.param({FULL: "ghcr.io/acme/app:v1"}, "acme/app", "v1", id="containerd, without a tag"),
        pytest.param({}, "my-app", "latest", id="one image without a name"),
    ],
)
def test_names_of_every_tool(layout: Path, annotations: dict[str, str], repository: str, tag: str) -> None:
    layouts.write(layout, [(IMAGE, annotations)])
    store = layouts.opened(layout)
    assert list(store.catalog("")) == [repository]
    assert store.repository(repository).tags() == [tag]
    assert store.repository(repository).manifest(tag).raw == IMAGE.manifest


def test_several_images_without_names_have_their_digests_alone(layout: Path) -> None:
    layouts.write(layout, [(IMAGE, {}), (OTHER, {})])
    store = layouts.opened(layout)
    assert list(store.catalog("")) == []
    assert store.repository("my-app").manifest(OTHER.digest).raw == OTHER.manifest


@pytest.mark.parametrize("name", ["", "Ünique", "a b", "UPPER/case:1", "../up:1", "x" * 200, "a:b:c/d"])
def test_a_name_that_cannot_be_one_here_is_none(layout: Path, name: str) -> None:
    layouts.write(layout, [(IMAGE, {REF: name}), (OTHER, {REF: "a:1"})])
    assert list(layouts.opened(layout).catalog("")) == ["a"]


def test_an_index_in_the_index_is_walked(layout: Path) -> None:
    nested = images.index([(images.multi_arch("inner"), {})])
    layouts.write(layout, [(nested, {REF: "a:1"})])
    repository = layouts.opened(layout).repository("a")
    for digest, child in nested.all_manifests().items():
        found = repository.resolve(digest)
        assert found is not None and found.media_type == child.media_type


def test_a_manifest_that_no_entry_leads_to_is_not_there(layout: Path) -> None:
    layouts.write(layout, [(IMAGE, {REF: "a:1"})])
    layouts.put(layout, OTHER.digest, OTHER.manifest)
    assert layouts.opened(layout).repository("a").resolve(OTHER.digest) is None


def test_two_digests_under_one_name_are_refused(layout: Path) -> None:
    layouts.write(layout, [(IMAGE, {REF: "a:1"}), (OTHER, {REF: "docker.io/a:1"})])
    with pytest.raises(ContentError) as caught:
        layouts.opened(layout).repository("a").resolve("1")
    assert caught.value.code == "layout_invalid"
    assert "a:1" in str(caught.value)


def index_of(**changes: object) -> bytes:
    entry = {"mediaType": IMAGE.media_type, "digest": IMAGE.digest, "size": len(IMAGE.manifest), **changes}
    return json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()


@pytest.mark.parametrize(
    ("raw", "code", "cause"),
    [
        pytest.param(b"{", "layout_invalid", "not JSON", id="no JSON"),
        pytest.param(b"[]", "layout_invalid", "not a JSON object", id="a list"),
        pytest.param(b'{"manifests": {}}', "layout_invalid", "not a list", id="entries that are no list"),
        pytest.param(b'{"manifests": [7]}', "protocol_error", "not an object", id="an entry that is none"),
        pytest.param(b'{"schemaVersion": 1}', "layout_invalid", "schemaVersion", id="another version"),
        pytest.param(b'{"Manifests": []}', "layout_invalid", "Manifests", id="a key in another case"),
        pytest.param(b'{"manifests": [], "manifests": []}', "layout_invalid", "twice", id="a key twice"),
        pytest.param(b"[" * 100_000, "layout_invalid", "deeply", id="deep"),
        pytest.param(index_of(digest="sha256:../../../etc/passwd"), "protocol_error", "digest", id="a path as digest"),
        pytest.param(index_of(digest="md5:" + "0" * 32), "unsupported_manifest", "digest", id="another algorithm"),
        pytest.param(index_of(size=-1), "protocol_error", "size", id="a negative size"),
        pytest.param(index_of(size=10**30), "protocol_error", "size", id="a size beyond all"),
    ],
)
def test_an_index_that_cannot_be_one_is_an_error_of_ours(layout: Path, raw: bytes, code: str, cause: str) -> None:
    layouts.write(layout, [(IMAGE, {REF: "a:1"})])
    (layout / "index.json").write_bytes(raw)
    with pytest.raises(ImageOpsError) as caught:
        list(layouts.opened(layout).catalog(""))
    assert caught.value.code == code
    assert cause in caught.value.cause
    assert "index.json" in str(caught.value)


def test_a_gigabyte_of_index_is_not_read(layout: Path) -> None:
    layouts.write(layout, [(IMAGE, {REF: "a:1"})])
    os.truncate(layout / "index.json", 1024**3)
    with pytest.raises(ContentError) as caught:
        list(layouts.opened(layout).catalog(""))
    assert caught.value.code == "too_large"


def link_out(path: Path, outside: Path) -> None:
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)


def folder_link(path: Path, outside: Path) -> None:
    path.parent.rename(outside)
    path.parent.symlink_to(outside)


def directory(path: Path, outside: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path, outside: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("spoil", [link_out, folder_link, directory, fifo])
def test_what_is_no_plain_file_of_the_layout_is_not_there(
    layout: Path, tmp_path: Path, spoil: Callable[[Path, Path], None]
) -> None:
    layouts.write(layout, [(IMAGE, {REF: "a:1"})])
    spoil(layouts.blob_path(layout, IMAGE.blobs[0].digest), tmp_path / "outside")
    repository = layouts.opened(layout).repository("a")
    assert not repository.has_blob(blob_descriptor(IMAGE.blobs[0]))
    with pytest.raises(ImageOpsError):
        repository.open_blob(blob_descriptor(IMAGE.blobs[0]))


def test_an_index_that_is_a_link_is_not_read(layout: Path, tmp_path: Path) -> None:
    layouts.write(layout, [(IMAGE, {REF: "a:1"})])
    link_out(layout / "index.json", tmp_path / "outside")
    assert list(layouts.opened(layout).catalog("")) == []


def test_a_manifest_of_other_bytes_is_refused(layout: Path) -> None:
    layouts.write(layout, [(IMAGE, {REF: "a:1"})])
    path = layouts.blob_path(layout, IMAGE.digest)
    path.write_bytes(path.read_bytes().replace(b"schemaVersion", b"schemaversion"))
    with pytest.raises(ContentError) as caught:
        layouts.opened(layout).repository("a").manifest("1")
    assert caught.value.code == "digest_mismatch"


def test_a_layout_whose_path_is_a_link_is_read_and_written(layout: Path, tmp_path: Path) -> None:
    layouts.write(layout, [(IMAGE, {REF: "a:1"})])
    (tmp_path / "link").symlink_to(layout)
    store = layouts.opened(tmp_path / "link")
    store.repository("b").put_manifest(manifest_of(IMAGE), "2")
    assert layouts.named(layout) == {"a:1": IMAGE.digest, "b:2": IMAGE.digest}


def test_what_is_not_there_is_no_layout_and_no_error(tmp_path: Path) -> None:
    store = layouts.opened(tmp_path / "none")
    assert list(store.catalog("")) == []
    assert store.repository("a").resolve("1") is None
    assert store.repository("a").referrers(Digest.parse(IMAGE.digest)) is None
    assert not (tmp_path / "none").exists()
