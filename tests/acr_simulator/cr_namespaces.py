# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces."""

from __future__ import annotations

import re
import secrets

from .cr_part import Answer, Parameters, Part, page_of
from .replies import ApiFault
from .world import Countdown, Instance, Key, Namespace

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,118})[a-z0-9]")


class Namespaces(Part):
    """They take a while to show, and to go."""

    def get_namespace(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        return _namespace_fields(instance, _seen(instance, parameters["NamespaceName"]))

    def list_namespace(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        rows = [
            _namespace_fields(instance, namespace)
            for namespace in instance.namespaces.values()
            if namespace.shows.left == 0 and parameters.get("NamespaceName", "") in namespace.name
        ]
        page = page_of(rows, parameters, default_size=30)
        return {"Namespaces": page.pop("rows"), **page, "TotalCount": str(len(rows))}

    def create_namespace(self, parameters: Parameters, _: Key) -> Answer:
        instance, name = self._instance(parameters), parameters["NamespaceName"]
        if not _NAME.fullmatch(name):
            raise ApiFault(400, "NAMESPACE_NAME_INVALID", f"{name!r} is not a name for a namespace")
        if name in instance.namespaces:
            raise ApiFault(400, "SIMULATED_DUPLICATE_NAMESPACE", "the real code of a duplicate is not known")
        if len(instance.namespaces) >= instance.namespace_quota:
            raise ApiFault(400, "NAMESPACE_QUOTA_EXCEED", "the quota of namespaces is reached")
        namespace = Namespace(
            f"crn-{secrets.token_hex(8)}", name, False, "PRIVATE", shows=Countdown(self._world.looks.namespace_shows)
        )
        _set_namespace(namespace, parameters)
        instance.namespaces[name] = namespace
        return {}

    def update_namespace(self, parameters: Parameters, _: Key) -> Answer:
        namespace = find_namespace(self._instance(parameters), parameters["NamespaceName"])
        if namespace.goes is not None:
            raise ApiFault(400, "NAMESPACE_STATUS_NOT_SUPPORT", "the namespace is being deleted")
        _set_namespace(namespace, parameters)
        return {}

    def delete_namespace(self, parameters: Parameters, _: Key) -> Answer:
        namespace = find_namespace(self._instance(parameters), parameters["NamespaceName"])
        if namespace.goes is None:
            namespace.goes = Countdown(self._world.looks.namespace_goes)
        return {}


def find_namespace(instance: Instance, name: str) -> Namespace:
    """The namespace of that name, also while it does not show yet or is being deleted.

    :raises ApiFault: when there is none
    """
    if name not in instance.namespaces:
        raise ApiFault(404, "NAMESPACE_NOT_EXIST", "namespace is not exist")
    return instance.namespaces[name]


def _seen(instance: Instance, name: str) -> Namespace:
    """The same when it is looked at, which is what time is counted in."""
    namespace = find_namespace(instance, name)
    if namespace.goes is not None and namespace.goes.look():
        del instance.namespaces[name]
    elif namespace.shows.look():
        return namespace
    raise ApiFault(404, "NAMESPACE_NOT_EXIST", "namespace is not exist")


def _namespace_fields(instance: Instance, namespace: Namespace) -> Answer:
    fields: Answer = {
        "InstanceId": instance.instance_id,
        "NamespaceId": namespace.namespace_id,
        "NamespaceName": namespace.name,
        "NamespaceStatus": "NORMAL" if namespace.goes is None else "DELETING",
        "AutoCreateRepo": namespace.auto_create_repo,
        "DefaultRepoType": namespace.default_repo_type,
    }
    if namespace.tag_immutability is not None:
        fields["DefaultRepoConfiguration"] = {
            "RepoType": namespace.default_repo_type,
            "TagImmutability": namespace.tag_immutability,
        }
    return fields


def _set_namespace(namespace: Namespace, parameters: Parameters) -> None:
    namespace.auto_create_repo = parameters.get("AutoCreateRepo", namespace.auto_create_repo)
    namespace.default_repo_type = parameters.get("DefaultRepoType", namespace.default_repo_type)
    configuration = parameters.get("DefaultRepoConfiguration", {})
    unknown = set(configuration) - {"RepoType", "TagImmutability"}
    if unknown:
        raise ApiFault(400, "InvalidDefaultRepoConfiguration", f"unknown: {sorted(unknown)}")
    # An update without the configuration forgets it: the worst that the real one might do.
    namespace.tag_immutability = configuration.get("TagImmutability")
