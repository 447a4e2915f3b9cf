# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that takes longer than its first login and its first token live; the admin pushes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.world import AclEntry
from scene import NAMESPACE, Scene, open_scene
from support.scenes.images import image

from playbooks import Ansible

TAGS = [f"1.{number}" for number in range(12)]
# Seconds; a busy machine may take some of them between getting a login and using it.
LIFE = 8


@pytest.fixture
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """An instance that is open to this machine, whose logins and tokens end after a few seconds."""
    with open_scene(tmp_path_factory.mktemp("scene")) as opened:
        opened.simulator.world.login_seconds = opened.simulator.world.token_seconds = LIFE
        endpoint = opened.instance.endpoints["Registry"]
        endpoint.enable, endpoint.status = True, "RUNNING"
        endpoint.entries = [AclEntry("127.0.0.1/32", "default"), AclEntry("203.0.113.7/32", "migration host")]
        for tag in TAGS:
            opened.push("library/nginx", image(tag), tag)
        yield opened


def test_logins_are_renewed_on_the_way(ansible: Ansible, scene: Scene) -> None:
    variables = scene.variables(registry_sync_run_endpoint=False, registry_sync_run_ram=False)
    # 12 images are 36 requests to the source at the least: twice as long as a login lives.
    variables["registry_sync_registries"][0]["requests_per_second"] = 2
    ansible.write("long.yml", variables)
    run = ansible.run("imageops.registry.harbor_to_acr", "-e", "@long.yml")
    assert run.code == 0, run.text
    assert [tag for tag in TAGS if scene.arrived(f"{NAMESPACE}/nginx", tag) != image(tag).digest] == []
    assert {call.user for call in scene.simulator.calls if call.action == "GetAuthorizationToken"} == {"root"}
    first, *_, last = [login.expires_at for login in scene.instance.temporary]
    assert last - first > LIFE, "the run was over before its first login was"
