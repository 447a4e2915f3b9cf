# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The referrers of a manifest, by whichever way a store has of listing them."""

from __future__ import annotations

from ..image.manifest import Descriptor
from ..image.reference import Digest
from ..image.referrers import fallback_tag
from .store import Repository


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
