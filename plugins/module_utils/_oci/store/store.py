# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a place for images can do, so that a directory can stand where a registry does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Callable, Protocol

from ..image.manifest import Descriptor, Manifest
from ..image.reference import Digest


class BlobReader(Protocol):
    """A blob being read. Blocks come as they arrive; nothing is held back."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes from the offset that was asked for, in blocks of at most 64 KiB."""

    def close(self) -> None:
        """Let go of the connection; twice is harmless."""


class Upload(Protocol):
    """An upload session that a destination has opened for one blob."""


OpenAt = Callable[[int], BlobReader]
"""``open_at(offset)`` gives a fresh reader from that byte on, so that an upload can begin again."""


class Repository(ABC):
    """One repository in one place.

    Every method raises :class:`~.errors.ImageOpsError`; one with ``transient`` set has already been tried again as
    often as a single request may be.
    """

    name: str
    """The repository with its place, as messages show it: ``registry.example.com/library/nginx``."""

    @abstractmethod
    def tags(self) -> list[str]:
        """Every tag, all pages; empty when the repository does not exist."""

    @abstractmethod
    def resolve(self, ref: str) -> Descriptor | None:
        """What a tag or digest points to now; None when it is not there."""

    @abstractmethod
    def manifest(self, ref: str) -> Manifest:
        """Read and verify the manifest that a tag or digest names."""

    @abstractmethod
    def put_manifest(self, manifest: Manifest, tag: str | None = None) -> Digest | None:
        """Write the manifest's bytes, under a tag or (None) by digest alone.

        Gives the digest that the destination answered with, None when it answered none.
        """

    @abstractmethod
    def has_blob(self, blob: Descriptor) -> bool:
        """Whether the blob is in this repository. Writes nothing."""

    @abstractmethod
    def open_blob(self, blob: Descriptor, offset: int = 0, *, once: bool = False) -> BlobReader:
        """Read a blob from a byte offset on. The bytes are not verified here: who reads to the end does that.

        :param once: ask once only; whoever takes up broken reads counts all tries of a blob together
        """

    @abstractmethod
    def mount_blob(self, blob: Descriptor, source: str | None = None) -> Upload | None:
        """Ask for a blob without sending it. None: it is in this repository now. Else the session to upload it with.

        :param source: the path of another repository in the same place that has the blob; None asks for one that this
            repository has already
        """

    @abstractmethod
    def put_blob(self, blob: Descriptor, open_at: OpenAt, upload: Upload | None = None) -> None:
        """Upload a blob of known size; when it returns the destination has confirmed it.

        Readers raise for bad content before they give the last block, and the upload is then broken off.

        :param open_at: asked for offset 0 first, and again when the upload has to begin anew or go on
        :param upload: a session from :meth:`mount_blob`; one is opened when there is none
        """

    @abstractmethod
    def referrers(self, digest: Digest) -> list[Descriptor]:
        """The manifests whose subject is this digest."""

    @abstractmethod
    def needs_listing(self, manifest: Manifest) -> bool:
        """Whether a manifest with a subject was put here, and the place does not list it as a referrer by itself."""

    @abstractmethod
    def list_referrer(self, manifest: Manifest) -> None:
        """Add a manifest to the list of its subject's referrers that a tag holds."""

    @abstractmethod
    def delete_tag(self, tag: str) -> None:
        """Remove a tag alone, where the place can."""

    @abstractmethod
    def delete_manifest(self, digest: Digest) -> None:
        """Remove a manifest with all its tags."""
