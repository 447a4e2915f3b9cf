# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings each blob to each repository once: it is there already, or is mounted from another repository, or is sent.

Everything here runs on the event loop's thread; only requests and transfers leave it. In each store the first image
that needs a blob leads it: its repository gets the bytes. Repositories that need it later follow: they mount it, once a
manifest that names it is in the leader's repository. Images are admitted in the order of the plan and followers wait
for earlier images alone, so no two ever wait for each other. An image that has to look again waits for none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from ..._oci.errors import ContentError, ImageOpsError, RegistryError
from ..._oci.image.manifest import Descriptor, Manifest
from ..._oci.image.reference import Digest, Reference
from ..results.progress.counters import Progress
from ..work.event_loop import Calls
from ..work.stores import Stores
from .blob_transfers import COPIED, MOUNTED, PRESENT, BlobTransfers, Delivery

_Key = tuple[str, Digest, int]


def _key(where: str, blob: Descriptor) -> _Key:
    """Return a key with the size: a manifest with a wrong size must not spoil the images that have the right one."""
    return where, blob.digest, blob.size


@dataclass(eq=False)
class RepositoryBlob:
    """One blob in one repository.

    :ivar owner: the image that needs it first; what is sent for it counts as bytes of that image
    :ivar unseen: it is sent whatever the store says that it has
    :ivar sources: the repositories that images name as its source, by name; the next is tried when one cannot give it
    :ivar arrived: how it came to be there, once it is there
    :ivar settled: set when it is known whether other repositories can mount it from here
    :ivar unreadable: no source could give it
    :ivar expected: whether it is counted as something that is to be sent
    """

    repository: Reference
    descriptor: Descriptor
    owner: Hashable
    sources: dict[str, Reference]
    unseen: bool = False
    arrived: asyncio.Future[str] = field(default_factory=asyncio.Future)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    mountable: bool = False
    unreadable: bool = False
    expected: bool = False

    @property
    def is_there(self) -> bool:
        """Return whether the blob has come to the repository."""
        return self.arrived.done() and not self.arrived.cancelled() and self.arrived.exception() is None

    def settle(self, *, mountable: bool) -> None:
        """Set for followers whether they can mount from here; what was mountable stays so."""
        self.mountable = self.mountable or mountable
        self.settled.set()


