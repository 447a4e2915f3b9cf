# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes single tags by the API of an instance."""

from __future__ import annotations

from ..api.client import OpenApi
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
