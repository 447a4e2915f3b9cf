# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the engine against servers under test, the way the module does but without Ansible."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.imageops.registry.plugins.module_utils._acr.registry.managed_registry import ManagedRegistry
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run as Context
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential, Given
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import Access
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.places import place_of
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.opening import open_layout
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Store
from ansible_collections.imageops.registry.plugins.module_utils._sync.engine import Engine
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult, RunResult
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.progress.counters import Progress
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import check_rules, parse_rules
from ansible_collections.imageops.registry.plugins.module_utils._sync.run_options import Options

from ..clients.endpoint import Endpoint

QUICK = Settings(timeout=20.0, retry=RetryPolicy(backoff=0.01, backoff_cap=0.05))


@dataclass
class Run:
    """One run to be: where the registries are and how to go about it.

    :ivar managed: registries whose instance can be asked, by host
    :ivar log: what the engine logged
    :ivar warnings: what the clients warned of
    """

    endpoints: Sequence[Endpoint]
    settings: Settings = QUICK
    options: Options = field(default_factory=Options)
    stop: threading.Event = field(default_factory=threading.Event)
    access: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    managed: Mapping[str, ManagedRegistry] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    def engine(self, images: Sequence[Mapping[str, Any]], **options: Any) -> Engine:
        """An engine for these items of ``images``."""
        rules = check_rules(parse_rules(list(images), default_registry=None, default_namespace=None))
        run = Context(
            settings=self.settings,
            stop=self.stop,
            on_secret=self.secrets.append,
            warn=self.warnings.append,
            log=self.log.append,
        )

        def connect(host: str) -> Store:
            place = place_of(host)
            if place is not None:
                return open_layout(host, place, run)
            plain_http = {endpoint.host for endpoint in self.endpoints if endpoint.ca_path is None}
            access = self._access(host)
            return Registry(host, access=access, credentials=self._credentials(), run=run, plain_http=plain_http)

        return Engine(
            rules,
            connect=connect,
            managed=self.managed,
            options=replace(self.options, **options),
            run=run,
            progress=Progress(),
        )

    def sync(self, *images: Mapping[str, Any], **options: Any) -> RunResult:
        """Run to the end."""
        return self.engine(images, **options).run()

    def _access(self, host: str) -> Access:
        found = next((endpoint for endpoint in self.endpoints if endpoint.host == host), None)
        ca_path = str(found.ca_path) if found and found.ca_path else None
        plain = found is not None and found.ca_path is None
        return Access(host, **{"ca_path": ca_path, "plain_http": plain, **self.access.get(host, {})})

    def _credentials(self) -> Given:
        return Given(
            [
                (endpoint.host, Credential(username=endpoint.username, password=endpoint.password))
                for endpoint in self.endpoints
                if endpoint.username
            ]
        )


def actions(result: RunResult) -> dict[str, tuple[str, str]]:
    """Each destination's tag with action and status."""
    return {str(image.destination.tag): (image.action, image.status) for image in result.images}


def only(result: RunResult) -> ImageResult:
    """The one image of a run."""
    (image,) = result.images
    return image
