# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of a layout as one run sees and changes it; changes that wait at the same time are written together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ImageOpsError
from .content import INDEX_FILE, MAX_INDEX_BYTES, Content
from .index import LayoutIndex

IndexChange = Callable[[LayoutIndex], LayoutIndex]
"""Take what the layout has now, what other runs have written included, and return what it is to have."""


@dataclass(eq=False)
class _Waiting:
    """A change that is to be written."""

    change: IndexChange
    done: bool = False
    fault: ImageOpsError | None = None


class IndexChanges:
    """Reads the index when it is first needed, and writes changes of it.

    :param own: the repository of tags that stand alone
    """

    def __init__(self, content: Content, own: str) -> None:
        self._content = content
        self._own = own
        self._state = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._raw: bytes | None = None
        self._index: LayoutIndex | None = None

    def index(self) -> LayoutIndex:
        """Return what the layout had when this run last read or wrote it.

        :raises ContentError: layout_invalid, too_large
        """
        with self._state:
            if self._index is None:
                self._raw = self._content.read(INDEX_FILE, MAX_INDEX_BYTES) or b""
                self._index = self._parsed(self._raw)
            return self._index

    def write(self, change: IndexChange) -> None:
        """Change the index. It lasts when this returns, as far as the content says so.

        :raises ImageOpsError: when it cannot be read or written; then it is as it was
        """
        mine = _Waiting(change)
        with self._state:
            self._waiting.append(mine)
        with self._writing:
            if not mine.done:
                self._write_waiting()
        if mine.fault is not None:
            raise mine.fault

    def _write_waiting(self) -> None:
        with self._state:
            together, self._waiting = self._waiting, []
        fault: ImageOpsError | None = ImageOpsError(
            code="unexpected", action="write", subject=f"index.json in {self._content.path}", cause="a fault of ours"
        )
        try:
            self._content.change_index(lambda raw: self._apply(raw, [each.change for each in together]))
            fault = None
        except ImageOpsError as known:
            fault = known
        finally:
            if fault is not None:
                with self._state:
                    self._raw = self._index = None
            for each in together:
                each.fault, each.done = fault, True

    def _apply(self, raw: bytes, changes: list[IndexChange]) -> bytes:
        before = self._index if raw == self._raw and self._index is not None else self._parsed(raw)
        after = before
        for change in changes:
            after = change(after)
        new = raw if after is before else after.raw()
        with self._state:
            self._raw, self._index = new, after
        return new

    def _parsed(self, raw: bytes) -> LayoutIndex:
        return LayoutIndex.parse(raw, self._content.path, self._own)
