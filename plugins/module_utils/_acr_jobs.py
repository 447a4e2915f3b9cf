# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for Alibaba Cloud do, from their options to their results."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn, TypeVar

from . import _acr_args
from ._acr.change import Change, Wait
from ._acr.faults import ApiError
from ._acr.keys import KeySource, find_keys, vendor_chain
from ._acr.namespace import NamespaceResource
from ._acr.openapi import OpenApi
from ._acr.repository import RepositoryResource
from ._acr.resource import Resource
from ._acr.service import Service
from ._oci.errors import ImageOpsError
from ._task import Task

T = TypeVar("T")
Result = dict[str, Any]


class Clients:
    """The clients of one task: made when they are first asked for, with the task's options."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._open: dict[Service, OpenApi] = {}
        self.region = _acr_args.region(task.params, os.environ)

    @property
    def registry(self) -> OpenApi:
        """The container registry's API.

        :raises ImageOpsError: when there is no region or no access key
        """
        return self._client(_acr_args.registry_api(self._task.params, self.region))

    @property
    def ram(self) -> OpenApi:
        """RAM's API.

        :raises ImageOpsError: when there is no access key
        """
        return self._client(_acr_args.ram_api(self._task.params))

    @property
    def wrote(self) -> bool:
        """Whether any call that writes was accepted."""
        return any(client.wrote for client in self._open.values())

    def close(self) -> None:
        """Let go of all connections."""
        for client in self._open.values():
            client.close()

    def keys(self) -> KeySource:
        """Who signs.

        :raises ImageOpsError: ``no_credentials``
        """
        params, on_secret = self._task.params, self._task.secrets.add
        return find_keys(_acr_args.given_key(params), os.environ, installed_chain=vendor_chain, on_secret=on_secret)

    def _client(self, service: Service) -> OpenApi:
        if service not in self._open:
            params = self._task.params
            self._open[service] = OpenApi(
                service,
                self.keys(),
                line=_acr_args.line(params),
                settings=_acr_args.settings(params),
                stop=threading.Event(),
                on_secret=self._task.secrets.add,
            )
        return self._open[service]


def namespace(task: Task) -> NoReturn:
    """The module ``acr_namespace``."""

    def work(clients: Clients) -> Result:
        params = task.params
        one = NamespaceResource(
            clients.registry,
            params["instance_id"],
            params["name"],
            wait=_wait(task),
            check_mode=task.check_mode,
            force=params["force"],
        )
        return _result(task, "namespace", _keep(task, one, one.wanted, _NAMESPACE_SETTINGS))

    _carry_out(task, work)


def repository(task: Task) -> NoReturn:
    """The module ``acr_repository``."""

    def work(clients: Clients) -> Result:
        params = task.params
        one = RepositoryResource(
            clients.registry,
            params["instance_id"],
            params["namespace"],
            params["name"],
            wait=_wait(task),
            check_mode=task.check_mode,
            force=params["force"],
        )
        return _result(task, "repository", _keep(task, one, one.wanted, _REPOSITORY_SETTINGS))

    _carry_out(task, work)


def _carry_out(task: Task, work: Callable[[Clients], Result]) -> NoReturn:
    """Do a module's work and end the module with what came of it."""
    task.need_libraries()
    clients = Clients(task)
    try:
        result = work(clients)
    except ImageOpsError as error:
        details = _error_details(error)
        task.fail(
            task.secrets.mask(str(error)), codes=[error.code], result={"changed": clients.wrote, "error": details}
        )
    finally:
        clients.close()
    task.succeed(result)


def _keep(
    task: Task, one: Resource[T], wanted: Callable[[dict[str, Any], T | None], T], names: tuple[str, ...]
) -> Change[T]:
    """Make it present with the settings among the options, or absent."""
    if task.params["state"] == "absent":
        return one.absent()
    settings = {name: task.params[name] for name in names}
    return one.present(lambda found: wanted(settings, found))


def _result(task: Task, name: str, change: Change[Any]) -> Result:
    result: Result = {"changed": change.changed, name: _described(change.after)}
    if task.diff_mode:
        result["diff"] = {"before": _described(change.before) or {}, "after": _described(change.after) or {}}
    return result


def _described(state: Any) -> dict[str, Any] | None:
    return None if state is None else asdict(state)


def _error_details(error: ImageOpsError) -> dict[str, Any]:
    details: dict[str, Any] = {"code": error.code, "hint": error.hint}
    if isinstance(error, ApiError):
        details |= {"status": error.status, "api_code": error.api_code, "request_id": error.request_id}
    return details


def _wait(task: Task) -> Wait:
    return _acr_args.wait(task.params)


_NAMESPACE_SETTINGS = ("auto_create_repo", "default_repo_type", "tag_immutability")
_REPOSITORY_SETTINGS = ("repo_type", "summary", "tag_immutability")
