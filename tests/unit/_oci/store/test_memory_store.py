# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared suite of ``Repository`` against the store in memory that the tests of the copy phase use."""

from __future__ import annotations

import itertools
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from helpers.memory_store import MemoryRepository, MemoryStore, push
from support.scenes.images import Blob, Image
from support.scenes.tested_stores import TestedStore

pytest.register_assert_rewrite("support.scenes.repository_suite")
from support.scenes.repository_suite import *  # noqa: E402, F403


class TestedMemory:
    """A store in memory under test; its dictionaries are the independent means."""

    __test__ = False

    name = "memory"
    deletes = deletes_tags = scoped_blobs = checks_blobs = keeps_untagged = True

    def __init__(self) -> None:
        self._store = MemoryStore("memory.test")

    def repository(self, path: str) -> MemoryRepository:
        return self._store.repository(path)

    def push(self, path: str, image: Image, *tags: str) -> None:
        push(self._store, path, image, *tags)

    def push_blob(self, path: str, blob: Blob) -> None:
        self.repository(path).blobs[Digest.parse(blob.digest)] = blob.data

    def manifest(self, path: str, reference: str) -> bytes | None:
        kept = self.repository(path)
        digest = kept.tagged.get(reference) or (Digest.parse(reference) if ":" in reference else None)
        found = kept.manifests.get(digest) if digest else None
        return found.raw if found else None

    def blob(self, path: str, digest: str) -> bytes | None:
        return self.repository(path).blobs.get(Digest.parse(digest))

    def tags(self, path: str) -> list[str]:
        return list(self.repository(path).tagged)

    def witness(self, path: str, tag: str) -> str:
        return str(self.repository(path).tagged[tag])


@pytest.fixture(scope="module")
def store() -> TestedStore:
    """One store for all tests, which use repositories of their own."""
    return TestedMemory()


_numbers = itertools.count()


@pytest.fixture
def fresh() -> Callable[[], str]:
    """Gives repository paths that no other test uses."""
    return lambda: f"tests/{next(_numbers)}"


@pytest.fixture
def repository(fresh: Callable[[], str]) -> str:
    """A repository path that no other test uses."""
    return fresh()
