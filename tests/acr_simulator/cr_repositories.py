# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories and their tags."""

from __future__ import annotations

import re
import secrets

from .cr_namespaces import find_namespace
from .cr_part import Answer, Parameters, Part, page_of
from .replies import ApiFault
from .world import Countdown, Instance, Key, Namespace, Repository

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._/-]*[a-z0-9])?")


class Repositories(Part):
    """Those that a push makes come from the registry's token service, by :func:`make_repository`."""

    def get_repository(self, parameters: Parameters, _: Key) -> Answer:
        instance, namespace, repository = self._repository(parameters)
        if repository.goes is not None and repository.goes.look():
            del namespace.repositories[repository.name]
            raise ApiFault(404, "REPO_NOT_EXIST", "repo is not exist")
        return _repository_fields(instance, namespace, repository) | {"Detail": repository.detail}

    def list_repository(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        rows = [
            _repository_fields(instance, namespace, repository)
            for namespace in instance.namespaces.values()
            for repository in namespace.repositories.values()
            if parameters.get("RepoNamespaceName", namespace.name) == namespace.name
            and parameters.get("RepoName", "") in repository.name
            and parameters.get("RepoStatus", "ALL") in ("ALL", "NORMAL" if repository.goes is None else "DELETING")
        ]
        page = page_of(rows, parameters, default_size=30)
        return {"Repositories": page.pop("rows"), **page, "TotalCount": str(len(rows))}

    def create_repository(self, parameters: Parameters, _: Key) -> Answer:
        instance, name = self._instance(parameters), parameters["RepoName"]
        namespace = find_namespace(instance, parameters["RepoNamespaceName"])
        if not is_name(instance, name):
            raise ApiFault(400, "REPO_NAME_INVALID", f"{name!r} is not a name for a repository")
        if name in namespace.repositories:
            raise ApiFault(400, "SIMULATED_DUPLICATE_REPO", "the real code of a duplicate is not known")
        if sum(len(each.repositories) for each in instance.namespaces.values()) >= instance.repository_quota:
            raise ApiFault(400, "REPO_QUOTA_EXCEED", "the quota of repositories is reached")
        repository = make_repository(namespace, name, build_type="MANUAL")
        _set_repository(repository, parameters)
        return {"RepoId": repository.repo_id}

    def update_repository(self, parameters: Parameters, _: Key) -> Answer:
        _set_repository(self._repository(parameters)[2], parameters)
        return {}

    def delete_repository(self, parameters: Parameters, _: Key) -> Answer:
        repository = self._repository(parameters)[2]
        if repository.goes is None:
            repository.goes = Countdown(self._world.looks.repository_goes)
        return {}

    def list_repo_tag(self, parameters: Parameters, _: Key) -> Answer:
        repository = self._repository(parameters)[2]
        rows = [
            {
                "Tag": tag.tag,
                "Digest": tag.digest.split(":")[-1],
                "ImageSize": tag.size,
                "ImageId": tag.digest.split(":")[-1],
                "ImageCreate": "1606361600000",
                "ImageUpdate": "1606361600000",
                "Status": "NORMAL",
            }
            for tag in repository.tags
        ]
        page = page_of(rows, parameters, default_size=30)
        return {"Images": page.pop("rows"), **page, "TotalCount": str(len(rows))}

    def delete_repo_tag(self, parameters: Parameters, _: Key) -> Answer:
        instance, namespace, repository = self._repository(parameters)
        repository.tags = [tag for tag in repository.tags if tag.tag != parameters["Tag"]]
        if instance.on_tag_deleted is not None:
            instance.on_tag_deleted(f"{namespace.name}/{repository.name}", parameters["Tag"])
        return {}

    def _repository(self, parameters: Parameters) -> tuple[Instance, Namespace, Repository]:
        instance = self._instance(parameters)
        if "RepoId" not in parameters:
            if "RepoName" not in parameters or "RepoNamespaceName" not in parameters:
                raise ApiFault(400, "MissingRepoId", "RepoId, or RepoNamespaceName and RepoName")
            find_namespace(instance, parameters["RepoNamespaceName"])
        for namespace in instance.namespaces.values():
            for repository in namespace.repositories.values():
                named = (namespace.name, repository.name)
                wanted = (parameters.get("RepoNamespaceName"), parameters.get("RepoName"))
                if parameters.get("RepoId") == repository.repo_id or named == wanted:
                    return instance, namespace, repository
        raise ApiFault(404, "REPO_NOT_EXIST", "repo is not exist")


def is_name(instance: Instance, name: str) -> bool:
    """Whether the instance takes a repository of this name. Which lengths the vendor takes now is not known."""
    return bool(_NAME.fullmatch(name)) and "//" not in name and len(name) in instance.name_lengths


def make_repository(namespace: Namespace, name: str, *, build_type: str) -> Repository:
    """Put a new repository with the namespace's defaults into it."""
    repository = Repository(
        f"crr-{secrets.token_hex(8)}",
        name,
        namespace.default_repo_type,
        "",
        tag_immutability=bool(namespace.tag_immutability),
        build_type=build_type,
    )
    namespace.repositories[name] = repository
    return repository


def _repository_fields(instance: Instance, namespace: Namespace, repository: Repository) -> Answer:
    return {
        "InstanceId": instance.instance_id,
        "RepoId": repository.repo_id,
        "RepoName": repository.name,
        "RepoNamespaceName": namespace.name,
        "RepoType": repository.repo_type,
        "RepoStatus": "NORMAL" if repository.goes is None else "DELETING",
        "RepoBuildType": repository.build_type,
        "Summary": repository.summary,
        "TagImmutability": repository.tag_immutability,
        "CreateTime": 1606361600000,
        "ModifiedTime": 1606361600000,
    }


def _set_repository(repository: Repository, parameters: Parameters) -> None:
    repository.repo_type = parameters.get("RepoType", repository.repo_type)
    repository.summary = parameters.get("Summary", repository.summary)
    # An update without them forgets the details and the immutability: the worst that the real one might do.
    repository.detail = parameters.get("Detail", "")
    repository.tag_immutability = parameters.get("TagImmutability", False)
