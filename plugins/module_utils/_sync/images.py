# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies images: the manifests of each are read, its blobs brought, its manifests put bottom up and the tag last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from .._oci.answers import MissingContent
from .._oci.errors import ContentError, ImageOpsError, RegistryError
from .._oci.manifest import Descriptor, Manifest, is_foreign
from .._oci.reference import Digest, Reference
from .._oci.referrers import fallback_tag
from .calls import Calls
from .placement import COPIED, MOUNTED, Place, Placement
from .places import Places
from .plan import LEFT, differs
from .results import DONE, CopyOptions, ImageResult
from .wanted import ManifestStore, Wanted, WantedImages

T = TypeVar("T")

_MAX_DEPTH = 8
_MAX_MANIFESTS = 10_000


@dataclass(frozen=True)
class Graph:
    """A manifest and, for an index, the graphs of its children in order."""

    manifest: Manifest
    children: tuple[Graph, ...]

    def walk(self) -> Iterator[Graph]:
        """This graph and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class ImageCopier:
    """Copies single images, given a placement that brings blobs. Runs on the event loop's thread.

    :param is_planned: whether a destination is one of the run's own
    """

    def __init__(
        self,
        places: Places,
        calls: Calls,
        placement: Placement,
        manifests: ManifestStore,
        wanted: WantedImages,
        options: CopyOptions,
        is_planned: Callable[[Reference], bool],
    ) -> None:
        self._places = places
        self._calls = calls
        self._is_planned = is_planned
        self._placement = placement
        self._manifests = manifests
        self._wanted = wanted
        self._options = options
        self._loading: dict[Digest, asyncio.Future[Manifest]] = {}
        self._children: dict[tuple[str, Digest], asyncio.Task[None]] = {}

    async def load(self, result: ImageResult) -> Graph:
        """Read the image's manifests, each once. A tag that moved since planning is resolved again, and it is said."""
        wanted = result.task.wanted
        if wanted is None:
            raise ValueError(f"{result.task.source} was not planned to be copied")
        try:
            return await self._graph(result, wanted)
        except ImageOpsError as fault:
            if not _is_lost(fault) or result.task.source.digest is not None:
                raise
            now = await self._resolve_again(result, wanted, fault)
        result.notes.append(f"the source tag moved from {wanted.digest} to {now.digest} during the run")
        result.digest = now.digest
        return await self._graph(result, now)

    async def _resolve_again(self, result: ImageResult, planned: Wanted, lost: ImageOpsError) -> Wanted:
        """What the source tag names now that what it named is not there any more."""
        task = result.task
        self._wanted.forget(task.source, task.rule.platforms)
        now = await self._calls.ask(task.source, self._wanted.resolve, task.source, task.rule.platforms)
        if now.digest is None:
            raise _vanished(result, now.skip)
        if now.digest != planned.digest:
            return now
        if isinstance(lost, ContentError):
            raise lost
        raise _vanished(result, "its tag names a manifest that the source does not have")

    async def _graph(self, result: ImageResult, wanted: Wanted) -> Graph:
        if wanted.digest is None:
            raise ValueError(f"nothing of {result.task.source} is wanted")
        budget = [_MAX_MANIFESTS]

        async def load(descriptor: Descriptor, depth: int) -> Graph:
            budget[0] -= 1
            if depth > _MAX_DEPTH or budget[0] < 0:
                raise _too_complex(result)
            manifest = wanted.rewritten.get(descriptor.digest)
            if manifest is None:
                manifest = await self._manifest(result, descriptor, is_child=depth > 0)
            if not manifest.children:
                return Graph(manifest, ())
            children = await _all(*(load(child, depth + 1) for child in manifest.children))
            return Graph(manifest, tuple(children))

        return await load(Descriptor(wanted.media_type, wanted.digest, wanted.size), 0)

    async def _manifest(self, result: ImageResult, descriptor: Descriptor, *, is_child: bool) -> Manifest:
        digest = descriptor.digest
        known = self._manifests.known(digest)
        if known is not None:
            return known
        if digest not in self._loading:
            source = result.task.source
            repository = self._places.repository(source)
            self._loading[digest] = self._calls.ask(source, self._manifests.get, repository, digest)
        try:
            return await asyncio.shield(self._loading[digest])
        except RegistryError as fault:
            if is_child and fault.status == 404:
                raise _child_lost(result, digest) from fault
            raise
        finally:
            if self._loading.get(digest) is not None and self._loading[digest].done():
                del self._loading[digest]

    def admit(self, result: ImageResult, graph: Graph, *, alone: bool = False) -> dict[Digest, Place]:
        """Ask for every blob of the image at its destination, in the order of the plan.

        :param alone: out of that order, so that it may wait for no other image
        """
        task = result.task
        wanted: dict[Digest, Place] = {}
        for node in graph.walk():
            for blob in self._blobs(node.manifest):
                if blob.digest not in wanted:
                    wanted[blob.digest] = self._placement.want(
                        task.destination, blob, task.source, id(result), alone=alone
                    )
        return wanted

    def _blobs(self, manifest: Manifest) -> Iterator[Descriptor]:
        return (blob for blob in manifest.blobs if self._options.foreign_layers or not is_foreign(blob))

    async def copy(self, result: ImageResult, graph: Graph, wanted: dict[Digest, Place]) -> None:
        """Wait for the blobs and put the manifests; the result says what became of it.

        :raises ImageOpsError: why the image could not be copied
        """
        started = time.monotonic()
        try:
            await self._put(result, graph, wanted, root=True)
        except MissingContent:
            # The registry has lost what it said it had: look at everything below once more.
            wanted = self._look_again(result, graph)
            await self._put(result, graph, wanted, root=True)
        finally:
            self._placement.ended(id(result), list(wanted.values()))
            _count(result, wanted)
            result.seconds = time.monotonic() - started
        result.status = DONE

    def _look_again(self, result: ImageResult, graph: Graph) -> dict[Digest, Place]:
        for node in graph.walk():
            self._placement.forget(result.task.destination, node.manifest.blobs)
            self._children.pop((result.task.destination.name, node.manifest.digest), None)
        return self.admit(result, graph, alone=True)

    async def _put(
        self,
        result: ImageResult,
        graph: Graph,
        wanted: dict[Digest, Place],
        *,
        root: bool,
    ) -> None:
        """Everything below a manifest first, then the manifest."""
        arrivals = _arrivals([wanted[blob.digest] for blob in self._blobs(graph.manifest)])
        if graph.children:
            await _all(*(self._child(result, child, wanted) for child in graph.children), arrivals)
        else:
            await arrivals
        if self._options.check_mode:
            return
        if root:
            await self._put_root(result, graph.manifest)
        else:
            await self._write(result, graph.manifest, None)

    async def _child(self, result: ImageResult, graph: Graph, wanted: dict[Digest, Place]) -> None:
        """Put a child manifest once a repository, whichever image comes first with it."""
        key = (result.task.destination.name, graph.manifest.digest)
        task = self._children.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._children[key] = asyncio.ensure_future(self._put(result, graph, wanted, root=False))
        await asyncio.shield(task)

    async def _put_root(self, result: ImageResult, manifest: Manifest) -> None:
        task = result.task
        if await self._is_taken(result):
            return
        answered = await self._write(result, manifest, task.destination.tag)
        if answered is None:
            ref = task.destination.tag or str(manifest.digest)
            there = await self._calls.ask(task.destination, self._places.repository(task.destination).resolve, ref)
            answered = there.digest if there else None
        if answered != manifest.digest:
            raise ContentError(
                code="digest_mismatch",
                action="confirm",
                subject=str(task.destination),
                cause=f"the destination has {answered or 'nothing'} where {manifest.digest} was put",
                hint="the destination changes manifests, or someone else writes this tag",
                transient=True,
            )
        result.digest = manifest.digest

    async def _is_taken(self, result: ImageResult) -> bool:
        """Whether somebody has written the tag in the meantime and it is to be left then."""
        task = result.task
        overwrite = task.rule.overwrite or self._options.overwrite
        if overwrite == "always" or task.destination.tag is None:
            return False
        repository = self._places.repository(task.destination)
        there = await self._calls.ask(task.destination, repository.resolve, task.destination.tag)
        if there is None or there.digest in (task.previous, task.digest):
            return False
        if overwrite == "fail":
            raise differs(task, there.digest)
        result.task = replace(task, action="skip", reason=LEFT, previous=there.digest)
        return True

    async def _write(self, result: ImageResult, manifest: Manifest, tag: str | None) -> Digest | None:
        destination = result.task.destination
        repository = self._places.repository(destination)
        answered = await self._calls.ask(destination, repository.put_manifest, manifest, tag)
        result.wrote = True
        self._placement.named(destination, manifest)
        if manifest.subject is not None and repository.needs_listing(manifest):
            listing = destination.with_tag(fallback_tag(manifest.subject.digest))
            if not self._is_planned(listing):  # else the list itself is copied: whole, and last
                await self._calls.ask(destination, repository.list_referrer, manifest)
        return answered


