# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy phase: many images at once on one event loop, admitted in the order of the plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from itertools import groupby
from typing import Any

from ..._oci.client.run import Run, interrupted
from ..._oci.errors import ImageOpsError
from ..._oci.image.reference import Digest, Reference
from ..decisions import Status
from ..plan.sides.source_images import SourceImages
from ..results.outcome import CopyOptions, ImageResult, Reread
from ..results.progress.counters import Progress
from ..work.event_loop import Calls, ConcurrencyLimit
from ..work.manifest_cache import ManifestCache
from ..work.stores import Stores
from ..work.workers import unexpected
from .blob_placement import BlobPlacement
from .blob_transfers import Bandwidth, BlobTransfers
from .image_copier import ImageCopier
from .image_loader import ImageLoader, LoadedImage
from .manifest_graph import GraphReader
from .manifest_writer import ManifestWriter

_WINDOW = 64
"""Source digests that are worked on at once; what is behind them waits as a line of the plan.

Where a failure is to stop the run they are no more than blobs are transferred at once: what was begun is finished.
"""


class CopyPhase:
    """Copies images in rounds; a round builds on what those before it brought.

    The loop does no work of its own: it waits for threads that do. So all bookkeeping is in one thread and needs no
    locks.

    :param concurrency: blobs that are transferred at once in the whole run
    :param bandwidth: what they may move together; None without a limit
    :param stop_on_error: begin no new image once one has failed
    :param on_finished: told of every image when its attempt has ended
    :param progress: told of what moves
    :param is_planned: whether a destination is one of the run's own
    :param date: of the run, as the names of backups have it
    :param holders: where a destination has what a bundle leaves out, by the repository that lacks it
    """

    def __init__(
        self,
        stores: Stores,
        manifests: ManifestCache,
        source_images: SourceImages,
        options: CopyOptions,
        run: Run,
        *,
        concurrency: int,
        bandwidth: Bandwidth | None,
        stop_on_error: bool,
        on_finished: Callable[[ImageResult], None],
        progress: Progress,
        is_planned: Callable[[Reference], bool],
        date: str,
        holders: Mapping[tuple[str, Digest], Reference],
    ) -> None:
        self._run = run
        self._stop_on_error = stop_on_error
        self._window = min(_WINDOW, concurrency) if stop_on_error else _WINDOW
        self._on_finished = on_finished
        self._progress = progress
        self._halted = False
        self._loop = asyncio.new_event_loop()

        calls = Calls(stores, self._loop)
        self._transfers = BlobTransfers(
            stores,
            calls,
            run,
            concurrency=concurrency,
            bandwidth=bandwidth,
            progress=progress,
        )
        self._placement = BlobPlacement(stores, calls, self._transfers, progress, check_mode=options.check_mode)
        self._loader = ImageLoader(calls, source_images, GraphReader(stores, calls, manifests), options)
        writer = ManifestWriter(stores, calls, self._placement, options, is_planned, date)
        self._copier = ImageCopier(self._placement, writer, options, run, holders)

    @property
    def rereads(self) -> list[Reread]:
        """Return the blobs that were read from their source again."""
        return self._transfers.rereads

    def close(self) -> None:
        """End the loop, what is still under way on it, and its threads."""
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left))
        self._transfers.close()
        self._loop.close()

    def round(self, images: Sequence[ImageResult]) -> None:
        """Try each of these once."""
        self._placement.next_round()
        self._progress.copy_images(len(images))
        self._loop.run_until_complete(self._round(images))

    async def _round(self, images: Sequence[ImageResult]) -> None:
        window = ConcurrencyLimit(lambda: self._window)
        turn: asyncio.Future[None] = self._loop.create_future()
        turn.set_result(None)
        groups: set[asyncio.Task[None]] = set()
        faults: list[BaseException] = []

        def ended(group: asyncio.Task[None]) -> None:
            groups.discard(group)
            window.leave()
            if group.cancelled():
                return
            fault = group.exception()
            if fault is not None:
                faults.append(fault)

        for _digest, members in groupby(images, key=_group_of):
            await window.enter()
            if self._run.stop.is_set() or self._halted:
                break
            next_turn: asyncio.Future[None] = self._loop.create_future()
            group = asyncio.ensure_future(self._group(list(members), turn, next_turn))
            groups.add(group)
            group.add_done_callback(ended)
            turn = next_turn
        while groups:
            await asyncio.wait(set(groups))
        if faults:
            raise faults[0]

    async def _group(
        self,
        images: Sequence[ImageResult],
        turn: asyncio.Future[None],
        next_turn: asyncio.Future[None],
    ) -> None:
        """Copy images of one digest: they are loaded at any time, and admitted in their turn together.

        So one read of a blob serves all of them.
        """
        try:
            loads = await asyncio.gather(*(self._loader.load(image) for image in images), return_exceptions=True)
            await turn
            copies = [self._admitted(image, load) for image, load in zip(images, loads)]
        finally:
            next_turn.set_result(None)
        outcomes = await asyncio.gather(*copies, return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def _admitted(self, image: ImageResult, load: LoadedImage | BaseException) -> Coroutine[Any, Any, None]:
        """Require the image's blobs now, and return the copying of the image, which waits for them."""
        self._progress.image_read()
        if isinstance(load, BaseException):
            return self._attempt(image, _raise(load))
        try:
            blobs = self._copier.admit(image, load)
        except Exception as fault:  # noqa: BLE001 - it stops no other image
            return self._attempt(image, _raise(fault))
        return self._attempt(image, self._copier.copy(image, load, blobs))

    async def _attempt(self, image: ImageResult, copying: Coroutine[Any, Any, None]) -> None:
        image.attempts += 1
        image.error = None
        try:
            await copying
        except ImageOpsError as fault:
            image.error = interrupted(action="copy", subject=str(image.source)) if self._run.stop.is_set() else fault
        except Exception as fault:  # noqa: BLE001 - it stops no other image
            image.error = unexpected(fault, action="copy", subject=str(image.source), log=self._run.log)
        if image.error is not None:
            image.status = Status.FAILED
            self._halted = self._halted or self._stop_on_error
        self._on_finished(image)


def _group_of(image: ImageResult) -> Digest | None:
    return image.task.digest


async def _raise(fault: BaseException) -> None:
    raise fault
