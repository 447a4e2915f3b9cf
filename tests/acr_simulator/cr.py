# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of Container Registry Enterprise Edition, version 2018-12-01."""

from __future__ import annotations

import re
from typing import Callable

from . import rights
from .cr_endpoints import Endpoints
from .cr_instances import Instances, Logins
from .cr_namespaces import Namespaces
from .cr_part import Answer, Parameters, find_instance
from .cr_repositories import Repositories
from .replies import ApiFault
from .world import Key, World

_LOOK_CALLS = ("Get", "List")


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
            if instance.status != "RUNNING" and not action.startswith(_LOOK_CALLS):
                raise ApiFault(400, "INSTANCE_STATUS_NOT_SUPPORT")
        return {"IsSuccess": True, "Code": "success", **method(parameters, key)}

    def _demand_right(self, action: str, parameters: Parameters, key: Key) -> None:
        instance = parameters.get("InstanceId", "*")
        namespace = parameters.get("RepoNamespaceName", parameters.get("NamespaceName", "*"))
        place = f"acs:cr:{self._world.region}:{self._world.account_id}"
        if "Repo" in action and "RepoNamespaceName" in parameters:
            resource = f"{place}:repository/{instance}/{namespace}/{parameters.get('RepoName', '*')}"
        elif "Namespace" in action:
            resource = f"{place}:repository/{instance}/{namespace}"
        else:
            resource = f"{place}:instance/{instance}"
        rights.demand(self._world, key, f"cr:{action}", resource, "NoPrivilege")
