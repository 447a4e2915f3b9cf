# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that lack nothing but artifacts which their destination did not take."""

from __future__ import annotations

from collections.abc import Mapping

from ..._oci.image.index_filter import is_artifact, leaves, without
from ..._oci.image.manifest import Descriptor, Manifest
from ..._oci.image.reference import Digest
from ..._oci.store.store import Repository
from ..work.manifest_cache import ManifestCache


def was_stripped(
    source: Repository,
    digest: Digest,
    rewritten: Mapping[Digest, Manifest],
    destination: Repository,
    there: Descriptor,
    manifests: ManifestCache,
) -> bool:
    """Return whether a destination has the source's index without some artifacts, and differs in nothing else.

    :param rewritten: manifests that a selection of platforms made of the source
    :param there: the index that the destination has
    """

    def load(entry: Descriptor) -> Manifest:
        return rewritten.get(entry.digest) or manifests.get(source, entry.digest)

    def load_there(entry: Descriptor) -> Manifest:
        return manifests.get(destination, entry.digest)

    index = rewritten.get(digest) or manifests.get(source, digest)
    has = load_there(there)
    if not (index.is_index and has.is_index):
        return False
    kept = {entry.digest for entry in leaves(has, load_there)}
    missing = [entry for entry in leaves(index, load) if entry.digest not in kept]
    if not missing or not all(is_artifact(entry, load(entry)) for entry in missing):
        return False
    left = without(index, lambda entry: entry.digest not in kept, load, {})
    return left is not None and left.digest == there.digest
