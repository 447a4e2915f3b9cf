# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for the container registry do, from their options to their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, NoReturn, TypeVar

from ..._acr.api.client import OpenApi
from ..._acr.api.names import check_password, path_fault, repository_doubt
from ..._acr.registry.logins import LoginPassword, set_password, temporary_login
from ..._acr.resources.allow_list import AllowList, Entries, steps_to_have, steps_to_lack, wanted_entries
from ..._acr.resources.endpoint import PublicEndpoint, lets_all_in
from ..._acr.resources.instance import EndpointSummary, Instance, endpoint_summaries, find_instance, get_instance
from ..._acr.resources.instance import list_instances as all_instances
from ..._acr.resources.instance import usage as read_usage
from ..._acr.resources.namespace import NamespaceResource, list_namespaces
from ..._acr.resources.repository import Repository, RepositoryResource
from ..._acr.resources.resource import Change, Resource
from ..._oci.errors import ImageOpsError, InputError
from ..task import Task
from .acr_clients import Clients, Result, result_of, run_module

T = TypeVar("T")
_NAMESPACE_SETTINGS = ("auto_create_repo", "default_repo_type", "tag_immutability")
_REPOSITORY_SETTINGS = ("repo_type", "summary", "tag_immutability")


def list_instances(task: Task) -> NoReturn:
    """Run the module ``acr_instance_info`` and end it with its result."""

    def work(clients: Clients) -> Result:
        found = _find_instances(task, clients)
        return {"changed": False, "instances": found}

    run_module(task, work)


def keep_namespace(task: Task) -> NoReturn:
    """Run the module ``acr_namespace`` and end it with its result."""

    def work(clients: Clients) -> Result:
        params = task.params
        one = NamespaceResource(
            clients.registry,
            params["instance_id"],
            params["name"],
            wait=clients.wait,
            check_mode=task.check_mode,
            force=params["force"],
        )
        return result_of(task, "namespace", _keep(task, one, one.wanted, _NAMESPACE_SETTINGS))

    run_module(task, work)


def keep_repository(task: Task) -> NoReturn:
    """Run the module ``acr_repository`` and end it with its result."""

    def work(clients: Clients) -> Result:
        if task.params["repositories"] is not None:
            return _keep_repositories(task, clients)
        change = _keep_repository(task, clients, task.params["namespace"], task.params["name"])
        return result_of(task, "repository", change)

    run_module(task, work)


def _keep_repositories(task: Task, clients: Clients) -> Result:
    """Bring each repository of the list to the same settings. Return those that there are now."""
    paths = list(dict.fromkeys(task.params["repositories"]))
    for path in paths:
        fault = path_fault(path)
        if fault:
            raise InputError(subject=f"repositories {path!r}", cause=fault, hint="write namespace/name")
    changes = [_keep_repository(task, clients, *path.split("/", 1)) for path in paths]
    before, after = (
        tuple(state for state in (getattr(change, side) for change in changes) if state is not None)
        for side in ("before", "after")
    )
    return result_of(task, "repositories", Change(before, after), lambda states: [asdict(state) for state in states])


def _keep_repository(task: Task, clients: Clients, namespace: str, name: str) -> Change[Repository]:
    params = task.params
    one = RepositoryResource(
        clients.registry,
        params["instance_id"],
        namespace,
        name,
        wait=clients.wait,
        check_mode=task.check_mode,
        force=params["force"],
    )
    if not params["create"] and params["state"] == "present" and one.read() is None:
        return Change(None, None)

    def wanted(settings: dict[str, Any], found: Repository | None) -> Repository:
        doubt = repository_doubt(name) if found is None else ""
        if doubt:
            task.warn(f"the vendor may not take the name {namespace}/{name}, which its server decides: {doubt}")
        return one.wanted(settings, found)

    return _keep(task, one, wanted, _REPOSITORY_SETTINGS)


