# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of one signed API of Alibaba Cloud: calls, their repetition, and the pages of lists."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Callable, Union
from urllib.parse import urlencode

from ..._oci.client.limits import Pace
from ..._oci.client.run import Run
from ..._oci.http.faults import Fault
from ..._oci.http.response import Answer
from ..._oci.http.transport import USER_AGENT, Stats, Transport
from ..._oci.http.urls import origin_of
from .errors import ApiError, api_error, broken
from .service import ServerAccess, Service
from .signature import UNSIGNED, AccessKey, KeySource, authorization, content_hash

Parameter = Union[str, int, bool, None, Sequence[Any], Mapping[str, Any]]
"""What a call takes: None is left out, booleans become true/false, lists and mappings compact JSON."""

PER_SECOND = 12.0  # the vendor's limit is 15
_ANSWER_LIMIT = 8 * 1024 * 1024
_MOST_STALE = 3
_READS = ("Get", "List")


class OpenApi:
    """A client of one service. Threads may share it; close it when done.

    :ivar wrote: whether any call that writes was accepted
    :param keys: asked before every request, so that keys with an end are renewed
    :param now: the time of day in seconds, for the signature
    """

    def __init__(
        self,
        service: Service,
        keys: KeySource,
        *,
        access: ServerAccess,
        run: Run,
        per_second: float = PER_SECOND,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.wrote = False
        self._service = service
        self._keys = keys
        self._run = run
        self._now = now
        self._pace = Pace(service.host, run, per_second)
        self._transport = Transport(
            origin_of(service.url),
            access=access.of(service.host),
            timeout=run.settings.timeout,
            stats=Stats(),
            on_secret=run.on_secret,
            warn=lambda text: None,
        )

    def call(
        self,
        api_action: str,
        parameters: Mapping[str, Parameter],
        *,
        action: str,
        subject: str,
        once: bool = False,
        patience: float | None = None,
    ) -> Mapping[str, Any]:
        """Make one call and give its answer.

        :param api_action: the API's name for it: ``GetNamespace``
        :param action: what it does, for messages: ``read the namespace``
        :param subject: to what, for messages
        :param once: never repeat it when the first try may have been carried out (an answer that got lost)
        :param patience: seconds to wait for the answer to the only try; None for the time-out and retries of the run
        :raises ApiError: also after the last attempt, then with ``transient`` set
        """
        body = urlencode(flatten(parameters)).encode()
        tries = 0
        self._run.budget.first("call", api_action, body.decode())
        while True:
            self._pace.before_request(action=action, subject=subject)
            try:
                stale = 0 if once else _MOST_STALE
                answer = self._attempt(api_action, body, action, subject, stale_left=stale, patience=patience)
                self.wrote = self.wrote or not api_action.startswith(_READS)
                return answer
            except ApiError as error:
                tries += 1
                if patience is not None or (once and error.perhaps_done):
                    raise
                if error.transient and error.retry_after is not None:
                    self._pace.asked(error.retry_after, action=action, subject=subject)
                self._run.try_again(error, tries)

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()

    def __enter__(self) -> OpenApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(
        self, api_action: str, body: bytes, action: str, subject: str, *, stale_left: int, patience: float | None
    ) -> Mapping[str, Any]:
        """Return one try, in which so many connections may turn out to have been closed while they were idle."""
        while True:
            try:
                answer = self._transport.exchange(
                    "POST",
                    f"{self._service.url}/",
                    headers=self._headers(api_action, body, self._keys()),
                    body=body,
                    limit=_ANSWER_LIMIT,
                    patience=patience,
                    follow=False,
                )
                break
            except Fault as fault:
                if not (fault.stale and stale_left):
                    raise broken(fault, action=action, subject=subject, host=self._service.host) from fault
                stale_left -= 1
        retry_after = _milliseconds(answer.headers.get("x-acs-retry-after"))
        return self._read(answer, retry_after, action, subject)

    def _read(self, answer: Answer, retry_after: float | None, action: str, subject: str) -> Mapping[str, Any]:
        """Return the answer's fields, or the error that it stands for in either form."""
        status = answer.status
        try:
            found = answer.json()
        except ValueError:
            found = None
        if isinstance(found, dict) and status < 300 and str(found.get("IsSuccess", True)).lower() != "false":
            return found
        if not isinstance(found, dict) and status < 400:
            raise ApiError(
                code="protocol_error",
                action=action,
                subject=subject,
                cause=f"what answered (HTTP {status}) is not the API",
                hint="check the endpoint overrides and the proxy",
                status=status,
            )
        raise api_error(
            action=action,
            subject=subject,
            status=status,
            answer=found if isinstance(found, dict) else {},
            retry_after=retry_after,
            mask=self._run.mask,
        )

    def _headers(self, api_action: str, body: bytes, key: AccessKey) -> dict[str, str]:
        """Return the headers of one request, with a date and a nonce that no other request has."""
        body_hash = content_hash(body)
        headers = {
            "host": self._service.host,
            "content-type": "application/x-www-form-urlencoded",
            "x-acs-action": api_action,
            "x-acs-version": self._service.version,
            "x-acs-date": datetime.fromtimestamp(self._now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": body_hash,
        }
        if key.security_token:
            headers["x-acs-security-token"] = key.security_token
        if key is not UNSIGNED:
            headers["authorization"] = authorization(
                method="POST",
                path="/",
                query={},
                headers=headers,
                body_hash=body_hash,
                access_key_id=key.access_key_id,
                access_key_secret=key.access_key_secret,
            )
        unsigned = {"accept": "application/json", "accept-encoding": "identity", "user-agent": USER_AGENT}
        return {**headers, **unsigned, "content-length": str(len(body))}


def flatten(parameters: Mapping[str, Parameter]) -> list[tuple[str, str]]:
    """Return the parameters as names and texts, in the order given."""
    return [(name, _encode(value)) for name, value in parameters.items() if value is not None]


def _encode(value: Parameter) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _milliseconds(text: str | None) -> float | None:
    """``x-acs-retry-after`` counts milliseconds; gives seconds."""
    return int(text) / 1000.0 if text and text.isascii() and text.isdigit() and len(text) < 12 and int(text) else None


PAGE_SIZE = 100


def rows(
    api: OpenApi,
    api_action: str,
    parameters: Mapping[str, Parameter],
    key: str,
    *,
    action: str,
    subject: str,
    patience: float | None = None,
) -> Iterator[Mapping[str, Any]]:
    """Yield every row of a list call by PageNo and PageSize, page after page.

    :param key: the field of the answer that holds the rows
    :param patience: see :meth:`OpenApi.call`
    """
    seen = 0
    page = 1
    while True:
        asked = {**parameters, "PageNo": page, "PageSize": PAGE_SIZE}
        answer = api.call(api_action, asked, action=action, subject=subject, patience=patience)
        found = answer.get(key) or []
        yield from found
        seen += len(found)
        # Some lists say their count as a number, some as a text.
        if not found or seen >= int(answer.get("TotalCount") or 0):
            return
        page += 1


def count(api: OpenApi, api_action: str, parameters: Mapping[str, Parameter], *, action: str, subject: str) -> int:
    """Return how many rows a list call has, with one small request."""
    asked = {**parameters, "PageNo": 1, "PageSize": 1}
    return int(api.call(api_action, asked, action=action, subject=subject).get("TotalCount") or 0)
