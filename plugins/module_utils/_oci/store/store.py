# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of what holds images, a :class:`Store`, and of one :class:`Repository` in it.

A registry implements both (package ``registry``), and so does an OCI image layout on disk (package ``layout``). Another
kind of store is one more package beside these, and one line where the stores of a run are opened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Callable, NamedTuple, Protocol, runtime_checkable

from ..errors import RegistryError
from ..image.manifest import Descriptor, Manifest
from ..image.reference import Digest
from ..image.referrers import with_referrer

_MERGES = 3
"""Times that entries are added to a list of referrers until they are seen there."""


class BlobReader(Protocol):
    """A blob that is being read. Blocks come as they arrive; nothing is held back."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes from the offset that was asked for, in blocks of at most 128 KiB."""

    def close(self) -> None:
        """Release the connection; a second call is harmless."""


@runtime_checkable
class OfFile(Protocol):
    """A reader whose blob may be a file of this machine, by itself and as a whole."""

    def file(self) -> int | None:
        """Return the descriptor of that file, open as long as the reader is; None where there is none."""


class Upload(Protocol):
    """An upload session that a store has opened for one blob."""


OpenAt = Callable[[int], BlobReader]
"""``open_at(offset)`` gives a fresh reader from that byte on, so that an upload can begin again."""


class Counters(NamedTuple):
    """What a store has cost so far.

    :ivar requests: sent to it, retries included
    :ivar ranges: how often a part of a blob was asked for that is read in several at once
    :ivar bytes_read: of bodies, in bytes; likewise bytes_written
    :ivar seconds: in which at least one exchange with it was under way; 0 for what is on no network
    """

    requests: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    seconds: float = 0.0
    ranges: int = 0


class LeftOut(NamedTuple):
    """A blob that a bundle leaves out on purpose.

    :ivar bundle: the name of the earlier bundle that holds it
    :ivar repositories: in which of its repositories
    """

    bundle: str
    repositories: tuple[str, ...]


class Store(ABC):
    """The repositories behind one host name. Any thread may call any method."""

    host: str
    """What references have before their repository: ``registry.example.com:5000``, ``oci:/srv/bundle/``."""

    @abstractmethod
    def repository(self, path: str) -> Repository:
        """Return the repository of a path, the same object each time. Nothing is asked."""

    @abstractmethod
    def catalog(self, prefix: str) -> Iterator[str]:
        """Yield the path of every repository that begins with the prefix, such as ``library/``, each once.

        :raises ImageOpsError: unsupported, when the store has no list of them; pull_denied, when this login gets none
        """

    @abstractmethod
    def limit(self) -> int:
        """Return how many small requests, and how many blobs, may be under way at once at present; at least one."""

    def connections(self, blob: Descriptor) -> int:
        """Return over how many connections a blob may be read at once."""
        return 1

    @abstractmethod
    def counters(self) -> Counters:
        """Return what the store has cost so far."""

    @abstractmethod
    def begin_round(self) -> None:
        """Allow one request to a store that was down, when a round of retries begins."""

    def notes(self) -> list[str]:
        """Return sentences about what was written, for whoever takes it further."""
        return []

    @abstractmethod
    def finish(self) -> None:
        """Make lasting what the run has written, once nothing more comes. Nothing is done where each call does it.

        :raises ImageOpsError: when that fails; then what was written may be lost
        """

    @abstractmethod
    def close(self) -> None:
        """End every connection, also those that other threads wait on; twice is harmless."""


