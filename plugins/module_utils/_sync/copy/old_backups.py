# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes older backups of the tags that a run has overwritten, by their tags alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ..._oci.client.run import Run
from ..._oci.errors import ImageOpsError
from ..._oci.image.reference import Reference
from ..decisions import Status
from ..results.outcome import ImageResult
from ..vendors import Vendors
from ..work.stores import Stores
from ..work.workers import ask_all

V = TypeVar("V")


class OldBackups:
    """Removes backups. What stays since it cannot be removed is a note of the image and a warning.

    :param check_mode: say what would be removed, and remove nothing
    """

    def __init__(self, stores: Stores, vendors: Vendors, run: Run, *, check_mode: bool) -> None:
        self._stores = stores
        self._vendors = vendors
        self._run = run
        self._check_mode = check_mode

    def remove(self, images: Iterable[ImageResult]) -> None:
        """Remove what is more than ``backup_keep`` allows, of each image that was kept and then overwritten well."""
        kept = [image for image in images if self._is_counted(image)]
        listings = self._ask({_repository(image.destination): None for image in kept}, self._tags, "list the tags of")
        old: list[tuple[Reference, ImageResult]] = []
        for image in kept:
            listed = listings[_repository(image.destination)]
            if isinstance(listed, ImageOpsError):
                self._stay(image, listed)
            else:
                old += [(image.destination.with_tag(tag), image) for tag in _old(image, listed)]
        outcomes = self._ask([backup for backup, _image in old], self._remove, "remove")
        for backup, image in old:
            outcome = outcomes[backup]
            if isinstance(outcome, ImageOpsError):
                self._stay(image, outcome)
            else:
                image.removed_backups += (backup,)

    def _ask(
        self, refs: Iterable[Reference], answer: Callable[[Reference], V], action: str
    ) -> Mapping[Reference, V | ImageOpsError]:
        questions = ((self._stores.queue(ref.registry), ref) for ref in refs)
        return ask_all(questions, answer, action=action, log=self._run.log)

    def _tags(self, repository: Reference) -> list[str]:
        return self._stores.repository(repository).tags()

    def _is_counted(self, image: ImageResult) -> bool:
        template = image.task.rule.backup
        done = image.backup is not None and image.status == Status.DONE
        return done and template is not None and template.keep is not None

    def _remove(self, backup: Reference) -> None:
        if self._check_mode or backup.tag is None:
            return
        repository = self._stores.repository(backup)
        if not self._vendors.ask(backup.registry).delete_tag(backup.repository, backup.tag):
            repository.delete_tag(backup.tag)
        if repository.resolve(backup.tag) is not None:
            raise ImageOpsError(
                code="unsupported",
                action="remove",
                subject=str(backup),
                cause="the registry says that it has removed the tag, and still has it",
                hint="remove the tag by the registry's own means, or leave backup_keep out",
            )

    def _stay(self, image: ImageResult, why: ImageOpsError) -> None:
        image.notes += (f"older backups stay: {why}",)
        self._run.warn("older backups than backup_keep allows stay: see the notes of the images")


def _repository(ref: Reference) -> Reference:
    return Reference(ref.registry, ref.repository)


def _old(image: ImageResult, listed: Iterable[str]) -> list[str]:
    template, tag = image.task.rule.backup, image.destination.tag
    if template is None or tag is None or image.backup is None:
        return []
    return template.old({*listed, image.backup.tag or ""}, tag)
