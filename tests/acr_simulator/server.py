# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator itself: real HTTP servers on loopback, one for the APIs and one for each instance's registry.

::

    with Simulator(tmp_path) as simulator:
        simulator.world.add_instance()
        key = simulator.world.add_key()
        OpenApi(Service(simulator.url, "2018-12-01"), ...)
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qsl, urlsplit

from . import schema
from .cr import ContainerRegistry
from .faults import Faults, Kind, answered
from .identity import Identity
from .ram import AccessManagement
from .registry import Blocked, Refused, RegistryFace, challenge
from .replies import ApiFault
from .signing import SignatureCheck
from .sts import UNSIGNED, SecurityTokens
from .world import Key, World


@dataclass(frozen=True)
class Exchange:
    """One call as it was served. The answer is what was sent, parsed."""

    action: str
    parameters: Mapping[str, str] = field(repr=False)
    user: str
    status: int
    answer: Mapping[str, Any] = field(repr=False)


class Simulator:
    """Alibaba Cloud's CR and RAM APIs on one port, and a registry front for each instance.

    :ivar forms: ``http``, ``body`` or ``both``: in which form refusals arrive; both alternates
    :ivar calls: every call that was answered, in order
    :ivar received: how often each call came, those that met a fault included
    :ivar targets: every path and query that came
    :ivar before: what to do once before a call of that name is carried out
    :ivar answered: set once any call was answered
    :ivar most_a_second: calls that are taken in a second before it throttles; None for any number
    """

    def __init__(self, directory: Path, world: World | None = None, *, forms: str = "both") -> None:
        self.world = world or World()
        self._directory = directory
        self.faults = Faults()
        self.forms = forms
        self.calls: list[Exchange] = []
        self.received: Counter[str] = Counter()
        self.targets: list[str] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.stopping = threading.Event()
        self.answered = threading.Event()
        self.most_a_second: int | None = None
        self._taken: list[float] = []
        self._check = SignatureCheck(self.world)
        self._services: dict[str, tuple[Mapping[str, Mapping[str, schema.Field]], Any]] = {
            "2018-12-01": (schema.CR, ContainerRegistry(self.world)),
            "2015-05-01": (schema.RAM, AccessManagement(self.world)),
            "2015-04-01": (schema.STS, SecurityTokens(self.world)),
        }
        self._refusals = 0
        self._servers: list[ThreadingHTTPServer] = []
        self._api = self._start(_ApiHandler)

    @cached_property
    def identity(self) -> Identity:
        """The key and the certificate of the registry fronts, made when they are first needed."""
        return Identity(self._directory)

    @property
    def url(self) -> str:
        """Where both APIs are."""
        return f"http://127.0.0.1:{self._api.server_address[1]}"

    def front(self, instance_id: str) -> RegistryFace:
        """Start a registry front for an instance and make it one of the endpoint's domains.

        It speaks TLS with the certificate in ``identity.certificate_path``; its host is the last of the domains.
        """
        instance = self.world.instances[instance_id]
        face = RegistryFace(self.world, instance, self.identity)
        server = self._start(_RegistryHandler, face=face)
        instance.endpoints["Registry"].domains = [(f"127.0.0.1:{server.server_address[1]}", "SYSTEM")]
        return face

    def actions(self, *, writes: bool = False) -> list[str]:
        """The names of the calls so far, or only of those that write."""
        names = [call.action for call in self.calls]
        return [name for name in names if not name.startswith(("Get", "List"))] if writes else names

    def close(self) -> None:
        self.stopping.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serve(self, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one API request."""
        action = headers.get("x-acs-action", "")
        self.received[action] += 1
        self.targets.append(target)
        kind = self.faults.take(action)
        self.before.pop(action, lambda: None)()
        request_id = str(uuid.uuid4()).upper()
        given = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        given.update(parse_qsl(body.decode(), keep_blank_values=True))
        user = ""
        extra: Mapping[str, str] = {}
        with self.world.lock:
            try:
                key = None if action in UNSIGNED else self._check.identify("POST", target, headers, body)
                user = key.user if key else ""
                fault = answered(self._throttled() or kind)
                if fault:
                    raise fault
                if kind in (Kind.CUT_BEFORE, Kind.STALL, Kind.HTML):
                    return Reply(502, b"<html>Bad gateway</html>", kind=kind)
                status, answer = 200, self._carry_out(action, headers, given, key)
                answer["RequestId"] = request_id
            except ApiFault as refusal:
                status, answer, extra = self._refuse(refusal, request_id, headers.get("host", ""))
            self.calls.append(Exchange(action, given, user, status, answer))
        self.answered.set()
        return Reply(status, json.dumps(answer).encode(), extra, kind)

    def _throttled(self) -> Kind | None:
        now = time.monotonic()
        self._taken = [moment for moment in self._taken if now - moment < 1]
        if self.most_a_second is not None and len(self._taken) >= self.most_a_second:
            return Kind.THROTTLED
        self._taken.append(now)
        return None

    def _carry_out(
        self, action: str, headers: Mapping[str, str], given: Mapping[str, str], key: Key | None
    ) -> dict[str, Any]:
        version = headers.get("x-acs-version", "")
        if version not in self._services:
            raise ApiFault(404, "InvalidVersion", f"Specified version is not supported: {version}")
        table, service = self._services[version]
        answer: dict[str, Any] = service.serve(action, schema.check(action, table, given), key)
        return answer

    def _refuse(self, refusal: ApiFault, request_id: str, host: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        self._refusals += 1
        in_body = refusal.in_body
        if in_body is None:
            # RAM, and the gateway in front of both, only ever answer with an HTTP error.
            own = refusal.code.isupper() and refusal.status < 500
            in_body = own and (self.forms == "body" or (self.forms == "both" and self._refusals % 2 == 0))
        if in_body:
            return 200, refusal.body_form(request_id), refusal.headers
        return refusal.status, refusal.http_form(request_id, host), refusal.headers

    def _start(self, handler: type[_Handler], **attributes: object) -> ThreadingHTTPServer:
        bound = type(handler.__name__, (handler,), {"simulator": self, **attributes})
        server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
        server.daemon_threads = True
        if handler is _RegistryHandler:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.identity.certificate_path, self.identity.key_path)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._servers.append(server)
        return server


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: Kind | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    simulator: Simulator

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the simulator keeps a list of its calls."""

    def send(self, reply: Reply) -> None:
        if reply.kind in (Kind.CUT_BEFORE, Kind.CUT_AFTER):
            self.close_connection = True
            return
        if reply.kind is Kind.STALL:
            self.wait_for_the_client_to_give_up()
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", "text/html" if reply.kind is Kind.HTML else "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def wait_for_the_client_to_give_up(self) -> None:
        self.close_connection = True
        self.connection.settimeout(0.05)
        while not self.simulator.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except socket.timeout:
                continue
            except OSError:
                return


class _ApiHandler(_Handler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send(self.simulator.serve(self.path, headers, body))


class _RegistryHandler(_Handler):
    face: RegistryFace

    def do_GET(self) -> None:
        answers: dict[str, Callable[[str, str], Reply]] = {"/v2/": self._ping, "/auth": self._token}
        parts = urlsplit(self.path)
        answer = answers.get(parts.path)
        try:
            with self.simulator.world.lock:
                self.face.admit()
                reply = answer(parts.query, self.headers.get("authorization", "")) if answer else Reply(404, b"{}")
        except Blocked:
            self.wait_for_the_client_to_give_up()
            return
        self.send(reply)

    def _ping(self, _: str, authorization: str) -> Reply:
        if self.face.knows(authorization):
            return Reply(200, b"{}")
        realm = f"https://{self.headers['host']}/auth"
        return Reply(401, _refusal("authentication required"), challenge(realm, self.face.service))

    def _token(self, query: str, authorization: str) -> Reply:
        if self.face.token_status is not None:
            return Reply(self.face.token_status, b"{}")
        try:
            return Reply(200, json.dumps(self.face.grant(query, authorization)).encode())
        except Refused as error:
            return Reply(401, _refusal(str(error)))


def _refusal(words: str) -> bytes:
    return json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": words}]}).encode()
