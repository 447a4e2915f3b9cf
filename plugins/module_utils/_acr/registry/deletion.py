# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes single tags and whole repositories by the API of an instance."""

from __future__ import annotations

from ..api.client import OpenApi, Parameter, count, rows
from ..api.errors import ApiError

_ACTION = "delete"
_ABSENT = frozenset({"REPO_NOT_EXIST", "NAMESPACE_NOT_EXIST", "TAG_NOT_EXIST", "REPO_TAG_NOT_EXIST"})


def delete_tag(api: OpenApi, instance_id: str, path: str, tag: str) -> None:
    """Remove a tag; one that is not there is removed already.

    :param api: signed by an identity with ``cr:GetRepository`` and ``cr:DeleteRepositoryTag``
    :param path: namespace and repository
    :raises ApiError: when the identity may not delete it
    """
    namespace, _slash, name = path.partition("/")
    subject = f"{path}:{tag}"
    named = {"InstanceId": instance_id, "RepoNamespaceName": namespace, "RepoName": name}
    try:
        repository = api.call("GetRepository", named, action=_ACTION, subject=subject)
        gone = {"InstanceId": instance_id, "RepoId": str(repository.get("RepoId", "")), "Tag": tag}
        api.call("DeleteRepoTag", gone, action=_ACTION, subject=subject)
    except ApiError as error:
        if error.api_code not in _ABSENT:
            raise


def complete_repositories(api: OpenApi, instance_id: str, namespace: str) -> list[str]:
    """Return the paths of all repositories of a namespace, as many as the API counts (``TotalCount``).

    :raises ApiError: when the identity may not list them, or the list and the count differ
    """
    action = "list all repositories of"
    asked: dict[str, Parameter] = {"InstanceId": instance_id, "RepoNamespaceName": namespace, "RepoStatus": "NORMAL"}
    listed = list(rows(api, "ListRepository", asked, "Repositories", action=action, subject=namespace))
    counted = count(api, "ListRepository", asked, action=action, subject=namespace)
    if counted != len(listed):
        raise ApiError(
            code="acr_refused",
            action=action,
            subject=namespace,
            cause=f"the API counts {counted} and lists {len(listed)} of them",
            hint="the list changed while it was read, or this access key does not see all of them",
        )
    return [f"{row.get('RepoNamespaceName', '')}/{row.get('RepoName', '')}" for row in listed]


def delete_repository(api: OpenApi, instance_id: str, path: str) -> None:
    """Remove a repository with everything in it; one that is not there is removed already.

    :raises ApiError: when the identity may not delete it
    """
    namespace, _slash, name = path.partition("/")
    named = {"InstanceId": instance_id, "RepoNamespaceName": namespace, "RepoName": name}
    try:
        repository = api.call("GetRepository", named, action=_ACTION, subject=path)
        gone = {"InstanceId": instance_id, "RepoId": str(repository.get("RepoId", ""))}
        api.call("DeleteRepository", gone, action=_ACTION, subject=path)
    except ApiError as error:
        if error.api_code not in _ABSENT:
            raise
