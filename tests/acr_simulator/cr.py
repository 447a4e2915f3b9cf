# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of Container Registry Enterprise Edition, version 2018-12-01."""

from __future__ import annotations

import re
from typing import Callable

from . import resources_of_calls, rights
from .cr_endpoints import Endpoints
from .cr_instances import Instances, Logins
from .cr_namespaces import Namespaces
from .cr_part import Answer, Parameters, find_instance
from .cr_repositories import Repositories
from .replies import ApiFault
from .world import Key, World

_IN_ANY_STATE = ("ListInstance", "GetInstance")


class ContainerRegistry:
    """Serves the calls that schema.CR lists."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._parts = [kind(world) for kind in (Instances, Namespaces, Repositories, Endpoints, Logins)]

    def serve(self, action: str, parameters: Parameters, key: Key) -> Answer:
        """The answer's fields without RequestId.

        :raises ApiFault: when the call is refused
        """
        self._demand_right(action, parameters, key)
        name = re.sub(r"(?<!^)([A-Z])", r"_\1", action).lower()
        part = next(part for part in self._parts if hasattr(part, name))
        method: Callable[[Parameters, Key], Answer] = getattr(part, name)
        if action != "ListInstance":
            instance = find_instance(self._world, parameters)
            if instance.status != "RUNNING" and action not in _IN_ANY_STATE:
                raise ApiFault(400, "INSTANCE_STATUS_NOT_SUPPORT")
        return {"IsSuccess": True, "Code": "success", **method(parameters, key)}

    def _demand_right(self, action: str, parameters: Parameters, key: Key) -> None:
        names = {**self._names_of(parameters), **parameters}
        right, resource = resources_of_calls.of_cr(action, self._world.region, self._world.account_id, names)
        rights.demand(self._world, key, right, resource, "NoPrivilege")

    def _names_of(self, parameters: Parameters) -> Parameters:
        """Return the names of the repository whose id is given."""
        instance = self._world.instances.get(parameters.get("InstanceId", ""))
        for namespace in instance.namespaces.values() if instance and "RepoId" in parameters else ():
            for repository in namespace.repositories.values():
                if repository.repo_id == parameters["RepoId"]:
                    return {"RepoNamespaceName": namespace.name, "RepoName": repository.name}
        return {}
