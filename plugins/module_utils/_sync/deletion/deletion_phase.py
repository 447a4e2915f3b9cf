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
from ..decisions import Action, Status
from ..plan.pruning.deletions import Deletions
from ..results.outcome import ImageResult
from ..vendors import Vendors
from ..work.stores import Stores
from .repository_cleaner import Deleted, RepositoryCleaner
from .repository_removal import RepositoryRemover
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

    def run(self, images: Sequence[ImageResult], copied: Iterable[ImageResult], planned: Deletions) -> list[str]:
        """Delete the tags that images stand for; what was not tried stays pending. Return why nothing was deleted.

        Nothing is deleted in a run that is not right in every other way. After an error that may be about more than one
        tag nothing more is deleted.

        :param copied: the other images of the run, whose digests stay whatever names them
        :param planned: what speaks against any deletion, and what whole repositories have
        """
        reasons = list(planned.obstacles)
        if sum(not self._is_right(image) for image in copied):
            reasons.append("not every image of the run is as it is to be")
        if reasons or any(image.status == Status.FAILED for image in images):
            return [f"nothing is deleted in this run: {reason}" for reason in reasons]
        if self._delete_all([image for image in images if image.destination.tag is not None]):
            self._delete_repositories([image for image in images if image.destination.tag is None], planned)
        return []

    def _is_right(self, image: ImageResult) -> bool:
        """Return whether an image is as it is to be; what it needs is remembered."""
        self._written.add(image.destination)
        if image.digest is not None:
            self._needed.setdefault(image.destination.name, set()).add(image.digest)
        if image.rule.source.digest is not None:
            self._needed.setdefault(image.source.name, set()).add(image.rule.source.digest)
        return image.status == Status.DONE and image.action != Action.UNKNOWN

    def _delete_repositories(self, images: Sequence[ImageResult], planned: Deletions) -> None:
        """Delete whole repositories, until one cannot be deleted."""
        remover = RepositoryRemover(self._stores, self._vendors)
        for image in images:
            if self._run.stop.is_set():
                return
            try:
                left = remover.reason_to_leave(image.source, image.destination, planned.repositories[image.destination])
                if not left and not self._check_mode:
                    remover.remove(image.destination)
            except ImageOpsError as error:
                image.status, image.error = Status.FAILED, error
                self._on_finished(image)
                return
            image.status, image.wrote = Status.DONE, not left and not self._check_mode
            if left:
                image.task = replace(image.task, action=Action.SKIP, reason=left)
                image.notes += (f"not deleted: {left}",)
            self._on_finished(image)

    def _delete_all(self, images: Sequence[ImageResult]) -> bool:
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
                return False
        return True

    def _delete(self, group: Sequence[ImageResult], leaving: Leaving) -> bool:
        """Delete tags of one repository. Return whether the next repository's may go."""
        cleaner: RepositoryCleaner | None = None
        for image in group:
            if self._run.stop.is_set():
                return False
            try:
                if cleaner is None:
                    remover = TagRemover(self._stores, self._vendors, leaving, self._run)
                    cleaner = RepositoryCleaner(self._stores, remover, leaving, check_mode=self._check_mode)
                deleted = cleaner.delete(image.destination.tag or "", partial(self._stays, image))
                _note(image, deleted, image.previous)
            except ImageOpsError as error:
                image.status, image.error = Status.FAILED, error
            self._on_finished(image)
            if image.error is not None and image.error.code != _GOES_ON:
                return False
        return True

    def _stays(self, image: ImageResult, tag: str) -> bool:
        """Return whether a tag of what refers to an image stays although the image goes."""
        keeps = image.rule.prune is not None and image.rule.prune.keeps(tag)
        return keeps or image.destination.with_tag(tag) in self._written


def _note(image: ImageResult, deleted: Deleted, planned: Digest | None) -> None:
    """Write down what became of a tag."""
    image.status, image.digest, image.wrote = Status.DONE, deleted.now, deleted.wrote
    image.notes += (*deleted.notes,)
    if deleted.now is not None or not deleted.was_there:
        reason = f"it is {deleted.now} now, and was {planned} when this was planned"
        reason = "it was gone already" if deleted.now is None else reason
        image.task = replace(image.task, action=Action.SKIP, reason=reason, previous=deleted.now)
        image.notes += (f"not deleted: {reason}",)
