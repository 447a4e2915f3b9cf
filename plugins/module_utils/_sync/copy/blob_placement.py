# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings each blob to each repository once: already present, mounted from a neighbour, or sent from any source.

Everything here runs on the event loop's thread; only requests and transfers leave it, through the lanes. Per registry
the first image that wants a blob leads it; repositories that want it later follow, and mount it once a manifest that
names it is in the leader's repository. Images are admitted in plan order and followers wait for earlier images alone,
so no two ever wait for each other. An image that has to look again waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field

from ..._oci.errors import ContentError, ImageOpsError, RegistryError
from ..._oci.image.manifest import Descriptor, Manifest
from ..._oci.image.reference import Digest, Reference
from ..work.event_loop import Calls
from ..work.stores import Stores
from .blob_transfers import Flights, Seat

PRESENT, MOUNTED, COPIED = "present", "mounted", "copied"
_Key = tuple[str, Digest, int]


def _key(where: str, blob: Descriptor) -> _Key:
    """A manifest that lies about a blob's size must not have its way with those that tell the truth."""
    return where, blob.digest, blob.size


@dataclass(eq=False)
class Place:
    """One blob in one repository.

    :ivar owner: the image that wanted it first; what is sent for it is that image's bytes
    :ivar sources: the repositories that images name as its source; one that cannot give it is not the last
    :ivar arrived: how it came to be there, once it is
    :ivar settled: set when it is known whether others can mount it from here
    :ivar unreadable: no source could give it
    """

    repository: Reference
    blob: Descriptor
    owner: Hashable
    sources: dict[str, Reference]
    arrived: asyncio.Future[str] = field(default_factory=asyncio.Future)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    mountable: bool = False
    unreadable: bool = False

    @property
    def is_there(self) -> bool:
        """Whether the blob has come to the repository."""
        return self.arrived.done() and not self.arrived.cancelled() and self.arrived.exception() is None

    def settle(self, *, mountable: bool) -> None:
        """Say whether followers can mount from here; a yes is never taken back."""
        self.mountable = self.mountable or mountable
        self.settled.set()


