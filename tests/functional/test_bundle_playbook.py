# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook imageops.registry.bundle: two exports, the second with what is new, and both brought in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import registry_option
from support.scenes.playbooks import CAN_PLAY, Played, play
from support.servers.shared import Servers

pytestmark = pytest.mark.skipif(not CAN_PLAY, reason="this Python is one of managed hosts only")
PLAY = [{"name": "Bundle", "ansible.builtin.import_playbook": "imageops.registry.bundle"}]


def test_two_archives_across_the_gap(
    servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> None:
    client = plain(servers.open.endpoint)
    folder = tmp_path / "bundles"
    folder.mkdir()

    def run(**variables: Any) -> Played:
        played = play(tmp_path, PLAY, {"bundle_registries": [registry_option(servers.open.endpoint)], **variables})
        assert played.code == 0, played.text
        return played

    layer = images.random_blob(repository, 300_000)
    wanted, archives = {}, []
    for tag in ("1", "2"):
        wanted[tag] = images.image(
            f"{repository} {tag}", layers=[layer, images.random_blob(f"{repository} {tag}", 100)]
        )
        client.push(repository, wanted[tag], tag)
        # The second archive has a name of its own, which begins with the second in which it was made.
        played = run(bundle_sources=[f"{servers.open.host}/{repository}"], bundle_folder=str(folder))
        archives.append(next(path for path in sorted(folder.glob("*.tar")) if path not in archives))
        inventory = Path(f"{archives[-1]}.inventory.json").read_bytes()
        assert hashlib.sha256(inventory).hexdigest() in played.text
    assert archives[0].stat().st_size > 300_000 > 100_000 > archives[1].stat().st_size
    assert f"needs the bundle {archives[0].name}" in played.text

    for archive in archives:
        run(bundle_archive=str(archive), bundle_destination=f"{servers.open.host}/inside")
    for tag, image in wanted.items():
        assert client.manifest(f"inside/{repository}", tag).body == image.manifest


def test_check_mode_writes_no_archive_and_misses_no_inventory(
    servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> None:
    plain(servers.open.endpoint).push(repository, images.image(repository), "1")
    folder = tmp_path / "bundles"
    folder.mkdir()
    variables = {
        "bundle_registries": [registry_option(servers.open.endpoint)],
        "bundle_sources": [f"{servers.open.host}/{repository}"],
        "bundle_folder": str(folder),
    }
    played = play(tmp_path, PLAY, variables, check=True)
    assert (played.code, list(folder.iterdir())) == (0, []), played.text
    assert played.result("Export what is new")["changed"]
    assert "inventory beside it" not in played.text


def test_an_archive_that_comes_without_its_inventory_is_brought_in_and_said_to(
    servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> None:
    client = plain(servers.open.endpoint)
    image = images.image(repository)
    client.push(repository, image, "1")
    folder = tmp_path / "bundles"
    folder.mkdir()
    given = {"bundle_registries": [registry_option(servers.open.endpoint)]}
    export = {"bundle_sources": [f"{servers.open.host}/{repository}"], "bundle_folder": str(folder)}
    assert play(tmp_path, PLAY, {**given, **export}).code == 0
    (archive,) = folder.glob("*.tar")
    Path(f"{archive}.inventory.json").unlink()
    bring = {"bundle_archive": str(archive), "bundle_destination": f"{servers.open.host}/inside"}
    played = play(tmp_path, PLAY, {**given, **bring})
    assert played.code == 0, played.text
    assert "there is no inventory beside it" in played.text
    assert client.manifest(f"inside/{repository}", "1").body == image.manifest


def test_an_archive_in_parts_across_the_gap(
    servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> None:
    client = plain(servers.open.endpoint)
    image = images.image(repository, layers=[images.random_blob(f"{repository} {n}", 700_000) for n in range(2)])
    client.push(repository, image, "1")
    folder = tmp_path / "bundles"
    folder.mkdir()
    given = {"bundle_registries": [registry_option(servers.open.endpoint)]}
    source = f"{servers.open.host}/{repository}"
    export = {"bundle_sources": [source], "bundle_folder": str(folder), "bundle_archive_size": "1M"}
    assert play(tmp_path, PLAY, {**given, **export}).code == 0
    first, second = sorted(folder.glob("*.part*"))
    archive = first.name.partition(".tar.")[0] + ".tar"
    assert second.name.startswith(archive)
    bring = {"bundle_archive": str(folder / archive), "bundle_destination": f"{servers.open.host}/inside"}
    assert play(tmp_path, PLAY, {**given, **bring}).code == 0
    assert client.manifest(f"inside/{repository}", "1").body == image.manifest
