# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of roles: from STS, by OIDC, from the metadata service, in modules and in long runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.signature import KeySource
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.chain import KeyChain
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.instance_metadata import (
    MetadataService,
)
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.roles import KeyOptions
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.tests.acr_simulator.metadata import MetadataServer
from ansible_collections.imageops.registry.tests.acr_simulator.modules import Modules
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance
from support.scenes.acr_scene import Scene, failed

PROVIDER = "acs:ram::1234567890123456:oidc-provider/ack-rrsa"
PLACE = {"instance_id": "cri-acme0123456789"}


@pytest.fixture(autouse=True)
def no_keys_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for family in ("ALIBABA_CLOUD", "ALIBABACLOUD", "ALICLOUD"):
        for name in ("ACCESS_KEY_ID", "ACCESS_KEY", "PROFILE", "ROLE_ARN", "ECS_METADATA", "OIDC_TOKEN_FILE"):
            monkeypatch.delenv(f"{family}_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_role_is_assumed_with_the_key_that_is_given(simulator: Simulator, instance: Instance) -> None:
    role = simulator.world.add_role("pusher", external_id="x1")
    key = simulator.world.add_key()
    given = {"role_arn": role.arn, "session_name": "night", "duration": 900, "external_id": "x1"}
    result = Modules(simulator, key).succeed("acr_authorization_token", assume_role=given, **PLACE)
    assert simulator.world.sessions == [(role.arn, "night")]
    assert result["credentials"] == {
        "source": "options",
        "name": "access_key_id",
        "role_arn": role.arn,
        "temporary": True,
    }
    assert key.secret not in str({**result, "invocation": None})
    assert next(call for call in simulator.calls if call.action == "AssumeRole").parameters["DurationSeconds"] == "900"


def test_a_role_that_does_not_trust_who_signs(simulator: Simulator, instance: Instance) -> None:
    role = simulator.world.add_role("pusher", external_id="x1")
    modules = Modules(simulator, simulator.world.add_key())
    refused = modules.fail("acr_authorization_token", assume_role={"role_arn": role.arn}, **PLACE)
    assert refused["error_codes"] == ["acr_forbidden"]
    assert "sts:AssumeRole" in refused["error"]["hint"]
    unknown = modules.fail("acr_authorization_token", assume_role={"role_arn": f"{role.arn}x"}, **PLACE)
    assert unknown["error_codes"] == ["acr_not_found"]


def test_an_oidc_token_needs_no_key(
    simulator: Simulator, instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = simulator.world.add_role("pod", oidc={PROVIDER: "jwt-0123456789"})
    token = tmp_path / "token"
    token.write_text("jwt-0123456789\n")
    given = {"role_arn": role.arn, "oidc_provider_arn": PROVIDER, "oidc_token_file": str(token)}
    keyless = Modules(simulator, None)
    result = keyless.succeed("acr_authorization_token", assume_role_with_oidc=given, **PLACE)
    assert result["credentials"]["name"] == "assume_role_with_oidc"
    monkeypatch.setenv("ALIBABA_CLOUD_ROLE_ARN", role.arn)
    monkeypatch.setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", PROVIDER)
    monkeypatch.setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", str(token))
    assert keyless.succeed("acr_authorization_token", **PLACE)["credentials"]["source"] == "oidc"
    token.write_text("another-0123456789")
    refused = keyless.fail("acr_authorization_token", **PLACE)
    assert refused["error_codes"] == ["bad_credentials"]
    assert "another-0123456789" not in str(refused)
    assert not [target for target in simulator.targets if "jwt" in target]


def test_a_profile_of_the_command_line_tool(simulator: Simulator, instance: Instance, tmp_path: Path) -> None:
    key = simulator.world.add_key()
    role = simulator.world.add_role("pusher")
    base = {"name": "base", "mode": "AK", "access_key_id": key.key_id, "access_key_secret": key.secret}
    chained = {
        "name": "role",
        "mode": "ChainableRamRoleArn",
        "source_profile": "base",
        "ram_role_arn": role.arn,
        "ram_session_name": "from-profile",
    }
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun/config.json").write_text(json.dumps({"current": "base", "profiles": [base, chained]}))
    modules = Modules(simulator, None)
    assert modules.succeed("acr_authorization_token", **PLACE)["credentials"]["name"] == "base"
    assert modules.succeed("acr_authorization_token", profile="role", **PLACE)["credentials"]["role_arn"] == role.arn
    assert simulator.world.sessions == [(role.arn, "from-profile")]
    assert "there are: base, role" in modules.fail("acr_authorization_token", profile="none", **PLACE)["msg"]


@pytest.mark.parametrize("option", ["security_token", "assume_role"])
@pytest.mark.parametrize("update", ["on_refusal", "always"])
def test_a_fixed_password_is_refused_to_a_temporary_key_before_anything_is_called(
    simulator: Simulator, instance: Instance, option: str, update: str
) -> None:
    role = simulator.world.add_role("pusher")
    given: Any = "sts-0123456789" if option == "security_token" else {"role_arn": role.arn}
    modules = Modules(simulator, simulator.world.add_key())
    for check in (True, False):
        refused = modules.fail(
            "acr_login_password",
            check=check,
            username="acme",
            password="correct7horse",
            update_password=update,
            **{option: given},
            **PLACE,
        )
        assert refused["error_codes"] == ["acr_refused"]
        assert "temporary logins" in refused["error"]["hint"]
    assert simulator.calls == []


def test_a_role_is_renewed_in_a_long_run(scene: Scene) -> None:
    world = scene.simulator.world
    role = world.add_role("pusher")
    world.role_seconds, world.login_seconds, world.token_seconds = 3, 2, 2
    scene.acr = {"sts_endpoint": scene.simulator.url, "assume_role": {"role_arn": role.arn}}
    for number in range(6):
        scene.push(f"library/app-{number}", "1")
    result = scene.sync(scene.rule(), entry={**scene.entry(), "requests_per_second": 12}, timeout=20)
    assert result["summary"]["created"] == 6, result["msg"]
    assert len(world.sessions) >= 2
    tokens = [key.security_token for key in world.keys.values() if key.security_token]
    assert not [token for token in tokens if token in json.dumps(result)]


def test_a_role_of_the_environments_key_in_a_sync(scene: Scene) -> None:
    scene.push("library/nginx", "1")
    key, scene.key = scene.key, None
    assert key is not None
    role = scene.simulator.world.add_role("pusher")
    scene.acr = {"sts_endpoint": scene.simulator.url}
    scene.environment = {
        "ALICLOUD_ACCESS_KEY": key.key_id,
        "ALICLOUD_SECRET_KEY": key.secret,
        "ALICLOUD_ASSUME_ROLE_ARN": role.arn,
    }
    result = scene.sync(scene.rule())
    assert result["summary"]["created"] == 1, result["msg"]
    assert scene.simulator.world.sessions == [(role.arn, "imageops-registry")]
    [used] = result["acr_credentials"].values()
    assert used == {"source": "environment", "name": "ALICLOUD_ACCESS_KEY", "role_arn": role.arn, "temporary": True}
    scene.simulator.world.roles.clear()
    assert failed(scene.sync(scene.rule()), "acr_not_found")


class TestMetadataService:
    """On loopback here; the real address is fixed."""

    @pytest.fixture
    def server(self, simulator: Simulator) -> Iterator[MetadataServer]:
        with MetadataServer(simulator.world) as running:
            yield running

    def keys(self, server: MetadataServer, environ: dict[str, str], **options: str) -> KeySource:
        def connect(keys: KeySource) -> OpenApi:
            raise AssertionError("STS is not to be asked")

        chain = KeyChain(environ, connect=connect, on_secret=lambda text: None, metadata=MetadataService(server.host))
        return chain.find(KeyOptions(**options)).source

    def test_the_version_with_a_token_comes_first(
        self, server: MetadataServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        source = self.keys(server, {}, ecs_ram_role="node-role")
        assert server.requests == []
        key = source()
        assert server.world.keys[key.access_key_id].security_token == key.security_token
        assert source() is key
        assert [method for method, _ in server.requests] == ["PUT", "GET"]

    def test_the_version_without_one_comes_where_the_other_is_not_offered(self, server: MetadataServer) -> None:
        server.version_2 = False
        assert self.keys(server, {"ALIBABA_CLOUD_ECS_METADATA": "node-role"})().access_key_id
        with pytest.raises(ImageOpsError, match="first version is disabled"):
            MetadataService(server.host, version_1=False).key("node-role")

    def test_a_role_that_the_instance_does_not_have(self, server: MetadataServer) -> None:
        with pytest.raises(ImageOpsError, match="no role of this name") as caught:
            self.keys(server, {}, ecs_ram_role="other")()
        assert caught.value.code == "no_credentials"

    def test_a_key_that_has_ended_is_fetched_again(self, server: MetadataServer) -> None:
        server.life = -1.0
        source = self.keys(server, {}, ecs_ram_role="node-role")
        first = source()
        server.life = 3600.0
        second = source()
        assert second.security_token != first.security_token
        assert source() is second

    def test_no_instance_of_ecs_at_all(self, server: MetadataServer) -> None:
        host = server.host
        server.close()
        with pytest.raises(ImageOpsError, match="does not answer"):
            MetadataService(host).key("node-role")
