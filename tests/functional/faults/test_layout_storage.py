# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts on a disk that is full or read-only: an error of ours, nothing half-written, and the next run goes on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import Ended, module, registry_option
from support.servers.shared import Servers

PLACES = [("oci", "bundle"), ("oci-archive", "bundle.tar")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    directory = tmp_path / "disk"
    directory.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(directory)], check=False)
    if made.returncode:
        pytest.skip("only root may mount")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


@pytest.fixture
def export(
    servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> Callable[[str], Ended]:
    """Exports an image of a few kilobytes and one of three megabytes."""
    client = plain(servers.open.endpoint)
    client.push(repository, images.image(repository), "small")
    layer = images.random_blob(repository, 3_000_000)
    client.push(repository, images.image(f"{repository} large", layers=[layer]), "large")

    def run(place: str) -> Ended:
        options = {
            "images": [{"source": f"{servers.open.host}/{repository}", "destination": place}],
            "registries": [registry_option(servers.open.endpoint)],
            "retries": 0,
        }
        with module("registry_image_sync", options, home=tmp_path) as running:
            return running.end()

    return run


@pytest.mark.parametrize(("transport", "name"), PLACES)
def test_a_full_disk(export: Callable[[str], Ended], disk: Path, transport: str, name: str) -> None:
    place = f"{transport}:{disk / name}"
    (disk / "ballast").write_bytes(bytes(6_500_000))
    failed = export(place)
    assert failed.code == 1
    assert set(failed.result["error_codes"]) == {"storage_failed"}
    assert "no space left on device" in failed.result["msg"]
    assert "make room" in failed.result["msg"]
    assert [path.name for path in disk.rglob("*.new")] == []
    assert list(disk.rglob(".imageops-registry/tmp/*")) == []
    (disk / "ballast").unlink()
    assert export(place).code == 0
    assert not export(place).result["changed"]


def test_no_room_for_the_old_archive_beside_itself(export: Callable[[str], Ended], disk: Path) -> None:
    archive = disk / "bundle.tar"
    assert export(f"oci-archive:{archive}").code == 0
    before = archive.stat()
    (disk / "ballast").write_bytes(bytes(3_000_000))
    failed = export(f"oci-archive:{archive}//elsewhere")
    assert failed.code == 1
    assert failed.result["error_codes"] == ["storage_failed"]
    assert (archive.stat().st_ino, archive.stat().st_size) == (before.st_ino, before.st_size)
    assert [path.name for path in disk.glob(".*.new")] == []


@pytest.mark.parametrize(("transport", "name"), PLACES)
def test_a_disk_that_is_read_only(export: Callable[[str], Ended], disk: Path, transport: str, name: str) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    failed = export(f"{transport}:{disk / name}")
    assert failed.code == 1
    assert failed.result["error_codes"] == ["storage_failed"]
    assert "mounted read-only" in failed.result["msg"]


def test_a_layout_on_a_read_only_disk_is_a_source(
    export: Callable[[str], Ended], disk: Path, servers: Servers, repository: str, tmp_path: Path
) -> None:
    assert export(f"oci:{disk}/bundle").code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    options: dict[str, Any] = {
        "images": [{"source": f"oci:{disk}/bundle", "destination": f"{servers.open.host}/home"}],
        "registries": [registry_option(servers.open.endpoint)],
    }
    with module("registry_image_sync", options, home=tmp_path) as running:
        ended = running.end()
    assert ended.code == 0, ended.result
    entries = json.loads((disk / "bundle" / "index.json").read_bytes())["manifests"]
    assert len(entries) == ended.result["summary"]["created"] == 2
