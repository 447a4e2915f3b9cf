# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source of ansible-rulebook: what Harbor and the distribution tell by webhooks of images that were pushed.

An event names images, and nothing else: no path, no address and no text of a webhook gets further than the checks of
its names. Whoever can send events can make rules run early that are configured anyway, and nothing more.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import ssl
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

DOCUMENTATION = r"""
---
short_description: Images that were pushed, as Harbor and the distribution tell by webhooks
description:
  - Listens for webhooks of Harbor (C(PUSH_ARTIFACT), in its default format) and notifications of the distribution
    (C(push)). Of each repository the pushes of some seconds become one event.
  - An event has C(images), a list of references with tags, besides C(registry), C(repository) and C(tags).
  - Pulls, deletions, and pushes by digest alone are answered, and no events.
options:
  secret:
    description:
      - What a webhook has to have as its header C(Authorization), alone or after C(Bearer). In Harbor it is the Auth
        Header. There is none by default.
    type: str
    required: true
  registry:
    description: The registry that the events are about, as the rules name it. What the webhook says of it is not read.
    type: str
    required: true
  host:
    description: The address to listen at.
    type: str
    default: 127.0.0.1
  port:
    description: The port to listen at.
    type: int
    default: 5010
  certfile:
    description: A file with the certificate to show. With it the source speaks TLS only.
    type: str
  keyfile:
    description: The file with its key, when it is not in the same file.
    type: str
  joined:
    description: For how many seconds the pushes to one repository are joined.
    type: float
    default: 5
  most_waiting:
    description:
      - How many tags may wait to become events. Beyond it a webhook is answered 503, and its sender tries again.
    type: int
    default: 1000
"""

EXAMPLES = r"""
- imageops.registry.pushed_images:
    registry: harbor.example.com
    secret: "{{ IMAGEOPS_WEBHOOK_SECRET }}"
    host: 0.0.0.0
    certfile: /etc/pki/events.pem
"""

_MAX_BODY = 1024 * 1024
_REMEMBERED = 10_000
_LEAST_SECRET = 8
# The grammar of the distribution specification: nothing in it can be a template, an option or a path.
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_REGISTRY = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::[1-9][0-9]{0,4})?")
_MAX_REPOSITORY = 255

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Push:
    """A tag that was pushed.

    :ivar identity: the same for a webhook that is sent again
    """

    repository: str
    tag: str
    identity: str


def pushes(content: object) -> Iterator[Push]:
    """Yield the pushes of tags in the body of a webhook; nothing for what is none, or is no name of an image."""
    if not isinstance(content, Mapping):
        return
    found = _of_distribution(content) if isinstance(content.get("events"), list) else _of_harbor(content)
    for repository, tag, identity in found:
        if not isinstance(repository, str) or not isinstance(tag, str) or len(repository) > _MAX_REPOSITORY:
            continue
        if _REPOSITORY.fullmatch(repository) and _TAG.fullmatch(tag):
            yield Push(repository, tag, identity)


def _of_harbor(content: Mapping[str, Any]) -> Iterator[tuple[object, object, str]]:
    """Yield what Harbor's default format has (goharbor.io, Configure Webhook Notifications)."""
    data = content.get("event_data")
    if content.get("type") != "PUSH_ARTIFACT" or not isinstance(data, Mapping):
        return
    repository, resources = data.get("repository"), data.get("resources")
    path = repository.get("repo_full_name") if isinstance(repository, Mapping) else None
    for resource in resources if isinstance(resources, list) else ():
        if isinstance(resource, Mapping):
            tag, digest = resource.get("tag"), resource.get("digest")
            yield path, tag, f"{content.get('occur_at')} {path} {tag} {digest}"


def _of_distribution(content: Mapping[str, Any]) -> Iterator[tuple[object, object, str]]:
    """Yield what notifications of the distribution have (distribution, Work with notifications)."""
    for event in content["events"]:
        target = event.get("target") if isinstance(event, Mapping) else None
        if isinstance(target, Mapping) and event.get("action") == "push":
            repository, tag = target.get("repository"), target.get("tag")
            yield repository, tag, f"{event.get('id')} {repository} {tag}"


