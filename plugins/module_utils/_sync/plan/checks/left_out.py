# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle leaves out on purpose: each of these blobs is looked for at the destination before anything is written.

An earlier bundle has brought them there, to the same repository or to another one, from which they can be mounted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...._oci.client.run import Run
from ...._oci.errors import ImageOpsError, RegistryError
from ...._oci.image.manifest import Descriptor, is_foreign
from ...._oci.image.places import place_of
from ...._oci.image.reference import Digest, Reference
from ...._oci.store.store import LeftOut
from ...decisions import Action, Refusal
from ...work.manifest_cache import ManifestCache
from ...work.stores import Stores
from ...work.workers import ask_all
from ..image_task import ImageTask

_Wanted = tuple[Reference, Descriptor, tuple[Reference, ...]]
"""A repository of a destination, a blob that it is to have, and other repositories there that may have it."""


class LeftOutBlobs:
    """Looks for what bundles leave out.

    :ivar holders: the repository of the destination that has a left-out blob, by the repository that lacks it
    """

    def __init__(self, stores: Stores, manifests: ManifestCache, run: Run) -> None:
        self._stores = stores
        self._manifests = manifests
        self._run = run
        self.holders: dict[tuple[str, Digest], Reference] = {}

    def check(self, tasks: Sequence[ImageTask]) -> list[ImageTask]:
        """Return the tasks; one that needs a blob which is nowhere at its destination is refused."""
        return [self._checked(task, tasks) if self._is_of_bundle(task) else task for task in tasks]

    def _is_of_bundle(self, task: ImageTask) -> bool:
        return task.to_copy and task.error is None and place_of(task.source.registry) is not None

    def _checked(self, task: ImageTask, tasks: Sequence[ImageTask]) -> ImageTask:
        try:
            left = dict(self._left_out(task))
        except ImageOpsError:
            return task  # copying it fails with the same error
        wanted = {blob: self._wanted(task, blob, found, tasks) for blob, found in left.items()}
        holders = ask_all(
            ((self._stores.queue(task.destination.registry), each) for each in wanted.values()),
            self._find,
            action="look for what a bundle leaves out in",
            log=self._run.log,
        )
        for blob, each in wanted.items():
            holder = holders[each]
            if isinstance(holder, ImageOpsError):
                return replace(task, error=holder)
            if holder is None:
                return replace(
                    task,
                    action=Action.CONFLICT,
                    refusal=Refusal.BUNDLE,
                    reason="an earlier bundle has not been brought there",
                    error=_missing(task, blob, left[blob]),
                )
            if holder.name != task.destination.name:
                self.holders[task.destination.name, blob.digest] = holder
        return task

    def _left_out(self, task: ImageTask) -> Iterator[tuple[Descriptor, LeftOut]]:
        """Yield each blob of an image, and of what refers to it, that its bundle leaves out."""
        repository = self._stores.repository(task.source)
        rewritten = task.source_image.rewritten if task.source_image is not None else {}
        waiting = [each.digest for each in task.referrers if not each.is_there]
        waiting += [task.digest] if task.digest is not None else []
        seen = set(waiting)
        while waiting:
            digest = waiting.pop()
            manifest = rewritten.get(digest) or self._manifests.get(repository, digest)
            for blob in manifest.blobs:
                found = None if is_foreign(blob) else repository.left_out(blob)
                if found is not None:
                    yield blob, found
            below = [child.digest for child in manifest.children if child.digest not in seen]
            seen.update(below)
            waiting += below

    def _wanted(self, task: ImageTask, blob: Descriptor, left: LeftOut, tasks: Sequence[ImageTask]) -> _Wanted:
        here = Reference(task.destination.registry, task.destination.repository)
        own = task.source.repository
        before = here.repository[: -len(own)] if here.repository.endswith(own) else None
        others = [Reference(here.registry, before + path) for path in left.repositories if before is not None]
        others += [
            Reference(here.registry, other.destination.repository)
            for other in tasks
            if other.destination.registry == here.registry and other.source.repository in left.repositories
        ]
        return here, blob, tuple(dict.fromkeys(other for other in others if other != here))

    def _find(self, wanted: _Wanted) -> Reference | None:
        """Return the first repository that has a blob; None when none has it."""
        here, blob, others = wanted
        return next((each for each in (here, *others) if self._has(each, blob)), None)

    def _has(self, repository: Reference, blob: Descriptor) -> bool:
        try:
            return self._stores.repository(repository).has_blob(blob)
        except RegistryError as fault:
            if fault.is_denial or fault.status == 404:
                return False
            raise


def _missing(task: ImageTask, blob: Descriptor, left: LeftOut) -> ImageOpsError:
    return ImageOpsError(
        code="bundle_missing",
        action="copy",
        subject=str(task.source),
        cause=f"it leaves {blob.digest} out, which the bundle {left.bundle} has, and {task.destination.name} has not",
        hint=f"copy the bundle {left.bundle} to the destination first, or export this one again without bundle_base",
    )
