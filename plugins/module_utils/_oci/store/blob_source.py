# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A blob as its source gives it: read once, resumed where it breaks, and never finished unless it is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..client.run import Run
from ..errors import Code, ContentError, ImageOpsError, RegistryError
from ..http.faults import Fault
from ..image.manifest import Descriptor, Manifest
from ..image.media_types import IMAGE_CONFIGS
from .store import BlobReader, OfFile, Repository

if TYPE_CHECKING:
    from hashlib import _Hash

_MARK_EVERY = 4 * 1024 * 1024
_MAX_CONFIG = 4 * 1024 * 1024


class BlobSource:
    """Opens one blob at any offset; every reader verifies length and digest of the whole before its last block.

    An offset is where an upload goes on: the hash up to there is known from marks that earlier reading left.

    :param on_open: told each time the source is opened, with the offset: a read that is not the first is worth counting
    :param moved: told of the size of every block that was read; waits where there is a limit on that
    :param connections: over which the source may be read at once
    :ivar fault: what the last read ended with that could not be taken up again
    :ivar failures: reads that broke so far, over all readers: their tries must not multiply with those of an upload
    """

    def __init__(
        self,
        blob: Descriptor,
        repository: Repository,
        run: Run,
        on_open: Callable[[int], None],
        moved: Callable[[int], None] | None = None,
        connections: int = 1,
    ) -> None:
        self.blob = blob
        self.name = repository.name
        self.fault: ImageOpsError | None = None
        self.failures = 0
        self._repository = repository
        self._run = run
        self._on_open = on_open
        self._connections = connections
        self.moved = moved
        run.budget.first("read", str(blob.digest))
        self._marks: dict[int, _Hash] = {0: blob.digest.hasher()}

    def open_at(self, offset: int) -> BlobReader:
        """Return a verified reader from this byte on."""
        return _VerifiedReader(self, offset)

    def nearest_mark(self, offset: int) -> tuple[int, _Hash]:
        """Return the last offset up to here at which the hash is known, and a hash object of the bytes before it."""
        start = max(mark for mark in tuple(self._marks) if mark <= offset)
        return start, self._marks[start].copy()

    def mark(self, offset: int, hasher: _Hash) -> None:
        """Remember the hash of all bytes before an offset."""
        self._marks[offset] = hasher.copy()

    def read(self, offset: int) -> BlobReader:
        """Return a new reader of the source from this byte on, without verification."""
        self._on_open(offset)
        try:
            return self._repository.open_blob(self.blob, offset, once=True, connections=self._connections)
        except RegistryError as fault:
            if fault.status == 404:
                raise self._lost() from fault
            raise

    def failed(self, fault: ImageOpsError) -> None:
        """Wait and return when a read can be taken up again, else raise.

        Wrong content is not asked for again at once: the image's next round does that.
        """
        if isinstance(fault, ContentError):
            raise fault
        self.failures += 1
        stale = isinstance(fault.__cause__, Fault) and fault.__cause__.stale
        self._run.try_again(fault, self.failures, stale=stale)

    def _lost(self) -> ImageOpsError:
        return ContentError(
            code="source_incomplete",
            action="read",
            subject=f"the blob {self.blob.digest} in {self._repository.name}",
            cause="a manifest names it, but the source does not have it any more",
            hint=self._repository.about_lost_blobs
            or "the image is broken at its source: build or push it there again, or leave it out",
        )


def read_verified(blob: Descriptor, repository: Repository, run: Run) -> bytes:
    """Read a small blob as a whole.

    :raises ImageOpsError: when it cannot be read, or is not what its digest says
    """
    reader = BlobSource(blob, repository, run, lambda offset: None).open_at(0)
    try:
        return b"".join(reader)
    finally:
        reader.close()


def read_config(manifest: Manifest, repository: Repository, run: Run) -> bytes | None:
    """Return an image's configuration; None for what is no image, and for one of more than 4 MiB.

    :raises ImageOpsError: when it cannot be read, or is not what its digest says
    """
    config = manifest.config
    if config is None or config.media_type not in IMAGE_CONFIGS or config.size > _MAX_CONFIG:
        return None
    return read_verified(config, repository, run)


class _VerifiedReader:
    """Yields the blocks of a blob from an offset on; the last one only once everything up to its end is right."""

    def __init__(self, source: BlobSource, offset: int) -> None:
        self._source = source
        self._offset = offset
        self._reader: BlobReader | None = None

    def close(self) -> None:
        """Release the connection to the source."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def file(self) -> int | None:
        """Return the file that is read, where the source has the blob as one; it is not verified."""
        return self._reader.file() if isinstance(self._reader, OfFile) else None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._verified()
        except ImageOpsError as fault:
            self._source.fault = fault
            raise

    def _verified(self) -> Iterator[bytes]:
        position, hasher = self._source.nearest_mark(self._offset)
        next_mark = position + _MARK_EVERY
        held = b""
        for block in self._blocks(position):
            if held:
                yield held
            hasher.update(block)
            start, position = position, position + len(block)
            if position >= next_mark and position < self._source.blob.size:
                self._source.mark(position, hasher)
                next_mark = position + _MARK_EVERY
            held = block if start >= self._offset else block[self._offset - start :]
        self._check(position, hasher)
        if held:
            yield held

    def _blocks(self, position: int) -> Iterator[bytes]:
        """Yield the source's bytes from here to the blob's size, over as many reads as it takes."""
        size = self._source.blob.size
        while True:
            try:
                self._reader = self._source.read(position)
                for block in self._reader:
                    position += len(block)
                    if position > size:
                        raise self._wrong(
                            "size_mismatch",
                            f"it is longer than the {size} bytes of its descriptor",
                        )
                    if self._source.moved is not None:
                        self._source.moved(len(block))
                    yield block
                if position == size:
                    return
                raise self._wrong("size_mismatch", f"it ended after {position} of {size} bytes")
            except ImageOpsError as fault:
                self._source.failed(fault)
            finally:
                self.close()

    def _check(self, position: int, hasher: _Hash) -> None:
        if position != self._source.blob.size:
            raise self._wrong(
                "size_mismatch",
                f"it has {position} bytes, not {self._source.blob.size}",
            )
        if hasher.hexdigest() != self._source.blob.digest.encoded:
            raise self._wrong("digest_mismatch", "its bytes have another digest")

    def _wrong(self, code: Code, cause: str) -> ContentError:
        return ContentError(
            code=code,
            action="read",
            subject=f"the blob {self._source.blob.digest} from its source",
            cause=cause,
            hint="nothing of it was put under a tag; the source's storage or a proxy in between damages it",
            transient=True,
        )
