# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces that the sources ask for: a whole Harbor, of which no namespace is listed. Then the freeze of its tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scene import SOURCE_PASSWORD, SOURCE_USER, Scene, open_scene
from support.scenes.images import image
from support.servers.harbor_world import DEVELOPER

from playbooks import Ansible

MIGRATE = "imageops.registry.harbor_to_acr"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, ansible: Ansible) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("scene")) as opened:
        world = opened.source.world
        world.add_project("shared", public=True)
        world.add_project("open", public=True)
        world.add_account(SOURCE_USER, SOURCE_PASSWORD, rights={"*": DEVELOPER})
        for path in ("library/nginx", "shared/base", "open/tool"):
            opened.push(path, image(path), "1")
        yield opened


def options(scene: Scene, **more: Any) -> dict[str, Any]:
    return scene.variables(
        registry_sync_namespaces=[],
        registry_sync_make_namespaces=True,
        registry_sync_public_namespaces="op.*",
        registry_sync_run_ram=False,
        registry_sync_images=[
            {
                "source": f"{scene.source.host}/**",
                "destination": "{{ registry_sync_destination }}/{repository}",
            }
        ],
        registry_sync_registries=[
            *scene.variables()["registry_sync_registries"],
            {"registry": scene.destination, "ca_path": scene.variables()["registry_sync_api"]["ca_path"]},
        ],
        **more,
    )


def test_they_are_made_private_unless_they_are_named(ansible: Ansible, scene: Scene) -> None:
    ansible.write("namespaces.yml", options(scene))
    prepared = ansible.run(MIGRATE, "-e", "@namespaces.yml", "-e", "registry_sync_run_namespaces=false")
    assert "destination_missing" in prepared.text  # the endpoint is on from here, and there is no namespace
    looked = ansible.run(MIGRATE, "-e", "@namespaces.yml", "--check")
    assert looked.code == 0, looked.text
    said = looked.named("Say which of them will be private although their source is public").result["msg"]
    assert "sources of shared are public" in said
    assert scene.instance.namespaces == {}

    first = ansible.run(MIGRATE, "-e", "@namespaces.yml")
    assert first.code == 0, first.text
    made = {name: each.default_repo_type for name, each in scene.instance.namespaces.items()}
    assert made == {"library": "PRIVATE", "open": "PUBLIC", "shared": "PRIVATE"}
    assert scene.arrived("shared/base", "1")
    again = ansible.run(MIGRATE, "-e", "@namespaces.yml")
    assert (again.code, again.changed()) == (0, []), again.text


def test_the_freeze_comes_after_the_comparison_and_is_taken_back_by_the_report(ansible: Ansible, scene: Scene) -> None:
    def frozen() -> set[str]:
        spaces = scene.instance.namespaces.values()
        return {name for space in spaces for name, each in space.repositories.items() if each.tag_immutability}

    freeze = ("-e", "@namespaces.yml", "-e", "registry_sync_freeze=true", "-e", "registry_sync_report_path=report.json")
    looked = ansible.run(MIGRATE, *freeze, "--check")
    assert looked.code == 0, looked.text
    assert looked.changed() == ["Freeze the tags of what was copied"]
    assert frozen() == set()

    first = ansible.run(MIGRATE, *freeze)
    assert first.code == 0, first.text
    assert first.changed() == ["Freeze the tags of what was copied"]
    assert "a tag that moves" in first.named("Say what cannot be written after this").result["msg"]
    assert frozen() == {"nginx", "base", "tool"}

    back = ("-e", "@namespaces.yml", "-e", "registry_sync_report_path=report.json")
    thawed = ansible.run("imageops.registry.unfreeze", *back)
    assert thawed.code == 0, thawed.text
    assert frozen() == set()
    missing = ansible.run("imageops.registry.unfreeze", "-e", "@namespaces.yml")
    assert missing.code == 2
    assert "registry_sync_report_path" in missing.failed()[0].result["msg"]
