# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between a client and a registry, each as an action for the fault proxy."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Callable
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

from .fault_proxy import Action, Cut, Request, Response

# Answers in the registry's stead


@dataclass
class Answer(Action):
    """A fixed answer.

    :param body: the bytes, or something that yields them, for ever if wished (then without a Content-Length)
    :param after: of the request's body take only so many bytes first, and close the connection behind the answer
    :param reach: let the registry do what was asked all the same, and answer this then
    """

    status: int
    body: bytes | Callable[[], Iterator[bytes]] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int | None = None
    reach: bool = False

    def answer(self, request: Request) -> Response:
        if self.reach:
            request.send_on(request)
        elif self.after is None:
            for _ in request.body:
                pass
        else:
            for _ in first_bytes(request.body, self.after):
                pass
        response = Response(self.status, list(self.headers.items()))
        if callable(self.body):
            response.body = self.body()
        else:
            response.body = iter([self.body] if self.body else [])
            if response.header("Content-Length") is None:
                response.set("Content-Length", str(len(self.body)))
        return response


def error_answer(status: int, code: str, message: str = "", *, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in the form of the distribution API."""
    body = json.dumps({"errors": [{"code": code, "message": message or code.lower()}]}).encode()
    return Answer(status, body, {"Content-Type": "application/json", **(headers or {})})


@dataclass
class Redirect(Action):
    """Send the client elsewhere.

    :param base: scheme, host and port (the path and query stay), or with ``whole`` the complete URL
    """

    base: str
    status: int = 307
    whole: bool = False

    def answer(self, request: Request) -> Response:
        for _ in request.body:
            pass
        location = self.base if self.whole else self.base + request.target
        return Response(self.status, [("Location", location), ("Content-Length", "0")])


# What others do meanwhile


@dataclass
class Before(Action):
    """Let something happen before a request is sent on, or before its answer is sent back."""

    happen: Callable[[], object]
    answer_too: bool = False

    def on_request(self, request: Request) -> None:
        if not self.answer_too:
            self.happen()

    def on_response(self, request: Request, response: Response) -> None:
        if self.answer_too:
            self.happen()


@dataclass
class InTurn(Action):
    """Let requests reach the registry one after the other; whoever holds ``turn`` keeps them all waiting."""

    turn: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Response:
        with self.turn:
            return request.send_on(request)


# Connections that break or stand still


@dataclass
class CutRequest(Action):
    """Break off after so many bytes of the request's body; the registry sees a client that broke off."""

    after: int = 0
    reset: bool = False

    def on_request(self, request: Request) -> None:
        request.body = self._cut(request.body)

    def _cut(self, body: Iterator[bytes]) -> Iterator[bytes]:
        yield from first_bytes(body, self.after)
        raise Cut(reset=self.reset)


@dataclass
class CutResponse(Action):
    """Break off after so many bytes of the answer's body, whatever its Content-Length says."""

    after: int = 0
    reset: bool = False

    def on_response(self, request: Request, response: Response) -> None:
        response.body = self._cut(response.body)

    def _cut(self, body: Iterator[bytes]) -> Iterator[bytes]:
        yield from first_bytes(body, self.after)
        raise Cut(reset=self.reset)


@dataclass
class LoseAnswer(Action):
    """Let the registry do what was asked, and break off instead of saying so."""

    reset: bool = False

    def on_response(self, request: Request, response: Response) -> None:
        raise Cut(reset=self.reset)


@dataclass
class StallRequest(Action):
    """Stop reading the request's body after so many bytes, until ``proxy.release()``."""

    after: int = 0

    def on_request(self, request: Request) -> None:
        request.body = stalled(request.body, self.after, request.proxy.released)


@dataclass
class StallResponse(Action):
    """Stop in the answer's body after so many bytes, until ``proxy.release()``."""

    after: int = 0

    def on_response(self, request: Request, response: Response) -> None:
        response.body = stalled(response.body, self.after, request.proxy.released)


@dataclass
class HoldRequest(Action):
    """Do nothing with the request until ``proxy.release()``, or for so many seconds."""

    seconds: float | None = None

    def on_request(self, request: Request) -> None:
        request.proxy.released.wait(self.seconds)


@dataclass
class HoldAnswer(Action):
    """Let the registry answer, and keep that back until ``proxy.release()``, or for so many seconds."""

    seconds: float | None = None

    def on_response(self, request: Request, response: Response) -> None:
        request.proxy.released.wait(self.seconds)


@dataclass
class Drip(Action):
    """Send the answer's body in small pieces with a pause before each."""

    size: int = 1
    pause: float = 0.05

    def on_response(self, request: Request, response: Response) -> None:
        response.body = self._drip(response.body, request.proxy.released)

    def _drip(self, body: Iterator[bytes], released: threading.Event) -> Iterator[bytes]:
        for block in body:
            for start in range(0, len(block), self.size):
                released.wait(self.pause)
                yield block[start : start + self.size]


# Bytes that are not what they should be


@dataclass
class FlipResponse(Action):
    """Change one bit of the answer's body."""

    at: int = 0

    def on_response(self, request: Request, response: Response) -> None:
        response.body = flipped(response.body, self.at)


@dataclass
class FlipRequest(Action):
    """Change one bit of the request's body."""

    at: int = 0

    def on_request(self, request: Request) -> None:
        request.body = flipped(request.body, self.at)


@dataclass
class Shorten(Action):
    """Give only the beginning of the answer's body, with a Content-Length that agrees."""

    to: int

    def on_response(self, request: Request, response: Response) -> None:
        response.body = first_bytes(response.body, self.to)
        response.set("Content-Length", str(self.to))


@dataclass
class Lengthen(Action):
    """Add bytes to the answer's body, with a Content-Length that agrees."""

    by: bytes = b"more"

    def on_response(self, request: Request, response: Response) -> None:
        length = response.header("Content-Length")
        response.body = self._lengthen(response.body)
        if length is not None:
            response.set("Content-Length", str(int(length) + len(self.by)))

    def _lengthen(self, body: Iterator[bytes]) -> Iterator[bytes]:
        yield from body
        yield self.by


@dataclass
class ReplaceBody(Action):
    """Give another body under the registry's own headers."""

    body: bytes

    def on_response(self, request: Request, response: Response) -> None:
        for _ in response.body:
            pass
        response.body = iter([self.body])
        response.set("Content-Length", str(len(self.body)))


# Headers


@dataclass
class ChangeHeaders(Action):
    """Set and drop headers of the answer; a wrong or a missing ``Docker-Content-Digest``, for example."""

    values: Mapping[str, str] = field(default_factory=dict)
    drop: Sequence[str] = ()

    def on_response(self, request: Request, response: Response) -> None:
        for name in self.drop:
            response.drop(name)
        for name, value in self.values.items():
            response.set(name, value)


@dataclass
class DropRequestHeaders(Action):
    """Keep headers of the request from the registry: ``Range``, so that it sends the whole blob;
    ``Authorization``, so that it challenges."""

    names: Sequence[str]

    def on_request(self, request: Request) -> None:
        for name in self.names:
            request.drop(name)


@dataclass
class NoLength(Action):
    """Leave out the Content-Length, as a cache does that is still fetching: chunks instead, or an end by closing."""

    until_close: bool = False

    def on_response(self, request: Request, response: Response) -> None:
        response.drop("Content-Length")
        response.until_close = self.until_close


@dataclass
class ChangeLocation(Action):
    """Rewrite the Location of the answer.

    :param scheme: such as ``http`` where the client came by https
    :param netloc: another host and port
    :param relative: leave scheme and host out
    :param prefix: put before the path; taken away again from requests that come with it
    :param query: more parameters, put before those that are there
    """

    scheme: str | None = None
    netloc: str | None = None
    relative: bool = False
    prefix: str = ""
    query: Mapping[str, str] = field(default_factory=dict)

    def on_request(self, request: Request) -> None:
        if self.prefix and request.target.startswith(self.prefix):
            request.target = request.target[len(self.prefix) :]

    def on_response(self, request: Request, response: Response) -> None:
        location = response.header("Location")
        if location is None:
            return
        parts = urlsplit(location)
        endpoint = request.proxy.endpoint
        scheme = self.scheme or parts.scheme or endpoint.scheme
        netloc = self.netloc or parts.netloc or endpoint.host
        query = "&".join(part for part in (urlencode(self.query), parts.query) if part)
        where = ("", "") if self.relative else (scheme, netloc)
        response.set("Location", urlunsplit((*where, self.prefix + parts.path, query, "")))


# Whole behaviours


@dataclass
class PagedTags(Action):
    """Serve the registry's own list of tags in pages, as registries with many tags do. For ``target="/tags/list"``.

    :param size: the largest page, whatever ``n`` asks for
    :param absolute: whether the Link names scheme and host
    :param loop: every page names the first one as the next
    :param refuse_n: answer 400 to ``n`` above the size, instead of a smaller page
    """

    size: int
    absolute: bool = False
    loop: bool = False
    refuse_n: bool = False

    def answer(self, request: Request) -> Response:
        parts = urlsplit(request.target)
        query = parse_qs(parts.query)
        size = int(query.get("n", [str(self.size)])[0])
        if self.refuse_n and size > self.size:
            return error_answer(400, "PAGINATION_NUMBER_INVALID").answer(request)
        size = min(size, self.size)
        request.target = parts.path
        response = request.send_on(request)
        body = b"".join(response.body)
        if response.status == 200:
            listed = json.loads(body)
            tags = sorted(listed["tags"] or [])
            last = query.get("last", [""])[0]
            later = [tag for tag in tags if tag > last]
            listed["tags"] = later[:size]
            body = json.dumps(listed).encode()
            if len(later) > size or self.loop:
                after = "" if self.loop else later[size - 1]
                base = request.proxy.endpoint.url if self.absolute else ""
                response.set("Link", f'<{base}{parts.path}?last={quote(after)}&n={size}>; rel="next"')
        response.set("Content-Length", str(len(body)))
        response.body = iter([body])
        return response


@dataclass
class OneOf(Action):
    """One of several actions, chosen at random for each request."""

    actions: Sequence[Action]
    seed: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def chosen(self) -> Action:
        return self._chance.choice(self.actions)


# Bodies


def first_bytes(body: Iterator[bytes], number: int) -> Iterator[bytes]:
    """The first bytes of a body; no more of it is read."""
    left = number
    if left <= 0:
        return
    for block in body:
        yield block[:left]
        left -= len(block)
        if left <= 0:
            return


def stalled(body: Iterator[bytes], after: int, released: threading.Event) -> Iterator[bytes]:
    """A body that stops after some bytes until it is released."""
    passed = 0
    for block in body:
        if passed <= after < passed + len(block):
            yield block[: after - passed]
            released.wait()
            block = block[after - passed :]
            passed = after
        passed += len(block)
        if block:
            yield block


def flipped(body: Iterator[bytes], at: int) -> Iterator[bytes]:
    """A body with one bit changed."""
    passed = 0
    for block in body:
        if passed <= at < passed + len(block):
            changed = bytearray(block)
            changed[at - passed] ^= 1
            block = bytes(changed)
        passed += len(block)
        yield block
