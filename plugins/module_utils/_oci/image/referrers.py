# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of manifests that name another as their subject, and the tag that stands in for it.

Distribution-spec 1.1: Listing Referrers, Referrers Tag Schema, Pushing Manifests with Subject. No I/O.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import ContentError
from .manifest import Descriptor, Manifest, parse_manifest
from .media_types import OCI_INDEX
from .reference import Digest

COSIGN_TYPES = {
    "sig": "application/vnd.dev.cosign.simplesigning.v1+json",
    "att": "application/vnd.dsse.envelope.v1+json",
    "sbom": "application/vnd.dev.cosign.sbom",
}
"""What cosign's tags hold, by their suffixes."""

_REFERRER_TAG = re.compile(r"(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{64,128})(\.[A-Za-z0-9_.-]+)?")


def fallback_tag(subject: Digest) -> str:
    """Return the tag under which a registry without the referrers API keeps the list: ``sha256-<hex>``.

    >>> fallback_tag(Digest.parse("sha256:" + 64 * "0"))[:10]
    'sha256-000'
    """
    return f"{subject.algorithm[:32]}-{subject.encoded[:64]}"


def is_referrer_tag(tag: str) -> bool:
    """Return whether a tag belongs to a digest: ``sha256-<hex>``, alone or followed by a dot and a suffix."""
    return _REFERRER_TAG.fullmatch(tag) is not None


def with_referrer(known: Manifest | None, added: Descriptor) -> Manifest | None:
    """Return the list with one more entry; None when it has the entry already.

    :param known: the list so far, None for an empty one
    :raises ContentError: when what is there is no index, and so must not be overwritten
    """
    document: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    if known is not None:
        if not known.is_index:
            raise ContentError(
                code="conflict",
                action="list a referrer in",
                subject=f"the manifest {known.digest}",
                cause="the tag for referrers holds an image instead of an index",
            )
        if any(child.digest == added.digest for child in known.children):
            return None
        document = json.loads(known.raw)
    entry: dict[str, Any] = {"mediaType": added.media_type, "size": added.size, "digest": str(added.digest)}
    if added.artifact_type:
        entry["artifactType"] = added.artifact_type
    if added.annotations:
        entry["annotations"] = dict(added.annotations)
    document["manifests"] = [*(document.get("manifests") or []), entry]
    raw = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return parse_manifest(raw, known.media_type if known is not None else OCI_INDEX)
