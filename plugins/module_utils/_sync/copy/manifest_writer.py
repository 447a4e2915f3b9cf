# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts manifests, lists them as referrers, and puts the tag of an image unless another client has taken it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ..._oci.errors import ContentError, RegistryError
from ..._oci.image.manifest import Manifest
from ..._oci.image.reference import Digest, Reference
from ..._oci.image.referrers import fallback_tag
from ..decisions import Action, Overwrite
from ..plan.checks.held_to_plan import changed
from ..plan.image_task import LEFT, differs
from ..results.outcome import CopyOptions, ImageResult
from ..work.event_loop import Calls
from ..work.stores import Stores
from .backup_writer import BackupWriter
from .blob_placement import BlobPlacement
from .refused_artifacts import ManifestRefused, may_be_refused

T = TypeVar("T")


class ManifestWriter:
    """Puts manifests into the destinations of images. Runs on the event loop's thread.

    :param placement: told of every manifest that was put
    :param is_planned: whether a destination is one of the run's own
    :param date: of the run, as the names of backups have it
    """

    def __init__(
        self,
        stores: Stores,
        calls: Calls,
        placement: BlobPlacement,
        options: CopyOptions,
        is_planned: Callable[[Reference], bool],
        date: str,
    ) -> None:
        self._stores = stores
        self._calls = calls
        self._placement = placement
        self._options = options
        self._is_planned = is_planned
        self._backups = BackupWriter(stores, calls, date)

    async def put_root(self, result: ImageResult, manifest: Manifest) -> None:
        """Put the manifest that an image begins with, and its tag with it. The result says what was put.

        :raises ManifestRefused: when the destination may not take what it is
        :raises ImageOpsError: also when the destination then has something else
        """
        task = result.task
        if await self._is_taken(result):
            return
        await self._backups.keep(result, manifest.digest)
        if manifest.subject is not None and task.destination.tag is not None:
            # Listed as a referrer before the tag shows it: a run that breaks off in between is repaired by the next.
            await self.put(result, manifest, None)
        if task.destination.tag is not None:
            self._stores.repository(task.destination).note_origin(task.destination.tag, str(task.source))
        answered = await self.put(result, manifest, task.destination.tag)
        if answered is None:
            answered = await self._there(task.destination, manifest)
        if answered != manifest.digest:
            raise ContentError(
                code="digest_mismatch",
                action="confirm",
                subject=str(task.destination),
                cause=f"the destination has {answered or 'nothing'} where {manifest.digest} was put",
                hint="the destination changes manifests, or another client writes this tag",
                transient=True,
            )
        result.digest = manifest.digest

    async def _there(self, destination: Reference, manifest: Manifest) -> Digest | None:
        """Return what the destination has where a manifest was to be put."""
        ref = destination.tag or str(manifest.digest)
        there = await self._calls.request(destination, self._stores.repository(destination).resolve, ref)
        return there.digest if there else None

    async def _is_taken(self, result: ImageResult) -> bool:
        """Return whether another client has written the tag since planning and it is to be left then."""
        task = result.task
        overwrite = task.rule.overwrite or self._options.overwrite
        if task.destination.tag is None or (overwrite == Overwrite.ALWAYS and not self._options.by_plan):
            return False
        repository = self._stores.repository(task.destination)
        there = await self._calls.request(task.destination, repository.resolve, task.destination.tag)
        if there is None or there.digest in (task.previous, task.digest):
            return False
        if self._options.by_plan:
            raise changed(task, f"the destination has {there.digest} now, and had {task.previous or 'nothing'} then")
        if overwrite == Overwrite.FAIL:
            raise differs(task, there.digest)
        result.task = replace(task, action=Action.SKIP, reason=LEFT, previous=there.digest)
        return True

    async def merge(self, result: ImageResult, listed: Manifest, tag: str) -> None:
        """Add what a list of referrers names to the destination's own list under its tag."""
        destination = result.task.destination
        repository = self._stores.repository(destination)
        if await self._write(destination, listed, repository.add_referrers, tag, listed.children):
            result.wrote = True

    async def put(self, result: ImageResult, manifest: Manifest, tag: str | None) -> Digest | None:
        """Put a manifest under a tag or by its digest alone. Return the digest that the destination answered with.

        :raises ManifestRefused: when the destination may not take what it is
        """
        destination = result.task.destination
        repository = self._stores.repository(destination)
        answered = await self._write(destination, manifest, repository.put_manifest, manifest, tag)
        result.wrote = True
        self._placement.manifest_put(destination, manifest)
        if manifest.subject is not None:
            listing = destination.with_tag(fallback_tag(manifest.subject.digest))
            if not self._is_planned(listing):  # else the list itself is copied: whole, and last
                await self._write(destination, manifest, repository.list_referrer, manifest)
        return answered

    async def _write(self, destination: Reference, manifest: Manifest, call: Callable[..., T], *arguments: object) -> T:
        """Make a call that writes a manifest, or lists it."""
        try:
            return await self._calls.request(destination, call, *arguments)
        except RegistryError as fault:
            if may_be_refused(fault):
                raise ManifestRefused(fault, manifest) from fault
            raise
