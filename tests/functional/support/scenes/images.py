# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of every shape, made in memory, with known bytes and digests.

The same arguments give the same bytes. ``plain_client.PlainClient.push`` puts them into a registry.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@dataclass(frozen=True)
class Blob:
    """Bytes with the media type that a manifest gives them."""

    data: bytes = field(repr=False)
    media_type: str

    @cached_property
    def digest(self) -> str:
        return _digest(self.data)

    def descriptor(self, **more: Any) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data), **more}


@dataclass(frozen=True)
class Image:
    """A manifest or an index with everything that has to be pushed before it.

    :param blobs: config and layers, each once; foreign layers are not among them
    :param children: the manifests that an index names, in order
    """

    manifest: bytes = field(repr=False)
    media_type: str
    blobs: tuple[Blob, ...] = ()
    children: tuple[Image, ...] = ()

    @cached_property
    def digest(self) -> str:
        return _digest(self.manifest)

    def descriptor(self, **more: Any) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.manifest), **more}

    def all_blobs(self) -> dict[str, Blob]:
        """Every blob at any depth by digest."""
        found = {blob.digest: blob for blob in self.blobs}
        for child in self.children:
            found.update(child.all_blobs())
        return found

    def all_manifests(self) -> dict[str, Image]:
        """This manifest and all below it by digest."""
        found = {self.digest: self}
        for child in self.children:
            found.update(child.all_manifests())
        return found


def random_blob(seed: object, size: int, media_type: str = OCI_LAYER) -> Blob:
    """Bytes that cannot be compressed, the same for the same seed."""
    return Blob(random.Random(f"blob {seed}").randbytes(size), media_type)