class BlobPlacement:
    """All blobs in all repositories of a run.

    :param progress: told how much is to be sent
    :param check_mode: ask and count, write nothing
    """

    def __init__(
        self, stores: Stores, calls: Calls, transfers: BlobTransfers, progress: Progress, *, check_mode: bool
    ) -> None:
        self._stores = stores
        self._calls = calls
        self._transfers = transfers
        self._progress = progress
        self._check_mode = check_mode
        self._all: dict[_Key, RepositoryBlob] = {}
        self._leaders: dict[_Key, RepositoryBlob] = {}
        self._sizes: dict[Digest, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def require(
        self,
        repository: Reference,
        descriptor: Descriptor,
        source: Reference,
        owner: Hashable,
        *,
        alone: bool = False,
        unseen: bool = False,
    ) -> RepositoryBlob:
        """Return a blob in a repository; the first image that requires it has it brought there.

        :param alone: do not wait for another repository that may have it first
        :param unseen: send it whatever the store says that it has
        """
        key = _key(repository.name, descriptor)
        blob = self._all.get(key)
        if blob is None or (blob.unreadable and source.name not in blob.sources):
            blob = self._all[key] = RepositoryBlob(repository, descriptor, owner, {source.name: source}, unseen)
            task = asyncio.ensure_future(self._bring(blob, alone=alone))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            blob.sources.setdefault(source.name, source)
        return blob

    def manifest_put(self, repository: Reference, manifest: Manifest) -> None:
        """Note that a manifest is in a repository: the blobs that it names can be mounted from there."""
        for descriptor in manifest.blobs:
            blob = self._all.get(_key(repository.name, descriptor))
            if blob is not None:
                blob.settle(mountable=True)

    def image_ended(self, owner: Hashable, blobs: Iterable[RepositoryBlob]) -> None:
        """Note that an image has ended: followers wait no longer for what it led and put no manifest for."""
        for blob in blobs:
            if blob.owner == owner:
                blob.settle(mountable=False)

    def forget(self, repository: Reference, descriptors: Iterable[Descriptor]) -> None:
        """Look for these again when they are required, because the repository says that it lacks them."""
        for descriptor in descriptors:
            blob = self._all.pop(_key(repository.name, descriptor), None)
            if blob is None:
                continue  # a foreign layer, say
            blob.settle(mountable=False)
            key = _key(repository.registry, descriptor)
            if self._leaders.get(key) is blob:
                del self._leaders[key]

    def next_round(self) -> None:
        """Keep what has arrived and forget what failed, so that it is tried again."""
        self._all = {key: blob for key, blob in self._all.items() if blob.is_there}
        self._leaders = {key: blob for key, blob in self._leaders.items() if blob.is_there}

    async def _bring(self, blob: RepositoryBlob, *, alone: bool) -> None:
        try:
            self._check_size(blob.descriptor)
            self._expect(blob, not self._may_be_mounted(blob))
            how = await (self._probe(blob) if self._check_mode else self._deliver(blob, alone=alone))
        except BaseException as fault:
            self._expect(blob, False)
            blob.settle(mountable=False)
            if isinstance(fault, asyncio.CancelledError):
                blob.arrived.cancel()
                raise
            blob.arrived.set_exception(fault)
            blob.arrived.exception()  # there may be nothing left that waits for it
            return
        if how == PRESENT:
            blob.settle(mountable=True)
        self._expect(blob, how == COPIED)
        blob.arrived.set_result(how)

    def _expect(self, blob: RepositoryBlob, is_sent: bool) -> None:
        """Count a blob as something that is to be sent, or take it off."""
        if blob.expected != is_sent:
            blob.expected = is_sent
            self._progress.expect_bytes(blob.descriptor.size if is_sent else -blob.descriptor.size)

    def _may_be_mounted(self, blob: RepositoryBlob) -> bool:
        """Return whether another repository of the same store has the blob, or gets it first."""
        store = blob.repository.registry
        if any(source.registry == store for source in blob.sources.values()):
            return True
        return self._leaders.get(_key(store, blob.descriptor), blob) is not blob

    def _check_size(self, blob: Descriptor) -> None:
        """Raise ContentError (size_mismatch) for a blob that has been read and is of another size."""
        size = self._sizes.get(blob.digest, blob.size)
        if size != blob.size:
            raise ContentError(
                code="size_mismatch",
                action="copy",
                subject=f"the blob {blob.digest}",
                cause=f"it has {size} bytes where a manifest says {blob.size}",
                hint="the image is broken at its source: build or push it there again",
            )

    async def _mount_from(self, blob: RepositoryBlob, source: Reference, *, alone: bool = False) -> Reference | None:
        """Return a repository of the same store that the blob can be mounted from; None when this one has to lead."""
        if source.registry == blob.repository.registry:
            return source
        if alone:
            self._leaders.setdefault(_key(blob.repository.registry, blob.descriptor), blob)
            return None
        leader = await self._follow(blob)
        return leader.repository if leader else None

    async def _follow(self, blob: RepositoryBlob) -> RepositoryBlob | None:
        """Wait for the leader. Return it when it can be mounted from, None when this one leads now."""
        key = _key(blob.repository.registry, blob.descriptor)
        while True:
            leader = self._leaders.setdefault(key, blob)
            if leader is blob:
                return None
            await leader.settled.wait()
            if leader.mountable:
                return leader
            if self._leaders.get(key) is leader:
                self._leaders[key] = blob
                return leader if leader.is_there else None

    async def _deliver(self, blob: RepositoryBlob, *, alone: bool) -> str:
        """Mount or send a blob, from one source after the other as long as it is the source that cannot give it."""
        failed: set[str] = set()
        while True:
            source = next(source for name, source in blob.sources.items() if name not in failed)
            delivery = Delivery(blob.repository, blob.descriptor, source, unseen=blob.unseen)
            try:
                return await self._deliver_from(blob, delivery, alone=alone, share=not failed)
            except ImageOpsError:
                if delivery.failed_source is None:
                    raise
                failed.update([delivery.failed_source] if not failed else [delivery.failed_source, source.name])
                if failed.issuperset(blob.sources):
                    blob.unreadable = True
                    raise

    async def _deliver_from(self, blob: RepositoryBlob, delivery: Delivery, *, alone: bool, share: bool) -> str:
        holder = None if blob.unseen else await self._mount_from(blob, delivery.source, alone=alone)
        if holder is None:
            self._expect(blob, True)
            return await self._send(delivery, share=share)
        delivery.upload = await self._transfers.open_session(delivery, mount_from=holder.repository)
        if delivery.upload is None:
            return MOUNTED
        self._expect(blob, True)
        return await self._send(delivery, share=share)

    async def _send(self, delivery: Delivery, *, share: bool) -> str:
        """Send a blob. Return how it came."""
        how = await self._transfers.send(delivery, share=share)
        if how != PRESENT:
            self._sizes[delivery.blob.digest] = delivery.blob.size  # it has been read as a whole
        return how

    async def _probe(self, blob: RepositoryBlob) -> str:
        """Return how the blob would come, for check mode: only HEAD is used."""
        holder = await self._mount_from(blob, next(iter(blob.sources.values())))
        repository = self._stores.repository(blob.repository)
        try:
            there = await self._calls.request(blob.repository, repository.has_blob, blob.descriptor)
        except RegistryError as fault:
            if not fault.is_denial:
                raise
            there = False
        blob.settle(mountable=True)
        if there:
            return PRESENT
        return COPIED if holder is None else MOUNTED
