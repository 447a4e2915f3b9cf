# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook of the guide "Promote with approval", run as it stands there: looked at, approved, and too late."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import registry_option
from support.scenes.playbooks import CAN_PLAY, Played, play
from support.servers.shared import PASSWORD, USER, Servers

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "promote-with-approval.md"
(PLAYBOOK,) = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)]

pytestmark = [
    pytest.mark.skipif(not CAN_PLAY, reason="this Python is one of managed hosts only"),
    pytest.mark.timeout(600),
]


class Promotion:
    """Staging and production in one registry."""

    def __init__(self, servers: Servers, path: str, directory: Path) -> None:
        self.registry, self.path, self.directory = servers.htpasswd.endpoint, path, directory

    def push(self, part: str, name: str, *tags: str) -> str:
        with PlainClient(self.registry) as client:
            return client.push(f"{self.path}/{part}/app", images.image(f"{self.path} {name}"), *tags)

    def production(self) -> dict[str, str]:
        path = f"{self.path}/production/app"
        with PlainClient(self.registry) as client:
            return {tag: client.manifest(path, tag).digest for tag in client.tags(path)}

    def play(self, **more: Any) -> Played:
        text = json.dumps(PLAYBOOK)
        for part in ("staging", "production"):
            text = text.replace(f"registry.example.com/{part}/", f"{self.registry.host}/{self.path}/{part}/")
        plays = json.loads(text)
        defaults = plays[0]["module_defaults"]["group/imageops.registry.registry"]
        (login,) = defaults["registries"]
        assert set(login) == {"registry", "username", "password"}
        defaults["registries"] = [{**registry_option(self.registry), "password": login["password"]}]
        return play(self.directory, plays, {"promoter_password": PASSWORD, **more})


@pytest.fixture
def promotion(servers: Servers, repository: str, tmp_path: Path) -> Promotion:
    assert servers.htpasswd.endpoint.username == USER
    return Promotion(servers, repository, tmp_path)


def test_it_is_looked_at_approved_and_done(promotion: Promotion) -> None:
    old, new = promotion.push("production", "old", "1.0.0"), promotion.push("staging", "new", "1.0.0", "1.1.0", "edge")

    looked = promotion.play()
    assert looked.code == 0, looked.text
    assert f"-{promotion.registry.host}/{promotion.path}/production/app:1.0.0 {old}" in looked.text
    assert promotion.production() == {"1.0.0": old}
    assert (promotion.directory / "plan.html").exists()
    digest = looked.result("Make the plan")["plan_sha256"]
    assert f"-e approved={digest}" in looked.text
    promotion.push("staging", "later", "1.2.0")

    applied = promotion.play(approved=digest)
    assert applied.code == 0, applied.text
    there = promotion.production()
    (backup,) = set(there) - {"1.0.0", "1.1.0"}
    assert there == {"1.0.0": new, "1.1.0": new, backup: old}
    assert re.fullmatch(r"1\.0\.0-backup-\d{8}T\d{6}Z", backup)

    again = promotion.play(approved=digest)
    assert (again.code, again.result("Apply what was approved")["changed"]) == (0, False)


def test_what_has_changed_since_is_not_done(promotion: Promotion) -> None:
    old = promotion.push("production", "old", "1.0.0")
    promotion.push("staging", "new", "1.0.0", "1.1.0")
    digest = promotion.play().result("Make the plan")["plan_sha256"]
    promotion.push("staging", "moved", "1.1.0")
    applied = promotion.play(approved=digest)
    assert applied.code != 0
    assert "plan_changed" in applied.text
    assert promotion.production() == {"1.0.0": old}


def test_another_file_than_the_approved_one_is_not_applied(promotion: Promotion) -> None:
    promotion.push("staging", "new", "1.0.0")
    promotion.push("production", "old", "1.0.0")
    first = promotion.play().result("Make the plan")["plan_sha256"]
    promotion.play()
    applied = promotion.play(approved=first)
    assert applied.code != 0
    assert "plan_refused" in applied.text
