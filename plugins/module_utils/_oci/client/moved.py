# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that another one leads to: a host of its own name in front of GHCR, say, that answers with redirects.

Such a registry has its own challenge. It is answered with the credentials for that host, or with none: those for the
host that leads there are not shown to it.
"""

from __future__ import annotations

import re
from typing import Callable
from urllib.parse import urlsplit

from ..credentials.provider import CredentialProvider
from ..errors import InputError, RegistryError
from ..http.transport import Answer
from ..http.urls import netloc, origin_of
from ..image.reference import parse_registry
from .authorization.authenticator import Authenticator
from .authorization.token_cache import Need
from .call import Call, Purpose
from .elsewhere import led_to
from .run import Run

_REPOSITORY = re.compile(r"/v2/(.+)/(?:manifests|blobs|tags|referrers)/")


class MovedRegistries:
    """The registries that one leads to, each with its own authorization.

    :param ask: send a request to a token server, with the retries of any small request
    """

    def __init__(self, run: Run, credentials: CredentialProvider, ask: Callable[[Call], Answer]) -> None:
        self._run = run
        self._credentials = credentials
        self._ask = ask
        self._authenticators: dict[str, Authenticator] = {}

    def send(self, refused: Answer, purpose: Purpose, send: Callable[[str, str | None], Answer]) -> Answer:
        """Ask again what a registry that was led to has answered with its challenge.

        :param refused: its answer
        :param send: send the request to a URL, with the value of an Authorization header
        :raises RegistryError: when there is no token to be had, or the login is refused
        """
        url, asked = refused.url, [refused]
        refused.foreign = False  # it is the registry now whose challenge counts

        def once(authorization: str | None) -> Answer:
            return asked.pop() if authorization is None and asked else send(url, authorization)

        try:
            answer = self._authenticator(url).send(_need(url), once)
        except RegistryError as error:
            error.cause, error.hint = led_to(refused.host, purpose.registry, error.cause, error.hint)
            error.registry = ""
            raise
        answer.foreign = True
        return answer

    def is_anonymous(self, url: str) -> bool:
        """Return whether there are no credentials for what a URL names."""
        return self._authenticator(url).is_anonymous(_need(url).repository)

    def _authenticator(self, url: str) -> Authenticator:
        origin = origin_of(url)
        base = f"{origin.scheme}://{netloc(origin)}"
        known = self._authenticators.get(base)
        if known is None:
            made = Authenticator(
                _registry(netloc(origin)), self._run, base=lambda: base, credentials=self._credentials, ask=self._ask
            )
            known = self._authenticators.setdefault(base, made)
        return known


def _registry(host: str) -> str:
    """Return a host as credentials are looked up by it."""
    try:
        return parse_registry(host)
    except InputError:  # then no reference can name it either
        return host


def _need(url: str) -> Need:
    match = _REPOSITORY.match(urlsplit(url).path)
    return Need((f"repository:{match[1]}:pull",), match[1]) if match else Need((), "")
