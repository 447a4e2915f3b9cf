# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_info with verify: whole images, and what is missing or damaged, in layouts and in a registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images, layouts
from support.scenes.images import Image
from support.scenes.modules import Ended, module, registry_option
from support.servers.docker_registry import DockerRegistry, docker_registry

Verify = Callable[..., Ended]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    """A registry whose files the test may damage."""
    with docker_registry(tmp_path / "registry") as server:
        yield server


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """Runs the module on some images."""

    def run(*names: str, how: str = "blobs", **options: Any) -> Ended:
        with module("registry_image_info", {"images": list(names), "verify": how, **options}, home=tmp_path) as running:
            return running.end()

    return run


def layout_of(tmp_path: Path) -> tuple[Path, Image]:
    """A layout with an index in an index under one tag."""
    image = images.index([images.multi_arch("deep", ["linux/amd64", "linux/arm64"])])
    layout = tmp_path / "bundle"
    layouts.write(layout, [(image, {layouts.REF: "team/app:1.0"})])
    return layout, image


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def faults(ended: Ended) -> list[tuple[str | None, str]]:
    return [(each["digest"], each["code"]) for one in ended.result["images"] for each in one["verified"]["faults"]]


@pytest.mark.parametrize("how", ["manifests", "blobs"])
@pytest.mark.parametrize("form", ["oci", "oci-archive"])
def test_a_whole_bundle(verify: Verify, tmp_path: Path, form: str, how: str) -> None:
    layout, image = layout_of(tmp_path)
    layouts.pack(layout, tmp_path / "bundle.tar")
    ended = verify(f"oci:{layout}" if form == "oci" else f"oci-archive:{tmp_path}/bundle.tar", how=how)
    assert ended.code == 0, ended.result
    blobs = image.all_blobs().values()
    (entry,) = ended.result["images"]
    assert entry["verified"] == {
        "manifests": len(image.all_manifests()),
        "blobs": len(blobs),
        "bytes": sum(len(blob.data) for blob in blobs),
        "left_out": 0,
        "faults": [],
    }
    counted = f"{len(image.all_manifests())} manifests and {len(blobs)} blobs"
    assert f"nothing is missing or damaged among {counted}" in ended.result["msg"]
    assert entry["manifests"][0]["platforms"] == ["linux/amd64", "linux/arm64"]


@pytest.mark.parametrize("form", ["oci", "oci-archive"])
def test_one_flipped_bit_of_any_blob_or_manifest_is_found(verify: Verify, tmp_path: Path, form: str) -> None:
    layout, image = layout_of(tmp_path)
    for digest in [*image.all_blobs(), *image.all_manifests()]:
        path = layouts.blob_path(layout, digest)
        before = path.read_bytes()
        flip(path)
        layouts.pack(layout, tmp_path / "bundle.tar")
        ended = verify(f"oci:{layout}" if form == "oci" else f"oci-archive:{tmp_path}/bundle.tar")
        path.write_bytes(before)
        assert (ended.code, ended.result["error_codes"]) == (1, ["digest_mismatch"]), ended.result
        named = None if digest == image.digest else digest
        assert faults(ended) == [(named, "digest_mismatch")]
        assert digest in ended.result["msg"]


@pytest.mark.parametrize("how", ["manifests", "blobs"])
def test_what_is_missing_or_too_short_is_found(verify: Verify, tmp_path: Path, how: str) -> None:
    layout, image = layout_of(tmp_path)
    child, other = image.children[0].children
    lost, cut = min(child.all_blobs().keys() - other.all_blobs()), min(other.all_blobs().keys() - child.all_blobs())
    layouts.blob_path(layout, lost).unlink()
    path = layouts.blob_path(layout, cut)
    path.write_bytes(path.read_bytes()[:-1])
    ended = verify(f"oci:{layout}//team/app:1.0", how=how)
    assert (lost, "source_incomplete") in faults(ended)
    assert "put bundle.inventory.json beside it" in str(ended.result)
    layouts.blob_path(layout, child.digest).unlink()
    found = dict(faults(verify(f"oci:{layout}//team/app:1.0", how=how)))
    assert found[child.digest] == "source_incomplete"
    assert how == "manifests" or found[cut] == "size_mismatch"
    layouts.blob_path(layout, image.digest).unlink()
    assert faults(verify(f"oci:{layout}", how=how)) == [(None, "tag_not_found")]
    assert faults(verify(f"oci:{layout}//team/app:2.0", how=how)) == [(None, "tag_not_found")]


def test_referrers_are_verified_where_they_are_asked_for(verify: Verify, tmp_path: Path) -> None:
    layout, image = layout_of(tmp_path)
    sbom = images.artifact("sbom", image)
    layouts.write(layout, [(sbom, {})])
    blob = next(iter(sbom.all_blobs().keys() - image.all_blobs().keys()))
    flip(layouts.blob_path(layout, blob))
    assert verify(f"oci:{layout}").code == 0
    assert faults(verify(f"oci:{layout}", referrers=True)) == [(blob, "digest_mismatch")]


def test_a_flipped_bit_in_a_registrys_storage_is_found(
    verify: Verify, registry: DockerRegistry, plain: Callable[[Endpoint], PlainClient], tmp_path: Path
) -> None:
    whole, damaged = images.multi_arch("whole"), images.multi_arch("damaged")
    client = plain(registry.endpoint)
    client.push("team/app", whole, "1.0")
    client.push("team/app", damaged, "2.0")
    digest = min(damaged.all_blobs().keys() - whole.all_blobs())
    (path,) = tmp_path.glob(f"registry/**/{digest.partition(':')[2]}/data")
    flip(path)
    options = {"registries": [registry_option(registry.endpoint)]}
    name = f"{registry.host}/team/app"
    assert verify(name, how="manifests", details=False, **options).code == 0
    assert verify(f"{name}:1.0", **options).code == 0
    ended = verify(name, **options)
    assert (ended.code, faults(ended)) == (1, [(digest, "digest_mismatch")])
    (fault,) = ended.result["images"][0]["verified"]["faults"]
    assert fault["image"] == f"{name}:2.0"
    assert "copy or push the image there again" in fault["reason"] and "source" not in fault["reason"]
    path.unlink()
    (fault,) = verify(name, **options).result["images"][0]["verified"]["faults"]
    assert "copy or push the image there again" in fault["reason"] and "source" not in fault["reason"]


def test_an_empty_place_or_repository_is_no_whole_image(verify: Verify, tmp_path: Path) -> None:
    ended = verify(f"oci:{tmp_path}/mistyped")
    assert (ended.code, ended.result["error_codes"]) == (1, ["tag_not_found"])
    layout, _image = layout_of(tmp_path)
    assert faults(verify(f"oci:{layout}//team/other")) == [(None, "tag_not_found")]
