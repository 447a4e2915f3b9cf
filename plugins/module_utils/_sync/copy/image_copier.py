# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies images: the manifests of each are read, its blobs brought, its manifests put bottom up and the tag last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..._oci.client.refusals import MissingContent
from ..._oci.client.retry import RetryBudget
from ..._oci.errors import ContentError, ImageOpsError, RegistryError
from ..._oci.image.index_filter import is_artifact, without
from ..._oci.image.manifest import Descriptor, Manifest, is_foreign
from ..._oci.image.reference import Digest
from ..decisions import Action, Status, UnsupportedArtifacts
from ..plan.artifacts import REFUSED, Refused
from ..plan.source_images import SourceImage, SourceImages
from ..results.outcome import CopyOptions, ImageResult
from ..work.event_loop import Calls
from .blob_placement import COPIED, MOUNTED, BlobPlacement, RepositoryBlob
from .manifest_graph import Graph, GraphReader, everything
from .manifest_writer import ManifestWriter


class ImageCopier:
    """Copies single images. Runs on the event loop's thread.

    :param placement: brings the blobs
    :param budget: for what has to be asked once more
    """

    def __init__(
        self,
        calls: Calls,
        source_images: SourceImages,
        graphs: GraphReader,
        placement: BlobPlacement,
        writer: ManifestWriter,
        options: CopyOptions,
        budget: RetryBudget,
    ) -> None:
        self._calls = calls
        self._source_images = source_images
        self._graphs = graphs
        self._placement = placement
        self._writer = writer
        self._options = options
        self._budget = budget
        self._children: dict[tuple[str, Digest], asyncio.Task[None]] = {}
        self._refused = Refused()

    async def load(self, result: ImageResult) -> Graph:
        """Read the image's manifests, each once. A tag that moved since planning is resolved again and noted."""
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

    def admit(self, result: ImageResult, graph: Graph, *, alone: bool = False) -> dict[Digest, RepositoryBlob]:
        """Ask for every blob of the image at its destination, in the order of the plan.

        :param alone: out of that order, so that it may wait for no other image
        """
        task = result.task
        blobs: dict[Digest, RepositoryBlob] = {}
        for node in graph.walk():
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

    async def copy(self, result: ImageResult, graph: Graph, blobs: dict[Digest, RepositoryBlob]) -> None:
        """Wait for the blobs and put the manifests. The outcome is in the result.

        :raises ImageOpsError: when the image could not be copied
        """
        started = time.monotonic()
        try:
            accepted = await self._accepted(result, graph, blobs)
            if accepted is None:
                return
            graph = accepted
            await self._put(result, graph, blobs, root=True)
        except MissingContent as fault:
            # The registry has lost what it said it had: look at everything below once more.
            self._budget.spend(fault, len(blobs))
            blobs = self._look_again(result, graph)
            await self._put(result, graph, blobs, root=True)
        finally:
            self._placement.image_ended(id(result), blobs.values())
            _count(result, blobs)
            result.seconds = time.monotonic() - started
        result.status = Status.DONE

    async def _accepted(self, result: ImageResult, graph: Graph, blobs: dict[Digest, RepositoryBlob]) -> Graph | None:
        """Return what of an image the destination takes; None when it is finished without anything being put.

        Artifacts are put first, each by its digest, so that nothing else is written of an image that is skipped.
        """
        option = self._options.unsupported_artifacts
        if option == UnsupportedArtifacts.FAIL or self._options.check_mode:
            return graph
        refused: set[Digest] = set()
        artifacts = list(_artifacts(graph))
        for leaf in artifacts:
            if await self._is_refused(result, leaf, blobs):
                refused.add(leaf.manifest.digest)
        if not refused:
            return graph
        left = None if option == UnsupportedArtifacts.SKIP or not graph.children else _without(graph, refused)
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

    def _look_again(self, result: ImageResult, graph: Graph) -> dict[Digest, RepositoryBlob]:
        for node in graph.walk():
            self._placement.forget(result.task.destination, node.manifest.blobs)
            self._children.pop((result.task.destination.name, node.manifest.digest), None)
        return self.admit(result, graph, alone=True)

    async def _put(
        self,
        result: ImageResult,
        graph: Graph,
        blobs: dict[Digest, RepositoryBlob],
        *,
        root: bool,
    ) -> None:
        """Put everything below a manifest, then the manifest."""
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
            await self._writer.put(result, graph.manifest, None)

    async def _child(self, result: ImageResult, graph: Graph, blobs: dict[Digest, RepositoryBlob]) -> None:
        """Put a child manifest once a repository, for the first image that has it."""
        key = (result.task.destination.name, graph.manifest.digest)
        task = self._children.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._children[key] = asyncio.ensure_future(self._put(result, graph, blobs, root=False))
        await asyncio.shield(task)


def _artifacts(graph: Graph) -> Iterator[Graph]:
    """Yield the graphs of what is no image, at any depth."""
    if is_artifact(None, graph.manifest):
        yield graph
    for entry, child in zip(graph.manifest.children, graph.children):
        if child.children:
            yield from _artifacts(child)
        elif is_artifact(entry, child.manifest):
            yield child


def _without(graph: Graph, refused: set[Digest]) -> Graph | None:
    """Return the graph without some of its leaves."""
    manifests = {node.manifest.digest: node.manifest for node in graph.walk()}
    root = without(
        graph.manifest, lambda entry: entry.digest in refused, lambda entry: manifests[entry.digest], manifests
    )

    def build(manifest: Manifest) -> Graph:
        return Graph(manifest, tuple(build(manifests[child.digest]) for child in manifest.children))

    return None if root is None else build(root)


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
