# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes tags in the way that their registry has: by its product's API, by tag, or by digest where that is safe.

Deleting a manifest takes all its tags with it. So it is done only when every tag of the repository has been asked what
it names, every index has been read, and none of those that stay has the manifest. No registry lets that and the
deletion be one step: what another client tags in between is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..._oci.client.run import Run
from ..._oci.errors import ImageOpsError, RegistryError
from ..._oci.image.reference import Digest, Reference
from ..vendors import Vendors
from ..work.stores import Stores
from .inventory import Going, Inventory, take_inventory


@dataclass
class Leaving:
    """The tags of one repository that are to go.

    :ivar place: the repository
    :ivar tags: these tags, and what each was when that was decided
    :ivar needed: digests that stay in any case
    :ivar left: tags of these that turned out to stay
    """

    place: Reference
    tags: Mapping[str, Digest]
    needed: Collection[Digest] = ()
    left: set[str] = field(default_factory=set)


class TagRemover:
    """Removes tags of one repository. What it asks of the whole repository it asks once, when that is first needed.

    :ivar removed: manifests that were removed with all their tags
    """

    def __init__(self, stores: Stores, vendors: Vendors, leaving: Leaving, run: Run) -> None:
        self._stores = stores
        self._leaving = leaving
        self._run = run
        self._vendor = vendors.ask(leaving.place.registry)
        self._repository = stores.repository(leaving.place)
        self._inventory: Inventory | None = None
        self._by_digest = False
        self.removed: set[Digest] = set()

    def inventory(self) -> Inventory:
        """Return what all tags of the repository name.

        :raises ImageOpsError: when one of them does not answer
        """
        if self._inventory is None:
            leaving = self._leaving
            self._inventory = take_inventory(
                self._stores, leaving.place, leaving.tags.keys(), needed=leaving.needed, log=self._run.log
            )
            named = self._inventory.tags
            leaving.left.update(tag for tag, digest in leaving.tags.items() if named.get(tag, digest) != digest)
        return self._inventory

    def going(self) -> Going:
        """Return what goes with the tags that are to go, as far as they are still what they were.

        :raises ImageOpsError: when one of the repository's tags does not answer
        """
        inventory = self.inventory()
        return inventory.going(self._leaving.tags.keys() - self._leaving.left)

    def named(self, tag: str) -> Digest | None:
        """Return what a tag names now; None when it is not there."""
        there = self._repository.resolve(tag)
        return there.digest if there is not None else None

    def remove(self, tag: str, digest: Digest) -> Digest | None:
        """Remove a tag that names this digest. Return what it named right before: when that is another it is left.

        :raises ImageOpsError: delete_unsupported, when that would take more with it; or what the registry says
        """
        if digest in self.removed:
            return digest
        there = self.named(tag)
        if there != digest or self._is_removed_alone(tag):
            return there
        self.inventory()
        there = self.named(tag)  # to look at all tags has taken its time
        if there == digest:
            self.remove_manifest(digest, f"{self._leaving.place.with_tag(tag)}")
        return there

    def _is_removed_alone(self, tag: str) -> bool:
        """Remove a tag alone; return False where the registry cannot do that."""
        if self._by_digest:
            return False
        if self._vendor.delete_tag(self._leaving.place.repository, tag):
            return True
        try:
            self._repository.delete_tag(tag)
        except RegistryError as refusal:
            if refusal.code != "unsupported":
                raise
            self._by_digest = True
        return not self._by_digest

    def remove_manifest(self, digest: Digest, subject: str) -> None:
        """Remove a manifest with all its tags, where nothing that stays has it.

        :param subject: what it is removed for, for the error
        :raises ImageOpsError: delete_unsupported, when something has it, or the registry deletes nothing
        """
        holder = self.inventory().holder(digest, self.going().tags)
        if holder:
            raise _unsupported(subject, f"this registry deletes whole manifests alone, and {holder}", _SHARED)
        try:
            self._repository.delete_manifest(digest)
        except RegistryError as refusal:
            if refusal.code != "unsupported":
                raise
            raise _unsupported(subject, "this registry deletes neither tags nor manifests", _NOT_AT_ALL) from refusal
        self.removed.add(digest)


_SHARED = "let what shares the image go as well, name the tag in keep, or delete it by the registry's own means"
_NOT_AT_ALL = "allow deletion there (distribution: storage.delete.enabled), or take prune out of the rule"


def _unsupported(subject: str, cause: str, hint: str) -> ImageOpsError:
    return ImageOpsError(code="delete_unsupported", action="delete", subject=subject, cause=cause, hint=hint)
