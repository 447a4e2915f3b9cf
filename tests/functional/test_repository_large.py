# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A large blob on its way from one registry to another: all of it arrives, and skopeo says so."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Callable

from support.clients.collection_client import registry_client
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.clients.skopeo import copy_to_directory
from support.scenes import images
from support.servers.shared import Servers

SIZE = 100 * 1024 * 1024


def test_a_large_image_arrives_whole(
    servers: Servers, repository: str, plain: Callable[[Endpoint], PlainClient], tmp_path: Path
) -> None:
    large = images.random_blob("large", SIZE)
    image = images.image("large", layers=[large])
    plain(servers.open.endpoint).push(repository, image, "large")
    with registry_client(servers.open.endpoint) as left, registry_client(servers.tls.endpoint) as right:
        source, destination = left.repository(repository), right.repository(repository)
        manifest = source.manifest("large")
        for blob in manifest.blobs:
            destination.put_blob(blob, partial(source.open_blob, blob), destination.mount_blob(blob))
        destination.put_manifest(manifest, "large")
    copy_to_directory(servers.tls.endpoint, repository, "large", tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == image.manifest
    assert (tmp_path / large.digest.partition(":")[2]).read_bytes() == large.data
    for left_over in tmp_path.iterdir():
        left_over.unlink()
