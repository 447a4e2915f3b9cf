# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to copy, and from where to where: all that a contender has to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.clients.endpoint import Endpoint
from support.scenes.images import Image
from support.servers.docker_registry import DockerRegistry


@dataclass(frozen=True)
class Part:
    """A blob or a manifest.

    :ivar path: the file in the source registry's storage that has its bytes
    """

    digest: str
    media_type: str
    size: int
    path: Path


@dataclass(frozen=True)
class Tag:
    """One tag and everything that it stands for.

    :ivar manifests: children first, the tagged one last
    """

    name: str
    manifests: tuple[Part, ...]
    blobs: tuple[Part, ...]


Stock = Mapping[str, tuple[Tag, ...]]
"""The tags of each repository of a source."""


@dataclass(frozen=True)
class Job:
    """One piece of work.

    :ivar stock: what the source has; all tags of each repository are to be copied
    :ivar prefix: a repository ``apps/name`` arrives as ``PREFIX/name``
    """

    source: Endpoint
    stock: Stock
    destinations: tuple[Endpoint, ...]
    prefix: str

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Each repository at the source, and its path at every destination."""
        for repository in self.stock:
            yield repository, f"{self.prefix}/{repository.rpartition('/')[2]}"


def tag_of(name: str, image: Image, registry: DockerRegistry) -> Tag:
    """Describe an image that was put into a registry under a tag."""

    def part(digest: str, media_type: str, size: int) -> Part:
        return Part(digest, media_type, size, registry.blob_path(digest))

    manifests = [part(made.digest, made.media_type, len(made.manifest)) for made in image.all_manifests().values()]
    blobs = [part(digest, blob.media_type, len(blob.data)) for digest, blob in image.all_blobs().items()]
    return Tag(name, tuple(reversed(manifests)), tuple(blobs))
