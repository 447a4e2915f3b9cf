# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tag of a repository: set to an image that is there, or removed, with the guards that a run has."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._oci.client.run import Run
from .._oci.errors import ImageOpsError
from .._oci.image.reference import Digest, Reference
from .._oci.store.store import Repository
from .deletion.repository_cleaner import RepositoryCleaner
from .deletion.tag_removal import Leaving, TagRemover
from .vendors import Vendors
from .work.stores import Stores


@dataclass(frozen=True)
class TagChange:
    """What became of a tag.

    :ivar before: what it named; None when it was not there
    :ivar after: what it names now, or in check mode would; None when it is gone
    :ivar notes: what else should be known
    """

    before: Digest | None
    after: Digest | None
    notes: list[str] = field(default_factory=list)


def set_tag(stores: Stores, target: Reference, wanted: str, *, check_mode: bool) -> TagChange:
    """Let a tag name an image of its repository. The manifest alone is sent, and no layer.

    :param target: the tag
    :param wanted: the image: its digest, or another tag of it
    :raises ImageOpsError: when the image is not there, or the registry refuses
    """
    repository = stores.repository(target)
    found = repository.resolve(wanted)
    if found is None:
        raise _absent(target, wanted)
    before = _named(repository, target)
    if before == found.digest or check_mode:
        return TagChange(before, found.digest)
    manifest = repository.manifest(str(found.digest))
    answered = repository.put_manifest(manifest, target.tag)
    if answered is not None and answered != found.digest:
        raise ImageOpsError(
            code="digest_mismatch",
            action="set",
            subject=str(target),
            cause=f"the registry has {answered} there, where {found.digest} was put",
        )
    return TagChange(before, found.digest)


def remove_tag(
    stores: Stores, vendors: Vendors, target: Reference, only: Digest | None, run: Run, *, check_mode: bool
) -> TagChange:
    """Remove a tag, and what refers to its image when no other tag names that.

    :param only: remove it only while it names this image; None removes it whatever it names
    :raises ImageOpsError: prune_limit for the last tag of its repository; delete_unsupported, when the registry cannot
        remove it alone; conflict, when it names another image than ``only``
    """
    before = _named(stores.repository(target), target)
    if before is None:
        return TagChange(None, None)
    if only is not None and before != only:
        raise _conflict(target, before, only)
    tag = target.tag or ""
    leaving = Leaving(Reference(target.registry, target.repository), {tag: before})
    remover = TagRemover(stores, vendors, leaving, run)
    cleaner = RepositoryCleaner(stores, remover, leaving, check_mode=check_mode)
    deleted = cleaner.delete(tag, stays=lambda other: False)
    if deleted.now is not None:
        raise _conflict(target, deleted.now, before)
    return TagChange(before if deleted.was_there else None, None, deleted.notes)


def _named(repository: Repository, target: Reference) -> Digest | None:
    there = repository.resolve(target.tag or "")
    return there.digest if there is not None else None


def _absent(target: Reference, wanted: str) -> ImageOpsError:
    mark = "@" if ":" in wanted else ":"
    return ImageOpsError(
        code="tag_not_found",
        action="set",
        subject=str(target),
        cause=f"{target.name}{mark}{wanted} is not there",
        hint="copy the image there first, with imageops.registry.registry_image_sync",
    )


def _conflict(target: Reference, found: Digest, wanted: Digest) -> ImageOpsError:
    return ImageOpsError(
        code="conflict",
        action="remove",
        subject=str(target),
        cause=f"it names {found} and was to be removed as {wanted}",
        hint="see who moved it; leave digest out to remove it whatever it names",
    )
