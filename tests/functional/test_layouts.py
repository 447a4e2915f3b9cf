# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Across an air gap with the modules: registry → layout → registry, and what skopeo makes of the layout."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import Ended, module, registry_option
from support.servers.shared import Servers

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(servers: Servers, tmp_path: Path) -> Call:
    """Runs a module that has to succeed, and gives its result."""

    def run(name: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {"registries": [registry_option(servers.open.endpoint)], **options}
        with module(name, given, home=tmp_path, check_mode=check_mode) as running:
            ended: Ended = running.end()
        assert ended.code == 0, ended.result
        return ended.result

    return run


@pytest.fixture
def source(servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str) -> str:
    """A repository with an image, an index and what refers to it."""
    client = plain(servers.open.endpoint)
    index = images.multi_arch(repository)
    client.push(repository, images.image(repository), "1.0")
    client.push(repository, index, "2.0")
    client.push(repository, images.artifact("sbom", index), "sbom")
    return f"{servers.open.host}/{repository}"


def test_there_and_back(
    call: Call, source: str, servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> None:
    bundle = f"oci:{tmp_path}/bundle"
    export = {"images": [{"source": source, "destination": bundle}], "report_path": "report.json"}
    planned = call("registry_image_sync", check_mode=True, **export)
    assert not (tmp_path / "bundle").exists()
    first, second = call("registry_image_sync", **export), call("registry_image_sync", **export)
    assert (planned["changed"], first["changed"], second["changed"]) == (True, True, False)
    assert planned["summary"]["bytes"] == first["summary"]["bytes"] > 0
    assert second["msg"].startswith("3 images: 3 unchanged; 0 bytes written")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["registries"][f"{bundle}/"]["bytes_written"] == 0

    home = f"{servers.open.host}/home/{repository}"
    back = {"images": [{"source": f"{bundle}//{repository}", "destination": home}]}
    assert call("registry_image_sync", **back)["changed"]
    assert not call("registry_image_sync", **back)["changed"]
    client = plain(servers.open.endpoint)
    for tag in ("1.0", "2.0", "sbom"):
        assert client.manifest(f"home/{repository}", tag).body == client.manifest(repository, tag).body


def test_a_layer_that_another_bundle_has_is_not_written(
    call: Call, servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> None:
    large = images.random_blob(repository, 300_000)
    plain(servers.open.endpoint).push(repository, images.image(repository, layers=[large]), "1.0")
    first, second = f"oci:{tmp_path}/first", f"oci:{tmp_path}/second"
    call("registry_image_sync", images=[{"source": f"{servers.open.host}/{repository}", "destination": first}])
    result = call("registry_image_sync", images=[{"source": first, "destination": second}])
    summary = result["summary"]
    assert (summary["blobs_copied"], summary["blobs_mounted"]) == (1, 1)
    assert 0 < summary["bytes"] == sum(entry["bytes"] for entry in result["images"]) < len(large.data)
    assert f"; {summary['bytes']} bytes written in" in result["msg"]


def test_a_bundle_is_described_as_a_registry_is(call: Call, source: str, repository: str, tmp_path: Path) -> None:
    bundle = f"oci:{tmp_path}/bundle"
    call("registry_image_sync", images=[{"source": source, "destination": bundle}])
    there = call("registry_image_info", images=[source])["images"][0]
    here = call("registry_image_info", images=[bundle])["images"]
    assert [entry["image"] for entry in here] == [f"{bundle}//{repository}"]
    assert here[0]["manifests"] == there["manifests"]


def test_skopeo_reads_every_tag(call: Call, source: str, repository: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    call("registry_image_sync", images=[{"source": source, "destination": f"oci:{bundle}"}])
    for tag in ("1.0", "2.0"):
        copied = tmp_path / tag
        subprocess.run(
            ["skopeo", "copy", "--quiet", "--all", f"oci:{bundle}:{repository}:{tag}", f"oci:{copied}:x"], check=True
        )
        wanted = {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"] for entry in index(bundle)}
        assert [entry["digest"] for entry in index(copied)] == [wanted[f"{repository}:{tag}"]]


def test_an_increment_says_what_it_needs_and_is_refused_without_it(
    call: Call, source: str, servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> None:
    first, second = f"oci:{tmp_path}/first", f"oci-archive:{tmp_path}/second.tar"
    call("registry_image_sync", images=[{"source": source, "destination": first}])
    plain(servers.open.endpoint).push(repository, images.image(f"{repository} new"), "3.0")
    base = f"{tmp_path}/first.inventory.json"
    told = call("registry_image_sync", images=[{"source": source, "destination": second}], bundle_base=[base])
    assert "second.tar needs the bundle first" in told["msg"]
    for referrers in (False, True):
        info = call("registry_image_info", images=[second], verify="blobs", referrers=referrers)["images"][0]
        verified = info["verified"]
        assert (verified["faults"], verified["left_out"] > verified["blobs"] > 0) == ([], True)
        assert {"1.0", "2.0", "3.0"} <= set(info["tags"])

    home = f"{servers.open.host}/home/{repository}"
    rule = {"images": [{"source": f"{second}//{repository}", "destination": home}]}
    options = {"registries": [registry_option(servers.open.endpoint)], **rule}
    with module("registry_image_sync", options, home=tmp_path) as running:
        failed = running.end()
    assert (failed.code, failed.result["changed"]) == (1, False)
    assert "bundle_missing" in failed.result["error_codes"]
    call("registry_image_sync", images=[{"source": f"{first}//{repository}", "destination": home}])
    assert call("registry_image_sync", **rule)["changed"]
    client = plain(servers.open.endpoint)
    assert client.manifest(f"home/{repository}", "3.0").body == client.manifest(repository, "3.0").body


def test_an_increment_without_its_inventory_says_what_is_missing(
    call: Call, source: str, servers: Servers, tmp_path: Path
) -> None:
    call("registry_image_sync", images=[{"source": source, "destination": f"oci:{tmp_path}/first"}])
    increment = f"oci-archive:{tmp_path}/second.tar"
    base = f"{tmp_path}/first.inventory.json"
    call("registry_image_sync", images=[{"source": source, "destination": increment}], bundle_base=[base])
    (tmp_path / "second.tar.inventory.json").unlink()
    for name, options in (
        ("registry_image_info", {"images": [increment], "verify": "blobs"}),
        ("registry_image_sync", {"images": [{"source": increment, "destination": f"{servers.open.host}/home"}]}),
    ):
        options["registries"] = [registry_option(servers.open.endpoint)]
        with module(name, options, home=tmp_path) as running:
            failed = running.end()
        assert (failed.code, failed.result["error_codes"]) == (1, ["source_incomplete"])
        assert "put second.tar.inventory.json beside it" in str(failed.result)


def test_bundle_base_is_refused_where_no_destination_is_a_bundle(source: str, servers: Servers, tmp_path: Path) -> None:
    options = {
        "images": [{"source": source, "destination": f"{servers.open.host}/x"}],
        "registries": [registry_option(servers.open.endpoint)],
        "bundle_base": ["/nowhere"],
    }
    with module("registry_image_sync", options, home=tmp_path) as running:
        ended = running.end()
    assert ended.result["error_codes"] == ["invalid_input"]
    assert "no destination is a layout on disk" in ended.result["msg"]


def test_an_archive_in_parts_is_written_once_and_read_as_one(
    call: Call, servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> None:
    client = plain(servers.open.endpoint)
    image = images.image(repository, layers=[images.random_blob(f"{repository} {n}", 700_000) for n in range(4)])
    client.push(repository, image, "1.0")
    out, carried = tmp_path / "out", tmp_path / "carried"
    export = {
        "images": [{"source": f"{servers.open.host}/{repository}", "destination": f"oci-archive:{out}/b.tar"}],
        "archive_size": "1M",
    }
    assert call("registry_image_sync", **export)["changed"]
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.iterdir()}
    assert not call("registry_image_sync", **export)["changed"]
    assert {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.iterdir()} == before
    parts = sorted(out.glob("b.tar.*.part*"))
    assert len(parts) == 4
    assert max(part.stat().st_size for part in parts) <= 1024**2

    shutil.copytree(out, carried)
    lost = carried / parts[2].name
    lost.unlink()
    rule = {"images": [{"source": f"oci-archive:{carried}/b.tar", "destination": f"{servers.open.host}/home"}]}
    with module(
        "registry_image_sync", {"registries": [registry_option(servers.open.endpoint)], **rule}, home=tmp_path
    ) as running:
        failed = running.end()
    assert (failed.code, failed.result["changed"]) == (1, False)
    assert failed.result["error_codes"] == ["bundle_missing"]
    assert lost.name in failed.result["msg"]
    shutil.copy(parts[2], lost)
    assert call("registry_image_sync", **rule)["changed"]
    assert client.manifest(f"home/{repository}", "1.0").body == image.manifest


@pytest.mark.parametrize(
    ("destination", "size", "cause"),
    [
        pytest.param("oci:/nowhere/bundle", "4G", "no destination is a layout in a tar", id="no archive"),
        pytest.param("oci-archive:/nowhere/bundle.tar", "1K", "less than 1 MiB", id="too small"),
    ],
)
def test_parts_are_refused_before_anything_is_contacted(
    tmp_path: Path, destination: str, size: str, cause: str
) -> None:
    options = {"images": [{"source": "localhost:1/x", "destination": destination}], "archive_size": size}
    with module("registry_image_sync", options, home=tmp_path) as running:
        ended = running.end()
    assert ended.result["error_codes"] == ["invalid_input"]
    assert cause in ended.result["msg"]


def index(layout: Path) -> list[dict[str, Any]]:
    """The named entries of ``index.json``."""
    manifests = json.loads((layout / "index.json").read_bytes())["manifests"]
    return [entry for entry in manifests if "annotations" in entry]
