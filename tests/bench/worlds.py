# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registries of a measurement: near, with TLS and tokens, or far away."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.clients.endpoint import Endpoint
from support.servers.certificates import CertificateAuthority
from support.servers.docker_registry import DockerRegistry, docker_registry
from support.servers.processes import ServerProcess
from support.servers.token_server import User, token_server

PLAIN, SECURE, FAR = "plain", "secure", "far"
WORLDS = {
    PLAIN: "plain HTTP on loopback",
    SECURE: "TLS and token authentication",
    FAR: "40 ms round trip, 400 Mbit/s each way",
}
ROUND_TRIP = 0.04
RATE = 400e6 / 8
"""Bytes a second, each way."""
_USER, _PASSWORD = "bench", "correct-horse"
_RELAY = Path(__file__).with_name("relay_program.py")


@dataclass(frozen=True)
class Place:
    """A registry, and how contenders reach it.

    :ivar registry: itself, to fill it and to read its log
    :ivar endpoint: what contenders are told, which may be far away
    """

    registry: DockerRegistry
    endpoint: Endpoint


class World:
    """Makes registries of one kind, each with storage of its own."""

    def __init__(self, directory: Path, registry: Callable[..., Iterator[Place]]) -> None:
        self._directory = directory
        self._registry = contextmanager(registry)
        self._numbers = itertools.count()

    @contextmanager
    def place(self, storage: Path | None = None) -> Iterator[Place]:
        """A running registry.

        :param storage: what it is to have already; a new registry is empty
        """
        directory = self._directory / f"registry-{next(self._numbers)}"
        try:
            with self._registry(directory, storage) as place:
                yield place
        finally:
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def world(kind: str, directory: Path) -> Iterator[World]:
    """One of :data:`WORLDS`, until the block is left."""
    with ExitStack() as stack:
        options: dict[str, Any] = {}
        if kind == SECURE:
            certificate = CertificateAuthority(directory).issue("loopback")
            tokens = token_server(directory, {_USER: User(_PASSWORD)}, certificate=certificate, life=3600)
            options = {"certificate": certificate, "tokens": stack.enter_context(tokens)}

        def registry(home: Path, storage: Path | None) -> Iterator[Place]:
            with docker_registry(home, root=storage, **options) as made:
                if kind != FAR:
                    yield Place(made, made.endpoint)
                    return
                with distant(made.endpoint.host, home) as endpoint:
                    yield Place(made, endpoint)

        yield World(directory, registry)


@contextmanager
def distant(host: str, directory: Path, *, ceiling: float | None = None) -> Iterator[Endpoint]:
    """A host on loopback as it is reached from far away.

    :param ceiling: bytes a second that one connection carries, each way
    """
    port = host.rpartition(":")[2]
    argv = [sys.executable, "-I", "-S", str(_RELAY), port, str(ROUND_TRIP), str(RATE)]
    argv += [] if ceiling is None else [str(ceiling)]
    with ServerProcess("relay", argv, directory) as relay:
        yield Endpoint(f"127.0.0.1:{relay.wait_for(r'listening on ([0-9]+)').group(1)}")
