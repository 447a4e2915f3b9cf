# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Harbor and an instance of ACR that hold the same tags, and list their digests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.imageops.registry.tests.acr_simulator.world import Tag

from ..clients.plain_client import PlainClient
from ..servers.harbor import Harbor
from ..servers.harbor_world import GUEST
from . import images
from .acr_scene import Scene
from .images import Image
from .modules import registry_option

ROBOT = "robot$sync"


def alike(number: object) -> Image:
    """One of many images that share all blobs and have manifests of their own."""
    return images.image("bulk", annotations={"number": str(number)})


class Mirror:
    """A Harbor and an instance of ACR that have the same tags of one repository."""

    def __init__(self, source: Harbor, scene: Scene) -> None:
        self.source = source
        self.scene = scene
        source.world.add_project("library")
        source.world.add_account(ROBOT, "secret", rights={"library": GUEST})

    def fill(self, tags: Mapping[str, Image]) -> None:
        """Put these tags on both sides, and let the instance list them."""
        with PlainClient(self.source.admin) as client:
            for tag, image in tags.items():
                client.push("library/app", image, tag)
        assert self.sync(bulk=False)["summary"]["created"] == len(tags)
        self.list_at_destination({tag: image.digest for tag, image in tags.items()})

    def fill_with_many(self, count: int) -> None:
        """Put many tags on both sides, past their front doors but for the first."""
        tags = {f"v{number}": alike(number) for number in range(count)}
        self.fill({"v0": tags["v0"]})
        self.source.registry.plant("library/app", tags)
        self.scene.registry.behind.plant("image-syncer/app", tags)
        self.list_at_destination({tag: image.digest for tag, image in tags.items()})

    def list_at_destination(self, digests: Mapping[str, str]) -> None:
        """Have the instance's API list these digests."""
        repository = self.scene.instance.namespaces["image-syncer"].repositories["app"]
        repository.tags = [Tag(tag, digest, 1) for tag, digest in digests.items()]

    def move(self, tag: str, image: Image) -> None:
        """Let a tag of the source name another image."""
        with PlainClient(self.source.admin) as client:
            client.push("library/app", image, tag)

    def sync(self, **options: Any) -> dict[str, Any]:
        """Run, and count what both sides are asked from the beginning of the run on."""
        self.mark()
        told = self.options()
        return self.scene.sync(*told["images"], registries=told["registries"], **options)

    def options(self, reached: Callable[[str], str] = str) -> dict[str, Any]:
        """What the module is told.

        :param reached: gives the host by which a host is reached
        """
        source, there = self.source.endpoint_of(ROBOT), self.scene.entry()
        source = replace(source, host=reached(source.host))
        api = urlsplit(there["acr"]["endpoint"])
        endpoint = f"{api.scheme}://{reached(api.netloc)}"
        there = {**there, "registry": reached(there["registry"]), "acr": {**there["acr"], "endpoint": endpoint}}
        rule = {"source": f"{source.host}/library/app", "destination": f"{there['registry']}/image-syncer/app"}
        return {"images": [rule], "registries": [there, registry_option(source)], "docker_config": ""}

    def mark(self) -> None:
        """Count from here on."""
        self.source.proxy.mark()
        self.scene.registry.gate.mark()
        self.scene.simulator.calls.clear()
        self.scene.registry.face.logins = 0

    def heads(self) -> tuple[int, int]:
        """HEADs of manifests at the source and at the destination."""
        at_source, there = self.source.proxy.counts(), self.scene.registry.gate.counts()
        return at_source["HEAD", "manifest"], there["HEAD", "manifest"]

    def requests(self) -> int:
        """Everything that both sides were asked in the run: the registries, their APIs and their token services."""
        registries = len(self.source.proxy.records()) + len(self.scene.registry.gate.records())
        return registries + len(self.scene.simulator.actions()) + self.scene.registry.face.logins

    def lists(self) -> tuple[int, Counter[str]]:
        """Pages that Harbor's API was asked for, and the calls of ACR's API."""
        pages = [call for call in self.source.api_calls() if "/artifacts?" in call]
        return len(pages), Counter(self.scene.simulator.actions())
