# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs of any size for measurements of memory and speed, without a disk: a source makes them, a sink forgets them.

Both run in processes of their own. A blob is one byte repeated; the digests are constants, so that nobody has to hash
gigabytes beforehand. They were made with ``head -c 8G /dev/zero | tr '\\0' '\\3' | sha256sum`` and the like.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from ..clients.endpoint import Endpoint
from ..scenes.images import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
from .processes import ServerProcess

_PROGRAM = Path(__file__).with_name("synthetic_program.py")
MIB = 1024 * 1024
GIB = 1024 * MIB

KNOWN_DIGESTS = {
    (0, 8 * GIB): "ebfb4ef19ae410f190327b5ebd312711263bc7579970e87d9c1e2d84e06b3c25",
    (0, 256 * MIB): "a6d72ac7690f53be6ae46ba88506bd97302a093f7108472bd9efc3cefda06484",
    (0, 64 * MIB): "3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351",
    (1, 64 * MIB): "9aeda0ca13e528c577f7436bdf406521ffbce63dde0d7ae17dc0aa0ea709fe89",
    (2, 64 * MIB): "57601e835866583c18d6f6a09d23cd7f1dd4fd10794ee12660cbc63c9b3a52a4",
    (3, 64 * MIB): "9110bd3e5ffaf8ef6a16c8c18d36abcf8d33747d0f3c4072d775d3d228bdca68",
    (4, 64 * MIB): "d5eb93383dde5708e5165ce153e876f14c18021306d71a24387017d3377b3444",
    (5, 64 * MIB): "7cb8ed71123ad7c6a6bd8947ab9a926e63d42cd3827bbf9c7aa84fd9f0a5c4e2",
    (6, 64 * MIB): "8f33562c0d945d5595a52ebc2243676933a09a7c763a08e53c6914d366b35dbd",
    (7, 64 * MIB): "08fc7f5f33ae0938ae102cce12411f3cb1771056331da72a62fddaeedfa633cb",
    (8, 64 * MIB): "54230d6a75baa87a7f18d702631a53f4a19ac5ad18ddeecc2c7f1d8b075d5764",
    (9, 64 * MIB): "7e8a0511815b36165522d86b5e62176e8957116349db85585c94a45899617d43",
}


def digest_of_repeated(byte: int, size: int) -> str:
    """The digest of one byte repeated: looked up, or (1.5 GB or so a second) computed."""
    if (byte, size) in KNOWN_DIGESTS:
        return f"sha256:{KNOWN_DIGESTS[byte, size]}"
    block = bytes([byte]) * MIB
    hasher = hashlib.sha256()
    for _ in range(size // MIB):
        hasher.update(block)
    hasher.update(block[: size % MIB])
    return f"sha256:{hasher.hexdigest()}"


@dataclass(frozen=True)
class RepeatedBlob:
    """A blob of one byte repeated."""

    byte: int
    size: int

    @property
    def digest(self) -> str:
        return digest_of_repeated(self.byte, self.size)


class Synthetic:
    """A running source or sink."""

    def __init__(self, process: ServerProcess, endpoint: Endpoint) -> None:
        self.process = process
        self.endpoint = endpoint

    @property
    def host(self) -> str:
        return self.endpoint.host

    def bytes_moved(self) -> int:
        """How many bytes of blobs went out of the source, or into the sink."""
        return int(self._stats()["bytes"])

    def requests(self) -> dict[str, int]:
        """How many requests there were of each method."""
        return dict(self._stats()["requests"])

    def _stats(self) -> dict[str, Any]:
        with build_opener(ProxyHandler({})).open(f"{self.endpoint.url}/stats", timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def synthetic_source(directory: Path, images: Mapping[str, Sequence[RepeatedBlob]]) -> Iterator[Synthetic]:
    """A registry in which every repository has the same tags.

    :param images: the layers of each tag
    """
    description: dict[str, Any] = {"manifests": [], "blobs": [], "small": [], "tags": list(images)}
    for tag, layers in images.items():
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "tag": tag})
        body = _manifest(config, layers)
        names = [tag, _digest(body)]
        description["manifests"].append({"names": names, "media_type": OCI_MANIFEST, "body": body})
        description["small"].append({"digest": _digest(config), "body": config})
        for layer in layers:
            description["blobs"].append({"digest": layer.digest, "byte": layer.byte, "size": layer.size})
    path = directory / "description.json"
    path.write_text(json.dumps(description), encoding="utf-8")
    with _running("synthetic-source", ["source", str(path)], directory) as source:
        yield source


@contextmanager
def synthetic_series(directory: Path, tags: int) -> Iterator[Synthetic]:
    """A registry in which every repository has the tags ``v0`` and so on, each of an image of its own."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}})
    with _running("synthetic-series", ["series", str(tags), _manifest(config, [])], directory) as source:
        yield source


@contextmanager
def synthetic_sink(directory: Path) -> Iterator[Synthetic]:
    """A registry that takes everything and keeps no blob. It believes digests and checks sizes."""
    with _running("synthetic-sink", ["sink"], directory) as sink:
        yield sink


@contextmanager
def _running(name: str, arguments: Sequence[str], directory: Path) -> Iterator[Synthetic]:
    with ServerProcess(name, [sys.executable, "-S", str(_PROGRAM), *arguments], directory) as process:
        port = process.wait_for(r"listening on (\d+)").group(1)
        yield Synthetic(process, Endpoint(f"127.0.0.1:{port}"))


def _manifest(config: str, layers: Sequence[RepeatedBlob]) -> str:
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": _digest(config), "size": len(config)},
        "layers": [{"mediaType": OCI_LAYER, "digest": layer.digest, "size": layer.size} for layer in layers],
    }
    return json.dumps(content)


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
