# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted registry that wants tokens, and token servers whose refusals, realms and pace a test decides.

with token_gate() as gate:
    gate.refuse = lambda path, scope: refusal(403, "DENIED") if "secret" in scope else None
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable
from urllib.parse import urlsplit

from ..clients.endpoint import Endpoint
from .certificates import Certificate
from .scripted_registry import Reply, Request, ScriptedRegistry, refusal, scripted_registry

USER = "deploy"
PASSWORD = "pass-word-of-the-deployer"
TOKEN_PATH = "/token"
_NAME = re.compile(r"/v2/(.+?)/(?:tags|manifests|blobs|referrers)/")


@dataclass(frozen=True)
class TokenRequest:
    """A request for a token, and the status that it was answered with."""

    path: str
    scope: str
    authorization: str = field(repr=False)
    status: int


class TokenGate:
    """A registry behind tokens, and its token servers, as a test sees them.

    :ivar realm: give the realm of a repository; the token servers are at every path that begins with /token
    :ivar login: the Authorization header that the token server takes; any where it is None
    :ivar refuse: what the token server at a path says to a scope in place of a token; None grants it
    :ivar deny: what the registry says to a request in place of its answer; None leaves it to the token
    :ivar asked: every request for a token
    """

    def __init__(self, registry: ScriptedRegistry) -> None:
        scheme = "http" if registry.endpoint.ca_path is None else "https"
        self.registry = registry
        self.realm: Callable[[str], str] = lambda repository: f"{scheme}://{registry.host}{TOKEN_PATH}"
        self.login: str | None = basic(USER, PASSWORD)
        self.refuse: Callable[[str, str], Reply | None] = lambda path, scope: None
        self.deny: Callable[[Request], Reply | None] = lambda request: None
        self.asked: list[TokenRequest] = []
        self._tokens: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> Endpoint:
        """The registry, with the user and password that its token server takes."""
        return Endpoint(self.registry.host, self.registry.endpoint.ca_path, USER, PASSWORD)

    def revoke(self) -> None:
        """Take no token any more that was given so far."""
        with self._lock:
            self._tokens.clear()

    def answer(self, request: Request) -> Reply | None:
        """The registry's ``answer``."""
        if request.path.startswith(TOKEN_PATH):
            return self._token(request)
        match = _NAME.match(request.path)
        repository = match[1] if match else ""
        header = request.headers.get("Authorization", "")
        denied = self.deny(request) if header else None
        if denied is not None:
            return denied
        path, scope = self._tokens.get(header.partition(" ")[2], ("", ""))
        wanted = "pull" if request.method in ("GET", "HEAD") else "push"
        _kind, _colon, rest = scope.partition(":")
        name, _colon, actions = rest.rpartition(":")
        if path == urlsplit(self.realm(repository)).path and name == repository and wanted in actions.split(","):
            return None
        return self.challenge(repository, "pull" if wanted == "pull" else "pull,push")

    def challenge(self, repository: str, actions: str) -> Reply:
        """What the registry says without a token that is good for this."""
        challenge = f'Bearer realm="{self.realm(repository)}",service="gate",scope="repository:{repository}:{actions}"'
        said = refusal(401, "UNAUTHORIZED")
        return Reply(401, said.body, {**said.headers, "WWW-Authenticate": challenge})

    def _token(self, request: Request) -> Reply:
        header, scope = request.headers.get("Authorization", ""), request.query.get("scope", "")
        wrong = self.login is not None and header != self.login
        said = (
            refusal(401, "UNAUTHORIZED", "incorrect username or password")
            if wrong
            else self.refuse(request.path, scope)
        )
        with self._lock:
            token = f"token{len(self.asked)}"
            self.asked.append(TokenRequest(request.path, scope, header, 200 if said is None else said.status))
            if said is not None:
                return said
            self._tokens[token] = (request.path, scope)
        body = json.dumps({"token": token, "expires_in": 300}).encode()
        return Reply(200, body, {"Content-Type": "application/json"})


@contextmanager
def token_gate(*, certificate: Certificate | None = None) -> Iterator[TokenGate]:
    """Run one until the block is left, over TLS when there is a certificate."""
    ca_path = None if certificate is None else certificate.ca_path
    with scripted_registry(certificate=certificate, ca_path=ca_path) as registry:
        gate = TokenGate(registry)
        registry.answer = gate.answer
        yield gate


def basic(user: str, password: str) -> str:
    """The Authorization header of a user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
