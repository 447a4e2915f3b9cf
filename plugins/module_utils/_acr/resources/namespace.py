# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces of an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..api.client import OpenApi, Parameter, count, rows
from ..api.errors import ApiError
from ..api.names import check_namespace
from .resource import Resource, Wait


@dataclass(frozen=True)
class Namespace:
    """A namespace that is there to stay.

    :param auto_create_repo: whether a push makes the repository that it goes to
    :param default_repo_type: ``PUBLIC`` or ``PRIVATE``: what such a repository becomes
    :param tag_immutability: whether tags of such a repository can never be overwritten
    """

    name: str
    auto_create_repo: bool = True
    default_repo_type: str = "PRIVATE"
    tag_immutability: bool = False
    namespace_id: str = field(default="", compare=False)


class NamespaceResource(Resource[Namespace]):
    """One namespace.

    :param force: delete it also when repositories are in it, which are then lost with all their images
    """

    def __init__(
        self, api: OpenApi, instance_id: str, name: str, *, wait: Wait, check_mode: bool, force: bool = False
    ) -> None:
        super().__init__("namespace", f"{name} of {instance_id}", wait=wait, check_mode=check_mode)
        self._api = api
        self._instance_id = instance_id
        self._name = check_namespace(name)
        self._force = force

    def wanted(self, settings: Mapping[str, Any], present: Namespace | None) -> Namespace:
        """Return the namespace with these settings; None leaves one as it is, or at its default when it is made."""
        given = {name: value for name, value in settings.items() if value is not None}
        return replace(present or Namespace(self._name), **given)

    def read(self) -> Namespace | None:
        row = self._row()
        return None if row is None or _is_leaving(row) else _parse(row)

    def is_leaving(self) -> bool:
        row = self._row()
        return row is not None and _is_leaving(row)

    def create(self, target: Namespace) -> None:
        self._write("CreateNamespace", target, action="create")

    def update(self, found: Namespace, target: Namespace) -> None:
        self._write("UpdateNamespace", target, action="update")

    def delete(self, found: Namespace) -> None:
        self._call("DeleteNamespace", {}, action="delete")

    def check_deletion(self, found: Namespace) -> None:
        """Refuse while repositories are in it, unless force is set.

        :raises ApiError: ``acr_exists``
        """
        if self._force:
            return
        asked = {"InstanceId": self._instance_id, "RepoNamespaceName": self._name, "RepoStatus": "NORMAL"}
        action = "delete the namespace"
        held = count(self._api, "ListRepository", asked, action=action, subject=self.subject)
        if held:
            raise ApiError(
                code="acr_exists",
                action=action,
                subject=self.subject,
                cause=f"{held} repositories are in it",
                hint="delete them first, or set force: true to lose them with all their images",
            )

    def _row(self) -> Mapping[str, Any] | None:
        try:
            return self._call("GetNamespace", {}, action="read")
        except ApiError as error:
            if error.api_code == "NAMESPACE_NOT_EXIST":
                return None
            raise

    def _write(self, api_action: str, target: Namespace, *, action: str) -> None:
        """Send the settings. DefaultRepoType is deprecated, so its successor DefaultRepoConfiguration goes with it."""
        parameters: dict[str, Parameter] = {
            "AutoCreateRepo": target.auto_create_repo,
            "DefaultRepoType": target.default_repo_type,
            "DefaultRepoConfiguration": {
                "RepoType": target.default_repo_type,
                "TagImmutability": target.tag_immutability,
            },
        }
        self._call(api_action, parameters, action=action)

    def _call(self, api_action: str, extra: Mapping[str, Parameter], *, action: str) -> Mapping[str, Any]:
        asked = {"InstanceId": self._instance_id, "NamespaceName": self._name, **extra}
        return self._api.call(api_action, asked, action=f"{action} the namespace", subject=self.subject)


def list_namespaces(api: OpenApi, instance_id: str) -> Iterator[Namespace]:
    """Return every namespace that is not being deleted, page after page."""
    asked = {"InstanceId": instance_id}
    found = rows(api, "ListNamespace", asked, "Namespaces", action="list the namespaces of", subject=instance_id)
    return (_parse(row) for row in found if not _is_leaving(row))


def _is_leaving(row: Mapping[str, Any]) -> bool:
    return row.get("NamespaceStatus") == "DELETING"


def _parse(row: Mapping[str, Any]) -> Namespace:
    configuration = row.get("DefaultRepoConfiguration") or {}
    return Namespace(
        name=str(row.get("NamespaceName", "")),
        auto_create_repo=bool(row.get("AutoCreateRepo")),
        default_repo_type=str(configuration.get("RepoType") or row.get("DefaultRepoType") or "PRIVATE"),
        tag_immutability=bool(configuration.get("TagImmutability")),
        namespace_id=str(row.get("NamespaceId", "")),
    )
