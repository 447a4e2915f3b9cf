# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which module or option helps against what an instance's registry does."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.registry.advice import advice
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import OUT_OF_REACH, RegistryError

HOST = "acme-registry.cn-shanghai.cr.aliyuncs.com"


def failure(code: str, **fields: Any) -> RegistryError:
    return RegistryError(code=code, action="do it to", subject="it", cause="so", **{"registry": HOST, **fields})


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (failure("timeout"), ["acr_endpoint_acl"]),
        (failure("registry_down", hint="check that it runs"), ["acr_endpoint_acl"]),
        (failure("connection_failed", connecting=True), ["acr_endpoint_acl", "acr_endpoint"]),
        (
            failure("connection_failed", connecting=True, hint=OUT_OF_REACH),
            ["acr_endpoint_acl", "acr_endpoint"],
        ),
        (failure("connection_failed"), ["acr_endpoint_acl", "acr_endpoint ", "closed without an answer"]),
        (failure("connection_failed", connecting=True, unresolved=True), ["acr_endpoint ", "acr_instance_info"]),
        (failure("registry_down", unresolved=True), ["acr_endpoint "]),
        (failure("timeout", registry="acme-registry-vpc.cn-shanghai.cr.aliyuncs.com"), ["a VPC", "acr_endpoint "]),
        (failure("no_credentials"), ["acr: {instance_id", HOST]),
        (failure("bad_credentials"), ["acr: {instance_id", "acr_login_password"]),
        (
            failure("push_denied"),
            ["acr_namespace", "auto_create_repo", "acr_repository", "ram_policy", "PushRepository"]
            + ["cr:CreateRepository", "a minute ago", "settle", "quota"],
        ),
        (failure("pull_denied"), ["ram_policy", "PullRepository"]),
        (failure("destination_missing"), ["acr_namespace", "auto_create_repo", "acr_repository"]),
        (failure("immutable_tag"), ["overwrite: skip", "tag_immutability", "acr_repository"]),
        (failure("quota_exceeded"), ["acr_instance_info"]),
    ],
)
def test_it_names_what_helps(error: RegistryError, names: list[str]) -> None:
    said = advice(error, managed=False)
    assert [name for name in names if name not in said] == []


def test_logins_that_are_fetched_do_not_end() -> None:
    said = advice(failure("bad_credentials"), managed=True)
    assert f"acr_instance_info with registry: {HOST}" in said
    assert "after an hour" not in said


@pytest.mark.parametrize(
    "error",
    [
        failure("connection_failed", connecting=True, hint="check proxy"),
        failure("unsupported_manifest", hint="set unsupported_artifacts"),
        failure("rate_limited", hint="lower concurrency or requests_per_second"),
        failure("server_error"),
    ],
)
def test_what_the_registrys_client_knows_as_well(error: RegistryError) -> None:
    assert advice(error, managed=False) == ""
