# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad day: every fifth request fails in some way, and the run ends right and without flooding anybody."""

from __future__ import annotations

from typing import Callable

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import (
    Answer,
    CutRequest,
    CutResponse,
    FlipResponse,
    HoldAnswer,
    LoseAnswer,
    OneOf,
    error_answer,
)
from support.faults.fault_proxy import Action, Cut, FaultProxy, Request
from support.scenes import images
from support.scenes.fault_scene import assert_whole
from support.scenes.images import Image
from support.scenes.runs import Run
from support.servers.shared import Servers

QUICK, WHOLE = 100, 500
TAGS = 20
BUSY = Settings(timeout=1.0, retry=RetryPolicy(backoff=0.01, backoff_cap=0.05))


class Truncate(CutResponse):
    """Cut an answer short; where there is nothing to cut short, give none."""

    def on_request(self, request: Request) -> None:
        if request.method != "GET":
            raise Cut(reset=self.reset)


FAULTS: list[Action] = [
    CutRequest(),
    CutRequest(reset=True),
    CutRequest(after=1),
    LoseAnswer(),
    LoseAnswer(reset=True),
    Truncate(),
    Truncate(after=50),
    Truncate(after=100, reset=True),
    Answer(500),
    Answer(502, b"<html>bad gateway</html>"),
    Answer(502, reach=True),
    Answer(503, b"busy"),
    Answer(504, reach=True),
    error_answer(429, "TOOMANYREQUESTS", headers={"Retry-After": "0"}),
    Answer(408),
    HoldAnswer(),
]


def test_one_request_in_five_fails(
    servers: Servers,
    faulty: Callable[..., FaultProxy],
    plain: Callable[[Endpoint], PlainClient],
    fresh: Callable[[], str],
    whole: bool,
    seed: int,
) -> None:
    number = WHOLE if whole else QUICK
    origin, target = servers.open.endpoint, servers.relative.endpoint
    made: dict[str, dict[str, Image]] = {}
    shared = [images.random_blob(f"{seed} {name}", 3000) for name in range(2)]
    for _repository in range(number // TAGS):
        path = fresh()
        made[path] = {
            f"v{tag}": images.image(f"{path} {tag}", layers=[*shared, images.layer(f"{path} {tag}")])
            for tag in range(TAGS - 1)
        }
        made[path]["multi"] = images.multi_arch(path)
        for tag, image in made[path].items():
            plain(origin).push(path, image, tag)

    def sync(prefix: str, share: float) -> int:
        source, destination = faulty(origin, seed=seed), faulty(target, seed=seed + 1)
        for proxy, more in ((source, [FlipResponse(at=5)] if share else []), (destination, [])):
            if share:
                proxy.add(OneOf(FAULTS, seed), times=None, share=share)
            for action in more:
                proxy.add(action, method="GET", target="/manifests/|/blobs/", share=0.01, times=None)
        run = Run([source.endpoint, destination.endpoint], settings=BUSY)
        result = run.sync(
            *(
                {
                    "source": f"{source.endpoint.host}/{path}",
                    "destination": f"{destination.endpoint.host}/{prefix}/{path}",
                }
                for path in made
            ),
            retries=5,
        )
        assert len(result.images) == number
        assert {image.status for image in result.images} == {"done"}, {
            str(image.error) for image in result.images if image.error
        }
        return sum(len(proxy.records()) for proxy in (source, destination))

    clean = sync("clean", 0)
    busy = sync("busy", 0.2)

    print(f"{clean} requests on a good day, {busy} on a bad one: {busy / clean:.2f} times")
    assert busy <= 1.75 * clean
    there = plain(target)
    for path, tags in made.items():
        for tag, image in tags.items():
            assert there.manifest(f"busy/{path}", tag).digest == image.digest
            assert_whole(there, f"busy/{path}", image)
