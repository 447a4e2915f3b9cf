# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for the functional tests: started once a run when first asked for; every test has repositories of its own."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Callable

import pytest
import requests
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.fault_proxy import FaultProxy
from support.faults.proxy_server import fault_proxy
from support.servers.shared import KINDS, Kind, Servers, all_servers
from support.servers.storage import quick_directory

# With the oldest requests: what exchanges with servers are like, which is where Python and that library have a part.
if requests.__version__ == "2.25.1":
    names = "engine harbor referrers repository_* request_counts"
    faults = "corruption cuts hostile_servers ranges secrets_on_the_wire statuses tls"
    kept = [*(f"functional/test_{name}.py" for name in names.split()), "acr/test_openapi.py", "quirks/test_*.py"]
    kept += [f"faults/test_{name}.py" for name in faults.split()]
    files = Path(__file__).parent.rglob("test_*.py")
    collect_ignore = [str(path) for path in files if not any(path.match(pattern) for pattern in kept)]

_numbers = itertools.count()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Every shared server, each started when it is first asked for."""
    with quick_directory(tmp_path_factory.mktemp("servers")) as directory, all_servers(directory) as found:
        yield found


@pytest.fixture(params=KINDS)
def registry_kind(request: pytest.FixtureRequest, servers: Servers) -> Kind:
    """Each kind of registry in turn."""
    name: str = request.param
    return servers.kind(name)


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Gives repository paths that nobody has used."""
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:80]
    return lambda: f"tests/{test}/{next(_numbers)}"


@pytest.fixture
def repository(fresh: Callable[[], str]) -> str:
    """A repository path that nobody has used."""
    return fresh()


@pytest.fixture
def plain() -> Iterator[Callable[[Endpoint], PlainClient]]:
    """Makes independent clients, and closes them."""
    with ExitStack() as stack:
        yield lambda endpoint: stack.enter_context(PlainClient(endpoint))


@pytest.fixture
def faulty() -> Iterator[Callable[..., FaultProxy]]:
    """Makes fault proxies, with the arguments of ``fault_proxy``, and ends them."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(fault_proxy(*arguments, **options))
