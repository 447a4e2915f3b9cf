# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the contenders of a scenario in turn, each against a destination as the scenario wants it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from support.clients.plain_client import PlainClient
from support.servers.access_log import LoggedRequest
from support.servers.docker_registry import DockerRegistry

from . import ours
from .contender import Contender
from .figures import Sample
from .job import Job, Stock
from .launch import Cost, Failed, run
from .scenarios import Scenario, Size, move_tag, put
from .worlds import Place, World

Say = Callable[[str], None]


class Course:
    """One scenario with its source, ready to be run again and again."""

    def __init__(self, scenario: Scenario, world: World, source: Place, stock: Stock, scratch: Path) -> None:
        self.scenario = scenario
        self._world = world
        self._source = source
        self._stock = stock
        self._scratch = scratch
        self._filled: Place | None = None
        self._runs = 0

    def keep(self, filled: Place) -> None:
        """Use this destination, which has everything, for every run."""
        self._filled = filled

    def job(self, destinations: Sequence[Place], prefix: str) -> Job:
        """What is to be done, for these destinations."""
        places = tuple(place.endpoint for place in destinations)
        return Job(self._source.endpoint, self._stock, places, prefix)

    def can(self, contender: Contender) -> bool:
        """Whether a contender can do this."""
        if contender.name == "replay" and self.scenario.filled:
            return False
        with self._home() as home:
            return contender.command(self.job([self._source] * self.scenario.destinations, "x"), home) is not None

    def run(self, contender: Contender) -> Sample:
        """Let one contender do the job once."""
        self._runs += 1
        if self.scenario.moves:
            move_tag(self._stock, self._runs, self._source.registry)
        with ExitStack() as stack:
            destinations = self._destinations(stack)
            prefix = "copies" if not self.scenario.inside else f"copies{self._runs}"
            job = self.job(destinations, prefix)
            home = stack.enter_context(self._home())
            command = contender.command(job, home)
            if command is None:
                raise Failed(f"{contender.name} cannot do scenario {self.scenario.number}")
            registries = [place.registry for place in dict.fromkeys((self._source, *destinations))]
            for registry in registries:
                registry.mark()
            cost = run(command, home)
            sample = self._sample(cost, [place.registry for place in destinations])
            self._check(job, destinations)
            return sample

    def _destinations(self, stack: ExitStack) -> list[Place]:
        if self.scenario.inside:
            return [self._source]
        if self._filled is not None:
            return [self._filled]
        return [stack.enter_context(self._world.place()) for _number in range(self.scenario.destinations)]

    @contextmanager
    def _home(self) -> Iterator[Path]:
        home = self._scratch / f"home-{self._runs}"
        home.mkdir()
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _sample(self, cost: Cost, destinations: Sequence[DockerRegistry]) -> Sample:
        source = self._source.registry.requests()
        if self.scenario.inside:
            requests = {"both": _counts(source)}
            arrived = source
        else:
            arrived = [request for registry in destinations for request in registry.requests()]
            requests = {"source": _counts(source), "destination": _counts(arrived)}
        sizes = {part.digest: part.size for tags in self._stock.values() for tag in tags for part in tag.blobs}
        read = sum(sizes.get(request.reference, 0) for request in source if _is_read(request))
        written = sum(sizes.get(_uploaded(request), 0) for request in arrived)
        return Sample(cost.wall, cost.cpu, cost.memory, requests, read, written)

    def _check(self, job: Job, destinations: Sequence[Place]) -> None:
        for place in destinations:
            with PlainClient(place.registry.endpoint) as client:
                for repository, path in job.pairs():
                    if len(client.tags(path)) != len(job.stock[repository]):
                        raise Failed(f"not every tag of {repository} arrived as {path}")


@contextmanager
def course(scenario: Scenario, size: Size, world: World, scratch: Path, say: Say) -> Iterator[Course]:
    """Fill a source, and the destination where the scenario wants that."""
    with ExitStack() as stack:
        source = stack.enter_context(world.place())
        say(f"filling the source of scenario {scenario.number}")
        stock = put(scenario, size, source.registry)
        made = Course(scenario, world, source, stock, scratch)
        if scenario.filled:
            filled = stack.enter_context(world.place())
            job = made.job([filled], "copies")
            home = scratch / "fill"
            home.mkdir()
            run(ours.Module().command(job, home), home)
            made.keep(filled)
        yield made


def _counts(requests: Sequence[LoggedRequest]) -> dict[str, int]:
    return {f"{method} {kind}": number for (method, kind), number in sorted(_counter(requests).items())}


def _counter(requests: Sequence[LoggedRequest]) -> Counter[tuple[str, str]]:
    return Counter((request.method, request.kind) for request in requests)


def _is_read(request: LoggedRequest) -> bool:
    return request.method == "GET" and request.kind == "blob" and request.status == 200


def _uploaded(request: LoggedRequest) -> str:
    """The digest of the blob that a request completed the upload of; empty for every other request."""
    if request.method != "PUT" or request.kind != "upload" or request.status != 201:
        return ""
    return parse_qs(urlsplit(request.target).query).get("digest", [""])[0]
