# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a module for Alibaba Cloud: its clients, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn

from ..._acr.api.client import OpenApi
from ..._acr.api.errors import ApiError
from ..._acr.api.service import Service
from ..._acr.credentials.chain import Origin, SigningKeys
from ..._acr.registry.registry_probe import RegistryProbe
from ..._acr.resources.resource import Change, Wait
from ..._oci.client.run import Run
from ..._oci.errors import ImageOpsError
from ..task import Task
from . import acr_options
from .key_options import signing_keys

Result = dict[str, Any]


class Clients:
    """The clients of one task: made when they are first asked for, with the task's options.

    :ivar region: where the container registry is called
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._run = Run(
            settings=acr_options.settings(task.params),
            on_secret=task.secrets.add,
            mask=task.secrets.mask,
            warn=task.warn,
        )
        self._apis: dict[Service, OpenApi] = {}
        self._probes: list[RegistryProbe] = []
        self._keys: SigningKeys | None = None
        self.region = acr_options.region(task.params, os.environ)

    @property
    def registry(self) -> OpenApi:
        """The client of the container registry's API.

        :raises ImageOpsError: when there is no region or no access key
        """
        return self._api(acr_options.registry_api(self._task.params, self.region))

    @property
    def ram(self) -> OpenApi:
        """The client of RAM's API.

        :raises ImageOpsError: when there is no access key
        """
        return self._api(acr_options.ram_api(self._task.params))

    @property
    def wait(self) -> Wait:
        """How changes are waited for."""
        return acr_options.wait(self._task.params)

    @property
    def wrote(self) -> bool:
        """Return whether any call that writes was accepted."""
        return any(api.wrote for api in self._apis.values())

    def probe(self, registry: str) -> RegistryProbe:
        """Return a registry itself, to be asked without an access key."""
        params = self._task.params
        probe = RegistryProbe(
            registry,
            access=acr_options.server_access(params),
            run=self._run,
        )
        self._probes.append(probe)
        return probe

    def close(self) -> None:
        """Close all connections."""
        for api in self._apis.values():
            api.close()
        for probe in self._probes:
            probe.close()

    @property
    def keys(self) -> SigningKeys:
        """The key that signs, and where it comes from.

        :raises ImageOpsError: when there is none
        """
        if self._keys is None:
            params = self._task.params
            access = acr_options.server_access(params)
            self._keys = signing_keys(params, os.environ, region=self.region, access=access, run=self._run)
        return self._keys

    @property
    def origin(self) -> Origin | None:
        """Return where the key came from that signed; None when none was looked for or found."""
        return self._keys.origin if self._keys is not None else None

    def _api(self, service: Service) -> OpenApi:
        if service not in self._apis:
            access = acr_options.server_access(self._task.params)
            self._apis[service] = OpenApi(service, self.keys.source, access=access, run=self._run)
        return self._apis[service]


def run_module(task: Task, work: Callable[[Clients], Result]) -> NoReturn:
    """Do a module's work and end the module with what came of it."""
    task.need_libraries()
    clients: Clients | None = None
    try:
        clients = Clients(task)
        result = work(clients)
    except ImageOpsError as error:
        failure = {"changed": clients is not None and clients.wrote, "error": _details(error), **_credentials(clients)}
        task.fail(task.secrets.mask(str(error)), codes=error.codes, result=failure)
    finally:
        if clients is not None:
            clients.close()
    task.succeed({**result, **_credentials(clients)})


def _credentials(clients: Clients | None) -> Result:
    """Return where the key came from that signed, as the result says it; nothing when none was needed."""
    origin = clients.origin if clients is not None else None
    return {} if origin is None else {"credentials": asdict(origin)}


def result_of(task: Task, name: str, change: Change[Any], describe: Callable[[Any], Any] = asdict) -> Result:
    """Return the result of a module that keeps one thing: the thing as it is now, and in diff mode as it was.

    :param describe: the state → what is returned; not asked about what is not there
    """
    before, after = (None if state is None else describe(state) for state in (change.before, change.after))
    result: Result = {"changed": change.changed, name: after}
    if task.diff_mode:
        result["diff"] = {"before": _shown(name, before), "after": _shown(name, after)}
    return result


def _shown(name: str, state: Any) -> Result:
    """Return a state as diff mode takes it: a mapping, with a list under its name."""
    if isinstance(state, list):
        return {name: state}
    return state or {}


def _details(error: ImageOpsError) -> Result:
    details: Result = {"code": error.code, "hint": error.hint}
    if isinstance(error, ApiError):
        details.update(status=error.status, api_code=error.api_code, request_id=error.request_id)
    return details
