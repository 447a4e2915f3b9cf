# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what it is told from memory, by the collection's own registry client: what the destination itself allows.

    python replay_program.py TREE <PLAN.json

The plan names files; they are mapped into memory. Blobs that a registry has from an earlier repository of the plan are
mounted. Ten requests are under way at once for each registry.
"""

from __future__ import annotations

import json
import mmap
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

# ruff: noqa: E402
sys.path[0] = sys.argv[1]

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential, Given
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import Access
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import Descriptor, parse_manifest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry

BLOCK = 64 * 1024
AT_ONCE = 10


class Mapped:
    """A file's bytes as a blob reader."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __iter__(self) -> Iterator[bytes]:
        view = memoryview(self._map)
        for start in range(0, len(view), BLOCK):
            yield view[start : start + BLOCK]  # type: ignore[misc]

    def close(self) -> None:
        """The process ends soon."""


class Writer:
    """Writes into one registry."""

    def __init__(self, place: dict[str, Any]) -> None:
        host = place["host"]
        credentials = [(host, Credential(username=place["username"], password=place["password"]))]
        self._repositories: list[dict[str, Any]] = place["repositories"]
        self._threads = ThreadPoolExecutor(AT_ONCE)
        self._registry = Registry(
            host,
            access=Access(host, plain_http=place["ca_path"] is None, ca_path=place["ca_path"]),
            credentials=Given(credentials if place["username"] else []),
            run=Run(warn=print, log=print),
        )

    def write(self) -> None:
        """Blobs, mounts, manifests and tags, each when all before are there."""
        homes: dict[str, str] = {}
        uploads: list[Callable[[], None]] = []
        mounts: list[Callable[[], None]] = []
        for repository in self._repositories:
            for blob in repository["blobs"]:
                home = repository.get("mount_from") or homes.setdefault(blob["digest"], repository["path"])
                jobs = uploads if home == repository["path"] else mounts
                jobs.append(partial(self._blob, repository["path"], blob, home))
        self._all(uploads)
        self._all(mounts)
        for kind in ("children", "tags"):
            self._all(
                [
                    partial(self._manifest, repository["path"], item)
                    for repository in self._repositories
                    for item in repository[kind]
                ]
            )
        self._registry.close()

    def _all(self, jobs: list[Callable[[], None]]) -> None:
        for future in [self._threads.submit(job) for job in jobs]:
            future.result()

    def _blob(self, path: str, blob: dict[str, Any], home: str) -> None:
        repository = self._registry.repository(path)
        descriptor = Descriptor(media_type=blob["media_type"], digest=Digest.parse(blob["digest"]), size=blob["size"])
        upload = repository.mount_blob(descriptor, home)
        if upload is not None:
            repository.put_blob(descriptor, lambda _offset: Mapped(blob["path"]), upload)

    def _manifest(self, path: str, item: dict[str, Any]) -> None:
        with open(item["path"], "rb") as file:
            manifest = parse_manifest(file.read(), item["media_type"], Digest.parse(item["digest"]))
        self._registry.repository(path).put_manifest(manifest, item["tag"])


def main() -> None:
    """Write into all registries at once."""
    writers = [Writer(place) for place in json.load(sys.stdin)]
    threads = [threading.Thread(target=writer.write) for writer in writers[1:]]
    for thread in threads:
        thread.start()
    writers[0].write()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
