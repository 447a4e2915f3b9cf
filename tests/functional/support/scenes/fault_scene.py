# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source and a destination with a fault proxy before each, and the one question that every fault leaves behind.

Is every tag of the destination what it was, or the whole new image? An independent client asks the registry itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult

from ..clients.plain_client import PlainClient
from ..faults.fault_proxy import FaultProxy
from ..servers.docker_registry import DockerRegistry
from ..servers.token_server import TokenServer
from .images import Image
from .runs import QUICK, Run


@dataclass(frozen=True)
class Guarded:
    """Two registries that want tokens, and a proxy before the server that gives them."""

    source: DockerRegistry
    destination: DockerRegistry
    tokens: TokenServer
    token_proxy: FaultProxy


@dataclass
class Scene:
    """One sync that is to meet faults.

    :ivar origin: an independent client of the source registry itself, past the proxy
    :ivar target: the same for the destination
    :ivar images: what the source has, by tag
    :ivar before: what the destination had, by tag
    :ivar run: how the engine is run; tests may change it
    """

    source: FaultProxy
    destination: FaultProxy
    origin: PlainClient
    target: PlainClient
    path: str
    images: dict[str, Image] = field(default_factory=dict)
    before: dict[str, Image] = field(default_factory=dict)
    run: Run = field(default_factory=lambda: Run([]))
    _last: tuple[RunResult, dict[str, str]] | None = None

    def __post_init__(self) -> None:
        self.run = Run([self.source.endpoint, self.destination.endpoint])

    def give(self, tag: str, image: Image) -> Image:
        """Put an image into the source."""
        self.origin.push(self.path, image, tag)
        self.images[tag] = image
        return image

    def have(self, tag: str, image: Image) -> Image:
        """Put an image into the destination, as what was there before."""
        self.target.push(self.path, image, tag)
        self.before[tag] = image
        return image

    @property
    def rule(self) -> dict[str, Any]:
        """The whole source repository to the same path of the destination."""
        return {
            "source": f"{self.source.endpoint.host}/{self.path}",
            "destination": f"{self.destination.endpoint.host}/{self.path}",
        }

    def sync(self, settings: Settings = QUICK, **options: Any) -> RunResult:
        """Run the engine once, and see that no tag is incomplete and that what is called done is there."""
        self.run.settings = settings
        self.run.log.clear()
        result = self.run.sync(self.rule, **options)
        self.check(result)
        return result

    def check(self, result: RunResult) -> None:
        """The promise: every tag is what it was or the whole new image, and the result says which."""
        there = self.visible()
        self._last = result, there
        for image in result.images:
            tag = image.destination.tag
            if tag is None:
                continue
            if image.status == "done" and image.action in ("create", "update", "unchanged"):
                assert there.get(tag) == str(image.digest), f"{tag} is called done"
            elif tag not in there:
                assert tag not in self.before, f"{tag} is gone"

    def visible(self) -> dict[str, str]:
        """The destination's tags with their digests; each is whole, and one of the images that may be there."""
        found = {}
        for tag in self.target.tags(self.path):
            digest = self.target.manifest(self.path, tag).digest
            allowed = [image for image in (self.before.get(tag), self.images.get(tag)) if image]
            image = next((image for image in allowed if image.digest == digest), None)
            assert image is not None, f"{tag} is {digest}, which it never was and should not become"
            assert_whole(self.target, self.path, image)
            found[tag] = digest
        return found

    def assert_done(self, result: RunResult) -> None:
        """Everything arrived."""
        assert {image.status for image in result.images} == {"done"}, _errors(result)
        # What was looked at right after that very run is not read once more.
        there = self._last[1] if self._last and self._last[0] is result else self.visible()
        assert there == {tag: image.digest for tag, image in self.images.items()}

    def repair(self) -> RunResult:
        """Without further faults a run brings the rest, and the one after that finds nothing to do."""
        self.source.clear()
        self.destination.clear()
        result = self.sync()
        self.assert_done(result)
        assert not self.sync().changed
        return result


def assert_whole(client: PlainClient, path: str, image: Image) -> None:
    """Every manifest and every blob of an image is there, with the right bytes."""
    for digest in image.all_manifests():
        assert client.manifest(path, digest).digest == digest
    for digest in image.all_blobs():
        assert client.blob(path, digest).digest == digest, f"{digest} is missing or spoilt"


def codes(result: RunResult) -> Mapping[str, str]:
    """The error codes of the images that failed, by destination tag."""
    return {str(image.destination.tag): image.error.code for image in result.images if image.error is not None}


def _errors(result: RunResult) -> list[str]:
    return [str(image.error) for image in result.images if image.error is not None]
