# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared suite of ``Repository`` against a layout in a directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Repository, Store
from support.scenes import layouts
from support.scenes.images import Blob, Image
from support.scenes.tested_stores import TestedStore

pytest.register_assert_rewrite("support.scenes.repository_suite")
from support.scenes.repository_suite import *  # noqa: E402, F403


class TestedLayout:
    """A layout under test, beside its files.

    What is put there by other means is seen by a store that is opened afterwards: each call of :meth:`repository` after
    one opens the layout again.
    """

    __test__ = False

    name = "layout"
    deletes = deletes_tags = checks_blobs = True
    scoped_blobs = keeps_untagged = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: Store | None = None
        self._open: list[Store] = []

    def close(self) -> None:
        for store in self._open:
            store.close()

    def repository(self, path: str) -> Repository:
        if self._store is None:
            self._store = layouts.opened(self._path)
            self._open.append(self._store)
        return self._store.repository(path)

    def push(self, path: str, image: Image, *tags: str) -> None:
        layouts.write(self._path, [(image, {layouts.REF: f"{path}:{tag}"}) for tag in tags] or [(image, {})])
        self._store = None

    def push_blob(self, path: str, blob: Blob) -> None:
        layouts.put(self._path, blob.digest, blob.data)
        self._store = None

    def manifest(self, path: str, reference: str) -> bytes | None:
        digest = reference if ":" in reference else layouts.named(self._path).get(f"{path}:{reference}", "")
        if self._store is not None:
            self._store.finish()
        return self.blob(path, digest) if digest in layouts.reached(self._path) else None

    def blob(self, path: str, digest: str) -> bytes | None:
        found = layouts.blob_path(self._path, digest) if digest else None
        return found.read_bytes() if found is not None and found.is_file() else None

    def tags(self, path: str) -> list[str]:
        return [name.rpartition(":")[2] for name in layouts.named(self._path) if name.rpartition(":")[0] == path]

    def witness(self, path: str, tag: str) -> str:
        return layouts.named(self._path)[f"{path}:{tag}"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestedStore]:
    """One layout for all tests, which use repositories of their own."""
    tested = TestedLayout(tmp_path_factory.mktemp("suite") / "layout")
    yield tested
    tested.close()