class Repository(ABC):
    """One repository of a store. Any thread may call any method.

    Every method raises :class:`~.errors.ImageOpsError`; one with ``transient`` set has already been tried again as
    often as a single request may be.
    """

    name: str
    """The repository with its store, as messages show it: ``registry.example.com/library/nginx``."""

    tags_are_whole = True
    """Whether the last answer of :meth:`tags` was read to its end, and every entry of it was a tag."""

    @abstractmethod
    def tags(self) -> list[str]:
        """Return every tag, of all pages; none when the repository does not exist."""

    def few_tags(self) -> list[str] | None:
        """Return every tag where that takes one small request; None where there are more."""
        return self.tags()

    @abstractmethod
    def resolve(self, ref: str) -> Descriptor | None:
        """Return what a tag or digest points to now; None when it is not there."""

    @abstractmethod
    def manifest(self, ref: str) -> Manifest:
        """Read and verify the manifest that a tag or digest names."""

    @abstractmethod
    def put_manifest(self, manifest: Manifest, tag: str | None = None) -> Digest | None:
        """Write the manifest's bytes, under a tag or (None) by digest alone.

        Return the digest that the store answered with, None when it answered none.
        """

    @abstractmethod
    def note_origin(self, tag: str, origin: str) -> None:
        """Take the reference that a tag is about to be copied from. Nothing is done where it has no place."""

    @abstractmethod
    def has_blob(self, blob: Descriptor) -> bool:
        """Return whether the blob is in this repository. Nothing is written."""

    def left_out(self, blob: Descriptor) -> LeftOut | None:
        """Return where a blob is that is not here on purpose; None for one that is here, or is missing."""
        return None

    @property
    def about_lost_blobs(self) -> str:
        """What to do about a blob that a manifest names and that is not here; empty where the store knows nothing."""
        return ""

    @abstractmethod
    def open_blob(self, blob: Descriptor, offset: int = 0, *, once: bool = False, connections: int = 1) -> BlobReader:
        """Read a blob from a byte offset on. The bytes are not verified here: :mod:`blob_source` does that.

        :param once: ask once only: all tries of one blob are counted together by the caller
        :param connections: over which it may be read at once, at most
        """

    @abstractmethod
    def mount_blob(self, blob: Descriptor, source: str | None = None) -> Upload | None:
        """Ask for a blob without sending it. Return None when it is in this repository now, else an upload session.

        :param source: the path of another repository of the same store that has the blob; None asks for one that this
            repository has already
        """

    @abstractmethod
    def put_blob(self, blob: Descriptor, open_at: OpenAt, upload: Upload | None = None) -> bool:
        """Upload a blob of known size. The store has confirmed it when this returns.

        Return whether its bytes were written: not where the store takes over the file that they are in.

        Readers raise for bad content before they give the last block, and the upload is then broken off.

        :param open_at: asked for offset 0 first, and again when the upload has to begin anew or go on
        :param upload: a session from :meth:`mount_blob`; one is opened when there is none
        """

    @abstractmethod
    def referrers(self, digest: Digest) -> list[Descriptor] | None:
        """Return the manifests whose subject is this digest, as the store lists them; None where it lists none at all.

        Then the tag ``sha256-<hex>`` may hold the list: see :func:`.referrers.referrers_of`.
        """

    @abstractmethod
    def list_referrer(self, manifest: Manifest) -> None:
        """List a manifest that was put here as a referrer of its subject.

        Nothing is done where the store lists referrers by itself.
        """

    def add_referrers(self, tag: str, entries: Sequence[Descriptor]) -> bool:
        """Add entries to the list of referrers under a tag (Referrers Tag Schema). Return whether any was missing.

        Another client may write the list at the same time: it is read again, and written three times at most.
        """
        for number in range(_MERGES):
            known = there = self._listed_under(tag)
            for entry in entries:
                known = with_referrer(known, entry) or known
            if known is None or known is there:
                return number > 0
            self.put_manifest(known, tag)
        return True

    def _listed_under(self, tag: str) -> Manifest | None:
        try:
            return self.manifest(tag)
        except RegistryError as error:
            if error.status == 404:
                return None
            raise

    @abstractmethod
    def delete_tag(self, tag: str) -> None:
        """Remove a tag alone; one that is not there is removed already.

        :raises ImageOpsError: unsupported, where the store cannot; the tag is there then
        """

    @abstractmethod
    def delete_manifest(self, digest: Digest) -> None:
        """Remove a manifest with all its tags.

        :raises ImageOpsError: unsupported, where the store cannot
        """
