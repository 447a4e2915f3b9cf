# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the index of a layout leads to: manifests below its entries, and entries that refer to other manifests."""

from __future__ import annotations

import threading

from ..errors import ContentError
from ..image.manifest import MAX_MANIFEST_BYTES, Descriptor, Manifest, parse_manifest
from ..image.media_types import INDEXES
from ..image.reference import Digest
from .content import Content, blob_file
from .index import LayoutIndex

_MAX_DEPTH = 8


class Reach:
    """Reads manifests that entries lead to, each once in a run. What cannot be read leads nowhere.

    :param content: the files of the layout
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._lock = threading.Lock()
        self._below: dict[Digest, dict[Digest, Descriptor]] = {}
        self._subjects: dict[Digest, Manifest | None] = {}
        self._listed: dict[Digest, list[Descriptor]] = {}
        self._listed_of: LayoutIndex | None = None

    def find(self, digest: Digest, index: LayoutIndex) -> Descriptor | None:
        """Return what describes a manifest that is an entry, or is anywhere below one; None for all others."""
        entry = index.described(digest)
        if entry is not None:
            return entry
        with self._lock:
            for root in index.roots():
                if root.media_type in INDEXES:
                    found = self._all_below(root).get(digest)
                    if found is not None:
                        return found
        return None

    def referring(self, digest: Digest, index: LayoutIndex) -> list[Descriptor]:
        """Return the entries whose manifest has this subject, as lists of referrers have them."""
        with self._lock:
            if self._listed_of is not index:
                self._listed = self._by_subject(index)
                self._listed_of = index
            return list(self._listed.get(digest, ()))

    def _by_subject(self, index: LayoutIndex) -> dict[Digest, list[Descriptor]]:
        found: dict[Digest, list[Descriptor]] = {}
        for entry in index.roots():
            manifest = self._manifest(entry)
            if manifest is not None and manifest.subject is not None:
                found.setdefault(manifest.subject.digest, []).append(manifest.descriptor())
        return found

    def _all_below(self, root: Descriptor) -> dict[Digest, Descriptor]:
        if root.digest not in self._below:
            found: dict[Digest, Descriptor] = {}
            waiting = [(root, 0)]
            while waiting:
                at, depth = waiting.pop()
                manifest = _read(self._content, at.digest) if at.media_type in INDEXES and depth < _MAX_DEPTH else None
                for child in manifest.children if manifest else ():
                    if child.digest not in found:
                        found[child.digest] = child
                        waiting.append((child, depth + 1))
            self._below[root.digest] = found
        return self._below[root.digest]

    def _manifest(self, entry: Descriptor) -> Manifest | None:
        """Return an entry's manifest where it has a subject, else None."""
        if entry.digest not in self._subjects:
            manifest = _read(self._content, entry.digest)
            self._subjects[entry.digest] = manifest if manifest and manifest.subject else None
        return self._subjects[entry.digest]


def _read(content: Content, digest: Digest) -> Manifest | None:
    try:
        raw = content.read(blob_file(digest), MAX_MANIFEST_BYTES)
        return None if raw is None else parse_manifest(raw, "", digest)
    except ContentError:
        return None
