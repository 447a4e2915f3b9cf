# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of what belongs to images their destinations have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...._oci.client.run import Run
from ...._oci.errors import ImageOpsError, RegistryError
from ...._oci.image.media_types import INDEXES
from ...._oci.image.reference import Digest, Reference
from ...._oci.store.referrers import referrers_of
from ...decisions import Overwrite
from ...work.manifest_cache import ManifestCache
from ...work.stores import Stores
from ..referrers import Outcome, Referrer, Root, ask


class DestinationReferrers:
    """Asks destinations for what was found at the sources of images."""

    def __init__(self, stores: Stores, manifests: ManifestCache, run: Run) -> None:
        self._stores = stores
        self._manifests = manifests
        self._run = run

    def look(self, roots: Sequence[Root], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return for each image its referrers, and which of them are there. Each tag and subject is asked for once."""
        wanted: dict[tuple[Reference, Referrer], Root] = {}
        for root, outcome in zip(roots, outcomes):
            if not isinstance(outcome, ImageOpsError):
                wanted.update({(root.destination, referrer): root for referrer in outcome})
        subjects = dict.fromkeys((at, referrer.subject) for at, referrer in wanted if referrer.tag is None)
        lists = ask(self._stores, self._run, subjects, lambda key: self._listed(*key))
        tagged = [key for key in wanted if key[1].tag is not None]
        tags = ask(self._stores, self._run, tagged, lambda key: self._tagged(key[0], wanted[key], key[1]))

        def at(destination: Reference, referrer: Referrer) -> Referrer | ImageOpsError:
            if referrer.tag is not None:
                return tags[destination, referrer]
            listed = lists[destination, referrer.subject]
            if isinstance(listed, ImageOpsError):
                return listed
            return replace(referrer, is_there=referrer.digest in listed)

        return [
            outcome
            if isinstance(outcome, ImageOpsError)
            else _all_or_fault([at(root.destination, referrer) for referrer in outcome])
            for root, outcome in zip(roots, outcomes)
        ]

    def _listed(self, destination: Reference, subject: Digest) -> frozenset[Digest]:
        """Return what a destination lists as referrers of a digest, by its API or by the tag that stands in for it."""
        try:
            listed = referrers_of(self._stores.repository(destination), subject)
            return frozenset(descriptor.digest for descriptor in listed)
        except RegistryError as fault:
            if not fault.is_denial:
                raise
            return frozenset()  # of a repository that does not exist yet, too, some say that it may not be read

    def _tagged(self, destination: Reference, root: Root, referrer: Referrer) -> Referrer:
        repository = self._stores.repository(destination)
        try:
            there = repository.resolve(str(referrer.tag))
        except RegistryError as fault:
            if not fault.is_denial:
                raise
            there = None
        if there is None or there.digest == referrer.digest:
            return replace(referrer, is_there=there is not None)
        if referrer.media_type not in INDEXES or there.media_type not in INDEXES:
            if root.overwrite == Overwrite.FAIL:
                raise _differs(destination.with_tag(str(referrer.tag)), there.digest, referrer.digest)
            return replace(referrer, is_there=root.overwrite == Overwrite.SKIP)
        ours = self._manifests.get(self._stores.repository(root.source), referrer.digest).children
        theirs = {child.digest for child in self._manifests.get(repository, there.digest).children}
        return replace(referrer, is_there=theirs.issuperset(child.digest for child in ours), merges=True)


def _differs(tag: Reference, found: Digest, wanted: Digest) -> ImageOpsError:
    return ImageOpsError(
        code="conflict",
        action="write",
        subject=str(tag),
        cause=f"it has {found} and would become {wanted}",
        hint="set overwrite to always to replace it, or to skip to leave it",
    )


def _all_or_fault(referrers: Sequence[Referrer | ImageOpsError]) -> Outcome:
    fault = next((one for one in referrers if isinstance(one, ImageOpsError)), None)
    return fault or [one for one in referrers if not isinstance(one, ImageOpsError)]
