# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of Container Registry Enterprise Edition, version 2018-12-01."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Mapping
from typing import Any, Callable

from . import rights
from .replies import ApiFault
from .world import (
    DEFAULT_ENTRY,
    AclEntry,
    Countdown,
    Instance,
    Key,
    Namespace,
    PublicEndpoint,
    Repository,
    TemporaryLogin,
    World,
)

Answer = dict[str, Any]
Parameters = Mapping[str, Any]

_NAMESPACE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,118})[a-z0-9]")
_REPOSITORY_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._/-]{0,62})[a-z0-9]")
_LOOK_CALLS = ("Get", "List")


class ContainerRegistry:
    """Serves the calls that schema.CR lists."""

    def __init__(self, world: World) -> None:
        self._world = world

    def serve(self, action: str, parameters: Parameters, key: Key) -> Answer:
        """The answer's fields without RequestId.

        :raises ApiFault: when the call is refused
        """
        self._demand_right(action, parameters, key)
        name = re.sub(r"(?<!^)([A-Z])", r"_\1", action).lower()
        method: Callable[[Parameters, Key], Answer] = getattr(self, f"_{name}")
        if action != "ListInstance":
            instance = self._instance(parameters)
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

    def _instance(self, parameters: Parameters) -> Instance:
        instance = self._world.instances.get(parameters["InstanceId"])
        if instance is None or instance.region != self._world.region:
            raise ApiFault(404, "INSTANCE_NOT_EXIST", "instance is not exist")
        return instance

    # Instances

    def _list_instance(self, parameters: Parameters, _: Key) -> Answer:
        here = [
            _instance_fields(instance) | {"RegionId": instance.region, "CreateTime": "1606361600000"}
            for instance in self._world.instances.values()
            if instance.region == self._world.region
            and instance.name == parameters.get("InstanceName", instance.name)
            and instance.status == parameters.get("InstanceStatus", instance.status)
        ]
        page = _page(here, parameters, default_size=30)
        return {"Instances": page.pop("rows"), **page, "TotalCount": len(here)}

    def _get_instance(self, parameters: Parameters, _: Key) -> Answer:
        return _instance_fields(self._instance(parameters)) | {"CreateTime": 1606361600000}

    def _get_instance_usage(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        repositories = sum(len(namespace.repositories) for namespace in instance.namespaces.values())
        return {
            "NamespaceQuota": str(instance.namespace_quota),
            "NamespaceUsage": str(len(instance.namespaces)),
            "RepoQuota": str(instance.repository_quota),
            "RepoUsage": str(repositories),
            "ChartNamespaceQuota": "25",
            "ChartNamespaceUsage": "0",
            "ChartRepoQuota": "1000",
            "ChartRepoUsage": "0",
            "VpcQuota": "3",
            "VpcUsage": str(len(instance.linked_vpcs)),
        }

    # Namespaces

    def _get_namespace(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        return _namespace_fields(instance, self._namespace(instance, parameters["NamespaceName"], look=True))

    def _list_namespace(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        rows = [
            _namespace_fields(instance, namespace)
            for namespace in instance.namespaces.values()
            if namespace.shows.left == 0 and parameters.get("NamespaceName", "") in namespace.name
        ]
        page = _page(rows, parameters, default_size=30)
        return {"Namespaces": page.pop("rows"), **page, "TotalCount": str(len(rows))}

    def _create_namespace(self, parameters: Parameters, _: Key) -> Answer:
        instance, name = self._instance(parameters), parameters["NamespaceName"]
        if not _NAMESPACE_NAME.fullmatch(name):
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

    def _update_namespace(self, parameters: Parameters, _: Key) -> Answer:
        namespace = self._namespace(self._instance(parameters), parameters["NamespaceName"])
        if namespace.goes is not None:
            raise ApiFault(400, "NAMESPACE_STATUS_NOT_SUPPORT", "the namespace is being deleted")
        _set_namespace(namespace, parameters)
        return {}

    def _delete_namespace(self, parameters: Parameters, _: Key) -> Answer:
        namespace = self._namespace(self._instance(parameters), parameters["NamespaceName"])
        if namespace.goes is None:
            namespace.goes = Countdown(self._world.looks.namespace_goes)
        return {}

    def _namespace(self, instance: Instance, name: str, *, look: bool = False) -> Namespace:
        namespace = instance.namespaces.get(name)
        if namespace is not None and look:
            if namespace.goes is not None and namespace.goes.look():
                del instance.namespaces[name]
                namespace = None
            elif not namespace.shows.look():
                namespace = None
        if namespace is None:
            raise ApiFault(404, "NAMESPACE_NOT_EXIST", "namespace is not exist")
        return namespace

    # Repositories

    def _get_repository(self, parameters: Parameters, _: Key) -> Answer:
        instance, namespace, repository = self._repository(parameters)
        if repository.goes is not None and repository.goes.look():
            del namespace.repositories[repository.name]
            raise ApiFault(404, "REPO_NOT_EXIST", "repo is not exist")
        return _repository_fields(instance, namespace, repository) | {"Detail": repository.detail}

    def _list_repository(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        rows = [
            _repository_fields(instance, namespace, repository)
            for namespace in instance.namespaces.values()
            for repository in namespace.repositories.values()
            if parameters.get("RepoNamespaceName", namespace.name) == namespace.name
            and parameters.get("RepoName", "") in repository.name
        ]
        page = _page(rows, parameters, default_size=30)
        return {"Repositories": page.pop("rows"), **page, "TotalCount": str(len(rows))}

    def _create_repository(self, parameters: Parameters, _: Key) -> Answer:
        instance, name = self._instance(parameters), parameters["RepoName"]
        namespace = self._namespace(instance, parameters["RepoNamespaceName"])
        if not _REPOSITORY_NAME.fullmatch(name) or "//" in name:
            raise ApiFault(400, "REPO_NAME_INVALID", f"{name!r} is not a name for a repository")
        if name in namespace.repositories:
            raise ApiFault(400, "SIMULATED_DUPLICATE_REPO", "the real code of a duplicate is not known")
        if sum(len(each.repositories) for each in instance.namespaces.values()) >= instance.repository_quota:
            raise ApiFault(400, "REPO_QUOTA_EXCEED", "the quota of repositories is reached")
        repository = make_repository(namespace, name, build_type="MANUAL")
        _set_repository(repository, parameters)
        return {"RepoId": repository.repo_id}

    def _update_repository(self, parameters: Parameters, _: Key) -> Answer:
        _set_repository(self._repository(parameters)[2], parameters)
        return {}

    def _delete_repository(self, parameters: Parameters, _: Key) -> Answer:
        repository = self._repository(parameters)[2]
        if repository.goes is None:
            repository.goes = Countdown(self._world.looks.repository_goes)
        return {}

    def _list_repo_tag(self, parameters: Parameters, _: Key) -> Answer:
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
        page = _page(rows, parameters, default_size=30)
        return {"Images": page.pop("rows"), **page, "TotalCount": str(len(rows))}

    def _repository(self, parameters: Parameters) -> tuple[Instance, Namespace, Repository]:
        instance = self._instance(parameters)
        if "RepoId" not in parameters:
            if "RepoName" not in parameters or "RepoNamespaceName" not in parameters:
                raise ApiFault(400, "MissingRepoId", "RepoId, or RepoNamespaceName and RepoName")
            self._namespace(instance, parameters["RepoNamespaceName"])
        for namespace in instance.namespaces.values():
            for repository in namespace.repositories.values():
                named = (namespace.name, repository.name)
                wanted = (parameters.get("RepoNamespaceName"), parameters.get("RepoName"))
                if parameters.get("RepoId") == repository.repo_id or named == wanted:
                    return instance, namespace, repository
        raise ApiFault(404, "REPO_NOT_EXIST", "repo is not exist")

    # Endpoints and their white lists

    def _get_instance_endpoint(self, parameters: Parameters, _: Key) -> Answer:
        endpoint = self._endpoint(parameters)
        self._look_at(endpoint)
        return _endpoint_fields(endpoint, comments=True)

    def _list_instance_endpoint(self, parameters: Parameters, _: Key) -> Answer:
        instance, endpoint = self._instance(parameters), self._endpoint(parameters)
        self._look_at(endpoint)
        vpc = {
            "EndpointType": "vpc",
            "Enable": bool(instance.linked_vpcs),
            "Status": "RUNNING",
            "AclEnable": False,
            "Domains": [{"Domain": domain, "Type": "SYSTEM"} for domain in instance.vpc_domains],
            "LinkedVpcs": [{"VpcId": linked["VpcId"]} for linked in instance.linked_vpcs],
        }
        return {"Endpoints": [_endpoint_fields(endpoint, comments=False) | {"EndpointType": "internet"}, vpc]}

    def _update_instance_endpoint_status(self, parameters: Parameters, _: Key) -> Answer:
        endpoint, enable = self._endpoint(parameters), parameters["Enable"]
        if endpoint.status not in ("", "RUNNING"):
            raise ApiFault(400, "INSTANCE_STATUS_NOT_SUPPORT", f"the endpoint is {endpoint.status}")
        if enable == endpoint.enable:
            return {}
        endpoint.enable = enable
        endpoint.status = "CREATING" if enable else "DELETING"
        endpoint.settles = Countdown(self._world.looks.endpoint_on if enable else self._world.looks.endpoint_off)
        endpoint.entries = [AclEntry(DEFAULT_ENTRY, "default")] if enable else []
        return {}

    def _create_instance_endpoint_acl_policy(self, parameters: Parameters, _: Key) -> Answer:
        endpoint, entry = self._endpoint(parameters), parameters["Entry"]
        if not endpoint.enable:
            raise ApiFault(400, "INSTANCE_ACCESS_NOT_EXIST", "the endpoint is off")
        if not _is_network(entry) or entry == "0.0.0.0/0":
            raise ApiFault(400, "INSTANCE_ACCESS_ACL_ENTRY_INVALID", "Instance access acl entry is invalid.")
        if endpoint.status != "RUNNING":
            return {}
        if any(entry == present.entry for present in endpoint.entries):
            raise ApiFault(400, "SIMULATED_DUPLICATE_ENTRY", "the real code of a duplicate is not known")
        shows = Countdown(self._world.looks.entry_shows)
        endpoint.entries.append(AclEntry(entry, parameters.get("Comment", ""), shows))
        return {}

    def _delete_instance_endpoint_acl_policy(self, parameters: Parameters, _: Key) -> Answer:
        endpoint = self._endpoint(parameters)
        present = next((each for each in endpoint.entries if each.entry == parameters["Entry"]), None)
        if present is None:
            raise ApiFault(400, "SIMULATED_NO_SUCH_ENTRY", "the real code of a missing entry is not known")
        if present.goes is None:
            present.goes = Countdown(self._world.looks.entry_goes)
        return {}

    def _endpoint(self, parameters: Parameters) -> PublicEndpoint:
        return self._instance(parameters).endpoints[parameters.get("ModuleName", "Registry")]

    def _look_at(self, endpoint: PublicEndpoint) -> None:
        """One look: what was being made or removed comes one step nearer."""
        if endpoint.status in ("CREATING", "DELETING") and endpoint.settles.look():
            endpoint.status = "RUNNING" if endpoint.enable else ""
        endpoint.entries = [each for each in endpoint.entries if each.goes is None or not each.goes.look()]
        for entry in endpoint.entries:
            entry.shows.look()
        self._world.note_exposure()

    def _get_instance_vpc_endpoint(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        for linked in instance.linked_vpcs:
            linked["Status"] = "RUNNING"
        return {
            "Enable": bool(instance.linked_vpcs),
            "ModuleName": parameters.get("ModuleName", "Registry"),
            "Domains": list(instance.vpc_domains),
            "LinkedVpcs": [dict(linked) for linked in instance.linked_vpcs],
        }

    def _create_instance_vpc_endpoint_linked_vpc(self, parameters: Parameters, _: Key) -> Answer:
        linked = {"VpcId": parameters["VpcId"], "VswitchId": parameters["VswitchId"]}
        self._instance(parameters).linked_vpcs.append({**linked, "Ip": "192.168.0.7", "Status": "CREATING"})
        return {}

    def _delete_instance_vpc_endpoint_linked_vpc(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        instance.linked_vpcs = [row for row in instance.linked_vpcs if row["VpcId"] != parameters["VpcId"]]
        return {}

    # Logins

    def _get_authorization_token(self, parameters: Parameters, key: Key) -> Answer:
        hours = parameters.get("ExpiresInHours", 1)
        if not 1 <= hours <= 24:
            raise ApiFault(400, "InvalidExpiresInHours", "1 to 24")
        end = self._world.now() + hours * self._world.login_seconds
        login = TemporaryLogin(key.user, secrets.token_urlsafe(40), end)
        self._instance(parameters).temporary.append(login)
        return {
            "TempUsername": "cr_temp_user",
            "AuthorizationToken": login.password,
            "ExpireTime": int(login.expires_at * 1000),
        }

    def _reset_login_password(self, parameters: Parameters, key: Key) -> Answer:
        password = parameters["Password"]
        classes = [re.search(kind, password) for kind in (r"[A-Za-z]", r"[0-9]", r"[^A-Za-z0-9]")]
        if not 8 <= len(password) <= 32 or sum(map(bool, classes)) < 2:
            raise ApiFault(400, "PASSWORD_INVALID", "8 to 32 characters, two of letter, digit, symbol")
        works = Countdown(self._world.looks.password_works)
        self._instance(parameters).new_passwords[self._world.login_name(key.user)] = (password, works)
        return {}


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


def _instance_fields(instance: Instance) -> Answer:
    return {
        "InstanceId": instance.instance_id,
        "InstanceName": instance.name,
        "InstanceSpecification": instance.specification,
        "InstanceStatus": instance.status,
    }


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


def _endpoint_fields(endpoint: PublicEndpoint, *, comments: bool) -> Answer:
    shown = [entry for entry in endpoint.entries if entry.shows.left == 0]
    fields: Answer = {
        "Enable": endpoint.enable,
        "AclEnable": endpoint.enable,
        "AclEntries": [
            {"Entry": entry.entry, "Comment": entry.comment} if comments else {"Entry": entry.entry} for entry in shown
        ],
        "Domains": [{"Domain": domain, "Type": kind} for domain, kind in endpoint.domains] if endpoint.enable else [],
    }
    if endpoint.status:
        fields["Status"] = endpoint.status
    return fields


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _page(rows: list[Answer], parameters: Parameters, *, default_size: int) -> Answer:
    number, size = parameters.get("PageNo", 1), parameters.get("PageSize", default_size)
    if number < 1 or not 1 <= size <= 100:
        raise ApiFault(400, "InvalidPageSize", f"page {number} of {size}")
    return {"rows": rows[(number - 1) * size : number * size], "PageNo": number, "PageSize": size}