async def _all(*work: Coroutine[Any, Any, T]) -> list[T]:
    """Wait for all of it, and only then raise what failed first: nothing of an image goes on after its end."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes  # type: ignore[return-value]


async def _arrivals(places: Sequence[Place]) -> None:
    """Wait for all of them, and only then raise why one failed."""
    coming = [place.arrived for place in places if not place.arrived.done()]
    if coming:
        await asyncio.wait(coming)
    for place in places:
        place.arrived.result()


def _count(result: ImageResult, wanted: dict[Digest, Place]) -> None:
    """Count the blobs; what an earlier image brought to the same repository was present for this one."""
    result.bytes = result.blobs_copied = result.blobs_mounted = result.blobs_present = 0
    for place in wanted.values():
        how = place.arrived.result() if place.is_there else None
        mine = place.owner == id(result)
        if how == COPIED and mine:
            result.blobs_copied += 1
            result.bytes += place.blob.size
        elif how == MOUNTED and mine:
            result.blobs_mounted += 1
        elif how is not None:
            result.blobs_present += 1
        result.wrote = result.wrote or (mine and how in (COPIED, MOUNTED))


def _is_lost(fault: ImageOpsError) -> bool:
    """Whether a manifest, or one that it names, is not at the source."""
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


def _child_lost(result: ImageResult, digest: Digest) -> ImageOpsError:
    return ContentError(
        code="source_incomplete",
        action="copy",
        subject=str(result.task.source),
        cause=f"its index names {digest}, which the source does not have any more",
        hint="build or push the image again at its source, or select platforms without that one",
    )


def _too_complex(result: ImageResult) -> ImageOpsError:
    return ContentError(
        code="unsupported_manifest",
        action="copy",
        subject=str(result.task.source),
        cause=f"its index nests deeper than {_MAX_DEPTH} or names more than {_MAX_MANIFESTS} manifests",
        hint="no tool builds such images; look at what is at the source",
    )
