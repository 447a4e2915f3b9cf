# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The referrers of a manifest, in the way in which a store lists them, and what cosign's tags name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..image.manifest import Descriptor
from ..image.reference import Digest
from ..image.referrers import COSIGN_TYPES, fallback_tag
from .store import Repository


@dataclass(frozen=True)
class FoundReferrer:
    """A manifest that belongs to another.

    :ivar type: its artifact type; where it has none, its media type
    :ivar tag: the tag of cosign that names it; None for one that is found by its subject
    """

    type: str
    digest: Digest
    tag: str | None


def referrers_of(repository: Repository, subject: Digest) -> list[Descriptor]:
    """Return the manifests that refer to a digest (distribution-spec 1.1, Listing Referrers, and its fallback).

    :raises ImageOpsError: when the repository does not tell
    """
    listed = repository.referrers(subject)
    if listed is not None:
        return listed
    there = repository.resolve(fallback_tag(subject))
    if there is None:
        return []
    index = repository.manifest(str(there.digest))
    return list(index.children) if index.is_index else []


def everything_about(repository: Repository, subject: Digest, tags: Iterable[str] | None) -> list[FoundReferrer]:
    """Return what is listed as referring to a digest, then what cosign's tags of the digest name.

    :param tags: of the repository; None where they are not known, and then the usual ones are asked for
    :raises ImageOpsError: when the repository does not tell
    """
    listed = referrers_of(repository, subject)
    found = [FoundReferrer(one.artifact_type or one.media_type, one.digest, None) for one in listed]
    beginning = fallback_tag(subject) + "."
    usual = [beginning + suffix for suffix in COSIGN_TYPES]
    for tag in usual if tags is None else sorted(tag for tag in tags if tag.startswith(beginning)):
        there = repository.resolve(tag)
        if there is not None:
            kind = COSIGN_TYPES.get(tag[len(beginning) :]) or there.artifact_type or there.media_type
            found.append(FoundReferrer(kind, there.digest, tag))
    return found
