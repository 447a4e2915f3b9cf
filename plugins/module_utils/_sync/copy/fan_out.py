# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One read of a blob for several destinations at once, none of which can delay the others for long."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from ..._oci.errors import ImageOpsError
from ..._oci.store.blob_source import BlobSource
from ..._oci.store.store import BlobReader

_QUEUE_BLOCKS = 8
"""Blocks of at most 128 KiB: about 1 MiB a destination."""

_PATIENCE = 5.0
"""Seconds that a full queue may delay the reader while others are served."""

_STARVED = 30.0
"""Seconds that a destination waits for a source that is being taken up again."""


class Dropped(ImageOpsError):
    """A destination was left behind by the shared read; a read of its own can serve it."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            code="timeout",
            action="send",
            subject="a blob to several destinations",
            cause=cause,
            transient=True,
        )


class _Branch:
    """The part of one destination: a short queue that the reader fills and the upload empties."""

    def __init__(self) -> None:
        self.items: queue.Queue[bytes | BaseException | None] = queue.Queue(_QUEUE_BLOCKS)
        self.taken = False
        self.dropped = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                item = self.items.get(timeout=_STARVED)
            except queue.Empty:
                raise Dropped("the source gave nothing for too long") from None
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Stop the queue: no more items are taken, and those in it are dropped."""
        self.dropped.set()
        while True:
            try:
                self.items.get_nowait()
            except queue.Empty:
                return

    def give(self, item: bytes | BaseException | None, *, alone: bool) -> None:
        """Queue an item; a destination that is too slow for the others is dropped."""
        while not self.dropped.is_set():
            try:
                self.items.put(item, timeout=_PATIENCE)
                return
            except queue.Full:
                if not alone:
                    self.dropped.set()

    def cut(self) -> None:
        """End the stream of a dropped destination with an error."""
        self.close()
        self.items.put(Dropped("the other destinations did not wait for it"))


class FanOut:
    """Reads a blob in a thread of its own and gives every block to each destination.

    A destination that asks again gets a read of its own from the source.
    """

    def __init__(self, source: BlobSource, destinations: int) -> None:
        self._source = source
        self._branches = [_Branch() for _destination in range(destinations)]

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._read_all, name="fan-out", daemon=True).start()

    def open_at(self, destination: int, offset: int) -> BlobReader:
        """Return the reader for one destination: at first of the shared read, later ones of the source itself."""
        branch = self._branches[destination]
        if offset == 0 and not branch.taken:
            branch.taken = True
            return branch
        branch.close()
        return self._source.open_at(offset)

    def leave(self, destination: int) -> None:
        """Note that a destination needs nothing more, or never began."""
        self._branches[destination].close()

    def _read_all(self) -> None:
        reader = self._source.open_at(0)
        try:
            for block in reader:
                if not self._give(block):
                    return
            self._give(None)
        except BaseException as fault:  # noqa: BLE001 - every destination raises it
            self._give(fault)
        finally:
            reader.close()

    def _give(self, item: bytes | BaseException | None) -> bool:
        """Queue an item for all destinations that still take some. Return False when there are none."""
        taking = [branch for branch in self._branches if not branch.dropped.is_set()]
        for branch in taking:
            branch.give(item, alone=len(taking) == 1)
            if branch.dropped.is_set():
                branch.cut()
        return bool(taking)
