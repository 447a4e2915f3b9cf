# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further situations that people report of registries: a table of what each does, where that is told, and the outcome.

The themes with several situations each have files of their own beside this one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Callable

import pytest
from support.scenes import images
from support.scenes.images import Image
from support.scenes.runs import Run, actions
from support.servers.scripted_registry import Answer, Reply, Request, ScriptedRegistry, refusal, scripted_registry

APP = images.image("app", layers=[images.random_blob(number, 30_000) for number in range(3)])
LARGE = images.image("large", layers=[images.random_blob("large", 12_000_000)])
DONE = {"1": ("create", "done")}
EMPTY_INDEX = json.dumps({"schemaVersion": 2, "mediaType": images.OCI_INDEX, "manifests": []}).encode()
SCHEMA_1 = json.dumps({"schemaVersion": 1, "name": "app", "tag": "old", "fsLayers": [], "history": []}).encode()

Bend = Callable[[ScriptedRegistry], Answer]
"""Makes the answers of a registry that is not quite as the specification says."""


def plain(registry: ScriptedRegistry) -> Answer:
    return lambda request: None


@dataclass(frozen=True)
class Situation:
    """What people report of a registry, and what a run makes of it.

    :param thread: where it is told
    :param source: how the source answers, else as the specification says; likewise the destination
    :param tag: what is copied of the source's repository; empty for all tags
    :param expected: action and status of each tag at the destination
    :param said: what the errors say, by tag
    """

    thread: str
    source: Bend = plain
    target: Bend = plain
    tag: str = ":1"
    image: Image = APP
    expected: Mapping[str, tuple[str, str]] = field(default_factory=lambda: DONE)
    said: Mapping[str, str] = field(default_factory=dict)


def changed(
    kind: str, method: str, change: Callable[[Request, Reply], Reply | None], *statuses: int
) -> Callable[[ScriptedRegistry], Answer]:
    """Answers to requests of one kind, changed where they have one of these statuses; any where there are none."""

    def bend(registry: ScriptedRegistry) -> Answer:
        def answer(request: Request) -> Reply | None:
            if (request.kind, request.method) != (kind, method):
                return None
            ordinary = registry.ordinary(request)
            return change(request, ordinary) if not statuses or ordinary.status in statuses else ordinary

        return answer

    return bend


def both(*bends: Bend) -> Bend:
    """Several habits at once; the first that answers does."""

    def bend(registry: ScriptedRegistry) -> Answer:
        answers = [each(registry) for each in bends]
        return lambda request: next((found for each in answers if (found := each(request))), None)

    return bend


def status(kind: str, method: str, old: int, new: int) -> Bend:
    return changed(kind, method, lambda request, ordinary: replace(ordinary, status=new), old)


def said_digest(change: Callable[[str], str]) -> Bend:
    def other(request: Request, ordinary: Reply) -> Reply:
        said = change(ordinary.headers["Docker-Content-Digest"])
        return replace(ordinary, headers={**ordinary.headers, "Docker-Content-Digest": said})

    return both(changed("manifest", "GET", other, 200), changed("manifest", "HEAD", other, 200))


def only_by_patch(request: Request) -> Reply | None:
    return Reply(405) if request.kind == "upload" and request.method == "PUT" and request.body else None


def located(change: Callable[[str], str]) -> Bend:
    return changed(
        "upload",
        "POST",
        lambda request, ordinary: replace(
            ordinary, headers={**ordinary.headers, "Location": change(ordinary.headers["Location"])}
        ),
        202,
    )


def beside_v2(registry: ScriptedRegistry) -> Answer:
    """Uploads go to a path of their own, as at Google."""
    opening = located(lambda location: "/artifacts-uploads/namespaces/p/uploads/" + location.rpartition("/")[2])(
        registry
    )

    def answer(request: Request) -> Reply | None:
        if request.path.startswith("/artifacts-uploads/"):
            request.path = "/v2/m/app/blobs/uploads/" + request.path.rpartition("/")[2]
            return registry.ordinary(request)
        return opening(request)

    return answer


def redirecting(code: int, kind: str, method: str) -> Bend:
    """Writes are led to another URL of the same registry."""

    def bend(registry: ScriptedRegistry) -> Answer:
        def answer(request: Request) -> Reply | None:
            if (request.kind, request.method) != (kind, method) or "again" in request.query:
                return None
            query = "&".join(f"{name}={value}" for name, value in {**request.query, "again": "1"}.items())
            return Reply(code, headers={"Location": f"http://{registry.host}{request.path}?{query}"})

        return answer

    return bend


