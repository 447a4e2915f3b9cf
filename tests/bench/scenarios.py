# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 1 to 7 and 9: what the source holds and what the destination has already."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.images import Image
from support.servers.docker_registry import DockerRegistry

from .job import Stock, Tag, tag_of

MEGABYTE = 1_000_000

Content = Iterator[tuple[str, Mapping[str, Image]]]
"""Repositories with their images by tag."""


@dataclass(frozen=True)
class Size:
    """How much there is.

    :ivar layer: bytes of the one large layer
    :ivar tags: how many tags the large repository has
    :ivar images: how many images a large first run has
    """

    layer: int = 512 * MEGABYTE
    tags: int = 1000
    images: int = 10_000


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    :ivar destinations: how many registries the images go to
    :ivar filled: the destination has everything already
    :ivar moves: one tag of the source moves before each run
    :ivar inside: source and destination are one registry
    :ivar most_rounds: where each takes minutes
    """

    number: int
    title: str
    content: Callable[[Size], Content]
    destinations: int = 1
    filled: bool = False
    moves: bool = False
    inside: bool = False
    most_rounds: int | None = None


def put(scenario: Scenario, size: Size, registry: DockerRegistry) -> Stock:
    """Put a scenario's images into a source, and tell what there is."""
    stock: dict[str, tuple[Tag, ...]] = {}
    for repository, tags in scenario.content(size):
        registry.plant(repository, tags)
        stock[repository] = tuple(tag_of(name, image, registry) for name, image in tags.items())
    return stock


def move_tag(stock: Stock, number: int, registry: DockerRegistry) -> None:
    """Point the tag in the middle to a new image, another for each number."""
    ((repository, tags),) = stock.items()
    own = _blob(f"moved {number}", 20_000)
    moved = images.image(f"moved {number}", layers=[*_base("many", 2, 20_000), own])
    with PlainClient(registry.endpoint) as client:
        client.push(repository, moved, tags[len(tags) // 2].name)


def _blob(seed: str, size: int) -> images.Blob:
    """A layer that cannot be made smaller. It says truly that it is gzip, else some tools would compress it."""
    plain = images.random_blob(seed, min(size, MEGABYTE))
    repeated = plain.data * (size // len(plain.data))
    return images.Blob(gzip.compress(repeated, compresslevel=0, mtime=0), plain.media_type)


def _base(name: str, count: int, size: int) -> list[images.Blob]:
    return [_blob(f"{name} base {number}", size) for number in range(count)]


def _large(size: Size) -> Content:
    yield "apps/large", {"v0": images.image("large", layers=[_blob("large", size.layer)])}


def _family(_size: Size) -> Content:
    """20 tags of about 200 MB: three layers that all share, and one of their own; one of them is an index."""
    base = [_blob(f"family base {number}", 20 * MEGABYTE) for number in range(3)]
    tags = {
        f"v{number}": images.image(f"family {number}", layers=[*base, _blob(f"family own {number}", 7 * MEGABYTE)])
        for number in range(19)
    }
    tags["v19"] = images.multi_arch("family index", shared=base)
    yield "apps/family", tags


def _small(_size: Size) -> Content:
    """300 images in 30 repositories: two layers that all share, one of their repository, one of their own."""
    yield from _repositories(30, 10)


def _repositories(count: int, tags: int) -> Content:
    base = _base("small", 2, 200_000)
    for number in range(count):
        shared = _blob(f"small repository {number}", 50_000)
        yield (
            f"apps/small{number:02}",
            {
                f"v{tag}": images.image(
                    f"small {number} {tag}",
                    layers=[*base, shared, _blob(f"small own {number} {tag}", 10_000)],
                )
                for tag in range(tags)
            },
        )


def _thousands(size: Size) -> Content:
    """As many small images as are wanted, a hundred in a repository."""
    yield from _repositories(-(-size.images // 100), min(100, size.images))


def _many(size: Size) -> Content:
    """Many tags, each with a digest of its own; their annotations are all that differs."""
    base = _base("many", 2, 20_000)
    yield (
        "apps/many",
        {
            f"v{number}": images.image("many", layers=base, annotations={"number": str(number)})
            for number in range(size.tags)
        },
    )


SCENARIOS = {
    scenario.number: scenario
    for scenario in (
        Scenario(1, "one image, one layer of 512 MB", _large),
        Scenario(2, "20 tags that share layers, 200 MB", _family),
        Scenario(3, "300 small images in 30 repositories", _small),
        Scenario(4, "1,000 tags, nothing to do", _many, filled=True),
        Scenario(5, "1,000 tags, one has moved", _many, filled=True, moves=True),
        Scenario(6, "20 tags to three registries", _family, destinations=3),
        Scenario(7, "20 tags within one registry", _family, inside=True),
        Scenario(9, "10,000 small images, a first run", _thousands, most_rounds=1),
    )
}