def layer(seed: object, media_type: str = OCI_LAYER) -> Blob:
    """A small real layer: a gzipped tar with one file."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        content = f"this is {seed}\n".encode()
        member = tarfile.TarInfo(f"etc/{hashlib.sha256(str(seed).encode()).hexdigest()[:12]}")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return Blob(gzip.compress(raw.getvalue(), mtime=0), media_type)


def empty_layer(media_type: str = OCI_LAYER) -> Blob:
    """A blob of no bytes at all."""
    return Blob(b"", media_type)


def image(
    seed: object,
    *,
    layers: Sequence[Blob] | None = None,
    docker: bool = False,
    platform: str = "linux/amd64",
    labels: Mapping[str, str] | None = None,
    created: str | None = "2026-01-02T03:04:05Z",
    foreign: bool = False,
    pretty: bool = False,
    say_media_type: bool = True,
    **more: Any,
) -> Image:
    """An image for one platform.

    :param created: when its configuration says that it was built
    :param layers: in the manifest's order, twice the same if wished; two small ones of its own by default
    :param docker: Docker schema 2 instead of OCI
    :param foreign: with a first layer that is only named by URL
    :param pretty: the manifest is indented JSON
    :param say_media_type: whether the manifest has its own ``mediaType``
    :param more: further keys of the manifest, such as ``subject``, ``annotations``
    """
    layer_type = DOCKER_LAYER if docker else OCI_LAYER
    if layers is None:
        layers = [layer(f"{seed} {number}", layer_type) for number in range(2)]
    config = _config(seed, layers, platform, labels or {}, DOCKER_CONFIG if docker else OCI_CONFIG, created)
    named = [item.descriptor() for item in layers]
    if foreign:
        absent = Blob(f"foreign {seed}".encode(), DOCKER_FOREIGN_LAYER)
        named.insert(0, absent.descriptor(urls=[f"https://foreign.example.com/{absent.digest}"]))
    return _manifest(
        DOCKER_MANIFEST if docker else OCI_MANIFEST,
        {"config": config.descriptor(), "layers": named, **more},
        _distinct([config, *layers]),
        pretty=pretty,
        say_media_type=say_media_type,
    )


def index(
    children: Sequence[Image | tuple[Image, Mapping[str, Any]]],
    *,
    docker: bool = False,
    pretty: bool = False,
    **more: Any,
) -> Image:
    """An index (or Docker list).

    :param children: each alone, or with what its entry says besides: ``{"platform": {...}}``
    """
    pairs = [(child, {}) if isinstance(child, Image) else child for child in children]
    return _manifest(
        DOCKER_LIST if docker else OCI_INDEX,
        {"manifests": [child.descriptor(**entry) for child, entry in pairs], **more},
        (),
        children=tuple(child for child, _ in pairs),
        pretty=pretty,
    )


def platform(text: str) -> dict[str, str]:
    """``linux/arm/v7:10.0`` as an index entry has it."""
    rest, _, os_version = text.partition(":")
    names = dict(zip(("os", "architecture", "variant"), rest.split("/")))
    return {**names, "os.version": os_version} if os_version else names


def multi_arch(
    seed: object,
    platforms: Sequence[str] = ("linux/amd64", "linux/arm64/v8", "linux/arm/v7"),
    *,
    docker: bool = False,
    attestations: bool = False,
    shared: Sequence[Blob] = (),
    **more: Any,
) -> Image:
    """An index with an image for each platform.

    :param attestations: each image is followed by an ``unknown/unknown`` one that describes it, as buildx makes them
    :param shared: layers that all of them begin with
    """
    children: list[tuple[Image, Mapping[str, Any]]] = []
    for name in platforms:
        own = layer(f"{seed} {name}", DOCKER_LAYER if docker else OCI_LAYER)
        child = image(f"{seed} {name}", layers=[*shared, own], docker=docker, platform=name)
        children.append((child, {"platform": platform(name)}))
        if attestations:
            notes = {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": child.digest,
            }
            children.append((attestation(child), {"annotations": notes, "platform": platform("unknown/unknown")}))
    return index(children, docker=docker, **more)


def attestation(subject: Image) -> Image:
    """What buildx puts beside an image: an in-toto statement as an image manifest."""
    statement = Blob(
        json.dumps({"_type": "https://in-toto.io/Statement/v0.1", "subject": subject.digest}).encode(),
        "application/vnd.in-toto+json",
    )
    return image(f"attestation of {subject.digest}", layers=[statement], platform="unknown/unknown")


def artifact(
    seed: object,
    subject: Image | None = None,
    artifact_type: str = "application/vnd.example.sbom",
    *,
    layers: Sequence[tuple[Blob, Mapping[str, str]]] = (),
) -> Image:
    """An OCI artifact: the empty config, one layer of a type of its own, perhaps a subject.

    :param layers: in place of that layer, each with its annotations
    """
    config = Blob(b"{}", OCI_EMPTY)
    content = layers or [(Blob(f'{{"artifact": "{seed}"}}'.encode(), f"{artifact_type}+json"), {})]
    keys: dict[str, Any] = {
        "artifactType": artifact_type,
        "config": config.descriptor(),
        "layers": [blob.descriptor(**({"annotations": notes} if notes else {})) for blob, notes in content],
    }
    if subject:
        keys["subject"] = subject.descriptor()
    return _manifest(OCI_MANIFEST, keys, _distinct([config, *(blob for blob, _notes in content)]))


def helm_chart(seed: object) -> Image:
    """A Helm chart as ``helm push`` makes one."""
    config = Blob(json.dumps({"name": "chart", "version": "0.1.0", "description": str(seed)}).encode(), HELM_CONFIG)
    chart = layer(f"chart {seed}", HELM_LAYER)
    notes = {"org.opencontainers.image.title": "chart", "org.opencontainers.image.version": "0.1.0"}
    return _manifest(
        OCI_MANIFEST,
        {"config": config.descriptor(), "layers": [chart.descriptor()], "annotations": notes},
        (config, chart),
    )


def sharing_tags(seed: object, count: int, *, shared: int = 3, size: int = 4096) -> dict[str, Image]:
    """Tags ``v0``, ``v1``…: images that share layers, each with one layer and a config of its own."""
    base = [random_blob(f"{seed} shared {number}", size) for number in range(shared)]
    return {
        f"v{number}": image(f"{seed} {number}", layers=[*base, random_blob(f"{seed} own {number}", size)])
        for number in range(count)
    }


def gallery(seed: object) -> dict[str, Image]:
    """One image of every shape that must arrive byte for byte, by the tag to put it under."""
    twice = layer(f"{seed} twice")
    zstd = Blob(b"\x28\xb5\x2f\xfd" + random_blob(f"{seed} zstd", 2000).data, OCI_ZSTD_LAYER)
    inner = multi_arch(f"{seed} inner", ("linux/amd64", "linux/arm64"))
    bare = image(f"{seed} bare")
    subject = image(f"{seed} subject")
    windows = [
        (
            image(f"{seed} windows {version}", platform="windows/amd64"),
            {"platform": platform(f"windows/amd64:{version}")},
        )
        for version in ("10.0.17763.1", "10.0.20348.2")
    ]
    return {
        "oci": image(f"{seed} oci", labels={"stage": "test"}),
        "docker": image(f"{seed} docker", docker=True),
        "oci-index": multi_arch(f"{seed} index"),
        "docker-list": multi_arch(f"{seed} list", docker=True),
        "nested": index([(inner, {"annotations": {"which": "inner"}}), (bare, {"platform": platform("linux/s390x")})]),
        "no-platform": index([bare, image(f"{seed} bare too")]),
        "attested": multi_arch(f"{seed} attested", ("linux/amd64", "linux/arm64"), attestations=True),
        "windows": index(windows),
        "subject": subject,
        "artifact": artifact(f"{seed} artifact", subject),
        "helm": helm_chart(f"{seed} helm"),
        "zstd": image(f"{seed} zstd", layers=[zstd]),
        "empty-layer": image(f"{seed} empty", layers=[layer(f"{seed} full"), empty_layer()]),
        "twice": image(f"{seed} twice", layers=[twice, layer(f"{seed} between"), twice]),
        "pretty": image(f"{seed} pretty", pretty=True),
        "pretty-index": index([bare, inner], pretty=True),
        "annotated": image(f"{seed} annotated", annotations={"grüße": "日本", "z": "1", "a": "2"}),
    }


def _config(
    seed: object,
    layers: Sequence[Blob],
    platform_text: str,
    labels: Mapping[str, str],
    media_type: str,
    created: str | None,
) -> Blob:
    names = platform(platform_text)
    content = {
        "created": created,
        **names,
        "config": {"Cmd": ["/bin/true"], "Labels": dict(labels)},
        "rootfs": {"type": "layers", "diff_ids": [_digest(_unzipped(item)) for item in layers]},
        "history": [
            {"created": "2026-01-02T03:04:05Z", "created_by": f"test {seed} {number}"} for number in range(len(layers))
        ],
    }
    return Blob(json.dumps(content).encode(), media_type)


def _unzipped(blob: Blob) -> bytes:
    return gzip.decompress(blob.data) if blob.data[:2] == b"\x1f\x8b" else blob.data


def _manifest(
    media_type: str,
    keys: Mapping[str, Any],
    blobs: tuple[Blob, ...],
    *,
    children: tuple[Image, ...] = (),
    pretty: bool = False,
    say_media_type: bool = True,
) -> Image:
    content = {"schemaVersion": 2, **({"mediaType": media_type} if say_media_type else {}), **keys}
    text = (
        json.dumps(content, indent=3) + "\n"
        if pretty
        else json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    )
    return Image(text.encode("utf-8"), media_type, blobs, children)


def _distinct(blobs: Sequence[Blob]) -> tuple[Blob, ...]:
    return tuple({blob.digest: blob for blob in blobs}.values())


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
