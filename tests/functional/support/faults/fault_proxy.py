# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reverse proxy in front of a registry that does wrong on demand, and writes down all that passes.

    with fault_proxy(registry.endpoint) as proxy:
        proxy.add(Answer(503), method="PUT", target=r"/manifests/v1$", times=2)
        ...                                  # clients use proxy.endpoint
        assert proxy.counts()["PUT", "manifest"] == 3

Without a registry behind it, it answers 404 to what no rule answers: a server that only records. ``actions`` has
the things that can go wrong.
"""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Callable

from ..clients.endpoint import Endpoint
from ..servers.access_log import LoggedRequest, classify, count
from ..servers.processes import wait_until


class Cut(Exception):
    """Raised by an action: break the connection off, here and now.

    :param reset: with a TCP reset rather than a proper end
    """

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("cut")
        self.reset = reset


@dataclass
class Record:
    """What one request was and what became of it. Header names are in lower case.

    :param status: what was answered; None while nothing was, also when the connection was cut before
    :param request_bytes: of the body, as far as it came, also what came after an early answer
    :param response_bytes: of the body, as far as it was sent
    :param faults: the names of the actions that touched it
    """

    method: str
    target: str
    headers: dict[str, str]
    status: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    faults: tuple[str, ...] = ()
    finished: bool = False
    cut: bool = False

    def classified(self) -> LoggedRequest:
        return classify(self.method, self.target, self.status or 0, self.headers.get("user-agent", ""))


@dataclass
class Request:
    """A request on its way in; actions may change any of it.

    :param send_on: asks the registry, with whatever the request has become
    """

    method: str
    target: str
    headers: dict[str, str]
    body: Iterator[bytes]
    proxy: FaultProxy
    send_on: Callable[[Request], Response] = field(repr=False)

    def header(self, name: str) -> str | None:
        """A header's value, whatever its case."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    def drop(self, name: str) -> None:
        self.headers = {key: value for key, value in self.headers.items() if key.lower() != name.lower()}


@dataclass
class Response:
    """An answer on its way out; actions may change any of it.

    Without a Content-Length it is sent in chunks, or (``until_close``) ended by closing the connection.
    """

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: Iterator[bytes] = field(default_factory=lambda: iter(()))
    until_close: bool = False

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def drop(self, name: str) -> None:
        self.headers = [(key, value) for key, value in self.headers if key.lower() != name.lower()]

    def set(self, name: str, value: str) -> None:
        self.drop(name)
        self.headers.append((name, value))


class Action:
    """Something that goes wrong. Subclasses change what they are about; any method may raise :class:`Cut`."""

    def chosen(self) -> Action:
        """What takes place for the request at hand; an action may be a choice of others."""
        return self

    def on_request(self, request: Request) -> None:
        """Before anything is sent on."""

    def answer(self, request: Request) -> Response | None:
        """An answer in the registry's stead; None lets it answer."""
        return None

    def on_response(self, request: Request, response: Response) -> None:
        """Before anything is sent back."""


@dataclass
class Rule:
    """When an action takes place: on requests that match, after ``skip`` of them, ``times`` times (None: always).

    :param share: of the matching requests, the part that is hit at random
    """

    action: Action
    method: re.Pattern[str]
    target: re.Pattern[str]
    skip: int = 0
    times: int | None = None
    share: float = 1.0
    hits: int = 0

    def takes(self, method: str, target: str, chance: random.Random) -> bool:
        """Whether this request is one; counts it if so."""
        if not (self.method.fullmatch(method) and self.target.search(target)):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if (self.times is not None and self.hits >= self.times) or chance.random() >= self.share:
            return False
        self.hits += 1
        return True


class FaultProxy:
    """The proxy's face for tests."""

    def __init__(self, endpoint: Endpoint, upstream: Endpoint | None, *, seed: int, forwarded_proto: bool) -> None:
        self.endpoint = endpoint
        self.upstream = upstream
        self.forwarded_proto = forwarded_proto
        self.released = threading.Event()
        self._rules: list[Rule] = []
        self._records: list[Record] = []
        self._chance = random.Random(seed)
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        return self.endpoint.host

    def add(
        self,
        action: Action,
        *,
        method: str = ".*",
        target: str = "",
        skip: int = 0,
        times: int | None = 1,
        share: float = 1.0,
    ) -> Rule:
        """Let an action take place.

        :param method: a regular expression for the whole method
        :param target: one to be found in path and query
        :param skip: leave so many matching requests alone first
        :param times: how often; None means always
        :param share: hit each matching request only with this probability
        """
        rule = Rule(action, re.compile(method), re.compile(target), skip, times, share)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Behave from now on, and let go of what is held."""
        with self._lock:
            self._rules.clear()
        self.release()

    def release(self) -> None:
        """Let what is stalled or held go on."""
        self.released.set()
        self.released = threading.Event()

    def records(self) -> list[Record]:
        """Every request since the mark, in the order of their arrival."""
        with self._lock:
            return list(self._records)

    def counts(self) -> Counter[tuple[str, str]]:
        """How many requests of each method and kind since the mark."""
        return count(record.classified() for record in self.records())

    def mark(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._records.clear()

    def wait_for(self, *, method: str = ".*", target: str = "", number: int = 1, seconds: float = 20.0) -> Record:
        """Wait until so many matching requests have arrived, and give the last of them."""

        def look() -> Record | None:
            found = [r for r in self.records() if re.fullmatch(method, r.method) and re.search(target, r.target)]
            return found[number - 1] if len(found) >= number else None

        return wait_until(look, f"request {method} {target} at the proxy", seconds)

    def leaks(self, *secrets: str) -> list[Record]:
        """The requests that carried one of the secrets in any header or in their target."""
        return [
            record
            for record in self.records()
            if any(secret in text for secret in secrets for text in (record.target, *record.headers.values()))
        ]

    def begin(self, record: Record) -> list[Action]:
        """Write a request down and say what is to go wrong with it."""
        with self._lock:
            self._records.append(record)
            actions = [
                rule.action.chosen() for rule in self._rules if rule.takes(record.method, record.target, self._chance)
            ]
            record.faults = tuple(type(action).__name__ for action in actions)
        return actions
