# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a blob in ranges, several at once, where each connection carries only so much (RFC 9110 section 14).

A blob is what its digest says, so that ranges of it fit together wherever each comes from. They are given on in their
order. Each connection has at most one range under way, and what arrives before its turn is kept: never more than all of
these, whatever the blob's size.

The first range is asked for by itself. Whatever is not exactly the range that was asked for turns the rest of the blob
into one stream, and once that has begun, the registry's other blobs, too.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from queue import SimpleQueue

from ..client.call import Call
from ..client.client import Client
from ..errors import RegistryError
from ..http.transport import Answer
from ..image.manifest import Descriptor
from ..store.store import BlobReader
from .blob_download import RegistryBlobReader, content_range, open_blob, reader_of


def open_in_ranges(client: Client, call: Call, blob: Descriptor, offset: int, connections: int) -> BlobReader:
    """Ask for a blob. Return a reader of its bytes from an offset on, over several connections where that works.

    :param call: a GET of the blob, streamed
    :param connections: at most
    :raises ContentError: size_mismatch, when the registry announces another size
    """
    length = client.run.settings.ranges.length
    if blob.size - offset <= length or not client.quirks.gives_ranges:
        return open_blob(client, call, blob, offset)
    requests = _RangeRequests(client, call, blob)
    try:
        first = requests.ask(offset, offset + length)
    except _NotThisRange:
        reader = open_blob(client, call, blob, offset)
    else:
        if first.status == 206:
            return _RangedReader(requests, offset, first, connections)
        reader = reader_of(client, first, call.purpose, blob, offset)
    client.quirks.gives_ranges = False
    return reader


class _NotThisRange(Exception):
    """Raised for an answer that is not the range that was asked for."""


class _RangeRequests:
    """Asks for ranges of one blob.

    Where the registry leads to a storage, the URL that it gives is good for more than one range, until it expires.
    """

    def __init__(self, client: Client, call: Call, blob: Descriptor) -> None:
        self.client = client
        self.call = call
        self.blob = blob
        self._storage_url = ""
        self._etag = ""

    def ask(self, start: int, end: int) -> Answer:
        """Ask for the bytes from start on, before end. Return them (206) or the whole blob (200), not yet read.

        :raises RegistryError: when there is no answer
        :raises _NotThisRange: when it is another range, or none
        """
        url = self._storage_url
        if url:
            try:
                return self._ask(url, start, end)
            except _NotThisRange:
                self._storage_url = ""
        answer = self._ask(self.call.path, start, end)
        if answer.foreign:
            self._storage_url = answer.url
        return answer

    def _ask(self, url: str, start: int, end: int) -> Answer:
        headers = {"Range": f"bytes={start}-{end - 1}"}
        if self._etag:
            headers["If-Range"] = self._etag
        self.client.stats.count(ranges=1)
        try:
            answer = self.client.call(replace(self.call, path=url, headers=headers))
        except RegistryError as error:
            if error.status is None or not _is_refusal(error.status):
                raise
            raise _NotThisRange from error
        if answer.status == 200:
            return answer
        if not self._is_range(answer, start, end):
            answer.close()
            raise _NotThisRange
        tag = answer.headers.get("ETag", "")
        if tag.startswith('"'):  # a weak one promises less than the same bytes (RFC 9110 section 13.1.5)
            self._etag = tag
        return answer

    def _is_range(self, answer: Answer, start: int, end: int) -> bool:
        if answer.status != 206 or answer.label:
            return False
        told, _slash, size = answer.headers.get("Content-Range", "").partition("/")
        return (
            content_range(f"{told}/*") == (start, end - 1)
            and size.strip() in ("*", str(self.blob.size))
            and answer.length in (None, end - start)
        )


def _is_refusal(status: int) -> bool:
    """Return whether a status refuses a range, or so many connections; any other is the retry policy's affair."""
    return status == 503 or 400 <= status < 500


@dataclass(eq=False)
class _Range:
    """A range on its way.

    :ivar blocks: what has come of it; at the end None, or why there is no more
    """

    start: int
    end: int
    answer: Answer | None = None
    blocks: SimpleQueue[bytes | BaseException | None] = field(default_factory=SimpleQueue)

    def __iter__(self) -> Iterator[bytes]:
        while True:
            block = self.blocks.get()
            if block is None:
                return
            if isinstance(block, BaseException):
                raise block
            yield block


class _RangedReader:
    """The bytes of a blob from an offset on, of as many ranges as there are connections at once.

    It ends with an error where one of them breaks; the caller begins again.

    :param first: the answer that is the first range
    """

    def __init__(self, requests: _RangeRequests, offset: int, first: Answer, connections: int) -> None:
        self._requests = requests
        self._length = requests.client.run.settings.ranges.length
        self._position = self._next = offset
        self._under_way: deque[_Range] = deque()
        self._asked: SimpleQueue[_Range | None] = SimpleQueue()
        self._closed = False
        self._stream: BlobReader | None = None
        self._threads = connections
        self._begin_next(first)
        while len(self._under_way) < connections and self._begin_next():
            pass
        for _range in self._under_way:
            threading.Thread(target=self._work, name="range", daemon=True).start()

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks of at most 128 KiB until the blob's size is reached.

        :raises RegistryError: transient, when a connection breaks, stalls or ends early
        :raises ContentError: size_mismatch, when more comes than was asked for
        """
        yield from self._in_order()
        self.close()
        if self._position < self._requests.blob.size:
            yield from self._rest()

    def _in_order(self) -> Iterator[bytes]:
        """Yield the blocks of one range after another, up to one that was not given."""
        try:
            while self._under_way:
                for block in self._under_way.popleft():
                    self._position += len(block)
                    yield block
                self._begin_next()
        except _NotThisRange:
            return

    def _rest(self) -> Iterator[bytes]:
        """Yield what is left, as one stream."""
        requests = self._requests
        self._stream = open_blob(requests.client, requests.call, requests.blob, self._position)
        requests.client.quirks.gives_ranges = False
        yield from self._stream

    def close(self) -> None:
        """Release the connections; a second call is harmless. One that waits is released when its next bytes come."""
        if not self._closed:
            self._closed = True
            for _thread in range(self._threads):
                self._asked.put(None)
        if self._stream is not None:
            self._stream.close()

    def _begin_next(self, answer: Answer | None = None) -> bool:
        """Have the next range read. Return False when there is none."""
        size = self._requests.blob.size
        if self._next == size:
            return False
        begun = _Range(self._next, min(self._next + self._length, size), answer)
        self._next = begun.end
        self._under_way.append(begun)
        self._asked.put(begun)
        return True

    def _work(self) -> None:
        """Read one range after another, in a thread."""
        while (begun := self._asked.get()) is not None:
            try:
                self._read(begun)
            except BaseException as fault:  # noqa: BLE001 - what waits for the range raises it
                begun.blocks.put(fault)
            else:
                begun.blocks.put(None)

    def _read(self, begun: _Range) -> None:
        requests = self._requests
        if self._closed and begun.answer is None:
            return
        answer = begun.answer or requests.ask(begun.start, begun.end)
        if answer.status != 206:
            answer.close()
            raise _NotThisRange
        reader = RegistryBlobReader(
            requests.client,
            answer,
            purpose=requests.call.purpose,
            position=begun.start,
            skip=0,
            blob=requests.blob,
            end=begun.end,
        )
        try:
            for block in reader:
                if self._closed:
                    return
                begun.blocks.put(block)
        finally:
            reader.close()
