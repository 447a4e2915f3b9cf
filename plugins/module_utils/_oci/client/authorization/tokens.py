# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Challenges, requests to token servers and what these answer (distribution: Token Authentication, OAuth2 Token).

No I/O.
"""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from ...credentials.provider import Credential
from ...http.urls import PORTS, is_forbidden, origin_of, with_query
from ..call import Call, Purpose, Scopes

LONGEST = 16 * 1024
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PARAMETER = re.compile(
    r"[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]*))", re.DOTALL
)
_BETWEEN = re.compile(r"[ \t,]*")


class Challenge(NamedTuple):
    """One way to authenticate.

    :param scheme: in lower case
    :param parameters: by name in lower case; of one given twice (scope) the values are joined with a space
    """

    scheme: str
    parameters: dict[str, str]

    @property
    def server(self) -> tuple[str, str, str]:
        """Scheme, realm and service: what is asked for a login or a token."""
        return self.scheme, self.parameters.get("realm", ""), self.parameters.get("service", "")


def parse_challenges(header: str | None) -> list[Challenge]:
    """Read every challenge in a WWW-Authenticate header; several headers may be joined with commas.

    >>> parse_challenges('Bearer realm="https://auth.example.com/token",service="registry", Basic realm="r"')[1].scheme
    'basic'
    """
    challenges: list[Challenge] = []
    if not header or len(header) > LONGEST:
        return challenges
    position = 0
    while position < len(header):
        position = _end(_BETWEEN.match(header, position), position)
        parameter = _PARAMETER.match(header, position)
        if parameter and challenges:
            _add(challenges[-1].parameters, parameter)
            position = parameter.end()
            continue
        scheme = _TOKEN.match(header, position)
        if not scheme:
            position += 1  # a character that belongs nowhere
            continue
        challenges.append(Challenge(scheme.group().lower(), {}))
        position = scheme.end()
    return challenges


def _add(parameters: dict[str, str], match: re.Match[str]) -> None:
    name = match.group(1).lower()
    quoted = match.group(2)
    value = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else match.group(3)
    parameters[name] = f"{parameters[name]} {value}" if name == "scope" and name in parameters else value


def _end(match: re.Match[str] | None, position: int) -> int:
    return match.end() if match else position


CLIENT_ID = "imageops.registry"
DEFAULT_LIFE = 60.0
LONGEST_LIFE = 24 * 3600.0
TOKEN_LIMIT = 1024 * 1024
"""Bytes that are read of a token server's answer."""


@dataclass(frozen=True)
class Token:
    """A bearer token.

    :param made: when it was asked for, on the monotonic clock
    :param life: for how many seconds it is good from then
    :param given: the token server's own time, in seconds since the epoch; None when it said none
    """

    value: str = field(repr=False)
    made: float
    life: float
    given: float | None = None

    def is_good_for(self, margin: float) -> bool:
        """Return whether more than ``margin`` seconds, or a quarter of its life, are left."""
        return self.made + self.life - time.monotonic() > min(margin, self.life / 4)


def basic(credential: Credential) -> str:
    """Return the value of an Authorization header with user name and password (RFC 7617)."""
    pair = f"{credential.username}:{credential.password}".encode("utf-8", "surrogatepass")
    return "Basic " + base64.b64encode(pair).decode()


class Realm(NamedTuple):
    """Where a token server is.

    :param url: its URL
    :param corrected: the registry named it by http, and https is used
    :param problem: why no request may be sent there; empty when it may
    """

    url: str
    corrected: bool = False
    problem: str = ""


def find_realm(realm: str, base: str) -> Realm:
    """Find where a registry's token server is, and whether it may be given credentials.

    A realm on the registry's own host that only says http, because TLS ends at a proxy, is reached as the registry is.

    :param realm: as the challenge names it
    :param base: a URL of the registry
    """
    try:
        origin, home = origin_of(realm), origin_of(base)
    except ValueError:
        return Realm(realm, problem="its token realm is not a URL")
    if origin.scheme == "http" and home.scheme == "https":
        both_usual = (origin.port, home.port) == (PORTS["http"], PORTS["https"])
        if origin.host == home.host and (both_usual or origin.port == home.port):
            return Realm(urlunsplit((*urlsplit(base)[:2], *urlsplit(realm)[2:])), corrected=True)
        return Realm(
            realm, problem=f"its token realm {origin.host} is not reached by https, so no password is sent there"
        )
    if origin.host != home.host and is_forbidden(origin.host):
        return Realm(realm, problem=f"its token realm {origin.host} is a link-local or metadata address")
    return Realm(realm)


def token_call(
    challenge: Challenge, realm: str, scopes: Scopes, credential: Credential | None, purpose: Purpose
) -> Call:
    """Return the request for a token: GET with Basic, or for an identity token a POST (OAuth 2 refresh).

    :param challenge: a bearer challenge
    :param realm: the URL of its token server
    :param scopes: what the token has to allow, each sent as its own ``scope``
    """
    realm = realm.partition("#")[0]
    service = challenge.parameters.get("service", "")
    if credential is not None and credential.identity_token:
        form = {
            "grant_type": "refresh_token",
            "service": service,
            "client_id": CLIENT_ID,
            "scope": " ".join(scopes),
            "refresh_token": credential.identity_token,
        }
        body = urlencode(form, errors="surrogatepass").encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Call("POST", realm, purpose, headers=headers, body=body, limit=TOKEN_LIMIT)
    pairs = [("service", service)] if service else []
    pairs += [("scope", scope) for scope in scopes]
    url = with_query(realm, urlencode(pairs, safe=":/,", quote_via=quote)) if pairs else realm
    authorization = None if credential is None else basic(credential)
    return Call("GET", url, purpose, authorization=authorization, limit=TOKEN_LIMIT)


def parse_token(body: bytes, made: float, given: float | None = None) -> Token | None:
    """Read a token server's answer; None when there is no token in it.

    ``token`` and ``access_token`` mean the same; a token without ``expires_in`` is good for 60 seconds.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    value = parsed.get("token") or parsed.get("access_token")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return None
    life = parsed.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, (int, float)) or not life > 0:
        life = DEFAULT_LIFE
    return Token(value, made, float(min(life, LONGEST_LIFE)), given)
