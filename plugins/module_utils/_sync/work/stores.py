# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registries of one run: a client and a lane for each, made when first needed and closed together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from ..._oci.image.reference import Reference
from ..._oci.registry.registry import Registry
from ..._oci.store.store import Repository
from .workers import Lane


class Places:
    """Hands out repositories and the lane in which requests to their registry wait.

    :param connect: makes the client of a registry host
    """

    def __init__(self, connect: Callable[[str], Registry]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._registries: dict[str, Registry] = {}
        self._lanes: dict[str, Lane] = {}
        self._repositories: dict[tuple[str, str], Repository] = {}

    def registry(self, host: str) -> Registry:
        """The client of a registry host."""
        with self._lock:
            if host not in self._registries:
                self._registries[host] = self._connect(host)
            return self._registries[host]

    def repository(self, ref: Reference) -> Repository:
        """The repository that a reference is in, the same object each time."""
        key = (ref.registry, ref.repository)
        found = self._repositories.get(key)
        if found is None:
            registry = self.registry(ref.registry)
            with self._lock:
                found = self._repositories.setdefault(key, registry.repository(ref.repository))
        return found

    def lane(self, host: str) -> Lane:
        """Where small requests to a registry wait for their turn."""
        allowance = self.registry(host).allowance
        with self._lock:
            if host not in self._lanes:
                self._lanes[host] = Lane(host, allowance)
            return self._lanes[host]

    def clients(self) -> Iterable[tuple[str, Registry]]:
        """Every registry that was used, by host."""
        with self._lock:
            return sorted(self._registries.items())

    def close(self) -> None:
        """Close every connection, those in use too: whoever waits on one fails at once."""
        for _host, registry in self.clients():
            registry.close()
        with self._lock:
            for lane in self._lanes.values():
                lane.shutdown()
