# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody does first: install from a clone, and run the playbook of the README on two registries."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clients.plain_client import PlainClient
from support.scenes.images import image
from support.servers.docker_registry import DockerRegistry, docker_registry

from playbooks import ROOT, Ansible

FILL, MIRROR = "Fill the first one from Docker Hub", "Bring to the second one what is in the first"
HUB = {"1.35": image("busybox 1.35"), "1.36": image("busybox 1.36")}


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[tuple[DockerRegistry, DockerRegistry, DockerRegistry]]:
    """One that stands for Docker Hub, and the two of the README."""
    with (
        docker_registry(tmp_path / "hub") as hub,
        docker_registry(tmp_path / "first") as first,
        docker_registry(tmp_path / "second") as second,
    ):
        with PlainClient(hub.endpoint) as client:
            for tag, each in HUB.items():
                client.push("library/busybox", each, tag)
        yield hub, first, second


def test_the_playbook_of_the_readme(
    ansible: Ansible, registries: tuple[DockerRegistry, DockerRegistry, DockerRegistry]
) -> None:
    hub, first, second = registries
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n# try\.yml\n(.*?)^```$", readme, re.M | re.S)
    for written, real in (("localhost:5001", first.host), ("localhost:5002", second.host), ("docker.io", hub.host)):
        assert written in text
        text = text.replace(written, real)
    entry = f'- {{registry: "{first.host}", plain_http: true}}\n'
    assert entry in text
    described = f'- {{registry: "{hub.host}", plain_http: true}}\n        '
    (ansible.directory / "try.yml").write_text(text.replace(entry, described + entry))

    runs = [ansible.run("try.yml", *options) for options in ((), (), ("--check", "--diff"))]
    assert [run.code for run in runs] == [0, 0, 0], runs[0].text
    assert [run.changed() for run in runs] == [[FILL, MIRROR], [], []]
    digest = f"{second.host}/mirror/busybox@{HUB['1.36'].digest}"
    assert all(run.named("Use an image by its digest").result["msg"] == digest for run in runs)
    assert [warning for run in runs for warning in run.warnings()] == []
    with PlainClient(second.endpoint) as client:
        assert sorted(client.tags("mirror/busybox")) == ["1.35", "1.36"]


def test_it_is_installed_from_a_clone_as_it_is(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    galaxy = request.config.getoption("--ansible") / "ansible-galaxy"
    command = [galaxy, "collection", "install", "--offline", "-p", tmp_path, "."]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    installed = tmp_path / "ansible_collections" / "imageops" / "registry"
    assert (installed / "plugins" / "modules" / "registry_image_sync.py").is_file()
    assert (installed / "meta" / "execution-environment.yml").is_file()
    assert not (installed / "tests" / "unit").exists()
