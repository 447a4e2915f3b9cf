# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which key signs: the order, the names of variables, the profiles. No server is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.signature import AccessKey, KeySource
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.chain import KeyChain, SigningKeys
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.cli_profile import ProfileFile
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.environment import Environment
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.renewed_key import RenewedKey
from ansible_collections.imageops.registry.plugins.module_utils._acr.credentials.roles import (
    KeyOptions,
    OidcRole,
    Role,
    check_duration,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, InputError

ROLE = "acs:ram::1:role/pusher"
PAIR = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}
OIDC = {
    "ALIBABA_CLOUD_ROLE_ARN": ROLE,
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/ack",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/var/run/token",
}
KEY = {"mode": "AK", "access_key_id": "p-id", "access_key_secret": "p-secret"}


def no_server(keys: KeySource) -> OpenApi:
    raise AssertionError("no server is to be asked")


def find(
    tmp_path: Path, environ: dict[str, str], *profiles: dict[str, Any], current: str = "default", **options: Any
) -> SigningKeys:
    path = tmp_path / "config.json"
    if profiles:
        path.write_text(json.dumps({"current": current, "profiles": list(profiles)}))
    chain = KeyChain(environ, connect=no_server, on_secret=lambda text: None, profiles=ProfileFile(str(path)))
    return chain.find(KeyOptions(**options))


class TestEnvironment:
    @pytest.mark.parametrize("family", ["ALIBABA_CLOUD", "ALIBABACLOUD", "ALICLOUD"])
    @pytest.mark.parametrize("key_id", ["ACCESS_KEY_ID", "ACCESS_KEY"])
    @pytest.mark.parametrize("secret", ["ACCESS_KEY_SECRET", "SECRET_ACCESS_KEY", "SECRET_KEY"])
    def test_each_family_has_each_spelling(self, family: str, key_id: str, secret: str) -> None:
        environ = {f"{family}_{key_id}": "id", f"{family}_{secret}": "s", f"{family}_SECURITY_TOKEN": "t"}
        found = Environment(environ).pair()
        assert found is not None
        assert (found.key, found.name) == (AccessKey("id", "s", "t"), f"{family}_{key_id}")

    def test_a_half_pair_falls_through_to_a_complete_one(self) -> None:
        environ = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "half", "ALIBABACLOUD_ACCESS_KEY_SECRET": "half"}
        found = Environment({**environ, "ALICLOUD_ACCESS_KEY": "id", "ALICLOUD_SECRET_KEY": "secret"}).pair()
        assert found is not None
        assert found.key == AccessKey("id", "secret")

    def test_an_empty_variable_is_not_set(self) -> None:
        assert Environment({**PAIR, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ""}).pair() is None

    @pytest.mark.parametrize("name", ["ROLE_ARN", "ASSUME_ROLE_ARN"])
    def test_a_role_beside_the_pair(self, name: str) -> None:
        found = Environment({**PAIR, f"ALICLOUD_{name}": ROLE, "ALIBABA_CLOUD_ROLE_SESSION_NAME": "night"}).pair()
        assert found is not None
        assert found.role == Role(ROLE, "night")

    @pytest.mark.parametrize("missing", sorted(OIDC))
    def test_oidc_needs_all_three(self, missing: str) -> None:
        assert Environment(OIDC).oidc() == OidcRole(ROLE, "acs:ram::1:oidc-provider/ack", "/var/run/token")
        assert Environment({name: value for name, value in OIDC.items() if name != missing}).oidc() is None

    @pytest.mark.parametrize("family", ["ALIBABA_CLOUD", "ALIBABACLOUD", "ALICLOUD"])
    @pytest.mark.parametrize("name", ["REGION", "REGION_ID"])
    def test_regions(self, family: str, name: str) -> None:
        assert Environment({f"{family}_{name}": "cn-shanghai"}).region() == "cn-shanghai"


