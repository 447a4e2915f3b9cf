# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories of an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..._oci.errors import InputError
from ..api.client import OpenApi, Parameter, count, rows
from ..api.errors import ApiError
from ..api.names import check_namespace, check_repository
from .resource import Resource, Wait

_ABSENT = frozenset({"REPO_NOT_EXIST", "NAMESPACE_NOT_EXIST"})


@dataclass(frozen=True)
class Repository:
    """A repository that is there to stay.

    :param repo_type: ``PUBLIC`` or ``PRIVATE``
    :param tag_immutability: whether its tags can never be overwritten
    """

    namespace: str
    name: str
    repo_type: str = "PRIVATE"
    summary: str = ""
    tag_immutability: bool = False
    detail: str = field(default="", compare=False)
    repo_id: str = field(default="", compare=False)


class RepositoryResource(Resource[Repository]):
    """One repository.

    :param force: delete it also when it has tags, whose images are then lost
    """

    def __init__(
        self,
        api: OpenApi,
        instance_id: str,
        namespace: str,
        name: str,
        *,
        wait: Wait,
        check_mode: bool,
        force: bool = False,
    ) -> None:
        super().__init__("repository", f"{namespace}/{name} of {instance_id}", wait=wait, check_mode=check_mode)
        self._api = api
        self._instance_id = instance_id
        self._namespace = check_namespace(namespace)
        self._name = check_repository(name)
        self._force = force

    def wanted(self, settings: Mapping[str, Any], present: Repository | None) -> Repository:
        """Return the repository with these settings; None leaves one as it is, or at its default when it is made.

        The vendor wants a summary, so the name stands in for one.

        :raises InputError: for an empty summary
        """
        given = {name: value for name, value in settings.items() if value is not None}
        if given.get("summary") == "":
            raise InputError(subject="summary", cause="it is empty, and the vendor wants one", hint="leave it out")
        return replace(present or Repository(self._namespace, self._name, summary=self._name), **given)

    def read(self) -> Repository | None:
        row = self._row()
        return None if row is None or _is_leaving(row) else _parse(row)

    def is_leaving(self) -> bool:
        row = self._row()
        return row is not None and _is_leaving(row)

    def create(self, target: Repository) -> None:
        self._call("CreateRepository", {**self._names(), **_settings(target)}, action="create")

    def update(self, found: Repository, target: Repository) -> None:
        # The description goes along unchanged: whether an update without it would empty it is not known.
        detail = found.detail or None
        named: dict[str, Parameter] = {"RepoId": found.repo_id} if found.repo_id else self._names()
        self._call("UpdateRepository", {**named, **_settings(target), "Detail": detail}, action="update")

    def delete(self, found: Repository) -> None:
        self._call("DeleteRepository", {"RepoId": found.repo_id}, action="delete")

    def check_deletion(self, found: Repository) -> None:
        """Refuse while it has tags, unless force is set.

        :raises ApiError: ``acr_exists``
        """
        if self._force:
            return
        asked = {"InstanceId": self._instance_id, "RepoId": found.repo_id}
        action = "delete the repository"
        held = count(self._api, "ListRepoTag", asked, action=action, subject=self.subject)
        if held:
            raise ApiError(
                code="acr_exists",
                action=action,
                subject=self.subject,
                cause=f"it has {held} tags",
                hint="set force: true to lose their images",
            )

    def _row(self) -> Mapping[str, Any] | None:
        try:
            return self._call("GetRepository", self._names(), action="read")
        except ApiError as error:
            if error.api_code in _ABSENT:
                return None
            raise

    def _names(self) -> dict[str, Parameter]:
        return {"RepoNamespaceName": self._namespace, "RepoName": self._name}

    def _call(self, api_action: str, parameters: Mapping[str, Parameter], *, action: str) -> Mapping[str, Any]:
        asked = {"InstanceId": self._instance_id, **parameters}
        return self._api.call(api_action, asked, action=f"{action} the repository", subject=self.subject)


def list_repositories(api: OpenApi, instance_id: str, namespace: str | None = None) -> Iterator[Repository]:
    """Return every repository that is not being deleted, of one namespace or of all, page after page."""
    asked: dict[str, Parameter] = {"InstanceId": instance_id, "RepoNamespaceName": namespace, "RepoStatus": "NORMAL"}
    found = rows(api, "ListRepository", asked, "Repositories", action="list the repositories of", subject=instance_id)
    return (_parse(row) for row in found if not _is_leaving(row))


def _settings(target: Repository) -> dict[str, Parameter]:
    return {
        "RepoType": target.repo_type,
        "Summary": target.summary,
        "TagImmutability": target.tag_immutability,
    }


def _is_leaving(row: Mapping[str, Any]) -> bool:
    return row.get("RepoStatus") == "DELETING"


def _parse(row: Mapping[str, Any]) -> Repository:
    return Repository(
        namespace=str(row.get("RepoNamespaceName", "")),
        name=str(row.get("RepoName", "")),
        repo_type=str(row.get("RepoType") or "PRIVATE"),
        summary=str(row.get("Summary") or ""),
        tag_immutability=bool(row.get("TagImmutability")),
        detail=str(row.get("Detail") or ""),
        repo_id=str(row.get("RepoId", "")),
    )
