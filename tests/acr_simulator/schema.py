# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parameters each call takes. What is not listed is refused, so that a client's slip shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .replies import ApiFault


@dataclass(frozen=True)
class Field:
    kind: str = "text"
    required: bool = False
    choices: tuple[str, ...] = ()


TEXT = Field()
NEED = Field(required=True)
FLAG = Field("flag")
NUMBER = Field("number")
JSON = Field("json")
MODULE = Field(choices=("Registry", "Chart"))
INTERNET = Field(required=True, choices=("internet",))
REPO_TYPE = Field(choices=("PUBLIC", "PRIVATE"))
REPO_STATUS = Field(choices=("NORMAL", "DELETING", "DELETED", "ALL"))
POLICY_TYPE = Field(required=True, choices=("Custom", "System"))
PAGES = {"PageNo": NUMBER, "PageSize": NUMBER}
INSTANCE = {"InstanceId": NEED}
ENDPOINT = {**INSTANCE, "EndpointType": INTERNET, "ModuleName": MODULE}
NAMESPACE = {**INSTANCE, "NamespaceName": NEED}
NAMESPACE_FIELDS = {"AutoCreateRepo": FLAG, "DefaultRepoType": REPO_TYPE, "DefaultRepoConfiguration": JSON}
REPOSITORY = {**INSTANCE, "RepoId": TEXT, "RepoNamespaceName": TEXT, "RepoName": TEXT}
REPOSITORY_FIELDS = {"RepoType": REPO_TYPE, "Summary": TEXT, "Detail": TEXT, "TagImmutability": FLAG}
VPC = {**INSTANCE, "ModuleName": MODULE, "VpcId": NEED, "VswitchId": NEED}
USER = {"UserName": NEED}
ATTACHMENT = {"PolicyName": NEED, "PolicyType": POLICY_TYPE, "UserName": NEED}

CR: Mapping[str, Mapping[str, Field]] = {
    "ListInstance": {"InstanceName": TEXT, "InstanceStatus": TEXT, **PAGES},
    "GetInstance": INSTANCE,
    "GetInstanceUsage": INSTANCE,
    "GetNamespace": NAMESPACE,
    "CreateNamespace": {**NAMESPACE, **NAMESPACE_FIELDS},
    "UpdateNamespace": {**NAMESPACE, **NAMESPACE_FIELDS},
    "DeleteNamespace": NAMESPACE,
    "ListNamespace": {**INSTANCE, "NamespaceName": TEXT, "NamespaceStatus": TEXT, **PAGES},
    "ListRepository": {**INSTANCE, "RepoNamespaceName": TEXT, "RepoName": TEXT, "RepoStatus": REPO_STATUS, **PAGES},
    "GetRepository": REPOSITORY,
    "CreateRepository": {
        **INSTANCE,
        "RepoNamespaceName": NEED,
        "RepoName": NEED,
        **REPOSITORY_FIELDS,
        "RepoType": Field(required=True, choices=("PUBLIC", "PRIVATE")),
        "Summary": NEED,
    },
    "UpdateRepository": {**REPOSITORY, **REPOSITORY_FIELDS},
    "DeleteRepository": REPOSITORY,
    "ListRepoTag": {**INSTANCE, "RepoId": NEED, **PAGES},
    "DeleteRepoTag": {**INSTANCE, "RepoId": NEED, "Tag": NEED},
    "GetInstanceEndpoint": ENDPOINT,
    "ListInstanceEndpoint": {**INSTANCE, "ModuleName": MODULE},
    "UpdateInstanceEndpointStatus": {**ENDPOINT, "Enable": Field("flag", required=True)},
    "CreateInstanceEndpointAclPolicy": {**ENDPOINT, "Entry": NEED, "Comment": TEXT},
    "DeleteInstanceEndpointAclPolicy": {**ENDPOINT, "Entry": NEED},
    "GetInstanceVpcEndpoint": {**INSTANCE, "ModuleName": MODULE},
    "CreateInstanceVpcEndpointLinkedVpc": VPC,
    "DeleteInstanceVpcEndpointLinkedVpc": VPC,
    "GetAuthorizationToken": {**INSTANCE, "ExpiresInHours": NUMBER},
    "ResetLoginPassword": {**INSTANCE, "Password": NEED},
}

ROLE = {"RoleArn": NEED, "RoleSessionName": NEED, "DurationSeconds": NUMBER, "Policy": TEXT}

STS: Mapping[str, Mapping[str, Field]] = {
    "AssumeRole": {**ROLE, "ExternalId": TEXT},
    "AssumeRoleWithOIDC": {**ROLE, "OIDCProviderArn": NEED, "OIDCToken": NEED},
}

RAM: Mapping[str, Mapping[str, Field]] = {
    "CreateUser": {**USER, "DisplayName": TEXT, "Comments": TEXT},
    "GetUser": USER,
    "UpdateUser": {**USER, "NewUserName": TEXT, "NewDisplayName": TEXT, "NewComments": TEXT},
    "DeleteUser": USER,
    "CreatePolicy": {"PolicyName": NEED, "PolicyDocument": NEED, "Description": TEXT},
    "GetPolicy": {"PolicyName": NEED, "PolicyType": POLICY_TYPE},
    "DeletePolicy": {"PolicyName": NEED},
    "CreatePolicyVersion": {
        "PolicyName": NEED,
        "PolicyDocument": NEED,
        "SetAsDefault": FLAG,
        "RotateStrategy": Field(choices=("None", "DeleteOldestNonDefaultVersionWhenLimitExceeded")),
    },
    "ListPolicyVersions": {"PolicyName": NEED, "PolicyType": POLICY_TYPE},
    "DeletePolicyVersion": {"PolicyName": NEED, "VersionId": NEED},
    "AttachPolicyToUser": ATTACHMENT,
    "DetachPolicyFromUser": ATTACHMENT,
    "ListPoliciesForUser": USER,
    "CreateAccessKey": USER,
    "ListAccessKeys": USER,
    "DeleteAccessKey": {**USER, "UserAccessKeyId": NEED},
}


def check(action: str, table: Mapping[str, Mapping[str, Field]], given: Mapping[str, str]) -> dict[str, Any]:
    """The parameters with their types; a parameter that is not given is left out.

    :raises ApiFault: for an unknown call, and for what is unknown, missing or malformed
    """
    if action not in table:
        raise ApiFault(404, "InvalidAction.NotFound", f"Specified api is not found: {action}")
    fields = table[action]
    for name in given:
        if name not in fields:
            raise ApiFault(400, "UnknownParameter", f"{action} takes no {name}.")
    for name, field in fields.items():
        if field.required and not given.get(name):
            raise ApiFault(400, f"Missing{name}", f"{name} is mandatory for {action}.")
    return {name: _typed(name, fields[name], value) for name, value in given.items()}


def _typed(name: str, field: Field, value: str) -> Any:
    if field.choices and value not in field.choices:
        raise ApiFault(400, f"Invalid{name}", f"{name} must be one of {field.choices}, not {value!r}.")
    if field.kind == "flag":
        if value.lower() not in ("true", "false"):
            raise ApiFault(400, f"Invalid{name}", f"{name} is not a boolean: {value!r}.")
        return value.lower() == "true"
    if field.kind == "number":
        if not value.isdigit():
            raise ApiFault(400, f"Invalid{name}", f"{name} is not a number: {value!r}.")
        return int(value)
    if field.kind == "json":
        try:
            return json.loads(value)
        except ValueError:
            raise ApiFault(400, f"Invalid{name}", f"{name} is not JSON: {value!r}.") from None
    return value
