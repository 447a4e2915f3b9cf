# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's own package of credentials beside ours: the same requests, and the same key of the same profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.signature import KeySource
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.chain import KeyChain
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.cli_profile import ProfileFile
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.instance_metadata import (
    MetadataService,
)
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.roles import KeyOptions
from ansible_collections.imageops.registry.tests.acr_simulator.clients import STS, connect_with
from ansible_collections.imageops.registry.tests.acr_simulator.metadata import MetadataServer
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator

theirs = pytest.importorskip("alibabacloud_credentials.provider")
core = pytest.importorskip("Tea.core")

OF_THE_SIGNATURE = {
    "Action",
    "Format",
    "Version",
    "Timestamp",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "AccessKeyId",
    "SecurityToken",
    "Signature",
}
PROVIDER = "acs:ram::1234567890123456:oidc-provider/ack-rrsa"


class Caught(Exception):
    """Stands for the answer, once the request is known."""


def request_of(provider: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The parameters that the vendor's package sends, but for those of its older signature."""
    sent: dict[str, Any] = {}

    def catch(request: Any, options: Any = None) -> None:
        sent.update(request.query)
        raise Caught

    monkeypatch.setattr(core.TeaCore, "do_action", staticmethod(catch))
    with pytest.raises(Caught):
        provider._refresh_credentials()
    return {name: value for name, value in sent.items() if name not in OF_THE_SIGNATURE}


def ours(simulator: Simulator, profile: dict[str, Any], tmp_path: Path) -> dict[str, str]:
    """The parameters of the call of ours that the simulator got for a profile."""
    source(simulator, profile, tmp_path)()
    return dict(simulator.calls[-1].parameters)


def source(simulator: Simulator, profile: dict[str, Any], tmp_path: Path) -> KeySource:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"current": "default", "profiles": [{"name": "default", **profile}]}))

    def connect(keys: KeySource) -> OpenApi:
        return connect_with(simulator, keys, STS)

    chain = KeyChain({}, connect=connect, on_secret=lambda text: None, profiles=ProfileFile(str(path)))
    return chain.find(KeyOptions()).source


def theirs_of(tmp_path: Path) -> Any:
    provider = theirs.CLIProfileCredentialsProvider(profile_file=str(tmp_path / "config.json"), profile_name="default")
    config = json.loads((tmp_path / "config.json").read_text())
    return provider._get_credentials_provider(config, "default")


def test_a_role_is_asked_for_with_the_same_parameters(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = simulator.world.add_key()
    role = simulator.world.add_role("pusher", external_id="x1")
    profile = {
        "mode": "RamRoleArn",
        "access_key_id": key.key_id,
        "access_key_secret": key.secret,
        "ram_role_arn": role.arn,
        "ram_session_name": "night",
        "expired_seconds": 900,
        "external_id": "x1",
    }
    sent = ours(simulator, profile, tmp_path)
    assert sent == request_of(theirs_of(tmp_path), monkeypatch)


def test_a_role_is_asked_for_by_oidc_with_the_same_parameters(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = simulator.world.add_role("pod", oidc={PROVIDER: "jwt-0123456789"})
    (tmp_path / "token").write_text("jwt-0123456789")
    profile = {
        "mode": "OIDC",
        "ram_role_arn": role.arn,
        "oidc_provider_arn": PROVIDER,
        "oidc_token_file": str(tmp_path / "token"),
        "role_session_name": "pod",
        "expired_seconds": 900,
    }
    sent = ours(simulator, profile, tmp_path)
    assert sent == request_of(theirs_of(tmp_path), monkeypatch)


@pytest.mark.parametrize("mode", ["AK", "StsToken"])
def test_a_profile_has_the_same_key(simulator: Simulator, tmp_path: Path, mode: str) -> None:
    profile = {"mode": mode, "access_key_id": "id", "access_key_secret": "secret", "sts_token": "token"}
    key = source(simulator, profile, tmp_path)()
    found = theirs_of(tmp_path).get_credentials()
    assert key.access_key_id == found.get_access_key_id()
    assert key.access_key_secret == found.get_access_key_secret()
    assert (key.security_token or None) == found.get_security_token()


def test_the_metadata_service_is_asked_the_same(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = theirs.EcsRamRoleCredentialsProvider(role_name="node-role", async_update_enabled=False)
    do_action = core.TeaCore.do_action

    def on_loopback(request: Any, options: Any = None) -> Any:
        assert request.headers["host"] == "100.100.100.200"
        request.headers["host"] = server.host
        return do_action(request, options)

    monkeypatch.setattr(core.TeaCore, "do_action", staticmethod(on_loopback))
    with MetadataServer(simulator.world) as server:
        assert provider.get_credentials().get_security_token()
        asked, server.requests[:] = list(server.requests), []
        assert MetadataService(server.host).key("node-role").security_token
        assert server.requests == asked


def test_the_vendors_openapi_client_signs_the_same_call(simulator: Simulator) -> None:
    """The generic client of the SDK, which signs by ACS3 as ours does."""
    models = pytest.importorskip("alibabacloud_tea_openapi.models")
    client = pytest.importorskip("alibabacloud_tea_openapi.client")
    util = pytest.importorskip("alibabacloud_tea_util.models")
    key = simulator.world.add_key()
    role = simulator.world.add_role("pusher")
    config = models.Config(
        access_key_id=key.key_id,
        access_key_secret=key.secret,
        endpoint=simulator.url.removeprefix("http://"),
        protocol="http",
    )
    params = models.Params(
        action="AssumeRole",
        version="2015-04-01",
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    body = {"RoleArn": role.arn, "RoleSessionName": "night"}
    answer = client.Client(config).call_api(params, models.OpenApiRequest(body=body), util.RuntimeOptions())
    assert answer["body"]["Credentials"]["SecurityToken"].startswith("sts-")
