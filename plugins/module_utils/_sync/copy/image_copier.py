# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies images: the manifests of each are read, its blobs brought, its manifests put bottom up and the tag last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..._oci.client.refusals import MissingContent
from ..._oci.client.run import Run
from ..._oci.errors import ContentError, ImageOpsError, RegistryError
from ..._oci.image.manifest import Descriptor, Manifest, is_foreign
from ..._oci.image.reference import Digest
from ..decisions import Action, ReferrerState, Status, UnsupportedArtifacts
from ..plan.artifacts import REFUSED, Refused
from ..plan.referrers import Referrer
from ..plan.source_images import SourceImage, SourceImages
from ..results.outcome import CopyOptions, ImageResult
from ..work.event_loop import Calls
from .blob_placement import COPIED, MOUNTED, BlobPlacement, RepositoryBlob
from .manifest_graph import Graph, GraphReader, artifacts_of, everything, without_leaves
from .manifest_writer import ManifestWriter


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


class ImageCopier:
    """Copies single images. Runs on the event loop's thread.

    :param placement: brings the blobs
    """

    def __init__(
        self,
        calls: Calls,
        source_images: SourceImages,
        graphs: GraphReader,
        placement: BlobPlacement,
        writer: ManifestWriter,
        options: CopyOptions,
        run: Run,
    ) -> None:
        self._calls = calls
        self._source_images = source_images
        self._graphs = graphs
        self._placement = placement
        self._writer = writer
        self._options = options
        self._budget = run.budget
        self._warn = run.warn
        self._children: dict[tuple[str, Digest, str | None], asyncio.Task[None]] = {}
        self._refused = Refused()

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
            now = await self._resolve_again(result, planned, fault)
        result.notes.append(f"the source tag moved from {planned.digest} to {now.digest} during the run")
        result.digest = now.digest
        return await self._graphs.read(result.task.source, now)

    async def _resolve_now(self, result: ImageResult) -> SourceImage:
        """Return what the source names now, whatever was planned."""
        task = result.task
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
        raise _vanished(result, "its tag names a manifest that the source does not have")

    def admit(self, result: ImageResult, image: LoadedImage, *, alone: bool = False) -> dict[Digest, RepositoryBlob]:
        """Ask for every blob of the image at its destination, in the order of the plan.

        :param alone: out of that order, so that it may wait for no other image
        """
        task = result.task
        blobs: dict[Digest, RepositoryBlob] = {}
        for node in image.walk():
            if self._refused.knows(task.destination.registry, node.manifest):
                continue
            for blob in self._blobs(node.manifest):
                if blob.digest not in blobs:
                    blobs[blob.digest] = self._placement.require(
                        task.destination, blob, task.source, id(result), alone=alone
                    )
        return blobs

    def _blobs(self, manifest: Manifest) -> Iterator[Descriptor]:
        return (blob for blob in manifest.blobs if self._options.foreign_layers or not is_foreign(blob))

    async def copy(self, result: ImageResult, image: LoadedImage, blobs: dict[Digest, RepositoryBlob]) -> None:
        """Wait for the blobs and put the manifests. The outcome is in the result.

        :raises ImageOpsError: when the image could not be copied
        """
        started = time.monotonic()
        try:
            if image.graph is not None:
                accepted = await self._accepted(result, image.graph, blobs)
                if accepted is None:
                    return
                image = replace(image, graph=accepted)
            await self._write(result, image, blobs)
        except MissingContent as fault:
            # The registry has lost what it said it had: look at everything below once more.
            self._budget.spend(fault, len(blobs))
            blobs = self._look_again(result, image)
            await self._write(result, image, blobs)
        finally:
            self._placement.image_ended(id(result), blobs.values())
            _count(result, blobs)
            result.seconds = time.monotonic() - started
        result.status = Status.DONE

    async def _write(self, result: ImageResult, image: LoadedImage, blobs: dict[Digest, RepositoryBlob]) -> None:
        """Put the image by its digest, what refers to it, and its tag last: no tag shows before its signatures.

        Where nothing refers to it, one request puts manifest and tag.
        """
        tag_last = bool(image.referrers) and result.task.destination.tag is not None
        if image.graph is not None:
            await self._put(result, image.graph, blobs, root=not tag_last)
        for referrer, graph in image.referrers:
            await self._put_referrer(result, referrer, graph, blobs)
        if image.graph is not None and tag_last and not self._options.check_mode:
            await self._writer.put_root(result, image.graph.manifest)

    async def _put_referrer(
        self, result: ImageResult, referrer: Referrer, graph: Graph, blobs: dict[Digest, RepositoryBlob]
    ) -> None:
        """Put what refers to the image. A kind that is not taken fails the image only where that is asked for."""
        host = result.task.destination.registry
        if self._refused.knows(host, graph.manifest) and not self._options.referrers_required:
            self._note_refused(result, referrer)
            return
        try:
            if referrer.merges:
                await everything(*(self._child(result, child, blobs) for child in graph.children))
            else:
                await self._once(result, graph, blobs, referrer.tag)
        except RegistryError as fault:
            result.referrers[referrer] = ReferrerState.FAILED
            if fault.code != REFUSED or self._options.referrers_required:
                raise
            if not graph.children:
                self._refused.add(host, graph.manifest)
            self._note_refused(result, referrer)
        else:
            result.referrers[referrer] = ReferrerState.COPIED

    def _note_refused(self, result: ImageResult, referrer: Referrer) -> None:
        host = result.task.destination.registry
        result.referrers[referrer] = ReferrerState.REFUSED
        result.notes.append(f"{host} does not take {referrer.type} {referrer.digest}, which refers to the image")
        self._warn(f"{host} does not take everything that refers to images: see the notes of the images")

    async def _accepted(self, result: ImageResult, graph: Graph, blobs: dict[Digest, RepositoryBlob]) -> Graph | None:
        """Return what of an image the destination takes; None when it is finished without anything being put.

        Artifacts are put first, each by its digest, so that nothing else is written of an image that is skipped.
        """
        option = self._options.unsupported_artifacts
        if option == UnsupportedArtifacts.FAIL or self._options.check_mode:
            return graph
        refused: set[Digest] = set()
        artifacts = list(artifacts_of(graph))
        for leaf in artifacts:
            if await self._is_refused(result, leaf, blobs):
                refused.add(leaf.manifest.digest)
        if not refused:
            return graph
        left = None if option == UnsupportedArtifacts.SKIP or not graph.children else without_leaves(graph, refused)
        host = result.task.destination.registry
        result.status = Status.DONE
        if left is None:
            reason = f"{host} does not take artifacts of this kind"
            result.task = replace(result.task, action=Action.SKIP, reason=reason)
            result.digest = result.task.previous
            return None
        result.notes.append(
            f"{len(refused)} of the manifests below {graph.manifest.digest} are left out, which {host} does not take: "
            "the digest changes"
        )
        if left.manifest.digest == result.task.previous:
            result.task = replace(
                result.task, action=Action.UNCHANGED, reason="the destination has what it takes of it"
            )
            result.digest = result.task.previous
            return None
        return left

    async def _is_refused(self, result: ImageResult, leaf: Graph, blobs: dict[Digest, RepositoryBlob]) -> bool:
        host = result.task.destination.registry
        if self._refused.knows(host, leaf.manifest):
            return True
        try:
            await self._child(result, leaf, blobs)
        except RegistryError as fault:
            if fault.code != REFUSED:
                raise
            self._refused.add(host, leaf.manifest)
            return True
        return False

    def _look_again(self, result: ImageResult, image: LoadedImage) -> dict[Digest, RepositoryBlob]:
        lost = {node.manifest.digest for node in image.walk()}
        for node in image.walk():
            self._placement.forget(result.task.destination, node.manifest.blobs)
        for key in [key for key in self._children if key[0] == result.task.destination.name and key[1] in lost]:
            del self._children[key]
        return self.admit(result, image, alone=True)

    async def _put(
        self,
        result: ImageResult,
        graph: Graph,
        blobs: dict[Digest, RepositoryBlob],
        *,
        root: bool,
        tag: str | None = None,
    ) -> None:
        """Put everything below a manifest, then the manifest: as the root, under a tag, or by its digest alone."""
        arrivals = _arrivals([blobs[blob.digest] for blob in self._blobs(graph.manifest)])
        if graph.children:
            await everything(*(self._child(result, child, blobs) for child in graph.children), arrivals)
        else:
            await arrivals
        if self._options.check_mode:
            return
        if root:
            await self._writer.put_root(result, graph.manifest)
        else:
            await self._writer.put(result, graph.manifest, tag)

    async def _child(self, result: ImageResult, graph: Graph, blobs: dict[Digest, RepositoryBlob]) -> None:
        await self._once(result, graph, blobs, None)

    async def _once(
        self, result: ImageResult, graph: Graph, blobs: dict[Digest, RepositoryBlob], tag: str | None
    ) -> None:
        """Put a manifest below another once a repository and tag, for the first image that has it."""
        key = (result.task.destination.name, graph.manifest.digest, tag)
        task = self._children.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            putting = self._put(result, graph, blobs, root=False, tag=tag)
            task = self._children[key] = asyncio.ensure_future(putting)
        await asyncio.shield(task)


async def _arrivals(blobs: Sequence[RepositoryBlob]) -> None:
    """Wait for all of them, and only then raise why one failed."""
    coming = [blob.arrived for blob in blobs if not blob.arrived.done()]
    if coming:
        await asyncio.wait(coming)
    for blob in blobs:
        blob.arrived.result()


def _count(result: ImageResult, blobs: dict[Digest, RepositoryBlob]) -> None:
    """Count the blobs; what an earlier image brought to the same repository was present for this one."""
    result.bytes = result.blobs_copied = result.blobs_mounted = result.blobs_present = 0
    for blob in blobs.values():
        how = blob.arrived.result() if blob.is_there else None
        mine = blob.owner == id(result)
        if how == COPIED and mine:
            result.blobs_copied += 1
            result.bytes += blob.descriptor.size
        elif how == MOUNTED and mine:
            result.blobs_mounted += 1
        elif how is not None:
            result.blobs_present += 1
        result.wrote = result.wrote or (mine and how in (COPIED, MOUNTED))


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


def _image_of(referrer: Referrer) -> SourceImage:
    return SourceImage(referrer.digest, referrer.digest, referrer.media_type, referrer.size, {}, "", "")