class TestOrder:
    """docs/credentials.md has this order as a table."""

    def sources(self, tmp_path: Path, environ: dict[str, str], **options: Any) -> tuple[str, str, str]:
        origin = find(
            tmp_path, environ, {"name": "default", **KEY}, {"name": "other", **KEY, "access_key_id": "o"}, **options
        ).origin
        return origin.source, origin.name, origin.role_arn

    def test_options_come_first(self, tmp_path: Path) -> None:
        environ = {**PAIR, **OIDC, "ALIBABA_CLOUD_ECS_METADATA": "node"}
        key = AccessKey("id", "secret")
        assert self.sources(tmp_path, environ, key=key) == ("options", "access_key_id", "")
        assert self.sources(tmp_path, environ, ecs_ram_role="r") == ("ecs_ram_role", "r", "")
        oidc = OidcRole(ROLE, "p", "f")
        assert self.sources(tmp_path, environ, oidc=oidc) == ("options", "assume_role_with_oidc", ROLE)

    def test_then_a_named_profile(self, tmp_path: Path) -> None:
        environ = {**PAIR, **OIDC, "ALIBABA_CLOUD_ECS_METADATA": "node"}
        assert self.sources(tmp_path, environ, profile="other") == ("profile", "other", "")
        key = AccessKey("id", "secret")
        assert self.sources(tmp_path, environ, profile="other", key=key) == ("options", "access_key_id", "")
        assert self.sources(tmp_path, environ, profile="other", ecs_ram_role="r") == ("ecs_ram_role", "r", "")

    def test_then_the_environments_pair_with_its_role(self, tmp_path: Path) -> None:
        environ = {**PAIR, **OIDC, "ALIBABA_CLOUD_PROFILE": "other"}
        assert self.sources(tmp_path, environ) == ("environment", "ALIBABA_CLOUD_ACCESS_KEY_ID", ROLE)
        assert self.sources(tmp_path, PAIR) == ("environment", "ALIBABA_CLOUD_ACCESS_KEY_ID", "")

    def test_then_oidc_then_the_default_profile_then_the_metadata_service(self, tmp_path: Path) -> None:
        assert self.sources(tmp_path, {**OIDC, "ALIBABA_CLOUD_ECS_METADATA": "n"})[::2] == ("oidc", ROLE)
        environ = {"ALIBABA_CLOUD_ECS_METADATA": "node"}
        assert self.sources(tmp_path, environ) == ("profile", "default", "")
        assert self.sources(tmp_path, {**environ, "ALIBABA_CLOUD_PROFILE": "other"}) == ("profile", "other", "")
        (tmp_path / "config.json").unlink()
        assert find(tmp_path, environ).origin.source == "ecs_ram_role"

    def test_the_role_of_the_options_stands_in_for_the_environments(self, tmp_path: Path) -> None:
        other = "acs:ram::1:role/other"
        found = self.sources(tmp_path, {**PAIR, "ALIBABA_CLOUD_ROLE_ARN": ROLE}, role=Role(other))
        assert found == ("environment", "ALIBABA_CLOUD_ACCESS_KEY_ID", other)

    def test_the_metadata_service_is_never_asked_unnamed(self, tmp_path: Path) -> None:
        with pytest.raises(ImageOpsError, match="there is no access key"):
            find(tmp_path, {})
        with pytest.raises(ImageOpsError, match="forbids"):
            find(tmp_path, {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}, ecs_ram_role="node")

    def test_two_keys_among_the_options(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="access_key_id and ecs_ram_role"):
            find(tmp_path, {}, key=AccessKey("a", "b"), ecs_ram_role="node")

    def test_an_address_of_keys_is_said_not_to_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(ImageOpsError, match="ALIBABA_CLOUD_CREDENTIALS_URI is set, and no keys are fetched"):
            find(tmp_path, {"ALIBABA_CLOUD_CREDENTIALS_URI": "http://127.0.0.1:1/key"})
        assert find(tmp_path, {**PAIR, "ALIBABA_CLOUD_CREDENTIALS_URI": "x"}).origin.source == "environment"

    def test_a_half_pair_is_named_when_there_is_nothing_else(self, tmp_path: Path) -> None:
        with pytest.raises(ImageOpsError, match="ALIBABA_CLOUD_ACCESS_KEY_SECRET is not") as caught:
            find(tmp_path, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id"})
        assert caught.value.code == "no_credentials"

    def test_temporary_keys_are_known_as_such(self, tmp_path: Path) -> None:
        assert not find(tmp_path, PAIR).origin.temporary
        assert find(tmp_path, {**PAIR, "ALIBABA_CLOUD_SECURITY_TOKEN": "t"}).origin.temporary
        assert find(tmp_path, PAIR, role=Role(ROLE)).origin.temporary
        assert find(tmp_path, {}, ecs_ram_role="node").origin.temporary


class TestProfiles:
    @pytest.mark.parametrize(
        ("profile", "temporary", "role"),
        [
            (KEY, False, ""),
            ({**KEY, "mode": ""}, False, ""),
            ({**KEY, "mode": "StsToken", "sts_token": "t"}, True, ""),
            ({**KEY, "mode": "RamRoleArn", "ram_role_arn": ROLE, "expired_seconds": 900}, True, ROLE),
            ({"mode": "EcsRamRole", "ram_role_name": "node"}, True, ""),
            ({"mode": "RamRoleArnWithRoleName", "ram_role_name": "node", "ram_role_arn": ROLE}, True, ROLE),
            ({"mode": "RamRoleArnWithEcs", "ram_role_name": "node", "ram_role_arn": ROLE}, True, ROLE),
            (
                {"mode": "OIDC", "ram_role_arn": ROLE, "oidc_provider_arn": "p", "oidc_token_file": "/t"},
                True,
                ROLE,
            ),
        ],
    )
    def test_each_mode(self, tmp_path: Path, profile: dict[str, Any], temporary: bool, role: str) -> None:
        origin = find(tmp_path, {}, {"name": "default", **profile}).origin
        assert (origin.source, origin.temporary, origin.role_arn) == ("profile", temporary, role)

    def test_a_chain_of_profiles(self, tmp_path: Path) -> None:
        chained = {"name": "role", "mode": "ChainableRamRoleArn", "source_profile": "base", "ram_role_arn": ROLE}
        origin = find(tmp_path, {}, chained, {"name": "base", **KEY}, profile="role").origin
        assert (origin.name, origin.role_arn) == ("role", ROLE)
        with pytest.raises(ImageOpsError, match="leads back"):
            find(tmp_path, {}, {**chained, "source_profile": "role"}, profile="role")

    def test_a_profile_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ImageOpsError, match="there are: a, b"):
            find(tmp_path, PAIR, {"name": "b", **KEY}, {"name": "a", **KEY}, profile="c")
        with pytest.raises(ImageOpsError, match="there are: none"):
            find(tmp_path / "nowhere", PAIR, profile="c")

    @pytest.mark.parametrize("mode", ["CloudSSO", "OAuth", "External", "CredentialsURI", "RsaKeyPair", "Of2030"])
    def test_a_mode_that_is_not_supported(self, tmp_path: Path, mode: str) -> None:
        with pytest.raises(ImageOpsError, match=f"its mode {mode} is not supported") as caught:
            find(tmp_path, {}, {"name": "default", **KEY, "mode": mode})
        assert caught.value.code == "no_credentials"
        assert "ChainableRamRoleArn" in caught.value.hint

    @pytest.mark.parametrize(
        ("profile", "missing"),
        [
            ({"mode": "AK", "access_key_id": "id"}, "AK there is no access_key_secret"),
            ({}, "AK there is no access_key_id and no access_key_secret"),
            ({**KEY, "mode": "StsToken"}, "StsToken there is no sts_token"),
            ({**KEY, "mode": "RamRoleArn"}, "RamRoleArn there is no ram_role_arn"),
            ({"mode": "ChainableRamRoleArn"}, "ChainableRamRoleArn there is no source_profile and no ram_role_arn"),
            ({"mode": "EcsRamRole"}, "EcsRamRole there is no ram_role_name"),
            ({"mode": "OIDC", "ram_role_arn": ROLE}, "OIDC there is no oidc_provider_arn and no oidc_token_file"),
        ],
    )
    def test_what_a_profile_lacks_is_named(self, tmp_path: Path, profile: dict[str, Any], missing: str) -> None:
        with pytest.raises(ImageOpsError, match=f"of its mode {missing}"):
            find(tmp_path, {}, {"name": "default", **profile})

    @pytest.mark.parametrize("content", ["{", "[]", '{"current": ""}'])
    def test_a_file_without_a_usable_profile(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(ImageOpsError) as caught:
            find(tmp_path, {})
        assert caught.value.code == "no_credentials"
        assert find(tmp_path, PAIR).origin.source == "environment"


class TestRenewal:
    def test_a_fresh_key_comes_while_the_last_one_is_good(self) -> None:
        now = [1000.0]
        ends = iter([4600.0, 9000.0])
        fetched: list[float] = []

        def fetch() -> AccessKey:
            fetched.append(now[0])
            return AccessKey("id", "s", "t", expires_at=next(ends))

        source = RenewedKey(fetch, now=lambda: now[0])
        source()
        now[0] = 4299.0
        source()
        assert len(fetched) == 1
        now[0] = 4301.0
        assert source().expires_at == 9000.0

    def test_a_passing_failure_is_borne_while_the_last_key_is_good(self) -> None:
        now = [0.0]
        outcome: list[AccessKey | ImageOpsError] = [AccessKey("id", "s", "t", expires_at=3600.0)]

        def fetch() -> AccessKey:
            if isinstance(outcome[0], ImageOpsError):
                raise outcome[0]
            return outcome[0]

        source = RenewedKey(fetch, now=lambda: now[0])
        first = source()
        outcome[0] = ImageOpsError(code="timeout", action="a", subject="s", cause="c", transient=True)
        now[0] = 3400.0
        assert source() is first
        now[0] = 3590.0
        with pytest.raises(ImageOpsError):
            source()


@pytest.mark.parametrize("seconds", [899, 43201])
def test_a_duration_that_the_vendor_would_not_take(seconds: int) -> None:
    assert check_duration(None, option="assume_role") is None
    with pytest.raises(InputError, match="900 to 43200"):
        check_duration(seconds, option="assume_role")


def test_secrets_are_in_no_representation() -> None:
    assert "s3cret" not in repr(KeyOptions(key=AccessKey("id", "s3cret", "t0ken")))
    assert "t0ken" not in repr(AccessKey("id", "s3cret", "t0ken"))
