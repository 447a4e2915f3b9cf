# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts that destinations do not take: which refusals mean that, and what is left of an image without them.

Some registries refuse everything that is no image, such as build attestations, in words of their own; others take an
attestation and refuse the index that names it. What a registry refuses is learnt once in a run.
"""

from __future__ import annotations

import re

from ..._oci.client.refusals import ARTIFACTS_HINT, MissingContent
from ..._oci.errors import ContentError, ImageOpsError, RegistryError
from ..._oci.image.manifest import Manifest
from ..._oci.image.reference import Reference
from .manifest_graph import Graph, artifacts_of

_Kind = tuple[str, frozenset[str]]
_STATUSES = frozenset((400, 403, 404, 405, 415, 422))
_OTHER_REASONS = frozenset(("quota_exceeded", "immutable_tag", "rate_limited", "digest_mismatch", "source_policy"))
_NAMES_A_KIND = re.compile(
    r"media ?-?types?\b|artifact|attestation|in-toto|provenance|\bindex(?:es)?\b|manifest[ ._-]?(?:list|class|type|kind"
    r"|schema|format|json|version)|config ?-?types?\b|unknown/unknown|\bplatform|unsupported (?:manifest|type|kind)"
)


class ManifestRefused(Exception):
    """A destination has refused a manifest for what it is, as far as its answer tells.

    :ivar fault: the error that it makes
    :ivar manifest: the one that was refused
    """

    def __init__(self, fault: RegistryError, manifest: Manifest) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.manifest = manifest

    @property
    def names_a_kind(self) -> bool:
        """Return whether the registry's words are about a kind of manifest or a media type."""
        return self.fault.code == "unsupported_manifest" or bool(_NAMES_A_KIND.search(self.fault.words.lower()))

    def with_hint(self, graph: Graph | None) -> RegistryError:
        """Return the error, with the option that helps if the image has artifacts."""
        fault = self.fault
        if ARTIFACTS_HINT not in fault.hint and graph is not None and any(artifacts_of(graph)):
            fault.hint = f"{fault.hint}; the image has artifacts: {ARTIFACTS_HINT}" if fault.hint else ARTIFACTS_HINT
        return fault


def may_be_refused(fault: RegistryError) -> bool:
    """Return whether a failure to put a manifest may be about what it is: never a login, a quota or a tag's state."""
    return fault.status in _STATUSES and fault.code not in _OTHER_REASONS and not isinstance(fault, MissingContent)


def unsigned_part(source: Reference, destination: Reference) -> ImageOpsError:
    """Return the error of an image that must be signed and of which a destination takes a part only."""
    return ContentError(
        code="signature_missing",
        action="copy",
        subject=str(source),
        cause=f"{destination.registry} does not take all of it, and what is left is another image, not signed",
        hint="set unsupported_artifacts to skip or fail for it",
    )


class RefusedKinds:
    """The kinds of artifacts that registries have refused in this run."""

    def __init__(self) -> None:
        self._kinds: set[tuple[str, _Kind]] = set()

    def add(self, host: str, artifact: Manifest) -> None:
        """Note that a registry has refused an artifact."""
        self._kinds.add((host, _kind(artifact)))

    def has(self, host: str, artifact: Manifest) -> bool:
        """Return whether a registry has refused an artifact of this kind."""
        return (host, _kind(artifact)) in self._kinds


def _kind(artifact: Manifest) -> _Kind:
    """Return what artifacts that are refused have in common: the types of what they consist of."""
    types = frozenset(blob.media_type for blob in artifact.blobs)
    return artifact.artifact_type or artifact.media_type, types
