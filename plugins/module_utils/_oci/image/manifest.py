# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests: raw bytes → media type, children, blobs, subject.

Follows the OCI image-spec 1.1 (manifest.md, image-index.md, descriptor.md) and Docker's image manifest V2, schema 2.
The bytes are what is sent on: nothing here changes them. No I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from sys import intern
from typing import Any, NoReturn

from ..errors import Code, ContentError, InputError
from .media_types import (
    ACCEPT,
    ARTIFACTS,
    GENERIC,
    INDEXES,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1,
    SINGLES,
    is_foreign_layer,
)
from .platform import Platform, platform_from_json
from .reference import Digest, quoted
from .slots import slotted
from .strict_json import JsonFault, check_spelling, is_integer, loads, short_text

__all__ = [
    "ACCEPT",
    "MAX_MANIFEST_BYTES",
    "Descriptor",
    "Manifest",
    "Platform",
    "is_foreign",
    "parse_descriptor",
    "parse_manifest",
]

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
_MAX_DESCRIPTORS = 10_000
_MAX_SIZE = 2**63 - 1
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
_TOP_KEYS = (
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "blobs",
    "manifests",
    "fsLayers",
    "subject",
    "annotations",
)
_DESCRIPTOR_KEYS = ("mediaType", "digest", "size", "urls", "platform", "artifactType", "annotations")
_UNIQUE = frozenset(name.casefold() for name in _TOP_KEYS + _DESCRIPTOR_KEYS)


@slotted
@dataclass(frozen=True)
class Descriptor:
    """What points to a blob or a manifest: its type, digest and size in bytes (OCI descriptor.md)."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    urls: tuple[str, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    artifact_type: str = ""


@slotted
@dataclass(frozen=True)
class Manifest:
    """A manifest of an image, an artifact or an index, with the bytes that it came as.

    ``children`` are the manifests of an index, in order. ``blobs`` are what else it needs: the config first, then the
    layers, each digest once, foreign layers included.
    """

    raw: bytes = field(repr=False)
    media_type: str
    digest: Digest
    is_index: bool
    children: tuple[Descriptor, ...]
    blobs: tuple[Descriptor, ...]
    config: Descriptor | None
    subject: Descriptor | None
    annotations: tuple[tuple[str, str], ...]
    artifact_type: str

    @property
    def size(self) -> int:
        """The length of the bytes."""
        return len(self.raw)

    def descriptor(self) -> Descriptor:
        """Return this manifest's descriptor as lists of referrers have it (distribution-spec, Listing Referrers)."""
        artifact_type = self.artifact_type
        if not artifact_type and self.config is not None:
            artifact_type = self.config.media_type
        return Descriptor(
            media_type=self.media_type,
            digest=self.digest,
            size=self.size,
            annotations=self.annotations,
            artifact_type=artifact_type,
        )


def is_foreign(descriptor: Descriptor) -> bool:
    """Return whether a layer is fetched from its ``urls`` and not for distribution: it is copied only if asked for."""
    return is_foreign_layer(descriptor.media_type)


def parse_manifest(raw: bytes, media_type: str, digest: Digest | None = None) -> Manifest:
    """Read a manifest and verify it.

    :param raw: the bytes as they came
    :param media_type: the Content-Type that they came with; when it is empty or says nothing the body decides
    :param digest: what the bytes must hash to; None takes their sha256
    :raises ContentError: ``digest_mismatch``; ``too_large`` above 4 MiB or 10,000 descriptors;
        ``unsupported_manifest`` for schema 1, unknown kinds and digest algorithms; ``protocol_error`` for what is no
        manifest or could be read in two ways
    """
    reader = _Reader(f"the manifest {digest}" if digest else "a manifest")
    header = media_type.partition(";")[0].strip()
    if len(raw) > MAX_MANIFEST_BYTES:
        reader.fail(f"it has {len(raw)} bytes, more than {MAX_MANIFEST_BYTES}", code="too_large")
    if header in SCHEMA1:
        reader.fail_schema1()
    if digest is None:
        digest = Digest.of(raw)
    else:
        reader.verify(raw, digest)
    document = reader.document(raw)
    kind = reader.media_type(document, header)
    is_index = kind in INDEXES
    config = reader.optional(document, "config")
    content = reader.descriptors(document, "blobs" if kind in ARTIFACTS else "layers")
    return Manifest(
        raw=raw,
        media_type=kind,
        digest=digest,
        is_index=is_index,
        children=reader.descriptors(document, "manifests"),
        blobs=reader.once(content if config is None else (config, *content)),
        config=config,
        subject=reader.optional(document, "subject"),
        annotations=reader.annotations(document),
        artifact_type=reader.text(document, "artifactType"),
    )


def parse_descriptor(found: object, subject: str, place: str) -> Descriptor:
    """Read one descriptor of a document that is no manifest.

    :param subject: the document, as messages show it
    :param place: where in it the descriptor stands
    :raises ContentError: as :func:`parse_manifest`
    """
    return _Reader(subject).descriptor(found, place)


