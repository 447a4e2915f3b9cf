# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores that the shared suite of ``Repository`` runs against.

Each is seen from two sides: through the collection's interface, which is what is tested, and by independent means,
which put things there and look at what arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Repository

from ..clients.collection_client import registry_client
from ..clients.plain_client import PlainClient
from ..clients.skopeo import independent_digest
from .images import Blob, Image

if TYPE_CHECKING:  # the suite also runs on stores in memory, without what servers need
    from ..servers.shared import Kind


class TestedStore(Protocol):
    """A store, and what it can do.

    :ivar deletes: deletes manifests by digest; likewise tags alone
    :ivar scoped_blobs: shows a blob only in the repositories that it was put into
    :ivar checks_blobs: refuses a manifest that names what is not there
    :ivar keeps_untagged: keeps a manifest by its digest when its last tag has moved on
    """

    __test__ = False

    name: str
    deletes: bool
    deletes_tags: bool
    scoped_blobs: bool
    checks_blobs: bool
    keeps_untagged: bool

    def repository(self, path: str) -> Repository:
        """The repository through the collection's interface."""

    def push(self, path: str, image: Image, *tags: str) -> None:
        """Put an image there by independent means."""

    def push_blob(self, path: str, blob: Blob) -> None:
        """Put a blob there by independent means."""

    def manifest(self, path: str, reference: str) -> bytes | None:
        """A manifest's bytes by independent means; None when it is not there."""

    def blob(self, path: str, digest: str) -> bytes | None:
        """A blob's bytes by independent means; None when it is not there."""

    def tags(self, path: str) -> list[str]:
        """The tags by independent means."""

    def witness(self, path: str, tag: str) -> str:
        """The digest behind a tag by means that share no code with the tests either."""


class TestedRegistry:
    """A registry under test, beside a client that shares no code with the collection."""

    deletes_tags = False
    keeps_untagged = True

    def __init__(self, kind: Kind, registry: Registry, plain: PlainClient) -> None:
        self.name = kind.name
        self.deletes = kind.deletes
        self.scoped_blobs = kind.scoped_blobs
        self.checks_blobs = kind.checks_blobs
        self._endpoint = kind.endpoint
        self._registry = registry
        self._plain = plain

    def repository(self, path: str) -> Repository:
        return self._registry.repository(path)

    def push(self, path: str, image: Image, *tags: str) -> None:
        self._plain.push(path, image, *tags)

    def push_blob(self, path: str, blob: Blob) -> None:
        self._plain.push_blob(path, blob)

    def manifest(self, path: str, reference: str) -> bytes | None:
        answer = self._plain.manifest(path, reference)
        return answer.body if answer.status == 200 else None

    def blob(self, path: str, digest: str) -> bytes | None:
        answer = self._plain.blob(path, digest)
        return answer.body if answer.status == 200 else None

    def tags(self, path: str) -> list[str]:
        return [tag for tag in self._plain.tags(path) if not tag.startswith("sha256:")]

    def witness(self, path: str, tag: str) -> str:
        return independent_digest(self._endpoint, path, tag)


@contextmanager
def tested_registry(kind: Kind) -> Iterator[TestedStore]:
    """A registry under test, with both clients for it."""
    with registry_client(kind.endpoint) as registry, PlainClient(kind.endpoint) as plain:
        yield TestedRegistry(kind, registry, plain)
