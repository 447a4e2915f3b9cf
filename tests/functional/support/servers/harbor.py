# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Harbor: its API, its token service and its catalog, in front of a real docker-registry that has the images.

with harbor(tmp_path) as found:
    found.world.add_project("library", public=True)
    found.world.add_account("robot$sync", "secret", rights={"library": DEVELOPER})
    ...                                  # clients use found.endpoint, as nobody, or found.endpoint_of("robot$sync")
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, build_opener
from urllib.request import Request as UrlRequest

from ..clients.endpoint import Endpoint
from ..faults.fault_proxy import Action, FaultProxy, Request, Response
from ..faults.proxy_server import fault_proxy
from .docker_registry import DockerRegistry, docker_registry
from .harbor_api import HarborApi, Reply
from .harbor_world import Account, HarborWorld
from .token_server import Right, TokenServer, User, token_server

ADMIN, ADMIN_PASSWORD = "admin", "Harbor12345"
_NOBODY = "anonymous"
_BETWEEN = "between the servers"


class Harbor:
    """A running Harbor.

    :ivar world: its projects and accounts; there is an administrator from the start
    :ivar proxy: what all requests pass, with its records
    :ivar registry: the docker-registry behind it
    :ivar failures: statuses to answer the next requests to the API with
    """

    def __init__(self, world: HarborWorld, proxy: FaultProxy, registry: DockerRegistry) -> None:
        self.world = world
        self.proxy = proxy
        self.registry = registry
        self.failures: list[int] = []

    @property
    def host(self) -> str:
        return self.proxy.host

    @property
    def endpoint(self) -> Endpoint:
        """Where it is, for nobody."""
        return self.proxy.endpoint.anonymous()

    @property
    def admin(self) -> Endpoint:
        """The same for the administrator."""
        return self.endpoint_of(ADMIN)

    def endpoint_of(self, name: str) -> Endpoint:
        """The same for an account."""
        return self.endpoint.as_user(name, self.world.accounts[name].password)

    def api_calls(self) -> list[str]:
        """Path and query of every request to the API since the proxy's mark."""
        return [record.target for record in self.proxy.records() if record.target.startswith("/api/")]


@contextmanager
def harbor(directory: Path) -> Iterator[Harbor]:
    """Run a Harbor.

    :param directory: for the registry's storage and logs
    """
    directory.mkdir(parents=True, exist_ok=True)
    with token_server(directory, {}) as tokens, fault_proxy() as proxy:
        issuing, tokens.realm, tokens.service = tokens.realm, f"{proxy.endpoint.url}/service/token", "harbor-registry"
        with docker_registry(directory / "registry", tokens=tokens) as registry:
            world = HarborWorld(registry.root)
            world.add_account(ADMIN, ADMIN_PASSWORD, admin=True)
            proxy.upstream = registry.endpoint
            found = Harbor(world, proxy, registry)
            proxy.add(_Core(found, tokens, issuing), target=r"^/(api/|service/token|v2/_catalog)", times=None)
            yield found


class _Core(Action):
    """What Harbor answers itself; all else is the registry's."""

    def __init__(self, found: Harbor, tokens: TokenServer, issuing: str) -> None:
        self._harbor = found
        self._world = found.world
        self._tokens = tokens
        self._issuing = issuing
        self._api = HarborApi(found.world, found.host)

    def answer(self, request: Request) -> Response:
        for _ in request.body:
            pass
        path = urlsplit(request.target).path
        account = self._world.login(request.header("Authorization") or "")
        if path == "/service/token":
            return self._token(request, account)
        if path.startswith("/v2/_catalog"):
            return self._catalog(account)
        if self._harbor.failures:
            status = self._harbor.failures.pop(0)
            return _response(Reply(status, {"errors": [{"code": "UNKNOWN", "message": "internal server error"}]}))
        headers = {name.lower(): value for name, value in request.headers.items()}
        return _response(self._api.answer(request.target, headers, request.method))

    def _catalog(self, account: Account | None) -> Response:
        if account is None or not account.admin:
            refusal = {"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized to list catalog"}]}
            return _response(Reply(401, refusal, {"Www-Authenticate": 'Basic realm="harbor"'}))
        found = [name for project in self._world.projects.values() for name in self._world.repositories(project)]
        return _response(Reply(200, {"repositories": sorted(found)}))

    def _token(self, request: Request, account: Account | None) -> Response:
        """A wrong login is nobody, who gets a token with the rights of nobody, and without a scope none."""
        query = urlsplit(request.target).query
        if account is None and not parse_qs(query).get("scope"):
            return _response(Reply(401, None))
        self._tokens.users = {
            each.name: User(_BETWEEN, rights=self._rights(each)) for each in self._world.accounts.values()
        }
        self._tokens.users[_NOBODY] = User(_BETWEEN, rights=self._rights(None))
        asked = UrlRequest(f"{self._issuing}?{query}")
        asked.add_header("Authorization", _basic(account.name if account is not None else _NOBODY))
        with build_opener(ProxyHandler({})).open(asked, timeout=20) as answer:
            return _response(Reply(200, json.loads(answer.read())))

    def _rights(self, account: Account | None) -> tuple[Right, ...]:
        if account is not None and account.admin:
            return (Right(actions=("pull", "push", "delete", "*")),)
        return tuple(
            Right(f"{project.name}/*", actions)
            for project in self._world.projects.values()
            for actions in [
                tuple(action for action in ("pull", "push") if self._world.may(account, action, project.name))
            ]
            if actions
        )


def _response(reply: Reply) -> Response:
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(reply.body))}
    return Response(reply.status, list({**headers, **reply.headers}.items()), iter([reply.body]))


def _basic(name: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{_BETWEEN}".encode()).decode()
