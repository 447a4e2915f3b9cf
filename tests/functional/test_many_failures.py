# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two thousand images that failed for a few causes, as a person at a terminal has to read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes.modules import registry_option
from support.scenes.playbooks import CAN_PLAY
from support.scenes.playing import plays
from support.servers.ports import dead_host
from support.servers.shared import Servers

pytestmark = pytest.mark.skipif(not CAN_PLAY, reason="this Python is one of managed hosts only")

TAGS = ",".join(f"2026.{number}" for number in range(10))


def rules(host: str, repository: str, target: str, repositories: int) -> list[dict[str, Any]]:
    """Rules of ten tags each, none of which can be copied."""
    return [
        {"source": f"{host}/{repository}/{number}:{TAGS}", "destination": f"{target}/copies/{repository}/{number}"}
        for number in range(repositories)
    ]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_output_is_short(
    servers: Servers,
    plain: Callable[[Endpoint], PlainClient],
    fresh: Callable[[], str],
    tmp_path: Path,
    form: str,
) -> None:
    target = servers.relative.host
    wrong = {**registry_option(servers.htpasswd.endpoint), "password": "of-another-registry"}
    with dead_host() as dead, plays(tmp_path) as start:
        images = [
            *rules(servers.open.host, fresh(), target, 100),
            *rules(servers.htpasswd.host, fresh(), target, 60),
            *rules(dead, fresh(), target, 40),
        ]
        options = {
            "images": images,
            "registries": [
                *(registry_option(one.endpoint) for one in (servers.open, servers.relative)),
                wrong,
                {"registry": dead, "plain_http": True},
            ],
            "docker_config": "",
            "retry_delay": 0.01,
            "retries": 0,
            "rerun_path": str(tmp_path / "failed.json"),
        }
        environ = {"ANSIBLE_CALLBACK_RESULT_FORMAT": form}
        task = {"name": "Copy", "imageops.registry.registry_image_sync": options}
        under_way = start([task], environ=environ)
        assert under_way.end() == 2
    whole = "".join(under_way.out + under_way.error)
    print(whole, f"\n{len(whole.encode())} bytes, {len(whole.splitlines())} lines")
    assert "2000 of 2000 images failed" in whole
    for code in ("tag_not_found, 1000 images: ", "bad_credentials, 600 images: ", "registry_down, 3"):
        assert code in whole
    assert len(whole.encode()) < 20_000
    # 200 lines are for three causes: what came before a registry was taken to be down is a fourth, in some 20 lines.
    assert len(whole.splitlines()) < 200 + 20
    again = json.loads((tmp_path / "failed.json").read_text(encoding="utf-8"))
    assert sum(len(item["source"].rpartition(":")[2].split(",")) for item in again) == 2000
