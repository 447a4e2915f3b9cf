# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of an instance from outside: which instance it is, and whether a login is good. No images."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..._oci.client.limits import Pace
from ..._oci.client.retry import is_retried
from ..._oci.client.run import Run
from ..._oci.client.tokens import Challenge, check_realm, parse_challenges, parse_token, token_request
from ..._oci.credentials.provider import Credential
from ..._oci.errors import Code, ImageOpsError
from ..._oci.http.faults import Fault
from ..._oci.http.transport import USER_AGENT, Answer, Stats, Transport
from ..._oci.http.urls import origin_of
from ..api.errors import ApiError, broken
from ..api.names import instance_of_service
from ..api.service import Line, server_url
from .advice import advice_on_the_way

_HEADERS = {"user-agent": USER_AGENT, "accept-encoding": "identity"}
_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class Front:
    """What a registry says to somebody without a login.

    :param host: the registry's host, with its port if it has one
    """

    host: str
    instance_id: str
    region: str


class RegistryFront:
    """One registry, asked without images in mind.

    :param registry: its host; https unless a URL of this machine says otherwise
    """

    def __init__(
        self,
        registry: str,
        *,
        line: Line,
        run: Run,
    ) -> None:
        self._url = server_url(registry, option="registry")
        self.host = urlsplit(self._url).netloc
        self._run = run
        self._pace = Pace(self.host, run, None)
        self._transport = Transport(
            origin_of(self._url),
            access=line.access(self.host),
            timeout=run.settings.timeout,
            stats=Stats(),
            on_secret=run.on_secret,
            warn=lambda text: None,
        )

    def look(self) -> Front:
        """Which instance this registry is; anybody may ask.

        :raises ImageOpsError: ``unsupported`` when it is none of ACR Enterprise Edition
        """
        named = instance_of_service(self._challenge().parameters.get("service", ""))
        if named is None:
            raise ImageOpsError(
                code="unsupported",
                action="find the instance of",
                subject=self.host,
                cause="its challenge names no instance of ACR Enterprise Edition",
                hint="give the instance's id or name instead",
            )
        return Front(self.host, instance_id=named[1], region=named[0])

    def accepts(self, username: str, password: str) -> bool:
        """Whether the registry's token service takes this login; only its 401 is a no.

        :raises ApiError: when it answers anything else, or not at all
        """
        challenge = self._challenge()
        request = token_request(challenge, (), Credential(username, password))
        action = "try the login at"
        answer = self._exchange(request.method, request.url, action, authorization=request.authorization)
        if answer.status == 401:
            return False
        token = parse_token(answer.body, time.monotonic()) if answer.status == 200 else None
        if token is None:
            raise self._odd(action, f"its token service answered HTTP {answer.status}", answer.status)
        self._run.on_secret(token.value)
        return True

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()

    def __enter__(self) -> RegistryFront:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _challenge(self) -> Challenge:
        action = "ask for the challenge of"
        answer = self._exchange("GET", f"{self._url}/v2/", action)
        for challenge in parse_challenges(answer.headers.get("WWW-Authenticate")) if answer.status == 401 else ():
            realm = challenge.parameters.get("realm")
            if challenge.scheme == "bearer" and realm:
                refusal = check_realm(realm, self._url)
                if refusal:
                    raise self._odd(action, refusal, answer.status)
                return challenge
        raise self._odd(action, f"it answers HTTP {answer.status} without a bearer challenge", answer.status)

    def _exchange(self, method: str, url: str, action: str, *, authorization: str | None = None) -> Answer:
        """One request, again after passing faults; a time-out is not tried again, for it may be the white list."""
        tries = 0
        while True:
            self._pace.before_request(action=action, subject=self.host)
            try:
                answer = self._transport.exchange(
                    method, url, headers=_HEADERS, limit=_LIMIT, authorization=authorization
                )
            except Fault as fault:
                error = self._unreachable(fault, action)
            else:
                if not is_retried(answer.status):
                    return answer
                error = self._odd(action, f"it answered HTTP {answer.status}", answer.status, transient=True)
            tries += 1
            if tries >= self._run.settings.retry.attempts or not error.transient or error.code == "timeout":
                raise error
            self._run.back_off(tries, action=action, subject=self.host)

    def _unreachable(self, fault: Fault, action: str) -> ApiError:
        error = broken(fault, action=action, subject=self.host, host=self.host)
        if error.code == "timeout" or (error.code == "connection_failed" and not fault.hint):
            error.hint = advice_on_the_way(self.host, unresolved=fault.unresolved)
        return error

    def _odd(self, action: str, cause: str, status: int, *, transient: bool = False) -> ApiError:
        code: Code = "server_error" if transient else "protocol_error"
        return ApiError(code=code, action=action, subject=self.host, cause=cause, status=status, transient=transient)
