# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the collection's own client for a registry under test, and the small things that its interface wants."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryBudget, RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run, Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential, Given
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import Access
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import (
    Descriptor,
    Manifest,
    parse_manifest,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry

from ..scenes.images import Blob, Image
from .endpoint import Endpoint

QUICK = Settings(timeout=20.0, retry=RetryPolicy(attempts=3, backoff=0.001, backoff_cap=0.005))
"""As patient with a slow machine as must be, and hardly a pause between tries."""
BLOCK = 256 * 1024


@dataclass
class Heard:
    """What a client said beside its answers."""

    secrets: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


@contextmanager
def registry_client(
    endpoint: Endpoint,
    *,
    settings: Settings = QUICK,
    credential: Credential | None = None,
    heard: Heard | None = None,
    stop: threading.Event | None = None,
    budget: RetryBudget | None = None,
    **access: Any,
) -> Iterator[Registry]:
    """The collection's client for an endpoint, as its user.

    :param credential: in place of the endpoint's user and password
    :param access: further fields of ``Access``; those given win over what the endpoint says
    """
    heard = heard or Heard()
    if credential is None:
        credential = Credential(username=endpoint.username, password=endpoint.password)
    told: dict[str, Any] = {"plain_http": endpoint.ca_path is None}
    if endpoint.ca_path:
        told["ca_path"] = str(endpoint.ca_path)
    if endpoint.client:
        told.update(client_cert=str(endpoint.client.certificate), client_key=str(endpoint.client.key))
    registry = Registry(
        endpoint.host,
        access=Access(endpoint.host, **{**told, **access}),
        credentials=Given([(endpoint.host, credential)], on_secret=heard.secrets.append),
        run=Run(
            settings=settings,
            budget=budget or RetryBudget(),
            stop=stop or threading.Event(),
            on_secret=heard.secrets.append,
            warn=heard.warnings.append,
            log=heard.log.append,
        ),
    )
    with registry:
        yield registry


class Reader:
    """A blob's bytes from memory, as uploads want them.

    :param error: raised in place of the last block, as a reader does that has found the content wrong
    """

    def __init__(self, data: bytes, offset: int = 0, error: ImageOpsError | None = None) -> None:
        self._data = data[offset:]
        self._error = error
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), BLOCK):
            if self._error and start + BLOCK >= len(self._data):
                raise self._error
            yield self._data[start : start + BLOCK]

    def close(self) -> None:
        self.closed = True


class Opener:
    """An ``open_at`` that remembers what it was asked for.

    :ivar offsets: where each reader began
    """

    def __init__(self, data: bytes, error: ImageOpsError | None = None) -> None:
        self._data = data
        self._error = error
        self.offsets: list[int] = []
        self.readers: list[Reader] = []

    def __call__(self, offset: int) -> Reader:
        reader = Reader(self._data, offset, self._error)
        self.offsets.append(offset)
        self.readers.append(reader)
        return reader


def blob_descriptor(blob: Blob) -> Descriptor:
    """How the collection names a blob."""
    return Descriptor(media_type=blob.media_type, digest=Digest.parse(blob.digest), size=len(blob.data))


def manifest_of(image: Image) -> Manifest:
    """How the collection holds a manifest."""
    return parse_manifest(image.manifest, image.media_type)


def digests(descriptors: Sequence[Descriptor]) -> list[str]:
    return [str(descriptor.digest) for descriptor in descriptors]
