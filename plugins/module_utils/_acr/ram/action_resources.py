# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which resource each action of Container Registry Enterprise Edition is authorised. Data, no I/O.

Sources: the vendor's page "RAM authentication rules" (help 144229) and the page "Authorization information" of the API
2018-12-01, which give each call's action and resource; for ``CreateRepository`` also the sample policy for one
namespace ("Attach a custom policy to a RAM user"), which lists the namespace's resource beside its repositories'.
``ResetLoginPassword`` is not published, so it is allowed on everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Scope(Enum):
    """What an action is allowed on; the values are the resources, without their beginning ``acs:cr:*:*:``."""

    EVERYTHING = ("*",)
    INSTANCE = ("instance/{instance_id}",)
    NAMESPACE = ("repository/{instance_id}/{namespace}",)
    REPOSITORIES = ("repository/{instance_id}/{namespace}/*",)
    NAMESPACE_AND_REPOSITORIES = ("repository/{instance_id}/{namespace}", "repository/{instance_id}/{namespace}/*")

    @property
    def needs_namespaces(self) -> bool:
        """Return whether the resource names a namespace."""
        return any("{namespace}" in form for form in self.value)

    def resources(self, instance_id: str, namespaces: list[str]) -> list[str]:
        """Return the resources for an instance and its namespaces, in any region and account."""
        if self is Scope.EVERYTHING:
            return ["*"]
        found = [
            form.format(instance_id=instance_id, namespace=namespace)
            for namespace in (namespaces if self.needs_namespaces else [""])
            for form in self.value
        ]
        return [f"acs:cr:*:*:{each}" for each in found]


_SCOPES: Mapping[str, Scope] = {
    **dict.fromkeys(("GetAuthorizationToken", "ResetLoginPassword", "ListInstance", "ListNamespace"), Scope.EVERYTHING),
    **dict.fromkeys(
        (
            "GetInstance",
            "GetInstanceUsage",
            "GetInstanceEndpoint",
            "ListInstanceEndpoint",
            "UpdateInstanceEndpointStatus",
            "CreateInstanceEndpointAclPolicy",
            "DeleteInstanceEndpointAclPolicy",
            "GetInstanceVpcEndpoint",
            "CreateInstanceVpcEndpointLinkedVpc",
            "DeleteInstanceVpcEndpointLinkedVpc",
        ),
        Scope.INSTANCE,
    ),
    **dict.fromkeys(("GetNamespace", "CreateNamespace", "UpdateNamespace", "DeleteNamespace"), Scope.NAMESPACE),
    "CreateRepository": Scope.NAMESPACE_AND_REPOSITORIES,
    **dict.fromkeys(
        (
            "PushRepository",
            "PullRepository",
            "GetRepository",
            "ListRepository",
            "UpdateRepository",
            "DeleteRepository",
            "ListRepositoryTag",
            "DeleteRepositoryTag",
        ),
        Scope.REPOSITORIES,
    ),
}


def scope_of(action: str) -> Scope:
    """Return what an action is allowed on: ``PushRepository`` → the repositories of the namespaces.

    An action that is not in the table counts by its name: one of an instance on the instance, any other one on the
    namespaces and their repositories.
    """
    found = _SCOPES.get(action)
    if found is not None:
        return found
    return Scope.INSTANCE if "Instance" in action else Scope.NAMESPACE_AND_REPOSITORIES
