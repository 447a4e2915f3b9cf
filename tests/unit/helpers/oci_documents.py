# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builders of manifests, and what else the tests of this directory share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import Manifest, parse_manifest

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"


def words_of_refusal(call: Callable[[], object]) -> str:
    """What an error of our own says; empty when there is none. Any other exception goes through."""
    try:
        call()
    except ImageOpsError as error:
        return str(error)
    return ""


def digest_of(seed: str) -> str:
    """A digest that differs for each seed."""
    return f"sha256:{hashlib.sha256(seed.encode()).hexdigest()}"


def point(seed: str, media_type: str = OCI_LAYER, size: int = 10, **more: Any) -> dict[str, Any]:
    """A descriptor of something that is not there."""
    return {"mediaType": media_type, "digest": digest_of(seed), "size": size, **more}


def point_to(manifest: Manifest, platform: str = "", **more: Any) -> dict[str, Any]:
    """A descriptor of a manifest, with a platform as os/architecture[/variant]."""
    found: dict[str, Any] = {"mediaType": manifest.media_type, "digest": str(manifest.digest), "size": manifest.size}
    if platform:
        found["platform"] = dict(zip(("os", "architecture", "variant"), platform.split("/")))
    return {**found, **more}


def image_document(seed: str = "image", **more: Any) -> dict[str, Any]:
    """An OCI image with one layer."""
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": point(f"{seed} config", OCI_CONFIG),
        "layers": [point(f"{seed} layer")],
        **more,
    }


def index_document(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An OCI index."""
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries), **more}


def parsed(document: Any, media_type: str = "", *, indent: int | None = None) -> Manifest:
    """The document as a manifest."""
    return parse_manifest(json.dumps(document, indent=indent).encode(), media_type)