def switch_endpoint(task: Task) -> NoReturn:
    """Run the module ``acr_endpoint`` and end it with its result."""

    def work(clients: Clients) -> Result:
        change = _endpoint(task, clients).switch(task.params["state"] == "enabled")
        return result_of(task, "endpoint", change)

    run_module(task, work)


def keep_allow_list(task: Task) -> NoReturn:
    """Run the module ``acr_endpoint_acl`` and end it with its result."""

    def work(clients: Clients) -> Result:
        params = task.params
        allowed = params["allow_unrestricted"]
        entries = wanted_entries((item["entry"], item["comment"]) for item in params["entries"])
        allow_list = AllowList(_endpoint(task, clients))
        if params["state"] == "absent":
            if params["purge"]:
                raise InputError(subject="purge", cause="it keeps what is listed, and state is absent")
            change = allow_list.change(lambda present: steps_to_lack(present, entries), allow_unrestricted=allowed)
        else:
            change = allow_list.change(
                lambda present: steps_to_have(present, entries, purge=params["purge"], open_up=allowed),
                allow_unrestricted=allowed,
            )
        if allow_list.assumed:
            task.warn("the endpoint is off; what is predicted holds for one that was turned on just before")
        return {
            **result_of(task, "entries", change, _described_entries),
            "unrestricted": lets_all_in(change.after or ()) and not allow_list.is_off,
        }

    run_module(task, work)


def keep_password(task: Task) -> NoReturn:
    """Run the module ``acr_login_password`` and end it with its result."""

    def work(clients: Clients) -> Result:
        params = task.params
        instance_id, password = params["instance_id"], check_password(params["password"])
        _refuse_temporary_key(clients, instance_id)
        if params["update_password"] == "always":
            if not task.check_mode:
                set_password(clients.registry, instance_id, password)
            return _password_result(task, "not tried", changed=True)
        try:
            registry = params["registry"] or _registry_host(clients.registry, instance_id, params["network"])
        except ImageOpsError as error:
            if not task.check_mode or error.code != "acr_state":
                raise
            task.warn(f"{error}; that the password would be set is a guess")
            return {**_password_result(task, "not tried", changed=True), "registry": None}
        one = LoginPassword(
            clients.registry, instance_id, clients.probe(registry), wait=clients.wait, check_mode=task.check_mode
        )
        changed = one.ensure(params["username"], password)
        return {**_password_result(task, "refused" if changed else "accepted", changed=changed), "registry": registry}

    run_module(task, work)