class _Reader:
    """Takes the parts of one document, and names it in every error."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def fail(self, cause: str, *, code: Code = "protocol_error", hint: str = "") -> NoReturn:
        raise ContentError(code=code, action="read", subject=self._subject, cause=cause, hint=hint)

    def fail_schema1(self) -> NoReturn:
        self.fail(
            "it is of Docker's schema 1, whose digest is not that of its bytes",
            code="unsupported_manifest",
            hint="pull the image with a current tool and push it again, which gives it a schema 2 manifest",
        )

    def verify(self, raw: bytes, digest: Digest) -> None:
        hasher = digest.hasher()
        hasher.update(raw)
        if hasher.hexdigest() != digest.encoded:
            self.fail(f"its {len(raw)} bytes hash to {hasher.hexdigest()}", code="digest_mismatch")

    def document(self, raw: bytes) -> dict[str, Any]:
        try:
            document = loads(raw, unique=_UNIQUE)
            if not isinstance(document, dict):
                raise JsonFault("it is not a JSON object")
            check_spelling(document, _TOP_KEYS)
        except JsonFault as fault:
            self.fail(str(fault))
        return document

    def media_type(self, document: dict[str, Any], header: str) -> str:
        """Return the media type of the document; refuse one that could be taken for two kinds (CVE-2021-41190)."""
        has_children = document.get("manifests") is not None
        has_content = any(document.get(key) is not None for key in ("config", "layers"))
        version = document.get("schemaVersion")
        if document.get("fsLayers") is not None or (is_integer(version) and version == 1):
            self.fail_schema1()
        if version is not None and (not is_integer(version) or version != 2):
            self.fail(f"its schemaVersion is {quoted(version)}", code="unsupported_manifest")
        kind = self._declared(document, header)
        if not kind:
            kind = OCI_INDEX if has_children else OCI_MANIFEST
        is_index = kind in INDEXES
        if (is_index and has_content) or (has_children and not is_index):
            self.fail(f"its type is {kind}, but it can also be read as the other of index and image")
        if not (is_index or has_content or kind in ARTIFACTS):
            self.fail(f"it is {kind}, neither an image nor an index", code="unsupported_manifest")
        return intern(kind)

    def _declared(self, document: dict[str, Any], header: str) -> str:
        """Return the body's type, which destinations check, else the header's, else an empty text."""
        body = self.text(document, "mediaType")
        known = [media_type for media_type in (body, header) if media_type in INDEXES | SINGLES | SCHEMA1]
        if len({media_type in INDEXES for media_type in known}) > 1:
            self.fail(f"it came as {header} but says that it is {body}")
        kind = next(
            iter(known or [media_type for media_type in (body, header) if media_type.lower() not in GENERIC]), ""
        )
        if kind in SCHEMA1:
            self.fail_schema1()
        if kind and not _MEDIA_TYPE.fullmatch(kind):
            self.fail(f"{quoted(kind)} is not a media type")
        return kind

    def descriptors(self, document: dict[str, Any], key: str) -> tuple[Descriptor, ...]:
        found = document.get(key)
        if found is None:
            return ()
        if not isinstance(found, list):
            self.fail(f"its {key} is not a list")
        if len(found) > _MAX_DESCRIPTORS:
            self.fail(f"its {key} has {len(found)} entries, more than {_MAX_DESCRIPTORS}", code="too_large")
        return tuple(self.descriptor(entry, f"{key}[{position}]") for position, entry in enumerate(found))

    def optional(self, document: dict[str, Any], key: str) -> Descriptor | None:
        found = document.get(key)
        return None if found is None else self.descriptor(found, key)

    def descriptor(self, found: object, place: str) -> Descriptor:
        if not isinstance(found, dict):
            self.fail(f"its {place} is not an object")
        try:
            check_spelling(found, _DESCRIPTOR_KEYS)
        except JsonFault as fault:
            self.fail(f"its {place}: {fault}")
        size = found.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE:
            self.fail(f"the size of its {place} is {quoted(size)}")
        urls = found.get("urls") or []
        if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
            self.fail(f"the urls of its {place} are not a list of strings")
        return Descriptor(
            media_type=intern(self.text(found, "mediaType", place)),
            digest=self._digest(found, place),
            size=size,
            platform=self._platform(found, place),
            urls=tuple(_as_utf8(url) for url in urls),
            annotations=self.annotations(found, place),
            artifact_type=self.text(found, "artifactType", place),
        )

    def _digest(self, found: dict[str, Any], place: str) -> Digest:
        text = self.text(found, "digest", place)
        try:
            return Digest.parse(text)
        except InputError as error:
            known = ":" not in text or text.startswith(("sha256:", "sha512:"))
            code: Code = "protocol_error" if known else "unsupported_manifest"
            self.fail(f"the digest of its {place} is {quoted(text)}: {error.cause}", code=code)

    def _platform(self, found: dict[str, Any], place: str) -> Platform | None:
        entry = found.get("platform")
        if entry is None:
            return None
        if not isinstance(entry, dict):
            self.fail(f"the platform of its {place} is not an object")
        try:
            return platform_from_json(entry)
        except JsonFault as fault:
            self.fail(f"the platform of its {place}: {fault}")

    def annotations(self, found: dict[str, Any], place: str = "") -> tuple[tuple[str, str], ...]:
        entries = found.get("annotations")
        if entries is None:
            return ()
        if not isinstance(entries, dict):
            self.fail(f"the annotations of its {place or 'top level'} are not an object")
        return tuple((_as_utf8(key), _as_utf8(value)) for key, value in entries.items() if isinstance(value, str))

    def text(self, found: dict[str, Any], key: str, place: str = "") -> str:
        try:
            return short_text(found, key)
        except JsonFault as fault:
            self.fail(f"its {place}: {fault}" if place else f"its {fault}")

    def once(self, blobs: tuple[Descriptor, ...]) -> tuple[Descriptor, ...]:
        """Return each digest once, in order. A layer that is named as foreign and as ordinary is ordinary."""
        kept: dict[Digest, Descriptor] = {}
        for blob in blobs:
            first = kept.setdefault(blob.digest, blob)
            if first.size != blob.size:
                self.fail(f"it names {blob.digest} with the size {first.size} and with {blob.size}")
            if is_foreign(first) and not is_foreign(blob):
                kept[blob.digest] = blob
        return tuple(kept.values())


def _as_utf8(text: str) -> str:
    """Return the text with lone surrogates replaced, which JSON can spell but UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
