# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``docker save`` wrote before version 25, as a layout: layers as they are, with manifests that are made here.

``manifest.json`` names each image's configuration and its layers, which are the tars that the configuration's
``diff_ids`` are the digests of (moby, image/spec/v1.2.md). The manifests are OCI's, and made the same way each time, so
that their digests are the same in every run; but they are not those that a registry has for the images.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ..errors import ContentError, InputError
from ..image.manifest import MAX_MANIFEST_BYTES
from ..image.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from ..image.reference import Digest
from ..image.strict_json import JsonFault, loads
from .content import INDEX_FILE, blob_file
from .names import FULL_NAME
from .tar.headers import Members, Span
from .tar.reader import Files, TarContent

_LIST_FILE = "manifest.json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MAX_LINKS = 8
_PIECE = 1024 * 1024


class DockerArchive(TarContent):
    """A tar of ``docker save``. One that has a layout in it, too, is read as that: it has the images' own manifests.

    :param note: takes a sentence about digests that are made here
    """

    def __init__(self, path: str, note: Callable[[str], None]) -> None:
        super().__init__(path)
        self._note = note

    def _found(self, members: Members) -> Files:
        if INDEX_FILE in members.files:
            return members.files
        if _LIST_FILE not in members.files:
            self._fail("it has no manifest.json and no index.json, so that docker save has not written it")
        images = self._json(members.files[_LIST_FILE], _LIST_FILE)
        if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
            self._fail("its manifest.json is not a list of images")
        files: dict[str, Span | bytes] = {}
        entries = [entry for image in images for entry in self._entries(image, members, files)]
        files[INDEX_FILE] = _as_bytes({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
        self._note(
            f"{self.path} has no manifests, only configurations and layers: those that are copied are made here, the "
            "same in each run, and their digests are not those of the images where they come from"
        )
        return files

    def _entries(
        self, image: Mapping[str, Any], members: Members, files: dict[str, Span | bytes]
    ) -> list[dict[str, Any]]:
        """Put an image's manifest and blobs among the files, and return an entry for each of its names."""
        span = self._member(image.get("Config"), members)
        config = self._bytes(span)
        descriptors = [self._blob(OCI_CONFIG, Digest.of(config), span, files)]
        layers, known = image.get("Layers"), self._diff_ids(span)
        if not isinstance(layers, list) or len(layers) != len(known):
            self._fail(f"an image has other layers than the {len(known)} of its configuration")
        for name, digest in zip(layers, known):
            descriptors.append(self._layer(self._member(name, members), digest, files))
        manifest = _as_bytes(
            {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptors[0], "layers": descriptors[1:]}
        )
        digest = Digest.of(manifest)
        files[blob_file(digest)] = manifest
        entry = {"mediaType": OCI_MANIFEST, "digest": str(digest), "size": len(manifest)}
        tags = image.get("RepoTags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            self._fail("the RepoTags of an image are not a list of names")
        return [{**entry, "annotations": {FULL_NAME: tag}} for tag in tags] or [entry]

    def _layer(self, span: Span, digest: Digest, files: dict[str, Span | bytes]) -> dict[str, Any]:
        """Return the descriptor of a layer. One that is compressed has another digest, which takes reading it."""
        if self._tar().read(2, span.start) != b"\x1f\x8b":
            return self._blob(_LAYER, digest, span, files)
        hasher = hashlib.sha256()
        for position in range(0, span.length, _PIECE):
            hasher.update(self._tar().read(min(_PIECE, span.length - position), span.start + position))
        return self._blob(f"{_LAYER}+gzip", Digest("sha256", hasher.digest()), span, files)

    def _blob(self, media_type: str, digest: Digest, span: Span, files: dict[str, Span | bytes]) -> dict[str, Any]:
        files[blob_file(digest)] = span
        return {"mediaType": media_type, "digest": str(digest), "size": span.length}

    def _diff_ids(self, span: Span) -> list[Digest]:
        config = self._json(span, "a configuration")
        found = config.get("rootfs") if isinstance(config, dict) else None
        texts = found.get("diff_ids") if isinstance(found, dict) else None
        try:
            return [Digest.parse(text) for text in texts or ()]
        except (InputError, TypeError):
            self._fail("the diff_ids of a configuration are not a list of digests")

    def _member(self, name: object, members: Members) -> Span:
        """Return where a file lies that is named, also by a link to another file of the tar."""
        at = posixpath.normpath(name) if isinstance(name, str) else ""
        for _step in range(_MAX_LINKS):
            if at in members.files or at not in members.links:
                break
            target = members.links[at]
            in_folder = posixpath.normpath(posixpath.join(posixpath.dirname(at), target))
            known = in_folder in members.files or in_folder in members.links
            at = in_folder if known else posixpath.normpath(target)
        if at not in members.files:
            self._fail(f"its manifest.json names {str(name)[:200]!r}, which is no file of it")
        return members.files[at]

    def _json(self, span: Span, what: str) -> Any:
        try:
            return loads(self._bytes(span))
        except JsonFault as fault:
            self._fail(f"{what}: {fault}")

    def _bytes(self, span: Span) -> bytes:
        if span.length > MAX_MANIFEST_BYTES:
            self._fail(f"a file with {span.length} bytes stands where a small one is wanted")
        return self._tar().read(span.length, span.start)

    def _fail(self, cause: str) -> NoReturn:
        raise ContentError(code="layout_invalid", action="read", subject=self.path, cause=cause)


def _as_bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
