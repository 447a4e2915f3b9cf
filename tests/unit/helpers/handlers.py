# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What test registries answer with, and what a client makes of it."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ImageOpsError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import Descriptor
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from helpers.raw_server import Handle, Received, client, raw_server

DIGEST = "sha256:" + hashlib.sha256(b"manifest").hexdigest()
ONCE = Settings(timeout=10.0, retry=RetryPolicy(attempts=1))


def blob(data: bytes) -> Descriptor:
    return Descriptor("application/octet-stream", Digest.of(data), len(data))


def resolved(request: Received) -> None:
    request.answer(200, b"x" * 8, Docker_Content_Digest=DIGEST, Content_Type="application/x")


def fails(handle: Handle, settings: Settings = ONCE) -> ImageOpsError:
    """The error of a HEAD, a GET of a manifest and a list alike: the first that comes."""
    with raw_server(handle) as server, client(server.host, settings=settings) as registry:
        with pytest.raises(ImageOpsError) as caught:
            registry.repository("a").manifest("1")
        assert registry.repository("a").path == "a"
    return caught.value


def with_basic(request: Received) -> bool:
    """Ask for a password first."""
    if "authorization" in request.headers:
        return True
    request.answer(401, b"", WWW_Authenticate='Basic realm="r"')
    return False