def get_login(task: Task) -> NoReturn:
    """Run the module ``acr_authorization_token`` and end it with its result."""

    def work(clients: Clients) -> Result:
        params = task.params
        login = temporary_login(clients.registry, params["instance_id"], hours=params["expires_in_hours"])
        task.returns_secret(login.password)
        end = datetime.fromtimestamp(int(login.expires_at), timezone.utc)
        return {
            "changed": False,
            "username": login.username,
            "password": login.password,
            "expires_at": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    run_module(task, work)


def _refuse_temporary_key(clients: Clients, instance_id: str) -> None:
    """Raise for a key of STS before anything is contacted: ResetLoginPassword does not take one."""
    origin = clients.keys.origin
    if origin.temporary:
        raise ImageOpsError(
            code="acr_refused",
            action="set the login password for",
            subject=instance_id,
            cause=f"the call refuses temporary keys of STS, and the key of {origin.source} ({origin.name}) is one",
            hint="sign with an access key of the user whose password it is, or use temporary logins",
        )


def _password_result(task: Task, before: str, *, changed: bool) -> Result:
    """Return the result of setting a password, of which nothing may be shown but whether it is taken."""
    result: Result = {"changed": changed}
    if task.diff_mode:
        states = {"before": before, "after": "accepted"}
        result["diff"] = {
            side: {"username": task.params["username"], "password": state} for side, state in states.items()
        }
    return result


def _keep(
    task: Task, one: Resource[T], wanted: Callable[[dict[str, Any], T | None], T], names: tuple[str, ...]
) -> Change[T]:
    """Make the thing present with the settings among the options, or absent. Return its state."""
    if task.params["state"] == "absent":
        return one.absent()
    settings = {name: task.params[name] for name in names}
    return one.present(lambda found: wanted(settings, found))


def _endpoint(task: Task, clients: Clients) -> PublicEndpoint:
    module = {"registry": "Registry", "chart": "Chart"}[task.params["component"]]
    return PublicEndpoint(
        clients.registry, task.params["instance_id"], module, wait=clients.wait, check_mode=task.check_mode
    )


def _described_entries(entries: Entries) -> list[Result]:
    return [asdict(entry) for entry in entries]


def _registry_host(api: OpenApi, instance_id: str, network: str) -> str:
    """Return the host to reach the instance's registry by, as the API says it."""
    wanted = "vpc" if network == "vpc" else "internet"
    for endpoint in endpoint_summaries(api, instance_id):
        if endpoint.endpoint_type == wanted and endpoint.enabled and endpoint.domains:
            return endpoint.domains[0]
    raise ImageOpsError(
        code="acr_state",
        action="find the registry of",
        subject=instance_id,
        cause=f"its {wanted} endpoint is off",
        hint="turn it on with imageops.registry.acr_endpoint, or name the host with registry",
    )


def _find_instances(task: Task, clients: Clients) -> list[Result]:
    params = task.params
    if params["registry"]:
        identity = clients.probe(params["registry"]).identify()
        clients.region = identity.region
        try:
            found = [get_instance(clients.registry, identity.region, identity.instance_id)]
        except ImageOpsError as error:
            if error.code == "acr_forbidden":
                task.warn(str(error))
            elif error.code != "no_credentials":
                raise
            return [_identity_only(identity.instance_id, identity.region)]
    elif params["instance_id"]:
        found = [get_instance(clients.registry, clients.region or "", params["instance_id"])]
    elif params["name"]:
        found = [find_instance(clients.registry, clients.region or "", params["name"])]
    else:
        found = all_instances(clients.registry, clients.region or "")
    return [_described_instance(task, clients.registry, instance) for instance in found]


def _identity_only(instance_id: str, region: str) -> Result:
    """Return what of an instance needs no access key."""
    unknown = dict.fromkeys(("name", "status", "specification", "usage", "endpoints", "namespaces"))
    domains: Result = {"public_domains": [], "vpc_domains": [], "custom_domains": []}
    return {"instance_id": instance_id, "region": region, **unknown, **domains}


def _described_instance(task: Task, api: OpenApi, instance: Instance) -> Result:
    instance_id = instance.instance_id
    usage = _read_or_warn(task, lambda: asdict(read_usage(api, instance_id)))
    endpoints = _read_or_warn(task, lambda: endpoint_summaries(api, instance_id))
    namespaces = None
    if task.params["namespaces"]:
        namespaces = _read_or_warn(task, lambda: [asdict(each) for each in list_namespaces(api, instance_id)])
    return {
        **asdict(instance),
        "usage": usage,
        "endpoints": None if endpoints is None else [asdict(each) for each in endpoints],
        "public_domains": _domains(endpoints, "internet"),
        "vpc_domains": _domains(endpoints, "vpc"),
        "custom_domains": [name for each in endpoints or () for name in each.custom_domains],
        "namespaces": namespaces,
    }


def _domains(endpoints: list[EndpointSummary] | None, endpoint_type: str) -> list[str]:
    return [name for each in endpoints or () if each.endpoint_type == endpoint_type for name in each.domains]


def _read_or_warn(task: Task, read: Callable[[], T]) -> T | None:
    """Return what is read, or None with a warning where the key may not read it or the instance's state forbids it."""
    try:
        return read()
    except ImageOpsError as error:
        if error.code not in ("acr_forbidden", "acr_state"):
            raise
        task.warn(str(error))
        return None
