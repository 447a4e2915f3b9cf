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

from .endpoint import Endpoint
from .images import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
from .processes import ServerProcess

_PROGRAM = Path(__file__).with_name("synthetic_program.py")
MIB = 1024 * 1024
GIB = 1024 * MIB

KNOWN_DIGESTS = {
    (0, 8 * GIB): "ebfb4ef19ae410f190327b5ebd312711263bc7579970e87d9c1e2d84e06b3c25",
    (0, 256 * MIB): "a6d72ac7690f53be6ae46ba88506bd97302a093f7108472bd9efc3cefda06484",
    (1, 256 * MIB): "5b7dec314b9e4426fc91d976ccd8d375019ad704c53ae6c63d6beaf5e986fca1",
    (2, 256 * MIB): "051fadc5f7cb29c08fc6052ae767cc12024e962c2aaa4fe3dae21ba2c9cbac9a",
    (3, 256 * MIB): "943e54d190948644c0776837afae0ddf08ea53f996ef32fc5593c5539ea66fcc",
    (4, 256 * MIB): "c1fa4e1c536b9cfc92a3a6333436ac843a58ea4d15b60a70990326040736952a",
    (5, 256 * MIB): "953b0494cb43933d8c0c986a6a4793ee9b150c61004f19c8c8d6a2de003696a4",
    (6, 256 * MIB): "1590844af49496bf73916b1830c7618d4681e17f58e37bea0782c4e08d62cb2b",
    (7, 256 * MIB): "4ba7b12e2be356c6d8ed4e78d3eb4d754688957b9ed7158cf1741ed79efbeee2",
    (8, 256 * MIB): "ee3da68ba281b892be8b7bf713a0232d1afb67d97d44a0f0bd1708ae8e77eb67",
    (9, 256 * MIB): "4dd78cbc331b76abb7251059bad8d0fe5aa697c856bda842d5fdc8c7b007e8ac",
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
