# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared suite of ``Repository`` against a layout in a tar, which Python's own tarfile unpacks and packs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Repository, Store
from support.scenes import layouts
from support.scenes.images import Blob, Image
from support.scenes.tested_stores import TestedStore

pytest.register_assert_rewrite("support.scenes.repository_suite")
from support.scenes.repository_suite import *  # noqa: E402, F403


class TestedArchive:
    """An archive under test. Each look by other means comes after the archive has been finished."""

    __test__ = False

    deletes = deletes_tags = checks_blobs = True
    scoped_blobs = keeps_untagged = False

    def __init__(self, folder: Path) -> None:
        self.name = f"archive in {folder}"
        self._tar = folder / "bundle.tar"
        self._folder = folder / "unpacked"
        self._store: Store | None = None
        self._unpacked_tar: tuple[int, ...] = ()

    def repository(self, path: str) -> Repository:
        if self._store is None:
            self._store = layouts.opened(self._tar, "oci-archive")
        return self._store.repository(path)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _unpacked(self) -> Path:
        if self._store is not None:
            self._store.finish()
        if self._unpacked_tar != self._which() or not self._folder.exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir()
            if self._tar.exists():
                layouts.unpack(self._tar, self._folder)
            self._unpacked_tar = self._which()
        return self._folder

    def _packed(self) -> None:
        self.close()
        layouts.pack(self._folder, self._tar)
        self._unpacked_tar = self._which()

    def _which(self) -> tuple[int, ...]:
        """Tell one tar from another: what an archive has is never changed in its place."""
        if not self._tar.exists():
            return ()
        found = self._tar.stat()
        return (found.st_ino, found.st_size, found.st_mtime_ns)

    def push(self, path: str, image: Image, *tags: str) -> None:
        named = [(image, {layouts.REF: f"{path}:{tag}"}) for tag in tags] or [(image, {})]
        layouts.write(self._unpacked(), named)
        self._packed()

    def push_blob(self, path: str, blob: Blob) -> None:
        layouts.put(self._unpacked(), blob.digest, blob.data)
        self._packed()

    def manifest(self, path: str, reference: str) -> bytes | None:
        folder = self._unpacked()
        digest = reference if ":" in reference else layouts.named(folder).get(f"{path}:{reference}", "")
        return layouts.blob_path(folder, digest).read_bytes() if digest in layouts.reached(folder) else None

    def blob(self, path: str, digest: str) -> bytes | None:
        found = layouts.blob_path(self._unpacked(), digest)
        return found.read_bytes() if found.is_file() else None

    def tags(self, path: str) -> list[str]:
        named = layouts.named(self._unpacked())
        return [name.rpartition(":")[2] for name in named if name.rpartition(":")[0] == path]

    def witness(self, path: str, tag: str) -> str:
        return layouts.named(self._unpacked())[f"{path}:{tag}"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TestedStore]:
    """An archive for each test, since each look at it that finds a new one unpacks all of it."""
    tested = TestedArchive(tmp_path)
    yield tested
    tested.close()
