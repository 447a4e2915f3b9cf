# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a blob as it arrives."""

from __future__ import annotations

import re
from typing import Callable, Iterator

from .errors import ContentError, RegistryError
from .faults import Fault
from .transport import Answer

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class RegistryBlobReader:
    """The bytes of one blob from an offset on. It breaks off with an error; beginning again is its user's affair.

    :param answer: a good answer, not yet read
    :param offset: the byte that the first block begins with
    :param skip: bytes to leave out first, because the registry sent the whole blob
    :param size: of the whole blob
    :param subject: the blob, as errors name it
    :param to_error: makes the error for a fault
    """

    def __init__(
        self, answer: Answer, *, offset: int, skip: int, size: int, subject: str, to_error: Callable[[Fault], RegistryError]
    ) -> None:
        self._answer = answer
        self._position = offset - skip
        self._skip = skip
        self._size = size
        self._subject = subject
        self._to_error = to_error

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks of at most 64 KiB until the blob's size is reached.

        :raises RegistryError: transient, when the connection breaks, stalls or ends early
        :raises ContentError: size_mismatch, when more comes than the blob has
        """
        while True:
            try:
                block = self._answer.read()
            except Fault as fault:
                raise self._to_error(fault) from fault
            if not block:
                break
            self._position += len(block)
            if self._position > self._size:
                self.close()
                raise ContentError(
                    code="size_mismatch", action="read", subject=self._subject,
                    cause=f"more than the {self._size} bytes that the manifest names arrived",
                    hint="the blob is damaged at its source",
                )
            if self._skip >= len(block):
                self._skip -= len(block)
                continue
            if self._skip:
                block, self._skip = block[self._skip :], 0
            yield block
        if self._position < self._size:
            self.close()
            raise self._to_error(Fault("connection_failed", f"it ended after {self._position} of {self._size} bytes"))

    def close(self) -> None:
        """Let go of the connection; twice is harmless."""
        self._answer.close()


def range_start(header: str | None) -> int | None:
    """The first byte that a Content-Range header speaks of, None when it makes no sense (RFC 9110 section 14.4)."""
    match = _CONTENT_RANGE.fullmatch((header or "").strip())
    return int(match.group(1)) if match else None
