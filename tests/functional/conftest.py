# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for the functional tests: started once a run when first asked for; every test has repositories of its own."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Callable

import pytest
import requests
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.fault_proxy import FaultProxy
from support.faults.proxy_server import fault_proxy
from support.servers.shared import KINDS, Kind, Servers, all_servers
from support.servers.storage import quick_directory

# With the oldest requests: nothing that takes long and in which the HTTP library has no part.
if requests.__version__ == "2.25.1":
    names = "discover fault_proxy harbor_server html_report interrupt limits memory servers sync_module synthetic"
    kept = "backups layout locks many_failures plans prune referrer_forms tag_module"
    faults = "bounds kills layout load moving secrets_[!o] several soak"
    collect_ignore_glob = [f"test_{name}*" for name in [*names.split(), *kept.split()]]
    collect_ignore_glob += ["acr/test_[!o]*", *(f"faults/test_{name}*" for name in faults.split())]

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
