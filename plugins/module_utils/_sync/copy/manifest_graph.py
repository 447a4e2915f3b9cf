# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifests of an image, read down to the last; within bounds, since an index may name any number of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from ..._oci.errors import ContentError, ImageOpsError, RegistryError
from ..._oci.image.index_filter import is_artifact, without
from ..._oci.image.manifest import Descriptor, Manifest
from ..._oci.image.reference import Digest, Reference
from ..plan.sides.source_images import SourceImage
from ..work.event_loop import Calls, ConcurrencyLimit
from ..work.manifest_cache import ManifestCache
from ..work.stores import Stores

T = TypeVar("T")

_MAX_DEPTH = 8
_MAX_MANIFESTS = 10_000
_MAX_BYTES = 64 * 1024 * 1024
_AT_ONCE = 32


@dataclass(frozen=True)
class Graph:
    """A manifest and, for an index, the graphs of its children in order."""

    manifest: Manifest
    children: tuple[Graph, ...]

    def walk(self) -> Iterator[Graph]:
        """Yield this graph and all below it, each manifest once however often it is named."""
        seen: set[Digest] = set()
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if node.manifest.digest not in seen:
                seen.add(node.manifest.digest)
                yield node
                waiting.extend(reversed(node.children))


def artifacts_of(graph: Graph) -> Iterator[Graph]:
    """Yield the graphs of what is no image, at any depth."""
    if is_artifact(None, graph.manifest):
        yield graph
    for entry, child in zip(graph.manifest.children, graph.children):
        if child.children:
            yield from artifacts_of(child)
        elif is_artifact(entry, child.manifest):
            yield child


def without_leaves(graph: Graph, refused: set[Digest]) -> Graph | None:
    """Return the graph without some of its leaves."""
    manifests = {node.manifest.digest: node.manifest for node in graph.walk()}
    root = without(
        graph.manifest, lambda entry: entry.digest in refused, lambda entry: manifests[entry.digest], manifests
    )

    def build(manifest: Manifest) -> Graph:
        return Graph(manifest, tuple(build(manifests[child.digest]) for child in manifest.children))

    return None if root is None else build(root)


class GraphReader:
    """Reads the manifests of images, each once over all of them. Runs on the event loop's thread."""

    def __init__(self, stores: Stores, calls: Calls, manifests: ManifestCache) -> None:
        self._stores = stores
        self._calls = calls
        self._manifests = manifests

    async def read(self, source: Reference, image: SourceImage) -> Graph:
        """Return all manifests of one image.

        :raises ContentError: unsupported_manifest for one beyond all bounds, source_incomplete when a child is missing
        """
        if image.digest is None:
            raise ValueError(f"no platform of {source} was chosen")
        root = await self._one(source, image, image.digest)
        return await _Reading(self, source, image).below(root, 0) if root.children else Graph(root, ())

    async def child(self, source: Reference, image: SourceImage, digest: Digest) -> Manifest:
        """Return a manifest that another names."""
        try:
            return await self._one(source, image, digest)
        except RegistryError as fault:
            if fault.status == 404:
                raise _child_lost(source, digest) from fault
            raise

    async def _one(self, source: Reference, image: SourceImage, digest: Digest) -> Manifest:
        known = image.rewritten.get(digest) or self._manifests.known(digest)
        if known is not None:
            return known
        reading, is_first = self._manifests.claim(digest)
        if is_first:
            repository = self._stores.repository(source)
            return await self._calls.request(source, self._manifests.read, reading, repository, digest)
        return await asyncio.wrap_future(reading)


class _Reading:
    """Reads one image with children: a few at a time, and no more once the bounds are passed."""

    def __init__(self, reader: GraphReader, source: Reference, image: SourceImage) -> None:
        self._reader = reader
        self._source = source
        self._image = image
        self._manifests = 0
        self._bytes = 0
        self._limit = ConcurrencyLimit(lambda: _AT_ONCE)

    async def below(self, manifest: Manifest, depth: int) -> Graph:
        """Return a manifest with everything below it."""
        self._bytes += manifest.size
        self._manifests += len(manifest.children)
        if depth == _MAX_DEPTH and manifest.children:
            raise self._too_complex()
        self._check()
        children = await everything(*(self._child(child, depth + 1) for child in manifest.children))
        return Graph(manifest, tuple(children))

    async def _child(self, descriptor: Descriptor, depth: int) -> Graph:
        async with self._limit:
            self._check()
            manifest = await self._reader.child(self._source, self._image, descriptor.digest)
        return await self.below(manifest, depth)

    def _check(self) -> None:
        if self._manifests > _MAX_MANIFESTS or self._bytes > _MAX_BYTES:
            raise self._too_complex()

    def _too_complex(self) -> ImageOpsError:
        return ContentError(
            code="unsupported_manifest",
            action="copy",
            subject=str(self._source),
            cause=f"its index nests deeper than {_MAX_DEPTH}, or names more than {_MAX_MANIFESTS} manifests "
            f"or {_MAX_BYTES} bytes of them",
            hint="no tool builds such images; look at what is at the source",
        )


async def everything(*work: Coroutine[Any, Any, T]) -> list[T]:
    """Wait for all work, and only then raise what failed first: nothing of an image goes on after its end."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes  # type: ignore[return-value]


def _child_lost(source: Reference, digest: Digest) -> ImageOpsError:
    return ContentError(
        code="source_incomplete",
        action="copy",
        subject=str(source),
        cause=f"its index names {digest}, which the source does not have any more",
        hint="build or push the image again at its source, or select platforms without that one",
    )
