# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated account with an instance, the instance's registry, and a Harbor to copy from.

The endpoint's switch and white list decide who gets an answer of the instance's registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.imageops.registry.tests.acr_simulator.registry import RegistryFace
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance, Key
from support.clients.plain_client import PlainClient
from support.faults.fault_proxy import FaultProxy
from support.scenes.images import Image
from support.servers.acr_registry import acr_registry
from support.servers.docker_registry import DockerRegistry
from support.servers.harbor import Harbor, harbor
from support.servers.harbor_world import DEVELOPER

SOURCE_USER, SOURCE_PASSWORD = "robot$sync", "Harbor12345"
PROJECT = "library"
NAMESPACE = "image-syncer"


@dataclass
class Scene:
    """Everything that a migration needs.

    :ivar admin: the account's own key
    :ivar gate: what the instance's host is; it has written down every request
    :ivar behind: the registry behind it, which keeps to no white list
    """

    simulator: Simulator
    instance: Instance
    face: RegistryFace
    admin: Key
    gate: FaultProxy
    behind: DockerRegistry
    source: Harbor

    @property
    def destination(self) -> str:
        """The host of the instance's registry."""
        return self.gate.host

    def push(self, path: str, image: Image, *tags: str) -> None:
        """Put an image into the source."""
        with PlainClient(self.source.endpoint_of(SOURCE_USER)) as client:
            client.push(path, image, *tags)

    def arrived(self, path: str, tag: str) -> str | None:
        """The digest that a tag has in the instance's storage; None without one."""
        link = self.behind.repository_path(path) / "_manifests/tags" / tag / "current/link"
        return link.read_text(encoding="utf-8") if link.exists() else None

    def lose(self, path: str, tag: str) -> None:
        """Take a tag out of the instance's storage."""
        (self.behind.repository_path(path) / "_manifests/tags" / tag / "current/link").unlink()

    def writes(self) -> list[str]:
        """What was written to the instance's registry, or tried to, since the mark."""
        return [f"{record.method} {record.target}" for record in self.gate.records() if record.classified().writes]

    def mark(self) -> None:
        """Count calls and requests from here on."""
        self.simulator.calls.clear()
        self.gate.mark()

    def variables(self, **more: Any) -> dict[str, Any]:
        """The role's options for a migration of a whole project."""
        return {
            "registry_sync_instance_id": self.instance.instance_id,
            "registry_sync_region": self.instance.region,
            "registry_sync_api": {
                "endpoint": self.simulator.url,
                "ram_endpoint": self.simulator.url,
                "ca_path": str(self.simulator.identity.certificate_path),
                "retry_delay": 0.01,
                "wait_interval": 0.01,
                "wait_timeout": 20,
            },
            "registry_sync_admin": {"access_key_id": self.admin.key_id, "access_key_secret": self.admin.secret},
            "registry_sync_namespaces": [{"name": NAMESPACE}],
            "registry_sync_ram_secret_file": "pusher.json",
            "registry_sync_white_list": [{"entry": self.simulator.world.client_address, "comment": "migration host"}],
            "registry_sync_settle_delay": 0.05,
            "registry_sync_registries": [
                {
                    "registry": self.source.host,
                    "username": SOURCE_USER,
                    "password": SOURCE_PASSWORD,
                    "plain_http": True,
                },
            ],
            "registry_sync_docker_config": "",
            "registry_sync_images": [
                {
                    "source": f"{self.source.host}/{PROJECT}/*",
                    "destination": f"{{{{ registry_sync_destination }}}}/{NAMESPACE}/{{name}}",
                }
            ],
            **more,
        }


@contextmanager
def open_scene(directory: Path) -> Iterator[Scene]:
    """Start everything, with an account that has an instance and nothing else."""
    with ExitStack() as stack:
        simulator = stack.enter_context(Simulator(_made(directory / "simulator")))
        instance = simulator.world.add_instance()
        registry = stack.enter_context(acr_registry(_made(directory / "acr"), simulator, instance))
        registry.face.enforce = True
        source = stack.enter_context(harbor(_made(directory / "harbor")))
        source.world.add_project(PROJECT)
        source.world.add_account(SOURCE_USER, SOURCE_PASSWORD, rights={PROJECT: DEVELOPER})
        admin = simulator.world.add_key()
        yield Scene(simulator, instance, registry.face, admin, registry.gate, registry.behind, source)


def _made(path: Path) -> Path:
    path.mkdir(parents=True)
    return path
