# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which right, and on which resource, each call is authorised. Written from the vendor's pages, not from the client.

Sources, by the letter in the table:

a. Container Registry, "RAM authentication rules" (help 144229) and "Authorization information" of the API 2018-12-01:
   the page of each call names its resource
b. Container Registry, "Attach a custom policy to a RAM user": the sample for one namespace lists the namespace's own
   resource beside the one of its repositories
c. not published for this call; the broadest is demanded, so that a policy that is narrower is seen to fail
d. RAM, "Authorization information" of the API 2015-05-01: users and policies by their names
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EVERYTHING = "*"
_INSTANCE = "instance/{InstanceId}"
_NAMESPACE = "repository/{InstanceId}/{Namespace}"
_REPOSITORIES = "repository/{InstanceId}/{Namespace}/*"
_REPOSITORY = "repository/{InstanceId}/{Namespace}/{RepoName}"

CR: Mapping[str, tuple[str, str, str]] = {
    "ListInstance": ("ListInstance", _EVERYTHING, "a"),
    "GetInstance": ("GetInstance", _INSTANCE, "a"),
    "GetInstanceUsage": ("GetInstanceUsage", _INSTANCE, "a"),
    "GetInstanceEndpoint": ("GetInstanceEndpoint", _INSTANCE, "a"),
    "ListInstanceEndpoint": ("ListInstanceEndpoint", _INSTANCE, "a"),
    "UpdateInstanceEndpointStatus": ("UpdateInstanceEndpointStatus", _INSTANCE, "a"),
    "CreateInstanceEndpointAclPolicy": ("CreateInstanceEndpointAclPolicy", _INSTANCE, "a"),
    "DeleteInstanceEndpointAclPolicy": ("DeleteInstanceEndpointAclPolicy", _INSTANCE, "a"),
    "GetInstanceVpcEndpoint": ("GetInstanceVpcEndpoint", _INSTANCE, "a"),
    "CreateInstanceVpcEndpointLinkedVpc": ("CreateInstanceVpcEndpointLinkedVpc", _INSTANCE, "a"),
    "DeleteInstanceVpcEndpointLinkedVpc": ("DeleteInstanceVpcEndpointLinkedVpc", _INSTANCE, "a"),
    "ListNamespace": ("ListNamespace", _EVERYTHING, "a"),
    "GetNamespace": ("GetNamespace", _NAMESPACE, "a"),
    "CreateNamespace": ("CreateNamespace", _NAMESPACE, "a"),
    "UpdateNamespace": ("UpdateNamespace", _NAMESPACE, "a"),
    "DeleteNamespace": ("DeleteNamespace", _NAMESPACE, "a"),
    "ListRepository": ("ListRepository", _REPOSITORIES, "a"),
    "CreateRepository": ("CreateRepository", _NAMESPACE, "a, b"),
    "GetRepository": ("GetRepository", _REPOSITORY, "a"),
    "UpdateRepository": ("UpdateRepository", _REPOSITORY, "a"),
    "DeleteRepository": ("DeleteRepository", _REPOSITORY, "a"),
    "ListRepoTag": ("ListRepositoryTag", _REPOSITORY, "a"),
    "DeleteRepoTag": ("DeleteRepositoryTag", _REPOSITORY, "a"),
    "GetAuthorizationToken": ("GetAuthorizationToken", _EVERYTHING, "a"),
    "ResetLoginPassword": ("ResetLoginPassword", _EVERYTHING, "c"),
}
"""A call → the action of its right, its resource, the source."""

REGISTRY: Mapping[str, tuple[str, str, str]] = {
    "pull": ("PullRepository", _REPOSITORY, "a"),
    "push": ("PushRepository", _REPOSITORY, "a"),
    "create": ("CreateRepository", _NAMESPACE, "a, b"),
}
"""The same for what the registry's token service grants; "create" is a push to a repository that it makes."""

_USER, _POLICY = "user/{UserName}", "policy/{PolicyName}"
_ATTACHING = ("AttachPolicyToUser", "DetachPolicyFromUser")


def of_cr(call: str, region: str, account: str, names: Mapping[str, Any]) -> tuple[str, str]:
    """Return the right and the resource of a call to Container Registry; what is not named stands for all."""
    return _filled(CR[call], region, account, names)


def of_registry(call: str, region: str, account: str, names: Mapping[str, Any]) -> tuple[str, str]:
    """Return the same for what a login does at the registry itself."""
    return _filled(REGISTRY[call], region, account, names)


def of_ram(call: str, account: str, names: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the right and the resources of a call to RAM (source d); attaching is on the user and on the policy."""
    named = _USER if "UserName" in names else _POLICY
    forms = [_USER, _POLICY] if call in _ATTACHING else [named]
    given = {"UserName": "*", "PolicyName": "*", **names}
    return [(f"ram:{call}", f"acs:ram:*:{account}:{form.format(**given)}") for form in forms]


def _filled(row: tuple[str, str, str], region: str, account: str, names: Mapping[str, Any]) -> tuple[str, str]:
    action, form, _source = row
    namespace = names.get("RepoNamespaceName", names.get("NamespaceName", "*"))
    given = {"InstanceId": "*", "RepoName": "*", **names, "Namespace": namespace}
    resource = form if form == _EVERYTHING else f"acs:cr:{region}:{account}:{form.format(**given)}"
    return f"cr:{action}", resource
