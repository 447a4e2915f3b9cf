# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_sync between a plain registry and the registry of a simulated instance of ACR."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance, Key, Namespace

from ..clients.plain_client import PlainClient
from ..servers.acr_registry import AcrRegistry, acr_registry
from ..servers.docker_registry import DockerRegistry, docker_registry
from . import images
from .modules import module, registry_option


@dataclass
class Scene:
    """An instance with its registry, a registry to copy from, and runs of the module.

    :ivar key: who signs; None leaves it to the environment
    :ivar acr: what the entry's ``acr`` has besides
    """

    simulator: Simulator
    instance: Instance
    registry: AcrRegistry
    source: DockerRegistry
    home: Path
    key: Key | None
    acr: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def certificate(self) -> str:
        return str(self.simulator.identity.certificate_path)

    def entry(self) -> dict[str, Any]:
        """The instance's entry of ``registries``, whose logins are fetched by the API."""
        acr = {
            "instance_id": self.instance.instance_id,
            "region": self.instance.region,
            "endpoint": self.simulator.url,
            **({"access_key_id": self.key.key_id, "access_key_secret": self.key.secret} if self.key else {}),
            **self.acr,
        }
        return {**self.plain_entry(), "acr": acr}

    def plain_entry(self, **login: str) -> dict[str, Any]:
        """The same without the API, with a login or none."""
        return {"registry": self.registry.host, "ca_path": self.certificate, **login}

    def sync(self, *rules: dict[str, Any], check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """Run the module, and see that it shows no secret.

        :param options: those of the task; ``entry`` stands for the instance's own in ``registries``
        """
        entry = options.pop("entry", None) or self.entry()
        given = {
            "images": list(rules),
            "registries": [entry, registry_option(self.source.endpoint)],
            "docker_config": "",
            "retry_delay": 0.01,
            **options,
        }
        with module(
            "registry_image_sync", given, home=self.home, check_mode=check_mode, environment=self.environment
        ) as running:
            ended = running.end()
        passwords = [login.password for login in self.instance.temporary]
        secrets = [*passwords, *([self.key.secret] if self.key else [])]
        assert not [secret for secret in secrets if secret in ended.text]
        return ended.result

    def push(self, path: str, *tags: str) -> None:
        """Put images into the source."""
        with PlainClient(self.source.endpoint) as client:
            for tag in tags:
                client.push(path, images.image(f"{path} {tag}"), tag)

    def push_other(self, path: str, tag: str) -> None:
        """Move a tag of the source to another image."""
        with PlainClient(self.source.endpoint) as client:
            client.push(path, images.image(f"{path} {tag}, moved"), tag)

    def rule(self, path: str = "library/*", destination: str = "image-syncer") -> dict[str, Any]:
        return {"source": f"{self.source.host}/{path}", "destination": f"{self.registry.host}/{destination}"}

    def back(self, path: str, destination: str) -> dict[str, Any]:
        """A rule from the instance to the other registry."""
        return {"source": f"{self.registry.host}/{path}", "destination": f"{self.source.host}/{destination}"}

    def add_namespace(self, name: str, *, auto_create: bool = True) -> Namespace:
        namespace = Namespace(f"crn-{name}", name, auto_create, "PRIVATE")
        self.instance.namespaces[name] = namespace
        return namespace


@contextmanager
def open_scene(directory: Path, simulator: Simulator, instance: Instance) -> Iterator[Scene]:
    """Start both registries; the instance has a namespace ``image-syncer``, and its account's own key signs."""
    with (
        acr_registry(directory / "acr", simulator, instance) as registry,
        docker_registry(directory / "source") as source,
    ):
        made = Scene(simulator, instance, registry, source, directory, simulator.world.add_key())
        made.add_namespace("image-syncer")
        yield made


def failed(result: dict[str, Any], code: str) -> list[dict[str, Any]]:
    """The errors of the images that failed, all for that reason."""
    assert result["error_codes"] == [code], result["msg"]
    return [image["error"] for image in result["images"] if image["status"] == "failed"]
