# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts on disk by means that share no code with the collection: written and read as JSON and files."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.places import place_of
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.opening import open_layout
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Store

from .images import Image

REF = "org.opencontainers.image.ref.name"
FULL = "io.containerd.image.name"


def opened(
    path: Path,
    transport: str = "oci",
    warn: Callable[[str], None] = lambda text: None,
    part_size: int | None = None,
) -> Store:
    """The collection's own store of a layout."""
    host = f"{transport}:{path}/"
    place = place_of(host)
    assert place is not None
    return open_layout(host, place, Run(warn=warn), part_size=part_size)


def entries(layout: Path) -> list[dict[str, Any]]:
    """The entries of ``index.json``; none where there is no layout."""
    index = layout / "index.json"
    return list(json.loads(index.read_bytes())["manifests"]) if index.exists() else []


def named(layout: Path) -> dict[str, str]:
    """The digest of each name in ``index.json``."""
    return {
        entry["annotations"][REF]: entry["digest"] for entry in entries(layout) if REF in entry.get("annotations", {})
    }


def blob_path(layout: Path, digest: str) -> Path:
    """Where a blob is."""
    return layout / "blobs" / digest.replace(":", "/")


def write(layout: Path, images: list[tuple[Image, dict[str, str]]], **more: Any) -> None:
    """A layout with an entry for each image, which has these annotations, added to what is there.

    :param more: further fields of each entry
    """
    listed = entries(layout)
    layout.mkdir(parents=True, exist_ok=True)
    for image, notes in images:
        for digest, child in image.all_manifests().items():
            put(layout, digest, child.manifest)
        for digest, blob in image.all_blobs().items():
            put(layout, digest, blob.data)
        entry = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest), **more}
        listed.append({**entry, "annotations": notes} if notes else entry)
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": listed}))


def put(layout: Path, digest: str, data: bytes) -> None:
    """A blob."""
    path = blob_path(layout, digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def faults(layout: Path) -> list[str]:
    """What is wrong with a layout: the mark, the index, and every blob that an entry leads to, read and hashed."""
    found = []
    if json.loads((layout / "oci-layout").read_bytes()).get("imageLayoutVersion") != "1.0.0":
        found.append("oci-layout")
    waiting, seen = [dict(entry) for entry in entries(layout)], set()
    while waiting:
        each = waiting.pop()
        if each["digest"] in seen:
            continue
        seen.add(each["digest"])
        path = blob_path(layout, each["digest"])
        data = path.read_bytes() if path.is_file() else b""
        algorithm, _colon, encoded = each["digest"].partition(":")
        if len(data) != each["size"] or hashlib.new(algorithm, data).hexdigest() != encoded:
            found.append(each["digest"])
        elif "manifest" in each["mediaType"] or "index" in each["mediaType"]:
            document = json.loads(data)
            below = [*document.get("manifests", ()), *document.get("layers", ()), *document.get("blobs", ())]
            waiting += [*below, *([document["config"]] if "config" in document else [])]
    return found


def reached(layout: Path) -> set[str]:
    """The digests of all manifests that the index leads to."""
    waiting, seen = [entry["digest"] for entry in entries(layout)], set()
    while waiting:
        digest = waiting.pop()
        seen.add(digest)
        document = json.loads(blob_path(layout, digest).read_bytes())
        waiting += [child["digest"] for child in document.get("manifests") or ()]
    return seen


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar."""
    with tarfile.open(archive, "r:") as tar:
        # Debian 12's Python has no filters yet, and newer ones warn without.
        tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))


def pack(folder: Path, archive: Path, form: int = tarfile.PAX_FORMAT) -> None:
    """Pack what is in a folder into a tar."""
    with tarfile.open(archive, "w:", format=form) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
