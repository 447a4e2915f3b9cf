# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token server as docker-registry's ``auth.token`` wants one: RS256, the certificate in the ``x5c`` header."""

from __future__ import annotations

import base64
import datetime
import fnmatch
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from .certificates import Certificate
from .http_server import Handler, Server, serving

LEEWAY = 60
"""Seconds for which docker-registry still takes a token that has expired."""


@dataclass(frozen=True)
class Right:
    """What is allowed on the repositories that a shell pattern matches."""

    pattern: str = "*"
    actions: tuple[str, ...] = ("pull", "push", "delete")


@dataclass(frozen=True)
class User:
    """Someone who may ask for tokens.

    :param password: None where only the identity token is good
    :param identity_token: what docker calls so: a refresh token for ``POST`` with ``grant_type=refresh_token``
    """

    password: str | None = None
    identity_token: str | None = None
    rights: tuple[Right, ...] = (Right(),)


@dataclass(frozen=True)
class TokenRequest:
    """One request for a token.

    :param scopes: as they came, one string for each ``scope`` parameter
    :param account: who was recognised; empty for nobody
    """

    method: str
    service: str
    scopes: tuple[str, ...]
    account: str
    status: int
    authorization: str = field(default="", repr=False)


@dataclass
class TokenServer:
    """The server's face for tests. ``life``, ``users``, ``answer_key``, ``say_life`` may be changed while it runs.

    :param realm: the URL that registries name in their challenge
    :param bundle: the certificate that registries trust
    :param life: seconds until a token is refused, to the second: docker-registry's leeway is taken off
    :param answer_key: where the token stands in the answer: ``token`` or ``access_token``
    :param say_life: whether the answer has ``expires_in``
    """

    realm: str
    bundle: Path
    users: dict[str, User]
    ca_path: Path | None = None
    service: str = "test-registry"
    issuer: str = "test-issuer"
    life: int = 300
    answer_key: str = "token"
    say_life: bool = True
    _requests: list[TokenRequest] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def requests(self) -> list[TokenRequest]:
        """Every request since the mark."""
        with self._lock:
            return list(self._requests)

    def refused(self) -> list[TokenRequest]:
        """Those that were answered 401."""
        return [request for request in self.requests() if request.status == 401]

    def mark(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._requests.clear()

    def record(self, request: TokenRequest) -> None:
        with self._lock:
            self._requests.append(request)

    def account_of(self, authorization: str, form: Mapping[str, Sequence[str]]) -> str | None:
        """Who asks: a user's name, empty for nobody, None when the credentials are wrong."""
        if form.get("grant_type") == ["refresh_token"]:
            given = form.get("refresh_token", [""])[0]
            return next((name for name, user in self.users.items() if user.identity_token == given), None)
        if form.get("grant_type") == ["password"]:
            return self._login(form.get("username", [""])[0], form.get("password", [""])[0])
        if authorization.lower().startswith("basic "):
            try:
                name, _, password = base64.b64decode(authorization[6:]).decode("utf-8").partition(":")
            except ValueError:
                return None
            return self._login(name, password)
        return None if authorization else ""

    def _login(self, name: str, password: str) -> str | None:
        user = self.users.get(name)
        return name if user is not None and user.password == password else None

    def granted(self, account: str, scopes: Sequence[str]) -> list[dict[str, Any]]:
        """The ``access`` claim: of what is asked for, what the user may do."""
        rights = self.users[account].rights if account in self.users else ()
        access = []
        for scope in scopes:
            for part in scope.split():
                kind, _, rest = part.partition(":")
                name, _, actions = rest.rpartition(":")
                wanted = actions.split(",")
                allowed = {
                    action
                    for right in rights
                    if fnmatch.fnmatchcase(name, right.pattern)
                    for action in (wanted if "*" in right.actions else right.actions)
                }
                access.append({"type": kind, "name": name, "actions": [item for item in wanted if item in allowed]})
        return access


@contextmanager
def token_server(
    directory: Path, users: Mapping[str, User], *, certificate: Certificate | None = None, life: int = 300
) -> Iterator[TokenServer]:
    """Run a token server.

    :param directory: where the trusted certificate is written
    :param certificate: serve TLS with it
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = _self_signed(key)
    bundle = directory / "token-signer.pem"
    bundle.write_bytes(signer.public_bytes(serialization.Encoding.PEM))
    chain = [base64.b64encode(signer.public_bytes(serialization.Encoding.DER)).decode("ascii")]

    class TokenHandler(Handler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            self._answer(query, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            form = parse_qs(body.decode("utf-8"))
            self._answer(form, form)

        def _answer(self, query: Mapping[str, Sequence[str]], form: Mapping[str, Sequence[str]]) -> None:
            authorization = self.headers.get("Authorization", "")
            account = face.account_of(authorization, form)
            status = 401 if account is None else 200
            scopes = tuple(query.get("scope", ()))
            service = query.get("service", [""])[0]
            face.record(TokenRequest(self.command, service, scopes, account or "", status, authorization))
            if account is None:
                words = b'{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}'
                self.send(401, words, {"Content-Type": "application/json"})
                return
            answer = _issue(face, account, scopes, key, chain)
            if form:
                answer = {"access_token": answer.pop(face.answer_key), "scope": " ".join(scopes), **answer}
            user = face.users.get(account)
            wants_refresh = query.get("offline_token") == ["true"] or query.get("access_type") == ["offline"]
            if user and user.identity_token and wants_refresh:
                answer["refresh_token"] = user.identity_token
            self.send(200, json.dumps(answer).encode("utf-8"), {"Content-Type": "application/json"})

    server = Server(TokenHandler, certificate)
    scheme = "https" if certificate else "http"
    face = TokenServer(
        realm=f"{scheme}://{server.host}/token",
        bundle=bundle,
        users=dict(users),
        ca_path=certificate.ca_path if certificate else None,
        life=life,
    )
    with serving(server):
        yield face


def _issue(
    face: TokenServer, account: str, scopes: Sequence[str], key: rsa.RSAPrivateKey, chain: list[str]
) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": face.issuer,
        "sub": account,
        "aud": face.service,
        "exp": now + face.life - LEEWAY,
        "nbf": now - 3600,
        "iat": now,
        "jti": secrets.token_hex(8),
        "access": face.granted(account, scopes),
    }
    answer: dict[str, Any] = {face.answer_key: jwt.encode(claims, key, algorithm="RS256", headers={"x5c": chain})}
    if face.say_life:
        answer["expires_in"] = face.life
        answer["issued_at"] = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return answer


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "token signer")])
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
