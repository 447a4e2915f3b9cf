# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of a simulated instance, with images in it.

A docker-registry that behaves as ACR's: tokens of the instance's own token service, images and nothing else (`policy`),
no catalog, no repository that the namespace does not make. In front of it is a gate that knows the endpoint's switch
and white list, writes down every request, and can be told to answer otherwise.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.imageops.registry.tests.acr_simulator.registry import Blocked, RegistryFace
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance

from ..faults.fault_proxy import Action, Cut, FaultProxy, Request
from ..faults.proxy_server import fault_proxy
from .certificates import Certificate
from .docker_registry import DockerRegistry, docker_registry
from .token_server import LEEWAY, TokenServer


class _Gate(Action):
    """Lets in whom the endpoint's switch and white list let in; others get no answer at all."""

    def __init__(self, face: RegistryFace, lock: threading.RLock) -> None:
        self._face = face
        self._lock = lock

    def on_request(self, request: Request) -> None:
        try:
            with self._lock:
                self._face.admit()
        except Blocked:
            request.proxy.released.wait()
            raise Cut from None


@dataclass(frozen=True)
class AcrRegistry:
    """The registry of one instance.

    :ivar face: its token service; ``face.enforce`` makes the white list count
    :ivar gate: what its host is
    :ivar behind: its storage, which keeps to no white list
    """

    face: RegistryFace
    gate: FaultProxy
    behind: DockerRegistry

    @property
    def host(self) -> str:
        """Its host, which is the domain that the API tells."""
        return self.gate.host


@contextmanager
def acr_registry(directory: Path, simulator: Simulator, instance: Instance) -> Iterator[AcrRegistry]:
    """Run an instance's registry and make its host the domain of the instance's public endpoint."""
    face = simulator.front(instance.instance_id)
    face.leeway = LEEWAY
    identity = simulator.identity
    certificate = Certificate(identity.certificate_path, identity.key_path, identity.certificate_path)
    endpoint = instance.endpoints["Registry"]
    tokens = TokenServer(
        realm=f"https://{endpoint.domains[0][0]}/auth",
        bundle=identity.certificate_path,
        users={},
        service=face.service,
        issuer="dockerauth.aliyuncs.com",
    )
    with (
        docker_registry(directory, tokens=tokens, classes=["image"]) as behind,
        fault_proxy(behind.endpoint, certificate=certificate) as gate,
    ):
        gate.add(_Gate(face, simulator.world.lock), times=None)
        endpoint.domains = [(gate.host, "SYSTEM")]
        instance.on_tag_deleted = lambda path, tag: shutil.rmtree(
            behind.repository_path(path) / "_manifests/tags" / tag
        )
        yield AcrRegistry(face, gate, behind)
