# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies images: the manifests of each are read, its blobs brought, its manifests put bottom up and the tag last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..._oci.client.refusals import MissingContent
from ..._oci.client.run import Run
from ..._oci.errors import RegistryError
from ..._oci.image.manifest import Descriptor, Manifest, is_foreign
from ..._oci.image.reference import Digest, Reference
from ..decisions import Action, ReferrerState, Status, UnsupportedArtifacts
from ..plan.referrers import Referrer
from ..results.outcome import CopyOptions, ImageResult
from .blob_placement import BlobPlacement, RepositoryBlob
from .blob_transfers import COPIED, MOUNTED
from .image_loader import LoadedImage
from .manifest_graph import Graph, artifacts_of, everything, without_leaves
from .manifest_writer import ManifestWriter
from .missing_content import copied, missing_foreign, needs_foreign, only_said
from .refused_artifacts import ManifestRefused, RefusedKinds, unsigned_part

_NOT_TAKEN = "both sides have the same digest, and the destination does not take what refers to it"


class ImageCopier:
    """Copies single images. Runs on the event loop's thread.

    :param placement: brings the blobs
    :param holders: where a destination has what a bundle leaves out, by the repository that lacks it
    """

    def __init__(
        self,
        placement: BlobPlacement,
        writer: ManifestWriter,
        options: CopyOptions,
        run: Run,
        holders: Mapping[tuple[str, Digest], Reference],
    ) -> None:
        self._holders = holders
        self._placement = placement
        self._writer = writer
        self._options = options
        self._budget = run.budget
        self._warn = run.warn
        self._children: dict[tuple[str, Digest, str | None], asyncio.Task[None]] = {}
        self._refused = RefusedKinds()
        self._warned: set[str] = set()

    def admit(
        self, result: ImageResult, image: LoadedImage, *, alone: bool = False, unseen: frozenset[Digest] = frozenset()
    ) -> dict[Digest, RepositoryBlob]:
        """Ask for every blob of the image at its destination, in the order of the plan.

        :param alone: out of that order, so that it may wait for no other image
        :param unseen: those that are sent whatever the destination says that it has
        """
        task = result.task
        blobs: dict[Digest, RepositoryBlob] = {}
        refused = {leaf.manifest.digest for leaf in self._known_refused(result, image)}
        for node in image.walk():
            if node.manifest.digest in refused:
                continue
            for blob in self._blobs(node.manifest):
                if blob.digest not in blobs:
                    source = self._holders.get((task.destination.name, blob.digest), task.source)
                    blobs[blob.digest] = self._placement.require(
                        task.destination, blob, source, id(result), alone=alone, unseen=blob.digest in unseen
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
            await self._write_until_complete(result, image, blobs)
        except ManifestRefused as refused:
            raise refused.with_hint(image.graph) from None
        finally:
            self._placement.image_ended(id(result), blobs.values())
            _count(result, blobs)
            result.seconds = time.monotonic() - started
        if _took_nothing(result):
            result.task = replace(result.task, action=Action.UNCHANGED, reason=_NOT_TAKEN)
        result.status = Status.DONE

    async def _write_until_complete(
        self, result: ImageResult, image: LoadedImage, blobs: dict[Digest, RepositoryBlob]
    ) -> None:
        """Put the image; where the registry has lost what it said it had, look at everything below once more.

        What it says that it has all the same, and was not sent, is sent: a cache that outlives a garbage collection
        says so.

        :param blobs: those of the image, which are replaced where they are looked at again
        """
        lost: list[MissingContent] = []
        sent: frozenset[Digest] = frozenset()
        while True:
            try:
                await self._write(result, image, blobs)
                return
            except MissingContent as fault:
                if not self._options.foreign_layers and (foreign := missing_foreign(fault, image)):
                    raise needs_foreign(fault, foreign) from None
                unseen = only_said(fault, blobs) - sent if lost else frozenset()
                if lost and not unseen:
                    raise
                sent |= unseen | copied(blobs)
                lost.append(fault)
                self._budget.spend(fault, len(unseen) or len(blobs))
                blobs.update(self._look_again(result, image, unseen))
            except RegistryError as error:
                if not lost or error.code != "retry_budget":
                    raise
                lost[-1].give_up(self._budget.spent)
                raise lost[-1] from error

    async def _write(self, result: ImageResult, image: LoadedImage, blobs: dict[Digest, RepositoryBlob]) -> None:
        """Put the image by its digest, what refers to it, and its tag last: no tag shows before its signatures.

        Where nothing refers to it, one request puts manifest and tag.
        """
        tag_last = bool(image.referrers) and result.task.destination.tag is not None
        written = image.graph
        if image.graph is not None:
            written = await self._put_image(result, image.graph, blobs, root=not tag_last)
            if written is None:
                return
        for referrer, graph in image.referrers:
            await self._put_referrer(result, referrer, graph, blobs)
        if written is not None and tag_last and not self._options.check_mode:
            await self._writer.put_root(result, written.manifest)

    async def _put_referrer(
        self, result: ImageResult, referrer: Referrer, graph: Graph, blobs: dict[Digest, RepositoryBlob]
    ) -> None:
        """Put what refers to the image. A kind that is not taken fails the image only where that is asked for."""
        host = result.task.destination.registry
        if self._refused.has(host, graph.manifest) and not self._options.referrers_required:
            self._note_refused(result, referrer)
            return
        try:
            if referrer.merges and referrer.tag is not None:
                await everything(*(self._child(result, child, blobs) for child in graph.children))
                if not self._options.check_mode:
                    await self._writer.merge(result, graph.manifest, referrer.tag)
            else:
                await self._once(result, graph, blobs, referrer.tag)
        except (RegistryError, ManifestRefused) as fault:
            result.referrers = {**result.referrers, referrer: ReferrerState.FAILED}
            not_taken = isinstance(fault, ManifestRefused) and fault.names_a_kind
            if not not_taken or self._options.referrers_required:
                raise
            if not graph.children:
                self._refused.add(host, graph.manifest)
            self._note_refused(result, referrer)
        else:
            result.referrers = {**result.referrers, referrer: ReferrerState.COPIED}

    def _note_refused(self, result: ImageResult, referrer: Referrer) -> None:
        host = result.task.destination.registry
        result.referrers = {**result.referrers, referrer: ReferrerState.REFUSED}
        result.notes += (f"{host} does not take {referrer.type} {referrer.digest}, which refers to the image",)
        if host in self._warned:
            return
        self._warned.add(host)
        self._warn(
            f"{host} does not take everything that refers to images: see the notes of the images. What is named in "
            "referrers.exclude is not tried again, and check mode does not miss it"
        )

    def _option(self, result: ImageResult) -> UnsupportedArtifacts:
        """Return what is done with artifacts that the destination refuses; check mode cannot know any."""
        if self._options.check_mode:
            return UnsupportedArtifacts.FAIL
        return result.task.rule.unsupported_artifacts or self._options.unsupported_artifacts

    def _known_refused(self, result: ImageResult, image: LoadedImage) -> Iterator[Graph]:
        """Yield the artifacts of an image that are left out since it is known that they are refused."""
        host = result.task.destination.registry
        if image.graph is not None and self._option(result) != UnsupportedArtifacts.FAIL:
            yield from (leaf for leaf in artifacts_of(image.graph) if self._refused.has(host, leaf.manifest))
        if not self._options.referrers_required:
            yield from (graph for _referrer, graph in image.referrers if self._refused.has(host, graph.manifest))

    async def _put_image(
        self, result: ImageResult, graph: Graph, blobs: dict[Digest, RepositoryBlob], *, root: bool
    ) -> Graph | None:
        """Put an image, or what the destination takes of it. Return what was put; None when it is left as it is.

        :param root: whether its tag is put with it
        :raises ManifestRefused: the first one, when its index is refused without artifacts as well
        """
        artifacts = list(artifacts_of(graph))
        if not artifacts or self._option(result) == UnsupportedArtifacts.FAIL:
            await self._put(result, graph, blobs, root=root)
            return graph
        # They are put first, each by its digest, so that nothing else is written of an image that is left out.
        for leaf in artifacts:
            await self._try_artifact(result, leaf, blobs)
        host = result.task.destination.registry
        refused = [leaf for leaf in artifacts if self._refused.has(host, leaf.manifest)]
        first: ManifestRefused | None = None
        while True:
            left = self._without(result, graph, refused)
            try:
                if left is not None and (left is graph or left.manifest.digest != result.task.previous):
                    await self._put(result, left, blobs, root=root)
                break
            except ManifestRefused as fault:
                first = first or fault
                if len(refused) == len(artifacts) or not (fault.manifest.is_index and fault.names_a_kind):
                    raise first from None
                refused = artifacts
        for leaf in refused:
            self._refused.add(host, leaf.manifest)
        return self._noted(result, graph, left, len(refused))

    def _without(self, result: ImageResult, graph: Graph, refused: Sequence[Graph]) -> Graph | None:
        """Return what is put of an image when some of its artifacts are refused; None for nothing."""
        if not refused:
            return graph
        if self._option(result) == UnsupportedArtifacts.SKIP or not graph.children:
            return None
        if result.task.rule.required_signature is not None:
            raise unsigned_part(result.task.source, result.task.destination)
        return without_leaves(graph, {leaf.manifest.digest for leaf in refused})

    def _noted(self, result: ImageResult, graph: Graph, left: Graph | None, refused: int) -> Graph | None:
        """Note in the result what was left out of an image. Return what was put; None for nothing."""
        host = result.task.destination.registry
        if left is graph:
            return graph
        if left is None:
            reason = f"{host} does not take artifacts of this kind"
            result.task = replace(result.task, action=Action.SKIP, reason=reason)
        else:
            result.notes += (
                f"{refused} of the manifests below {graph.manifest.digest} are left out, which {host} does not take: "
                "the digest changes",
            )
            if left.manifest.digest != result.task.previous:
                return left
            reason = "the destination has what it takes of it"
            result.task = replace(result.task, action=Action.UNCHANGED, reason=reason)
        result.digest = result.task.previous
        return None

    async def _try_artifact(self, result: ImageResult, leaf: Graph, blobs: dict[Digest, RepositoryBlob]) -> None:
        """Put an artifact unless its kind is known to be refused; learn it when it is."""
        host = result.task.destination.registry
        if self._refused.has(host, leaf.manifest):
            return
        try:
            await self._child(result, leaf, blobs)
        except ManifestRefused:
            self._refused.add(host, leaf.manifest)

    def _look_again(
        self, result: ImageResult, image: LoadedImage, unseen: frozenset[Digest]
    ) -> dict[Digest, RepositoryBlob]:
        lost = {node.manifest.digest for node in image.walk()}
        for node in image.walk():
            again = [blob for blob in node.manifest.blobs if not unseen or blob.digest in unseen]
            self._placement.forget(result.task.destination, again)
        for key in [key for key in self._children if key[0] == result.task.destination.name and key[1] in lost]:
            del self._children[key]
        return self.admit(result, image, alone=True, unseen=unseen)

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


def _took_nothing(result: ImageResult) -> bool:
    """Return whether an image lacked only what refers to it, and lacks it still since the destination refuses it."""
    missing = [state for state in result.referrers.values() if state != ReferrerState.PRESENT]
    only_referrers = result.task.previous == result.task.digest and not result.wrote
    return only_referrers and bool(missing) and all(state == ReferrerState.REFUSED for state in missing)


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
