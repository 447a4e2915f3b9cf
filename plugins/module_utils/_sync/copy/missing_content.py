# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest names and a registry lacks: what it only says that it has, and foreign layers."""

from __future__ import annotations

from collections.abc import Sequence

from ..._oci.client.refusals import MissingContent
from ..._oci.errors import RegistryError
from ..._oci.image.manifest import Descriptor, is_foreign
from ..._oci.image.reference import Digest
from .blob_placement import RepositoryBlob
from .blob_transfers import COPIED
from .image_loader import LoadedImage


def copied(blobs: dict[Digest, RepositoryBlob]) -> frozenset[Digest]:
    """Return the blobs that were sent."""
    return frozenset(digest for digest, blob in blobs.items() if blob.is_there and blob.arrived.result() == COPIED)


def only_said(fault: MissingContent, blobs: dict[Digest, RepositoryBlob]) -> frozenset[Digest]:
    """Return the blobs that a registry says it has and that a refusal names; all of them where it names nothing."""
    said = {digest for digest, blob in blobs.items() if blob.is_there} - copied(blobs)
    named = frozenset(digest for digest in said if digest.encoded in fault.words)
    return named if named or "sha256:" in fault.words else frozenset(said)


def missing_foreign(fault: MissingContent, image: LoadedImage) -> list[Descriptor]:
    """Return the foreign layers of an image that a registry may miss; none when it names another blob."""
    blobs = [blob for node in image.walk() for blob in node.manifest.blobs]
    named = [blob for blob in blobs if blob.digest.encoded in fault.words]
    return [blob for blob in (named or blobs) if is_foreign(blob)]


def needs_foreign(fault: MissingContent, foreign: Sequence[Descriptor]) -> RegistryError:
    """Return the error for a registry that takes no manifest without its foreign layers."""
    return RegistryError(
        code="unsupported_manifest",
        action=fault.action,
        subject=fault.subject,
        cause=f"{fault.cause}; {foreign[0].digest} is a foreign layer, which was not copied",
        hint="set foreign_layers: true to copy such layers too, where their licence allows it",
        status=fault.status,
        words=fault.words,
        registry=fault.registry,
    )
