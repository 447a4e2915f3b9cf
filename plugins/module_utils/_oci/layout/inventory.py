# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories: what a bundle holds, in a small JSON file beside it, and what it leaves out since earlier ones hold it.

It is written by every run that changes a layout. It is believed for one thing alone: what has been left out on purpose.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..errors import ContentError, ImageOpsError, InputError
from ..image.manifest import MAX_MANIFEST_BYTES, Descriptor, is_foreign, parse_manifest
from ..image.reference import Digest
from ..image.strict_json import JsonFault, loads
from ..store.store import LeftOut
from .content import Content, Part, blob_file, failed
from .index import LayoutIndex
from .names import ref_name
from .tar.parts import MAX_PARTS, part_paths

SUFFIX = ".inventory.json"
_VERSION = 1
_MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Held:
    """A blob that a bundle holds.

    :ivar repositories: of the bundle, whose images have it
    """

    size: int
    repositories: tuple[str, ...]


@dataclass(frozen=True)
class Inventory:
    """What one bundle holds.

    :ivar bundle: the name of its directory or archive, without the folders above
    :ivar digest: of the inventory's own bytes, by which two sides can agree on it
    :ivar parts: that an archive is cut into; none where it is whole
    """

    bundle: str
    digest: Digest
    blobs: Mapping[Digest, Held] = field(repr=False)
    left_out: Mapping[Digest, LeftOut] = field(repr=False)
    parts: tuple[Part, ...] = ()


class Bases:
    """Earlier bundles, whose blobs need not be written again.

    :param inventories: of these; what none of them holds itself is written
    """

    def __init__(self, inventories: Sequence[Inventory] = ()) -> None:
        self.inventories = inventories

    def find(self, blob: Descriptor) -> LeftOut | None:
        """Return which earlier bundle holds a blob of this length; None when none does."""
        for inventory in self.inventories:
            held = inventory.blobs.get(blob.digest)
            if held is not None and held.size == blob.size:
                return LeftOut(inventory.bundle, held.repositories)
        return None


def inventory_path(path: str) -> str:
    """Return where the inventory of a layout stands."""
    return f"{path}{SUFFIX}"


def read_inventory(path: str) -> Inventory | None:
    """Read an inventory; None when there is none.

    :raises ImageOpsError: storage_failed; layout_invalid for what is none
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise failed("read", path, fault) from fault
    try:
        document = loads(raw) if len(raw) <= _MAX_BYTES else None
        if not isinstance(document, dict) or document.get("version") != _VERSION:
            raise JsonFault("it is no inventory of a bundle, or one of another version")
        return _parsed(document, Digest.of(raw))
    except (JsonFault, InputError, AttributeError, KeyError, TypeError, ValueError) as fault:
        cause = str(fault) if isinstance(fault, JsonFault) else "it is no inventory of a bundle"
        raise ContentError(code="layout_invalid", action="read", subject=path, cause=cause) from None


def _parsed(document: dict[str, Any], digest: Digest) -> Inventory:
    blobs = {Digest.parse(text): Held(int(each["size"]), _texts(each)) for text, each in document["blobs"].items()}
    left_out = {
        Digest.parse(text): LeftOut(str(each["bundle"]), _texts(each)) for text, each in document["left_out"].items()
    }
    parts = tuple(Part(int(each["size"]), Digest.parse(each["digest"])) for each in document.get("parts", ()))
    if len(parts) > MAX_PARTS or any(part.size < 0 or part.digest.algorithm != "sha256" for part in parts):
        raise JsonFault("it lists parts that cannot be")
    return Inventory(str(document["bundle"]), digest, blobs, left_out, parts)


def _texts(each: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(text) for text in each["repositories"])


def take_inventory(content: Content, index: LayoutIndex, bases: Bases, written: str) -> bytes:
    """Return the inventory of a layout.

    :param bases: the bundles that hold what it leaves out
    :param written: when, as a person reads it
    """
    found = _blobs(content, index)
    held, left_out, needed = {}, {}, {}
    for digest, (blob, repositories) in sorted(found.items(), key=lambda item: str(item[0])):
        entry = {"size": blob.size, "repositories": sorted(repositories)}
        base = None if content.size(blob_file(digest)) == blob.size else bases.find(blob)
        if base is None:
            held[str(digest)] = entry
        else:
            left_out[str(digest)] = {**entry, "bundle": base.bundle}
            needed[base.bundle] = next(str(each.digest) for each in bases.inventories if each.bundle == base.bundle)
    document = {
        "version": _VERSION,
        "bundle": os.path.basename(content.path),
        "written": written,
        "tags": {ref_name(each.name): str(each.descriptor.digest) for each in index.entries if each.name is not None},
        "needs": needed,
        "blobs": held,
        "left_out": left_out,
    }
    parts = content.parts()
    if parts:
        document["parts"] = [
            {"file": os.path.basename(path), "size": part.size, "digest": str(part.digest)}
            for path, part in zip(part_paths(content.path, parts), parts)
        ]
    return json.dumps(document, indent=1).encode() + b"\n"


def _blobs(content: Content, index: LayoutIndex) -> dict[Digest, tuple[Descriptor, set[str]]]:
    """Return every manifest and blob that the index leads to, and the repositories whose images have it."""
    found: dict[Digest, tuple[Descriptor, set[str]]] = {}
    below: dict[Digest, tuple[Descriptor, ...]] = {}
    for entry in index.entries:
        waiting, seen = [entry.descriptor], {entry.descriptor.digest}
        while waiting:
            at = waiting.pop()
            repositories = found.setdefault(at.digest, (at, set()))[1]
            if entry.name is not None:
                repositories.add(entry.name.repository)
            if at.digest not in below:
                below[at.digest] = tuple(_below(content, at))
            new = [each for each in below[at.digest] if each.digest not in seen]
            seen.update(each.digest for each in new)
            waiting += new
    return found


def _below(content: Content, at: Descriptor) -> Iterable[Descriptor]:
    """Yield what a manifest names; nothing for what is no manifest, or cannot be read."""
    if "manifest" not in at.media_type and "index" not in at.media_type:
        return
    with suppress(ImageOpsError):
        raw = content.read(blob_file(at.digest), MAX_MANIFEST_BYTES)
        if raw is not None:
            manifest = parse_manifest(raw, at.media_type, at.digest)
            yield from manifest.children
            yield from (blob for blob in manifest.blobs if not is_foreign(blob))


def write_beside(path: str, raw: bytes) -> None:
    """Put an inventory in the place of an older one, in one step.

    :raises ImageOpsError: storage_failed
    """
    temporary = f"{path}.new"
    try:
        with open(temporary, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as fault:
        with suppress(OSError):
            os.unlink(temporary)
        raise failed("write", path, fault) from fault
