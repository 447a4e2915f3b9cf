# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes: a source and a destination that a test can spoil as it likes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.fault_proxy import FaultProxy
from support.faults.proxy_server import fault_proxy
from support.scenes.fault_scene import Guarded, Scene
from support.servers.docker_registry import docker_registry
from support.servers.shared import PASSWORD, USER, Servers
from support.servers.storage import quick_directory
from support.servers.token_server import User, token_server


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with ExitStack() as stack:
        directory = stack.enter_context(quick_directory(tmp_path_factory.mktemp("guarded"))) / "guarded"
        tokens = stack.enter_context(token_server(tmp_path_factory.mktemp("tokens"), {USER: User(PASSWORD)}))
        token_proxy = stack.enter_context(fault_proxy(Endpoint(tokens.realm.split("/")[2])))
        tokens.realm = f"{token_proxy.endpoint.url}/token"
        source = stack.enter_context(docker_registry(directory / "source", tokens=tokens))
        destination = stack.enter_context(docker_registry(directory / "destination", tokens=tokens))
        yield Guarded(source, destination, tokens, token_proxy)


@pytest.fixture
def scene(
    servers: Servers, faulty: Callable[..., FaultProxy], plain: Callable[[Endpoint], PlainClient], repository: str
) -> Scene:
    """From the open registry to the one with relative Locations."""
    source, destination = servers.open.endpoint, servers.relative.endpoint
    return Scene(faulty(source), faulty(destination), plain(source), plain(destination), repository)


@pytest.fixture
def guarded_scene(
    guarded: Guarded, faulty: Callable[..., FaultProxy], plain: Callable[[Endpoint], PlainClient], repository: str
) -> Iterator[Scene]:
    """The same where both sides want tokens. The proxy before the token server is shared: it is left as it was."""
    source, destination = guarded.source.endpoint, guarded.destination.endpoint
    yield Scene(faulty(source), faulty(destination), plain(source), plain(destination), repository)
    guarded.token_proxy.clear()
    guarded.token_proxy.mark()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="many kills, a long soak, many images")
    parser.addoption("--seed", type=int, help="repeat a run whose seed was printed")


@pytest.fixture(scope="session")
def whole(pytestconfig: pytest.Config) -> bool:
    """Whether there is time for all of it: ``make soak``."""
    return bool(pytestconfig.getoption("--whole", default=False))


@pytest.fixture
def seed(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> int:
    """What chance begins with; printed, so that a failure can be repeated."""
    given = pytestconfig.getoption("--seed", default=None)
    key = f"seed/{request.node.nodeid}"
    if given is None and pytestconfig.getoption("lf") and pytestconfig.cache:
        given = pytestconfig.cache.get(key, None)  # what chance found must not pass because it does not find it again
    number = random.SystemRandom().randrange(2**32) if given is None else int(given)
    if pytestconfig.cache:
        pytestconfig.cache.set(key, number)
    print(f"--seed={number}")
    return number
