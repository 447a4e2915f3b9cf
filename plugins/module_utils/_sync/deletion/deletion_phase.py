# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last phase of a run: tags that their sources do not have any more are deleted, one after another.

Each is asked for again right before: one that names another image than planned is left. What refers to an image goes
with the last tag that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from ..._oci.client.run import Run
from ..._oci.errors import ImageOpsError
from ..._oci.image.reference import Digest, Reference
from ..._oci.image.referrers import is_referrer_tag
from ..decisions import Action, Status
from ..results.outcome import ImageResult
from ..vendors import Vendors
from ..work.stores import Stores
from .tag_removal import Leaving, TagRemover

_GOES_ON = "delete_unsupported"
"""An error of one tag alone, after which the others may still go."""


class DeletionPhase:
    """Deletes tags.

    :param check_mode: do everything but delete
    :param on_finished: told of each image whose status is decided
    """

    def __init__(
        self,
        stores: Stores,
        vendors: Vendors,
        run: Run,
        *,
        check_mode: bool,
        on_finished: Callable[[ImageResult], None],
    ) -> None:
        self._stores = stores
        self._vendors = vendors
        self._run = run
        self._check_mode = check_mode
        self._on_finished = on_finished
        self._written: set[Reference] = set()
        self._needed: dict[str, set[Digest]] = {}

    def run(self, images: Sequence[ImageResult], copied: Iterable[ImageResult], obstacles: Sequence[str]) -> list[str]:
        """Delete the tags that images stand for; what was not tried stays pending. Return why nothing was deleted.

        Nothing is deleted in a run that is not right in every other way. After an error that may be about more than one
        tag nothing more is deleted.

        :param copied: the other images of the run, whose digests stay whatever names them
        :param obstacles: what speaks against any deletion, in sentences
        """
        reasons = list(obstacles)
        if sum(not self._is_right(image) for image in copied):
            reasons.append("not every image of the run is as it is to be")
        if not reasons and not any(image.status == Status.FAILED for image in images):
            self._delete_all(images)
        return [f"nothing is deleted in this run: {reason}" for reason in reasons]

    def _is_right(self, image: ImageResult) -> bool:
        """Return whether an image is as it is to be; what it needs is remembered."""
        self._written.add(image.destination)
        if image.digest is not None:
            self._needed.setdefault(image.destination.name, set()).add(image.digest)
        if image.rule.source.digest is not None:
            self._needed.setdefault(image.source.name, set()).add(image.rule.source.digest)
        return image.status == Status.DONE and image.action != Action.UNKNOWN

    def _delete_all(self, images: Sequence[ImageResult]) -> None:
        groups: dict[str, list[ImageResult]] = {}
        for image in images:
            groups.setdefault(image.destination.name, []).append(image)
        for name, group in groups.items():
            first = group[0].destination
            tags = {image.destination.tag or "": image.previous for image in group}
            leaving = Leaving(
                Reference(first.registry, first.repository),
                {tag: digest for tag, digest in tags.items() if digest is not None},
                self._needed.get(name, set()),
            )
            if not self._delete(group, leaving):
                return

    def _delete(self, group: Sequence[ImageResult], leaving: Leaving) -> bool:
        """Delete tags of one repository. Return whether the next repository's may go."""
        deleter: _RepositoryDeleter | None = None
        for image in group:
            if self._run.stop.is_set():
                return False
            try:
                deleter = deleter or self._deleter(leaving)
                deleter.delete(image)
            except ImageOpsError as error:
                image.status, image.error = Status.FAILED, error
            self._on_finished(image)
            if image.error is not None and image.error.code != _GOES_ON:
                return False
        return True

    def _deleter(self, leaving: Leaving) -> _RepositoryDeleter:
        remover = TagRemover(self._stores, self._vendors, leaving, self._run)
        is_written = self._written.__contains__
        return _RepositoryDeleter(self._stores, remover, leaving, check_mode=self._check_mode, is_written=is_written)


class _RepositoryDeleter:
    """Deletes tags of one repository, and what refers to their images.

    :param is_written: whether the run itself writes a reference
    :raises ImageOpsError: prune_limit, when no tag would be left
    """

    def __init__(
        self,
        stores: Stores,
        remover: TagRemover,
        leaving: Leaving,
        *,
        check_mode: bool,
        is_written: Callable[[Reference], bool],
    ) -> None:
        self._repository = stores.repository(leaving.place)
        self._remover = remover
        self._leaving = leaving
        self._check_mode = check_mode
        self._is_written = is_written
        self._gone: set[str] = set()
        listed = self._repository.tags()
        if all(tag in leaving.tags or is_referrer_tag(tag) for tag in listed) and not check_mode:
            raise _nothing_left(leaving)
        self._has_referrers = any(map(is_referrer_tag, listed)) or any(
            self._repository.referrers(digest) for digest in set(leaving.tags.values())
        )

    def delete(self, image: ImageResult) -> None:
        """Delete one tag, when it is still what it was.

        :raises ImageOpsError: when it cannot be deleted
        """
        tag, planned = image.destination.tag or "", self._leaving.tags[image.destination.tag or ""]
        if self._has_referrers:
            self._remover.inventory()  # while the tag still says what goes with it
        there = self._repository.resolve(tag)
        if there is not None and there.digest != planned:
            self._leaving.left.add(tag)
            _leave(image, there.digest, f"it is {there.digest} now, and was {planned} when this was planned")
            return
        if there is None and planned not in self._remover.removed:
            _leave(image, None, "it was gone already")
        elif not self._check_mode:
            if there is not None:
                self._remover.remove(tag, planned)
            image.wrote = True
        image.status, image.digest = Status.DONE, None
        self._gone.add(tag)
        if self._has_referrers:
            self._delete_referrers(image)

    def _delete_referrers(self, image: ImageResult) -> None:
        """Delete what refers to images that no tag names any more; what cannot be deleted is noted and left."""
        inventory = self._remover.inventory()
        going = inventory.going(self._gone)
        for tag in sorted(going.tags - self._gone):
            ref = image.destination.with_tag(tag)
            if self._is_written(ref) or (image.rule.prune is not None and image.rule.prune.keeps(tag)):
                continue
            self._attend(image, tag, partial(self._remover.remove, tag, inventory.tags[tag]))
            self._gone.add(tag)
        for digest in sorted(going.referrers - self._remover.removed, key=str):
            subject = f"{self._leaving.place.name}@{digest}"
            self._attend(image, str(digest), partial(self._remover.remove_manifest, digest, subject))

    def _attend(self, image: ImageResult, name: str, remove: Callable[[], None]) -> None:
        try:
            if not self._check_mode:
                remove()
        except ImageOpsError as error:
            image.notes.append(f"{name} refers to what was deleted, and is still there: {error.cause}")
        else:
            image.notes.append(f"{name}, which refers to it, {'would go' if self._check_mode else 'went'} with it")


def _leave(image: ImageResult, now: Digest | None, reason: str) -> None:
    image.task = replace(image.task, action=Action.SKIP, reason=reason, previous=now)
    image.status, image.digest = Status.DONE, now
    image.notes.append(f"not deleted: {reason}")


def _nothing_left(leaving: Leaving) -> ImageOpsError:
    return ImageOpsError(
        code="prune_limit",
        action="delete",
        subject=", ".join(sorted(leaving.tags)),
        cause=f"no other tag would be left in {leaving.place.name}",
        hint="the last tag of a repository is never deleted",
    )
