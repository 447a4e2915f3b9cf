# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stores of one run: each is opened when it is first needed, and all are closed together."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..._oci.image.reference import Reference
from ..._oci.store.store import Repository, Store
from .workers import WorkerQueue


class Stores:
    """The stores of one run, and the repository and the queue of requests that belong to a reference.

    :param connect: opens the store of a host
    """

    def __init__(self, connect: Callable[[str], Store]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._stores: dict[str, Store] = {}
        self._queues: dict[str, WorkerQueue] = {}
        self._repositories: dict[tuple[str, str], Repository] = {}

    def store(self, host: str) -> Store:
        """Return the store of a host."""
        with self._lock:
            if host not in self._stores:
                self._stores[host] = self._connect(host)
            return self._stores[host]

    def repository(self, ref: Reference) -> Repository:
        """Return the repository of a reference, the same object each time."""
        key = (ref.registry, ref.repository)
        found = self._repositories.get(key)
        if found is None:
            store = self.store(ref.registry)
            with self._lock:
                found = self._repositories.setdefault(key, store.repository(ref.repository))
        return found

    def queue(self, host: str) -> WorkerQueue:
        """Return the queue of small requests to a store, of which as many run at once as it allows."""
        found = self._queues.get(host)
        if found is None:
            limit = self.store(host).limit
            with self._lock:
                found = self._queues.setdefault(host, WorkerQueue(host, limit))
        return found

    def opened(self) -> list[tuple[str, Store]]:
        """Return every store that was opened with its host, in the order of the hosts."""
        with self._lock:
            return sorted(self._stores.items())

    def notes(self) -> list[str]:
        """Return what the stores say of what was written."""
        return [note for _host, store in self.opened() for note in store.notes()]

    def close(self) -> None:
        """Close every connection, those in use too: what waits for one fails at once."""
        for _host, store in self.opened():
            store.close()
        with self._lock:
            for queue in self._queues.values():
                queue.shutdown()
