# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests that one side or the other does not take."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError, RegistryError
from support.clients.collection_client import Opener, blob_descriptor, manifest_of, registry_client
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.clients.skopeo import put_as_schema1
from support.scenes import images
from support.servers.docker_registry import docker_registry


def test_signed_manifests_of_old_are_refused(
    tmp_path: Path, repository: str, plain: Callable[[Endpoint], PlainClient]
) -> None:
    with docker_registry(tmp_path, schema1=True) as made, registry_client(made.endpoint) as registry:
        plain(made.endpoint).push(repository, images.image(repository, docker=True), "new")
        put_as_schema1(made.endpoint, repository, "new", "old")
        with pytest.raises(ContentError) as caught:
            registry.repository(repository).manifest("old")
    assert caught.value.code == "unsupported_manifest"
    assert not caught.value.transient


def test_a_registry_may_refuse_a_kind_of_manifest(tmp_path: Path, repository: str) -> None:
    chart = images.helm_chart(repository)
    with docker_registry(tmp_path, classes=["image"]) as made, registry_client(made.endpoint) as registry:
        there = registry.repository(repository)
        for blob in chart.blobs:
            there.put_blob(blob_descriptor(blob), Opener(blob.data))
        with pytest.raises(RegistryError) as caught:
            there.put_manifest(manifest_of(chart), "chart")
    assert (caught.value.code, caught.value.transient) == ("unsupported_manifest", False)


def test_a_readonly_registry_says_so(tmp_path: Path, repository: str) -> None:
    blob = images.random_blob(repository, 1000)
    with docker_registry(tmp_path, readonly=True) as made, registry_client(made.endpoint) as registry:
        there = registry.repository(repository)
        with pytest.raises(RegistryError) as caught:
            there.put_blob(blob_descriptor(blob), Opener(blob.data), there.mount_blob(blob_descriptor(blob)))
    assert (caught.value.code, caught.value.transient) == ("unsupported", False)
