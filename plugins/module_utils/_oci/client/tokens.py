# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a token server, and reading what it gives (distribution: Token Authentication, OAuth2 Token). No I/O."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, urlencode

from ..credentials.provider import Credential
from ..http.urls import is_forbidden, origin_of, with_query

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


Scopes = tuple[str, ...]
CLIENT_ID = "imageops.registry"
DEFAULT_LIFE = 60.0
LONGEST_LIFE = 24 * 3600.0


@dataclass(frozen=True)
class TokenRequest:
    """A request to a token server.

    :param authorization: its Authorization header, None for none
    """

    method: str
    url: str
    body: bytes | None = field(repr=False)
    authorization: str | None = field(repr=False)


@dataclass(frozen=True)
class Token:
    """A bearer token.

    :param made: when it was asked for, on the monotonic clock
    :param life: for how many seconds it is good from then
    """

    value: str = field(repr=False)
    made: float
    life: float

    def is_good_for(self, margin: float) -> bool:
        """Whether more than ``margin`` seconds, or a quarter of its life, are left."""
        return self.made + self.life - time.monotonic() > min(margin, self.life / 4)


def basic(credential: Credential) -> str:
    """The value of an Authorization header with user name and password (RFC 7617)."""
    pair = f"{credential.username}:{credential.password}".encode("utf-8", "surrogatepass")
    return "Basic " + base64.b64encode(pair).decode()


def check_realm(realm: str, base: str) -> str | None:
    """Why a registry's token realm must not be given credentials; None when it may.

    :param base: a URL of the registry
    """
    try:
        origin, home = origin_of(realm), origin_of(base)
    except ValueError:
        return "its token realm is not a URL"
    if origin.scheme == "http" and home.scheme == "https":
        return f"its token realm {origin.host} is not reached by https, so no password is sent there"
    if origin.host != home.host and is_forbidden(origin.host):
        return f"its token realm {origin.host} is a link-local or metadata address"
    return None


def token_request(challenge: Challenge, scopes: Scopes, credential: Credential | None) -> TokenRequest:
    """How to ask for a token: GET with Basic, or for an identity token a POST (OAuth 2 refresh).

    :param challenge: a bearer challenge with its realm
    :param scopes: what is wanted, each sent as its own ``scope``
    """
    realm = challenge.parameters["realm"].partition("#")[0]
    service = challenge.parameters.get("service", "")
    if credential is not None and credential.identity_token:
        form = {
            "grant_type": "refresh_token",
            "service": service,
            "client_id": CLIENT_ID,
            "scope": " ".join(scopes),
            "refresh_token": credential.identity_token,
        }
        return TokenRequest("POST", realm, urlencode(form, errors="surrogatepass").encode(), None)
    pairs = [("service", service)] if service else []
    pairs += [("scope", scope) for scope in scopes]
    url = with_query(realm, urlencode(pairs, safe=":/,", quote_via=quote)) if pairs else realm
    return TokenRequest("GET", url, None, None if credential is None else basic(credential))


def parse_token(body: bytes, made: float) -> Token | None:
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
    return Token(value, made, float(min(life, LONGEST_LIFE)))
