# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps an image under another tag right before its own is overwritten. No bytes of blobs move."""

from __future__ import annotations

from ..._oci.client.refusals import MissingContent
from ..._oci.errors import ImageOpsError
from ..._oci.image.reference import Digest, Reference
from ..._oci.image.referrers import is_referrer_tag
from ..results.outcome import ImageResult
from ..work.event_loop import Calls
from ..work.stores import Stores

_INCOMPLETE = "the registry has lost a part of that image; leave backup out of the task to overwrite it all the same"


class BackupWriter:
    """Keeps images. Runs on the event loop's thread.

    :param date: of the run, as names have it
    """

    def __init__(self, stores: Stores, calls: Calls, date: str) -> None:
        self._stores = stores
        self._calls = calls
        self._date = date

    async def keep(self, result: ImageResult, new: Digest) -> None:
        """Give what the destination has now a tag of its own, if something else is to be put there.

        :param new: what is to be put
        :raises ImageOpsError: when it cannot be kept, and so must not be overwritten
        """
        destination, template = result.task.destination, result.task.rule.backup
        if template is None or destination.tag is None or is_referrer_tag(destination.tag):
            return
        repository = self._stores.repository(destination)
        there = await self._calls.request(destination, repository.resolve, destination.tag)
        if there is None or there.digest == new:
            return
        backup = destination.with_tag(template.name(destination.tag, there.digest, self._date))
        found = await self._calls.request(backup, repository.resolve, backup.tag)
        if found is None:
            await self._put(result, backup, there.digest)
        elif found.digest != there.digest:
            raise _failed(
                result,
                backup,
                f"that tag is there already and names another image, {found.digest}",
                "run again, which makes another date, or remove that tag; a backup is never overwritten",
            )
        result.backup = backup

    async def _put(self, result: ImageResult, backup: Reference, digest: Digest) -> None:
        repository = self._stores.repository(backup)
        manifest = await self._calls.request(backup, repository.manifest, str(digest))
        try:
            answered = await self._calls.request(backup, repository.put_manifest, manifest, backup.tag)
        except MissingContent as fault:  # of the old image: what is known of the new one's blobs is right
            raise _failed(result, backup, fault.cause, _INCOMPLETE) from fault
        result.wrote = True
        if answered is None:
            found = await self._calls.request(backup, repository.resolve, backup.tag)
            answered = found.digest if found else None
        if answered != digest:
            cause = f"the registry has {answered or 'nothing'} there, where {digest} was put"
            raise _failed(result, backup, cause, "the destination changes manifests, or another client writes this tag")


def _failed(result: ImageResult, backup: Reference, cause: str, hint: str) -> ImageOpsError:
    return ImageOpsError(
        code="backup_failed",
        action="keep",
        subject=f"{result.task.destination} as {backup}",
        cause=cause,
        hint=hint,
    )