def remembering(registry: ScriptedRegistry) -> Answer:
    """A cache that outlives a garbage collection: blobs are said to be there, and manifests that name them refused."""

    def answer(request: Request) -> Reply | None:
        if request.kind == "blob" and request.method == "HEAD":
            return Reply(200)
        if request.kind == "upload" and "mount" in request.query:
            return Reply(201, headers={"Docker-Content-Digest": request.query["mount"]})
        return None

    return answer


def least_chunks(registry: ScriptedRegistry) -> Answer:
    """Parts of a storage: at least four megabytes, and a proxy before it that takes at most five."""
    short: set[str] = set()

    def answer(request: Request) -> Reply | None:
        if request.kind != "upload":
            return None
        if len(request.body) > 5_000_000:
            return Reply(413)
        if request.method == "POST":
            found = registry.ordinary(request)
            return replace(found, headers={**found.headers, "OCI-Chunk-Min-Length": "4000000"})
        if request.method == "PATCH" and request.path in short:
            return refusal(400, "BLOB_UPLOAD_INVALID", "EntityTooSmall")
        if request.method == "PATCH" and len(request.body) < 4_000_000:
            short.add(request.path)
        return None

    return answer


def forgetful_upload(registry: ScriptedRegistry) -> Answer:
    """A chunk that broke cannot be taken up again."""
    patches: list[int] = []

    def answer(request: Request) -> Reply | None:
        if request.kind != "upload" or request.method not in ("PUT", "PATCH"):
            return None
        if request.method == "PUT":
            return Reply(413) if len(request.body) > 5_000_000 else None
        patches.append(len(request.body))
        broken = {2: Reply(502), 3: refusal(404, "BLOB_UPLOAD_INVALID", "blob upload invalid")}
        return broken.get(len(patches))

    return answer


def manifest_of(registry: ScriptedRegistry, tag: str, raw: bytes, media_type: str) -> None:
    kept = registry.repository("app")
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    kept.manifests[digest], kept.tags[tag] = (raw, media_type), digest


def with_schema_1(registry: ScriptedRegistry) -> Answer:
    manifest_of(registry, "old", SCHEMA_1, "application/vnd.docker.distribution.manifest.v1+prettyjws")
    return lambda request: None


def with_an_empty_index(registry: ScriptedRegistry) -> Answer:
    manifest_of(registry, "1", EMPTY_INDEX, images.OCI_INDEX)
    return lambda request: None


def listing(*tags: object) -> Bend:
    body = json.dumps({"name": "app", "tags": tags}).encode()
    return lambda registry: lambda request: Reply(200, body) if request.kind == "tags" else None


def busy_upstream(registry: ScriptedRegistry) -> Answer:
    asked: list[Request] = []

    def answer(request: Request) -> Reply | None:
        if request.kind == "manifest":
            asked.append(request)
        return refusal(429, "UNKNOWN", "too many requests to upstream registry") if 0 < len(asked) < 3 else None

    return answer


def instead(body: bytes, content_type: str, kind: str) -> Bend:
    """Something with HTTP 200 that is not what was asked for."""
    reply = Reply(200, body, {"Content-Type": content_type})
    return lambda registry: lambda request: reply if request.kind == kind else None


PAGE = b"<html><head><title>Sign in - Corp</title></head><body>Please log in</body></html>"
ERROR = b'{"errors":[{"code":"DENIED","message":"your subscription has ended"}]}'
FAILED = {"1": ("unknown", "failed")}
PAGE_SAID = {"1": "sent a web page in its place: Sign in - Corp Please log in"}

