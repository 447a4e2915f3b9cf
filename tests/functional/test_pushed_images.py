# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source: what it makes of webhooks, and what it refuses. Its function runs under asyncio."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import ssl
import sys
import threading
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.plain_client import PlainClient
from support.scenes.images import image
from support.servers.certificates import CertificateAuthority
from support.servers.docker_registry import docker_registry
from support.servers.ports import free_port

aiohttp = pytest.importorskip("aiohttp")

SOURCE = Path(__file__).resolve().parents[2] / "extensions/eda/plugins/event_source/pushed_images.py"
SECRET = "correct horse battery"
Post = Callable[..., Awaitable[int]]


def source() -> Any:
    """The module, loaded as ansible-rulebook loads it: from its file."""
    spec = importlib.util.spec_from_file_location("pushed_images", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pushed_images"] = module
    spec.loader.exec_module(module)
    return module


def harbor(tag: object, repository: object = "library/app", kind: str = "PUSH_ARTIFACT", at: int = 1) -> dict[str, Any]:
    """A webhook in Harbor's default format."""
    resource = {"digest": "sha256:" + "a" * 64, "tag": tag, "resource_url": f"evil.example.com/{repository}:{tag}"}
    data = {
        "resources": [resource],
        "repository": {"repo_full_name": repository, "name": "app", "namespace": "library"},
    }
    return {"type": kind, "occur_at": at, "operator": "admin", "event_data": data}


def distribution(*tags: str | None, action: str = "push") -> dict[str, Any]:
    """A notification of the distribution."""
    events = [
        {"id": f"{action} {place} {tag}", "action": action, "target": {"repository": "team/app", "tag": tag}}
        for place, tag in enumerate(tags)
    ]
    return {"events": events}


def listen(
    scene: Callable[[Post, asyncio.Queue[Any]], Awaitable[None]], *, size: int = 0, context: Any = None, **more: Any
) -> None:
    """Run a scene while the source listens."""

    async def run() -> None:
        queue: asyncio.Queue[Any] = asyncio.Queue(size)
        port = more.get("port") or free_port()
        args = {"secret": SECRET, "registry": "harbor.example.com", "port": port, "joined": 0.2, **more}
        listening = asyncio.ensure_future(source().main(queue, args))
        scheme = "https" if context else "http"

        async with aiohttp.ClientSession() as session:

            async def post(body: object, headers: Mapping[str, str] = {"Authorization": SECRET}) -> int:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                while True:
                    try:
                        url = f"{scheme}://localhost:{port}/hook"
                        async with session.post(url, data=data, headers=headers, ssl=context or True) as answer:
                            return int(answer.status)
                    except aiohttp.ClientConnectorError:
                        assert not listening.done(), listening.exception()
                        await asyncio.sleep(0)

            try:
                await asyncio.wait_for(scene(post, queue), 60)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(run())


def test_pushes_to_one_repository_are_one_event_with_each_tag_once() -> None:
    async def scene(post: Post, queue: asyncio.Queue[Any]) -> None:
        for tag, at in (("1.1", 1), ("1.0", 2), ("1.1", 1), ("1.1", 3)):
            assert await post(harbor(tag, at=at)) == 202
        assert await post(harbor("9", "library/other")) == 202
        events = sorted([await queue.get() for _count in range(2)], key=lambda event: str(event["repository"]))
        assert events[0]["images"] == ["harbor.example.com/library/app:1.0", "harbor.example.com/library/app:1.1"]
        assert events[1]["images"] == ["harbor.example.com/library/other:9"]
        # A webhook that is sent again after its event is none; a later push of the same tag is one.
        assert await post(harbor("1.0", at=2)) == 202
        assert await post(harbor("1.1", at=4)) == 202
        assert (await queue.get())["tags"] == ["1.1"]
        assert queue.empty()

    listen(scene)


def test_what_is_no_push_of_a_tag_is_no_event() -> None:
    async def scene(post: Post, queue: asyncio.Queue[Any]) -> None:
        none: list[object] = [
            harbor("1", kind="DELETE_ARTIFACT"),
            harbor("1", kind="PULL_ARTIFACT"),
            distribution("1", action="delete"),
            distribution("1", action="pull"),
            distribution(None),
            {"events": [7, {"action": "push", "target": "x"}]},
            [],
            7,
            {"type": "PUSH_ARTIFACT", "event_data": {"resources": 7}},
        ]
        names = ["{{ lookup('pipe','id') }}", "{% x %}", "../x", "Upper", "a b", "-e", "", "a" * 300, "x\ny", None, 7]
        none += [harbor("1", name) for name in names] + [harbor(name) for name in names if name not in ("Upper", 7)]
        for body in none:
            assert await post(body) == 202, body
        assert await post(distribution("2.0", "2.1")) == 202
        assert (await queue.get())["images"] == ["harbor.example.com/team/app:2.0", "harbor.example.com/team/app:2.1"]
        assert queue.empty()

    listen(scene)


def test_nothing_is_taken_without_the_secret_nor_what_is_too_large() -> None:
    async def scene(post: Post, queue: asyncio.Queue[Any]) -> None:
        for headers in ({}, {"Authorization": ""}, {"Authorization": "wrong"}, {"Authorization": f"Basic {SECRET}"}):
            assert await post(harbor("1"), headers) == 401
        assert await post(b"no json") == 400
        assert await post(b"[" * 100_000) == 400
        assert await post(b" " * (1024 * 1024 + 1)) == 413
        assert await post(harbor("2"), {"Authorization": f"Bearer {SECRET}"}) == 202
        assert (await queue.get())["tags"] == ["2"]
        assert queue.empty()

    listen(scene)


def test_what_waits_is_bounded_and_comes_when_there_is_room() -> None:
    async def scene(post: Post, queue: asyncio.Queue[Any]) -> None:
        queue.put_nowait("what the rules have not taken yet")
        assert await post(distribution("1", "2", "3")) == 202
        assert await post(distribution("4", action="push")) == 503
        assert await queue.get() == "what the rules have not taken yet"
        assert (await queue.get())["tags"] == ["1", "2", "3"]
        assert await post(distribution("4")) == 202
        assert (await queue.get())["tags"] == ["4"]

    listen(scene, size=1, most_waiting=3)


def test_it_speaks_tls(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    certificate = authority.issue("localhost")
    context = ssl.create_default_context(cafile=str(authority.ca_path))

    async def scene(post: Post, queue: asyncio.Queue[Any]) -> None:
        assert await post(harbor("1")) == 202
        assert (await queue.get())["tags"] == ["1"]

    listen(scene, context=context, certfile=str(certificate.certificate), keyfile=str(certificate.key))


@pytest.mark.parametrize("args", [{}, {"secret": ""}, {"secret": "short"}, {"secret": SECRET, "registry": "a/b"}])
def test_there_is_no_default_secret_and_no_default_registry(args: dict[str, Any]) -> None:
    async def listening() -> None:
        await source().main(asyncio.Queue(), args)

    with pytest.raises(ValueError):
        asyncio.run(listening())


def test_a_real_registry_tells_of_a_push(tmp_path: Path) -> None:
    async def scene(post: Post, queue: asyncio.Queue[Any]) -> None:
        await post(distribution())

        def push() -> None:
            endpoint = {"name": "sync", "url": f"http://127.0.0.1:{port}/", "headers": {"Authorization": [SECRET]}}
            times = {"timeout": "1s", "threshold": 1, "backoff": "1s"}
            extra = {"notifications": {"endpoints": [{**endpoint, **times}]}}
            with docker_registry(tmp_path / "registry", extra=extra) as registry:
                with PlainClient(registry.endpoint) as client:
                    client.push("library/app", image("app"), "1.0")
                pushed.wait(30)

        pushed = threading.Event()
        pushing = asyncio.get_running_loop().run_in_executor(None, push)
        try:
            assert (await queue.get())["images"] == ["harbor.example.com/library/app:1.0"]
        finally:
            pushed.set()
            await pushing

    port = free_port()
    listen(scene, port=port)