class Joined:
    """Pushes that wait to become events, joined by repository.

    :param seconds: how long a repository's first push waits for others
    :param most: how many tags may wait
    """

    def __init__(self, registry: str, queue: asyncio.Queue[Any], *, seconds: float, most: int) -> None:
        self._registry = registry
        self._queue = queue
        self._seconds = seconds
        self._most = most
        self._waiting: dict[str, dict[str, None]] = {}
        self._leaving = 0
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, found: Iterable[Push]) -> bool:
        """Let pushes wait, each once. Return False, and take none of them, when there is no room for all."""
        new = [push for push in dict.fromkeys(found) if push.identity not in self._seen]
        wanted = {(push.repository, push.tag) for push in new}
        missing = [name for name in wanted if name[1] not in self._waiting.get(name[0], {})]
        if self._leaving + sum(map(len, self._waiting.values())) + len(missing) > self._most:
            return False
        for push in new:
            self._seen[push.identity] = None
            if push.repository not in self._waiting:
                self._waiting[push.repository] = {}
                task = asyncio.get_running_loop().create_task(self._send(push.repository))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            self._waiting[push.repository][push.tag] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def close(self) -> None:
        """End what still waits."""
        for task in list(self._tasks):
            task.cancel()

    async def _send(self, repository: str) -> None:
        """Send one event of a repository. What waits for room in the queue still counts as waiting."""
        await asyncio.sleep(self._seconds)
        tags = sorted(self._waiting.pop(repository))
        event = {
            "images": [f"{self._registry}/{repository}:{tag}" for tag in tags],
            "registry": self._registry,
            "repository": repository,
            "tags": tags,
        }
        self._leaving += len(tags)
        try:
            await self._queue.put(event)
        finally:
            self._leaving -= len(tags)


def application(secret: str, joined: Joined) -> web.Application:
    """Return the server of the webhooks."""
    expected = secret.encode()

    async def take(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, expected):
            return web.Response(status=401)
        try:
            content = json.loads(await request.read())
        except (ValueError, RecursionError):
            return web.Response(status=400)
        found = list(pushes(content))
        if not joined.add(found):
            log.warning("too many tags wait to become events; a webhook was answered 503")
            return web.Response(status=503, headers={"Retry-After": "10"})
        return web.json_response({"taken": len(found)}, status=202)

    app = web.Application(client_max_size=_MAX_BODY)
    app.router.add_post("/", take)
    app.router.add_post("/{path:.*}", take)
    return app


def _checked(args: Mapping[str, Any]) -> tuple[str, str]:
    """Return the secret and the registry. Raise ValueError for what cannot be meant."""
    secret, registry = args.get("secret"), args.get("registry")
    if not isinstance(secret, str) or len(secret.strip()) < _LEAST_SECRET:
        raise ValueError(
            f"pushed_images: secret has to have at least {_LEAST_SECRET} characters; there is none by default"
        )
    if not isinstance(registry, str) or not _REGISTRY.fullmatch(registry):
        raise ValueError("pushed_images: registry has to be the host of the registry, as the rules name it")
    return secret, registry


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Listen until it is cancelled, and put events into the queue.

    :raises ValueError: for arguments that cannot be meant
    """
    secret, registry = _checked(args)
    context = None
    if args.get("certfile"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args["certfile"], args.get("keyfile"))
    joined = Joined(registry, queue, seconds=float(args.get("joined", 5)), most=int(args.get("most_waiting", 1000)))
    runner = web.AppRunner(application(secret, joined), access_log=None)
    await runner.setup()
    try:
        host, port = str(args.get("host", "127.0.0.1")), int(args.get("port", 5010))
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        await asyncio.Event().wait()
    finally:
        joined.close()
        await runner.cleanup()
