# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the manifests of images and of what refers to them, before anything is brought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..._oci.errors import ContentError, ImageOpsError, RegistryError
from ..plan.checks.held_to_plan import changed
from ..plan.referrers import Referrer
from ..plan.sides.source_images import SourceImage, SourceImages
from ..results.outcome import CopyOptions, ImageResult
from ..work.event_loop import Calls
from .manifest_graph import Graph, GraphReader


@dataclass(frozen=True)
class LoadedImage:
    """What has to be brought of one image.

    :ivar graph: its manifests; None where the destination has them, and lacks only what refers to them
    :ivar referrers: the manifests that refer to it and are not at the destination, a subject before its referrers
    """

    graph: Graph | None
    referrers: tuple[tuple[Referrer, Graph], ...]

    def walk(self) -> Iterator[Graph]:
        """Yield every graph in it, each manifest once for each of them."""
        for graph in [self.graph, *(graph for _referrer, graph in self.referrers)]:
            if graph is not None:
                yield from graph.walk()


class ImageLoader:
    """Reads the manifests of single images. Runs on the event loop's thread."""

    def __init__(self, calls: Calls, source_images: SourceImages, graphs: GraphReader, options: CopyOptions) -> None:
        self._calls = calls
        self._source_images = source_images
        self._graphs = graphs
        self._options = options

    async def load(self, result: ImageResult) -> LoadedImage:
        """Read the manifests of an image and of what refers to it, each once."""
        task = result.task
        missing = [referrer for referrer in task.referrers if not referrer.is_there]
        only_referrers = task.previous == task.digest and not self._options.rewrite
        graph = None if only_referrers else await self._load_graph(result)
        graphs = [await self._graphs.read(task.source, _image_of(referrer)) for referrer in missing]
        return LoadedImage(graph, tuple(zip(missing, graphs)))

    async def _load_graph(self, result: ImageResult) -> Graph:
        """Read the image's manifests. A tag that moved since planning is resolved again and noted."""
        planned = result.task.source_image
        if planned is None:
            planned = await self._resolve_now(result)
            result.task = replace(result.task, source_image=planned, digest=planned.digest)
            result.digest = planned.digest
        source = result.task.origin if self._options.check_mode else result.task.source
        try:
            return await self._graphs.read(source, planned)
        except ImageOpsError as fault:
            if not _is_lost(fault) or result.task.source.digest is not None:
                raise
            if self._options.by_plan:
                raise changed(result.task, f"the source does not have {planned.digest} any more") from fault
            now = await self._resolve_again(result, planned, fault)
        result.notes += (f"the source tag moved from {planned.digest} to {now.digest} during the run",)
        result.task = replace(result.task, source_image=now, digest=now.digest)
        result.digest = now.digest
        return await self._graphs.read(result.task.source, now)

    async def _resolve_now(self, result: ImageResult) -> SourceImage:
        """Return what the source names now, whatever was planned. What had to be signed is never another image."""
        task = result.task
        if task.rule.required_signature is not None:
            raise _unchecked(result)
        self._source_images.forget(task.source, task.rule.platforms)
        now = await self._calls.request(task.source, self._source_images.resolve, task.source, task.rule.platforms)
        if now.digest is None:
            raise _vanished(result, now.skip)
        return now

    async def _resolve_again(self, result: ImageResult, planned: SourceImage, lost: ImageOpsError) -> SourceImage:
        """Return what the source tag names now that what it named is not there any more."""
        now = await self._resolve_now(result)
        if now.digest != planned.digest:
            return now
        if isinstance(lost, ContentError):
            raise lost
        task = result.task
        read = await self._calls.request(task.source, self._source_images.read_again, task.source, task.rule.platforms)
        if read.digest not in (None, planned.digest):
            return read
        raise _vanished(result, "its tag names a manifest that the source does not have")


def _is_lost(fault: ImageOpsError) -> bool:
    """Return whether a manifest, or one that it names, is not at the source."""
    return fault.code == "source_incomplete" or (isinstance(fault, RegistryError) and fault.status == 404)


def _vanished(result: ImageResult, cause: str) -> ImageOpsError:
    return RegistryError(
        code="tag_not_found",
        action="copy",
        subject=str(result.task.source),
        cause=f"it is gone since the run began: {cause}",
        hint="someone deletes or moves tags at the source; run again when that is over",
        status=404,
    )


def _unchecked(result: ImageResult) -> ImageOpsError:
    return ContentError(
        code="signature_missing",
        action="copy",
        subject=str(result.task.source),
        cause="the image whose signature was checked is gone from there; what may be there now was not checked",
        hint="run again: images are moved or deleted at the source",
    )


def _image_of(referrer: Referrer) -> SourceImage:
    return SourceImage(referrer.digest, referrer.digest, referrer.media_type, referrer.size, {}, "", "")