class Placement:
    """All places of a run, by repository and digest.

    :param check_mode: ask and count, write nothing
    """

    def __init__(self, stores: Stores, calls: Calls, flights: Flights, *, check_mode: bool) -> None:
        self._stores = stores
        self._calls = calls
        self._flights = flights
        self._check_mode = check_mode
        self._all: dict[_Key, Place] = {}
        self._leaders: dict[_Key, Place] = {}
        self._sizes: dict[Digest, int] = {}
        self._work: set[asyncio.Task[None]] = set()

    def want(
        self,
        repository: Reference,
        blob: Descriptor,
        source: Reference,
        owner: Hashable,
        *,
        alone: bool = False,
    ) -> Place:
        """The place of a blob in a repository; the first to want it has it brought there.

        :param alone: do not wait for a neighbour that may have it first
        """
        key = _key(repository.name, blob)
        place = self._all.get(key)
        if place is None or (place.unreadable and source.name not in place.sources):
            place = self._all[key] = Place(repository, blob, owner, {source.name: source})
            task = asyncio.ensure_future(self._bring(place, alone=alone))
            self._work.add(task)
            task.add_done_callback(self._work.discard)
        else:
            place.sources.setdefault(source.name, source)
        return place

    def named(self, repository: Reference, manifest: Manifest) -> None:
        """A manifest was put: the blobs that it names can be mounted from this repository."""
        for blob in manifest.blobs:
            place = self._all.get(_key(repository.name, blob))
            if place is not None:
                place.settle(mountable=True)

    def ended(self, owner: Hashable, places: list[Place]) -> None:
        """An image ended; of what it wanted first and did not get named, others must not wait any longer."""
        for place in places:
            if place.owner == owner:
                place.settle(mountable=False)

    def forget(self, repository: Reference, blobs: tuple[Descriptor, ...]) -> None:
        """The repository denies having these: look again."""
        for blob in blobs:
            place = self._all.pop(_key(repository.name, blob), None)
            if place is None:
                continue  # a foreign layer, say
            place.settle(mountable=False)
            key = _key(repository.registry, blob)
            if self._leaders.get(key) is place:
                del self._leaders[key]

    def next_round(self) -> None:
        """Keep what has arrived, forget what failed, so that it is tried again."""
        self._all = {key: place for key, place in self._all.items() if place.is_there}
        self._leaders = {key: place for key, place in self._leaders.items() if place.is_there}

    async def _bring(self, place: Place, *, alone: bool) -> None:
        try:
            self._check_size(place.blob)
            how = await (self._probe(place) if self._check_mode else self._deliver(place, alone=alone))
        except BaseException as fault:
            place.settle(mountable=False)
            if isinstance(fault, asyncio.CancelledError):
                place.arrived.cancel()
                raise
            place.arrived.set_exception(fault)
            place.arrived.exception()  # not everyone who wanted it may still be there to see this
            return
        if how == PRESENT:
            place.settle(mountable=True)
        if how == COPIED and not self._check_mode:
            self._sizes[place.blob.digest] = place.blob.size
        place.arrived.set_result(how)

    def _check_size(self, blob: Descriptor) -> None:
        """:raises ContentError: size_mismatch, for a blob that has been read and is of another size"""
        size = self._sizes.get(blob.digest, blob.size)
        if size != blob.size:
            raise ContentError(
                code="size_mismatch",
                action="copy",
                subject=f"the blob {blob.digest}",
                cause=f"it has {size} bytes where a manifest says {blob.size}",
                hint="the image is broken at its source: build or push it there again",
            )

    async def _holder(self, place: Place, source: Reference, *, alone: bool = False) -> Reference | None:
        """A repository of the same registry that the blob can be mounted from; None when this place has to lead."""
        if source.registry == place.repository.registry:
            return source
        if alone:
            self._leaders.setdefault(_key(place.repository.registry, place.blob), place)
            return None
        leader = await self._turn(place)
        return leader.repository if leader else None

    async def _turn(self, place: Place) -> Place | None:
        """Wait until this place leads (None), or gives the one that it can mount from."""
        key = _key(place.repository.registry, place.blob)
        while True:
            leader = self._leaders.setdefault(key, place)
            if leader is place:
                return None
            await leader.settled.wait()
            if leader.mountable:
                return leader
            if self._leaders.get(key) is leader:
                self._leaders[key] = place
                return leader if leader.is_there else None

    async def _deliver(self, place: Place, *, alone: bool) -> str:
        """Mount or send it, from one source after the other as long as it is the source that cannot give it."""
        failed: set[str] = set()
        while True:
            source = next(source for name, source in place.sources.items() if name not in failed)
            seat = Seat(place.repository, place.blob, source, place.owner)
            try:
                return await self._deliver_from(place, seat, alone=alone, share=not failed)
            except ImageOpsError:
                if seat.failed_source is None:
                    raise
                failed.update([seat.failed_source] if not failed else [seat.failed_source, source.name])
                if failed.issuperset(place.sources):
                    place.unreadable = True
                    raise

    async def _deliver_from(self, place: Place, seat: Seat, *, alone: bool, share: bool) -> str:
        holder = await self._holder(place, seat.source, alone=alone)
        if holder is None:
            return COPIED if await self._flights.board(seat, share=share) else PRESENT
        seat.upload = await self._flights.begin(seat, mount_from=holder.repository)
        if seat.upload is None:
            return MOUNTED
        await self._flights.board(seat, share=share)
        return COPIED

    async def _probe(self, place: Place) -> str:
        """Check mode: what would happen, asked by HEAD alone."""
        holder = await self._holder(place, next(iter(place.sources.values())))
        repository = self._stores.repository(place.repository)
        try:
            there = await self._calls.request(place.repository, repository.has_blob, place.blob)
        except RegistryError as fault:
            if fault.status not in (401, 403):
                raise
            there = False
        place.settle(mountable=True)
        if there:
            return PRESENT
        return COPIED if holder is None else MOUNTED
