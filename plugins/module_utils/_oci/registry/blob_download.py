# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a blob as it arrives (distribution-spec 1.1, Pulling blobs)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ..client.call import Call, Purpose
from ..client.client import Client
from ..errors import Code, ContentError, RegistryError
from ..http.faults import Fault
from ..http.transport import Answer
from ..image.manifest import Descriptor

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_NO_RANGES = (400, 405, 412, 416, 501)
"""What servers say to a Range that they cannot serve."""


def open_blob(client: Client, call: Call, blob: Descriptor, offset: int) -> RegistryBlobReader:
    """Ask for a blob. Return a reader of its bytes from an offset on.

    :param call: a GET of the blob, streamed
    :raises ContentError: size_mismatch, when the registry announces another size
    """
    return reader_of(client, _ask(client, call, offset), call.purpose, blob, offset)


def reader_of(client: Client, answer: Answer, purpose: Purpose, blob: Descriptor, offset: int) -> RegistryBlobReader:
    """Return a reader of a blob from an offset on, out of an answer that begins there, or with the whole blob.

    :raises RegistryError: protocol_error, when it begins elsewhere
    :raises ContentError: size_mismatch, when the registry announces another size
    """
    size = blob.size
    skip = offset if answer.status == 200 else 0
    whole = True
    if answer.status == 206:
        start, end = content_range(answer.headers.get("Content-Range"))
        if start != offset:
            client.quirks.wrong_ranges += 1
            answer.close()
            raise RegistryError(
                code="protocol_error",
                action=purpose.action,
                subject=purpose.subject,
                cause=f"it answers another part than the one from byte {offset} on",
                transient=True,
                status=206,
            )
        client.quirks.wrong_ranges = 0
        whole = end + 1 >= size  # a server may give less than was asked for; the rest is asked for when that has ended
    if whole and answer.length is not None and answer.length != size - offset + skip:
        answer.close()
        raise ContentError(
            code="size_mismatch",
            action=purpose.action,
            subject=purpose.subject,
            cause=f"the registry has {answer.length + offset - skip} bytes of it where the manifest says {size}"
            f"{answer.label}",
            hint="the blob is damaged at its source",
            transient=True,
        )
    return RegistryBlobReader(client, answer, purpose=purpose, position=offset - skip, skip=skip, blob=blob)


def _ask(client: Client, call: Call, offset: int) -> Answer:
    """Ask for a blob from an offset on, or for the whole where the registry takes no ranges. Return the answer."""
    if offset and client.quirks.takes_ranges:
        partial = replace(call, headers={"Range": f"bytes={offset}-"})
        answer = client.call(partial)
        if answer.status in (200, 206):
            return answer
        if answer.status not in _NO_RANGES:
            raise client.error(partial, answer)
        answer.close()
    return client.expect(call, 200, 206)


class RegistryBlobReader:
    """The bytes of one blob. It ends with an error where it breaks; the caller begins again.

    :param answer: a good answer, not yet read
    :param position: the byte of the blob that the answer begins with
    :param skip: bytes to leave out first, because the registry sent the whole blob
    :param end: the byte of the blob before which the answer ends; None for all of it
    """

    def __init__(
        self,
        client: Client,
        answer: Answer,
        *,
        purpose: Purpose,
        position: int,
        skip: int,
        blob: Descriptor,
        end: int | None = None,
    ) -> None:
        self._client = client
        self._answer = answer
        self._purpose = purpose
        self._position = position
        self._skip = skip
        self._blob = blob
        self._end = blob.size if end is None else end
        # Wrong bytes are found by every reader of a blob in the end, but only here is known what they were said to be.
        self._hasher = blob.digest.hasher() if answer.label and not position else None

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks of at most 128 KiB until the end is reached.

        :raises RegistryError: transient, when the connection breaks, stalls or ends early
        :raises ContentError: size_mismatch, when more comes than the blob has; digest_mismatch or size_mismatch, when
            other bytes come and a Content-Encoding explains them
        """
        while True:
            try:
                block = self._answer.read()
            except Fault as fault:
                if self._position == self._end:
                    return  # only the end of the answer got lost
                raise self._client.fault(fault, self._purpose) from fault
            if not block:
                break
            self._position += len(block)
            if self._position > self._end:
                self.close()
                raise self._wrong("size_mismatch", f"more than the {self._end} bytes that the manifest names arrived")
            self._check(block)
            if self._skip:
                block, self._skip = block[self._skip :], max(0, self._skip - len(block))
            if block:
                yield block
        if self._position < self._end:
            self.close()
            if self._answer.label:
                raise self._wrong("size_mismatch", f"it ended after {self._position} of {self._blob.size} bytes")
            short = Fault("connection_failed", f"it ended after {self._position} of {self._blob.size} bytes")
            raise self._client.fault(short, self._purpose)

    def close(self) -> None:
        """Release the connection; a second call is harmless."""
        self._answer.close()

    def _check(self, block: bytes) -> None:
        if self._hasher is not None:
            self._hasher.update(block)
            if self._position == self._end and self._hasher.hexdigest() != self._blob.digest.encoded:
                self.close()
                raise self._wrong("digest_mismatch", "its bytes have another digest")

    def _wrong(self, code: Code, cause: str) -> ContentError:
        return ContentError(
            code=code,
            action=self._purpose.action,
            subject=self._purpose.subject,
            cause=f"{cause}{self._answer.label}",
            hint="the blob is damaged at its source",
            transient=True,
        )


def content_range(header: str | None) -> tuple[int, int]:
    """Return the first and the last byte of a Content-Range header (RFC 9110 section 14.4).

    Both are -1 when it makes no sense.
    """
    match = _CONTENT_RANGE.fullmatch((header or "").strip())
    return (int(match.group(1)), int(match.group(2))) if match else (-1, -1)