SITUATIONS: dict[str, Situation] = {
    # what a registry says of digests
    "a digest without its algorithm": Situation(
        "GoogleContainerTools/kaniko#298", *[said_digest(lambda said: said.partition(":")[2])] * 2
    ),
    "a digest in quotes": Situation("GoogleContainerTools/kaniko#298", said_digest(lambda said: f'"{said}"')),
    "the digest of another manifest": Situation(
        "distribution/distribution#2395",
        said_digest(lambda said: "sha256:" + "e" * 64),
        expected={"1": ("create", "failed")},
        said={"1": "where the registry says sha256:eee"},
    ),
    "the digest of another manifest to HEAD alone": Situation(
        "distribution/distribution#2395",
        changed(
            "manifest",
            "HEAD",
            lambda request, ordinary: replace(
                ordinary, headers={**ordinary.headers, "Docker-Content-Digest": "sha256:" + "e" * 64}
            ),
            200,
        ),
    ),
    # statuses that the specification does not have
    "200 to the beginning of an upload": Situation(
        "opencontainers/distribution-spec#171", target=status("upload", "POST", 202, 200)
    ),
    "201 to the beginning of an upload": Situation(
        "opencontainers/distribution-spec#171", target=status("upload", "POST", 202, 201)
    ),
    "204 to a PATCH": Situation(
        "pulp/pulp_container#2199",
        target=both(lambda registry: only_by_patch, status("upload", "PATCH", 202, 204)),
    ),
    "200 to a PATCH": Situation(
        "google/go-containerregistry#2198",
        target=both(lambda registry: only_by_patch, status("upload", "PATCH", 202, 200)),
    ),
    "202 to what ends an upload": Situation(
        "containerd/containerd#3750",
        target=both(status("upload", "PUT", 201, 202), status("manifest", "PUT", 201, 202)),
    ),
    # writes that are led elsewhere within a registry
    "307 to the beginning of an upload": Situation("arg-sh/argsh#135", target=redirecting(307, "upload", "POST")),
    "308 to the beginning of an upload": Situation("arg-sh/argsh#135", target=redirecting(308, "upload", "POST")),
    "307 to a manifest": Situation("distribution/distribution#2313", target=redirecting(307, "manifest", "PUT")),
    "uploads beside /v2/": Situation("oras-project/rust-oci-client#175", target=beside_v2),
    "uploads at a relative Location": Situation(
        "apple/swift-container-plugin#43", target=located(lambda location: location.rpartition("/")[2])
    ),
    # what a registry believes that it has
    "blobs that a cache remembers": Situation("distribution/distribution#4569", target=remembering),
    # pieces of uploads
    "chunks that must have a size": Situation("opencontainers/distribution-spec#374", target=least_chunks, image=LARGE),
    "chunks that cannot be taken up again": Situation(
        "Azure/azure-sdk-for-python#29738", target=forgetful_upload, image=LARGE
    ),
    # what is in a list
    "tags that are none": Situation(
        "containers/skopeo#1740", listing("1", "bad tag", "sha256:abc", "@x", "x" * 200, None, 5), tag=""
    ),
    "a tag that is listed and not there": Situation(
        "goharbor/harbor#16429",
        listing("1", "gone"),
        tag="",
        expected={**DONE, "gone": ("unknown", "failed")},
        said={"gone": "the source does not have it"},
    ),
    "one old image among others": Situation(
        "containers/skopeo#2350",
        with_schema_1,
        tag="",
        expected={**DONE, "old": ("unknown", "failed")},
        said={"old": "Docker schema 1"},
    ),
    "an index without entries": Situation("DaoCloud/public-image-mirror#73", with_an_empty_index),
    # words
    "what is not there is an artifact": Situation(
        "containers/image#2203",
        target=changed(
            "manifest", "GET", lambda request, ordinary: refusal(404, "NOT_FOUND", "artifact m/app:1 not found"), 404
        ),
    ),
    "an upstream that takes no more requests": Situation("goharbor/harbor#19899", busy_upstream),
    # what comes with HTTP 200 and is something else
    "a page in place of a manifest": Situation(
        "containers/podman.io_old#135", instead(PAGE, "text/html", "manifest"), expected=FAILED, said=PAGE_SAID
    ),
    "an error in place of a manifest": Situation(
        "containers/podman.io_old#135",
        instead(ERROR, "application/json", "manifest"),
        expected=FAILED,
        said={"1": "sent an error in its place: your subscription has ended"},
    ),
    "a page at the destination": Situation(
        "containers/podman.io_old#135", target=instead(PAGE, "text/html", "manifest"), expected=FAILED, said=PAGE_SAID
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_people_report(name: str) -> None:
    case = SITUATIONS[name]
    with scripted_registry() as source, scripted_registry() as target:
        source.push("app", case.image, "1")
        source.answer, target.answer = case.source(source), case.target(target)
        result = Run([source.endpoint, target.endpoint]).sync(
            {"source": f"{source.host}/app{case.tag}", "destination": f"{target.host}/m/app"}, retries=1
        )
        assert actions(result) == case.expected
        for image in result.images:
            tag = str(image.destination.tag)
            assert case.said.get(tag, "") in str(image.error or "")
            if image.status == "done":
                assert target.repository("m/app").tags[tag] == source.repository("app").tags[tag]


@pytest.mark.parametrize("form", [PAGE, ERROR])
def test_a_list_that_is_none_loses_no_tag_in_silence(form: bytes) -> None:
    with scripted_registry(lambda request: Reply(200, form) if request.kind == "tags" else None) as source:
        source.push("app", APP, "1")
        with scripted_registry() as target:
            result = Run([source.endpoint, target.endpoint]).sync(
                {"source": f"{source.host}/app", "destination": f"{target.host}/app"}
            )
    assert [image.status for image in result.images] == ["failed"]
    assert "in its place" in str(result.images[0].error)
