# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of an instance from outside: which instance it is, and whether a login is good. No images."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..._oci.client.authorization.tokens import (
    TOKEN_LIMIT,
    Challenge,
    find_realm,
    parse_challenges,
    parse_token,
    token_call,
)
from ..._oci.client.call import Call, Purpose
from ..._oci.client.limits import Pace
from ..._oci.client.retry import is_retried
from ..._oci.client.run import Run
from ..._oci.credentials.provider import Credential
from ..._oci.errors import Code, ImageOpsError
from ..._oci.http.faults import Fault
from ..._oci.http.transport import USER_AGENT, Answer, Stats, Transport
from ..._oci.http.urls import origin_of
from ..api.errors import ApiError, broken
from ..api.names import instance_of_service
from ..api.service import ServerAccess, server_url
from .advice import advice_on_the_way

_HEADERS = {"user-agent": USER_AGENT, "accept-encoding": "identity"}


@dataclass(frozen=True)
class InstanceIdentity:
    """Which instance a registry belongs to, as its challenge says it to an anonymous request.

    :param host: the registry's host, with its port if it has one
    """

    host: str
    instance_id: str
    region: str


class RegistryProbe:
    """One registry, asked without images in mind.

    :param registry: its host; https unless a URL of this machine says otherwise
    """

    def __init__(
        self,
        registry: str,
        *,
        access: ServerAccess,
        run: Run,
    ) -> None:
        self._url = server_url(registry, option="registry")
        self.host = urlsplit(self._url).netloc
        self._run = run
        self._pace = Pace(self.host, run, None)
        self._transport = Transport(
            origin_of(self._url),
            access=access.of(self.host),
            timeout=run.settings.timeout,
            stats=Stats(),
            on_secret=run.on_secret,
            warn=lambda text: None,
        )

    def identify(self) -> InstanceIdentity:
        """Return which instance this registry is; no login is needed.

        :raises ImageOpsError: ``unsupported`` when it is none of ACR Enterprise Edition
        """
        named = instance_of_service(self._challenge()[0].parameters.get("service", ""))
        if named is None:
            raise ImageOpsError(
                code="unsupported",
                action="find the instance of",
                subject=self.host,
                cause="its challenge names no instance of ACR Enterprise Edition",
                hint="give the instance's id or name instead",
            )
        return InstanceIdentity(self.host, instance_id=named[1], region=named[0])

    def accepts(self, username: str, password: str) -> bool:
        """Return whether the registry's token service takes this login; only its 401 is a no.

        :raises ApiError: when it answers anything else, or not at all
        """
        challenge, realm = self._challenge()
        action = "try the login at"
        purpose = Purpose(action, self.host, self.host)
        answer = self._send(token_call(challenge, realm, (), Credential(username, password), purpose))
        if answer.status == 401:
            return False
        token = parse_token(answer.plain(), time.monotonic()) if answer.status == 200 else None
        if token is None:
            raise self._odd(action, f"its token service answered HTTP {answer.status}", answer.status)
        self._run.on_secret(token.value)
        return True

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()

    def __enter__(self) -> RegistryProbe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _challenge(self) -> tuple[Challenge, str]:
        """Return the registry's challenge, and the URL of the token server that it names."""
        purpose = Purpose("ask for the challenge of", self.host, self.host)
        answer = self._send(Call("GET", f"{self._url}/v2/", purpose, limit=TOKEN_LIMIT))
        for challenge in parse_challenges(answer.headers.get("WWW-Authenticate")) if answer.status == 401 else ():
            if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
                realm = find_realm(challenge.parameters["realm"], self._url)
                if realm.problem:
                    raise self._odd(purpose.action, realm.problem, answer.status)
                return challenge, realm.url
        raise self._odd(purpose.action, f"it answers HTTP {answer.status} without a bearer challenge", answer.status)

    def _send(self, call: Call) -> Answer:
        """Send a request, again after passing faults; not after a time-out, for that may be the allow list."""
        action = call.purpose.action
        tries = 0
        self._run.budget.first("request", call.method, call.path)
        while True:
            self._pace.before_request(action=action, subject=self.host)
            try:
                answer = self._transport.exchange(
                    call.method, call.path, headers=_HEADERS, limit=call.limit, authorization=call.authorization
                )
            except Fault as fault:
                error = self._unreachable(fault, action)
            else:
                if not is_retried(answer.status):
                    return answer
                error = self._odd(action, f"it answered HTTP {answer.status}", answer.status, transient=True)
            tries += 1
            if error.code == "timeout":
                raise error
            self._run.try_again(error, tries)

    def _unreachable(self, fault: Fault, action: str) -> ApiError:
        error = broken(fault, action=action, subject=self.host, host=self.host)
        if error.code == "timeout" or (error.code == "connection_failed" and not fault.hint):
            error.hint = advice_on_the_way(self.host, unresolved=fault.unresolved)
        return error

    def _odd(self, action: str, cause: str, status: int, *, transient: bool = False) -> ApiError:
        code: Code = "server_error" if transient else "protocol_error"
        return ApiError(code=code, action=action, subject=self.host, cause=cause, status=status, transient=transient)
