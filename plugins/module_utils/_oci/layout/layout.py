# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An OCI image layout as a store of images: many repositories, every blob once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from ..client.run import Run
from ..image.places import Place
from ..store.store import Counters, Store
from .content import Content
from .inventory import Bases
from .repository import LayoutRepository
from .state import LayoutState


class Layout(Store):
    """One layout, shared by all threads of a run.

    ``index.json`` is read when it is first needed and after every change of this run, with what other runs have added.
    Manifests that are put by their digest alone, and whose index has not come by the end, become entries then.

    :param host: the place, as references begin with it
    :param content: its files
    :param bases: earlier bundles, whose blobs need not be written again
    """

    def __init__(self, host: str, place: Place, content: Content, run: Run, bases: Bases) -> None:
        self.host = host
        self._run = run
        self._state = LayoutState(content, place.own_name, bases, run.warn)
        self._repositories: dict[str, LayoutRepository] = {}
        self._lock = threading.Lock()

    def repository(self, path: str) -> LayoutRepository:
        """Return the repository of a path, the same object each time. Nothing is read."""
        with self._lock:
            return self._repositories.setdefault(path, LayoutRepository(self._state, self.host, path))

    def catalog(self, prefix: str) -> Iterator[str]:
        """Yield the path of every repository that has a tag and begins with the prefix."""
        return (path for path in self._state.index().repositories() if path.startswith(prefix))

    def limit(self) -> int:
        """Return how many blobs may be read or written at once."""
        return self._run.settings.concurrency

    def counters(self) -> Counters:
        """Return the bytes that were read and written; there are no requests."""
        return Counters(0, self._state.bytes_read, self._state.bytes_written)

    def begin_round(self) -> None:
        """Do nothing: a disk is not asked whether it is there."""

    def notes(self) -> list[str]:
        """Return which earlier bundles hold what was left out."""
        return self._state.notes()

    def finish(self) -> None:
        """Give an entry to each manifest that no index of this run names, and make all of it lasting."""
        self._state.finish()

    def close(self) -> None:
        """End what is under way; twice is harmless."""
        self._state.close()
