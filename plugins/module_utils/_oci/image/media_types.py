# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The media types of manifests, configs and layers, and which of them mean the same."""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
"""A manifest with ``blobs`` and no config, from release candidates of OCI 1.1; some registries still hold them."""

ORAS_ARTIFACT = "application/vnd.cncf.oras.artifact.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

INDEXES = frozenset((OCI_INDEX, DOCKER_LIST))
ARTIFACTS = frozenset((OCI_ARTIFACT, ORAS_ARTIFACT))
SINGLES = frozenset((OCI_MANIFEST, DOCKER_MANIFEST)) | ARTIFACTS
SCHEMA1 = frozenset((DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED))
IMAGE_CONFIGS = frozenset((OCI_CONFIG, DOCKER_CONFIG))

GENERIC = frozenset(("", "text/plain", "application/json", "application/octet-stream", "binary/octet-stream"))
"""What servers say that do not know what they serve; the body tells more."""

ACCEPT = (
    f"{OCI_INDEX}, {DOCKER_LIST}, {OCI_MANIFEST}, {DOCKER_MANIFEST}, {OCI_ARTIFACT}, {ORAS_ARTIFACT}, "
    f"{DOCKER_SCHEMA1_SIGNED}, {DOCKER_SCHEMA1}"
)
"""The Accept header for manifests, the same on HEAD and GET. Schema 1 is last: asked for only to be refused by name."""


def is_foreign_layer(media_type: str) -> bool:
    """Return whether layers of this type are not for distribution: in ``urls``, and usually not in registries."""
    return ".nondistributable." in media_type or ".foreign." in media_type
