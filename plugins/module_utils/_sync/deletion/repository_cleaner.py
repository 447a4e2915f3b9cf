# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes tags of one repository, and what refers to an image with the last tag that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from ..._oci.errors import ImageOpsError
from ..._oci.image.reference import Digest
from ..._oci.image.referrers import is_referrer_tag
from ..work.stores import Stores
from .tag_removal import Leaving, TagRemover


@dataclass
class Deleted:
    """What became of a tag that was to go.

    :ivar now: what it names now, when it was left since that is not what was planned
    :ivar was_there: whether it was there at all
    :ivar wrote: whether it was deleted
    :ivar notes: sentences about what refers to its image
    """

    now: Digest | None = None
    was_there: bool = True
    wrote: bool = False
    notes: list[str] = field(default_factory=list)


class RepositoryCleaner:
    """Deletes tags of one repository.

    :param leaving: all tags of it that are to go
    :param check_mode: do everything but delete
    :raises ImageOpsError: prune_limit, when no other tag would be left
    """

    def __init__(self, stores: Stores, remover: TagRemover, leaving: Leaving, *, check_mode: bool) -> None:
        self._remover = remover
        self._leaving = leaving
        self._check_mode = check_mode
        self._gone: set[str] = set()
        repository = stores.repository(leaving.place)
        listed = repository.tags()
        if all(tag in leaving.tags or is_referrer_tag(tag) for tag in listed) and not check_mode:
            raise _nothing_left(leaving)
        self._has_referrers = any(map(is_referrer_tag, listed)) or any(
            repository.referrers(digest) for digest in set(leaving.tags.values())
        )

    def delete(self, tag: str, stays: Callable[[str], bool]) -> Deleted:
        """Delete one tag, when it is still what it was.

        :param stays: says of a tag of what refers to its image that it stays
        :raises ImageOpsError: when it cannot be deleted
        """
        planned = self._leaving.tags[tag]
        if self._has_referrers:
            self._remover.inventory()  # while the tag still says what goes with it
        there = self._remover.named(tag) if self._check_mode else self._remover.remove(tag, planned)
        if there is not None and there != planned:
            self._leaving.left.add(tag)
            return Deleted(now=there)
        self._gone.add(tag)
        deleted = Deleted(was_there=there is not None, wrote=there is not None and not self._check_mode)
        if self._has_referrers:
            self._delete_referrers(deleted, stays)
        return deleted

    def _delete_referrers(self, deleted: Deleted, stays: Callable[[str], bool]) -> None:
        """Delete what refers to images that no tag names any more; what cannot be deleted is noted and left."""
        inventory = self._remover.inventory()
        going = inventory.going(self._gone)
        for tag in sorted(going.tags - self._gone):
            if not stays(tag):
                self._attend(deleted, tag, partial(self._remover.remove, tag, inventory.tags[tag]))
                self._gone.add(tag)
        for digest in sorted(going.referrers - self._remover.removed, key=str):
            subject = f"{self._leaving.place.name}@{digest}"
            self._attend(deleted, str(digest), partial(self._remover.remove_manifest, digest, subject))

    def _attend(self, deleted: Deleted, name: str, remove: Callable[[], object]) -> None:
        try:
            if not self._check_mode:
                remove()
        except ImageOpsError as error:
            deleted.notes.append(f"{name} refers to what was deleted, and is still there: {error.cause}")
        else:
            deleted.notes.append(f"{name}, which refers to it, {'would go' if self._check_mode else 'went'} with it")


def _nothing_left(leaving: Leaving) -> ImageOpsError:
    return ImageOpsError(
        code="prune_limit",
        action="delete",
        subject=", ".join(str(leaving.place.with_tag(tag)) for tag in sorted(leaving.tags)),
        cause=f"no other tag would be left in {leaving.place.name}",
        hint="the last tag of a repository is never deleted",
    )
