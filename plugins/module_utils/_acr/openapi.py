# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One small generic client for Alibaba Cloud's RPC services, signed with ACS3-HMAC-SHA256.

Every call is a ``POST /`` with its parameters as a form body, so that no password ever stands in a URL. Calls are
paced, passing failures are tried again, and the API's two forms of error become one :class:`~.faults.ApiError`.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Mapping, Sequence, Union
from urllib.parse import urlencode, urlsplit

from .exchange import Line, exchange, open_session
from .faults import ApiError, api_error
from .keys import AccessKey, KeySource
from .signature import authorization, content_hash

Parameter = Union[str, int, bool, None, Sequence[Any], Mapping[str, Any]]
"""What a call takes: None is left out, booleans become true/false, lists and mappings compact JSON."""

_ANSWER_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True)
class Service:
    """One RPC service.

    :param url: scheme and host (and port): ``https://cr.cn-shanghai.aliyuncs.com``
    :param version: the API's version: ``2018-12-01``
    """

    url: str
    version: str


@dataclass(frozen=True)
class Calls:
    """How calls are made: ``timeout`` is seconds without progress; ``attempts`` counts the first one too."""

    timeout: float = 30.0
    attempts: int = 6
    backoff: float = 1.0
    backoff_cap: float = 20.0
    retry_after_cap: float = 120.0
    per_second: float = 12.0


class OpenApi:
    """A client of one service. Threads may share it; close it when done.

    :param keys: asked before every request, so that keys with an end are renewed
    :param pause: waits so many seconds; may raise to end a wait early
    :param now: the time of day in seconds, for the signature
    :param monotonic: a clock that only goes forward, for the pacing
    """

    def __init__(
        self,
        service: Service,
        keys: KeySource,
        *,
        line: Line,
        calls: Calls,
        pause: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._keys = keys
        self._calls = calls
        self._pause = pause
        self._now = now
        self._monotonic = monotonic
        self._session = open_session(service.url, line)
        self._lock = threading.Lock()
        self._next_start = 0.0

    def call(
        self,
        api_action: str,
        parameters: Mapping[str, Parameter],
        *,
        action: str,
        subject: str,
        once: bool = False,
    ) -> Mapping[str, Any]:
        """Make one call and give its answer.

        :param api_action: the API's name for it: ``GetNamespace``
        :param action: what it does, for messages: ``read the namespace``
        :param subject: to what, for messages
        :param once: never repeat it when the first try may have been carried out (an answer that got lost)
        :raises ApiError: also after the last attempt, then with ``transient`` set
        """
        attempt = 1
        while True:
            try:
                return self._attempt(api_action, parameters, action, subject)
            except ApiError as error:
                repeatable = error.transient and not (once and error.code != "rate_limited")
                if not repeatable or attempt >= self._calls.attempts:
                    raise
                self._pause(self._delay(attempt, error.retry_after))
            attempt += 1

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def __enter__(self) -> OpenApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(
        self, api_action: str, parameters: Mapping[str, Parameter], action: str, subject: str
    ) -> Mapping[str, Any]:
        self._keep_pace()
        body = urlencode(flatten(parameters)).encode()
        headers = self._headers(api_action, body, self._keys())
        answer = exchange(
            self._session,
            "POST",
            self._service.url + "/",
            headers=headers,
            body=body,
            timeout=self._calls.timeout,
            limit=_ANSWER_LIMIT,
            action=action,
            subject=subject,
        )
        retry_after = _milliseconds(answer.headers.get("x-acs-retry-after"))
        return _read(answer.status, answer.body, retry_after, action, subject)

    def _headers(self, api_action: str, body: bytes, key: AccessKey) -> dict[str, str]:
        """The headers of one request; a date and a nonce of its own each time, for the API takes neither twice."""
        body_hash = content_hash(body)
        headers = {
            "host": urlsplit(self._service.url).netloc,
            "content-type": "application/x-www-form-urlencoded",
            "x-acs-action": api_action,
            "x-acs-version": self._service.version,
            "x-acs-date": datetime.fromtimestamp(self._now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": body_hash,
        }
        if key.security_token:
            headers["x-acs-security-token"] = key.security_token
        headers["authorization"] = authorization(
            method="POST",
            path="/",
            query={},
            headers=headers,
            body_hash=body_hash,
            access_key_id=key.access_key_id,
            access_key_secret=key.access_key_secret,
        )
        headers["accept"] = "application/json"
        return headers

    def _keep_pace(self) -> None:
        with self._lock:
            start = max(self._next_start, self._monotonic())
            self._next_start = start + 1.0 / self._calls.per_second
        delay = start - self._monotonic()
        if delay > 0:
            self._pause(delay)

    def _delay(self, attempt: int, retry_after: float | None) -> float:
        if retry_after is not None:
            return min(retry_after, self._calls.retry_after_cap)
        ceiling: float = min(self._calls.backoff_cap, self._calls.backoff * 2 ** (attempt - 1))
        return ceiling * random.uniform(0.5, 1.0)


def flatten(parameters: Mapping[str, Parameter]) -> list[tuple[str, str]]:
    """The parameters as names and texts, in the order given."""
    return [(name, _encode(value)) for name, value in parameters.items() if value is not None]


def _encode(value: Parameter) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _read(status: int, body: bytes, retry_after: float | None, action: str, subject: str) -> Mapping[str, Any]:
    """The answer's fields, or the error that it stands for in either form."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        if status >= 400:
            raise api_error(action=action, subject=subject, status=status, answer={}, retry_after=retry_after)
        raise ApiError(
            code="protocol_error",
            action=action,
            subject=subject,
            cause=f"what answered (HTTP {status}) is not the API",
            hint="check the endpoint overrides and the proxy",
            status=status,
        )
    if status >= 300 or str(answer.get("IsSuccess", True)).lower() == "false":
        raise api_error(action=action, subject=subject, status=status, answer=answer, retry_after=retry_after)
    return answer


def _milliseconds(text: str | None) -> float | None:
    """``x-acs-retry-after`` counts milliseconds; gives seconds."""
    return int(text) / 1000.0 if text and text.isdigit() and int(text) > 0 else None
