# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifests of one run, each read once."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from ..._oci.image.manifest import Manifest
from ..._oci.image.reference import Digest
from ..._oci.store.store import Repository


class ManifestCache:
    """Reads each manifest once by its digest, from the first repository that is asked for it.

    A read that fails is not remembered: what waited for it fails too, and the next one reads again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[Digest, Future[Manifest]] = {}

    def get(self, repository: Repository, digest: Digest) -> Manifest:
        """Return a manifest from memory or from this repository. Wait where another thread reads it already."""
        found, is_first = self.claim(digest)
        return self.read(found, repository, digest) if is_first else found.result()

    def known(self, digest: Digest) -> Manifest | None:
        """Return a manifest if it has been read."""
        found = self._found.get(digest)
        return found.result() if found is not None and found.done() and not found.exception() else None

    def claim(self, digest: Digest) -> tuple[Future[Manifest], bool]:
        """Return the future of a manifest, and whether the caller is the first and has to :meth:`read` it."""
        with self._lock:
            found = self._found.get(digest)
            if found is not None:
                return found, False
            found = self._found[digest] = Future()
            found.set_running_or_notify_cancel()  # what gives up waiting for it does not cancel it
            return found, True

    def read(self, claimed: Future[Manifest], repository: Repository, digest: Digest) -> Manifest:
        """Read a manifest that was claimed, for everything that waits for it.

        :raises ImageOpsError: when it cannot be read
        """
        try:
            manifest = repository.manifest(str(digest))
        except BaseException as fault:
            with self._lock:
                del self._found[digest]
            claimed.set_exception(fault)
            raise
        claimed.set_result(manifest)
        return manifest
