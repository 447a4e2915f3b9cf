# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests whose answers get lost, referrers, and deletion."""

from __future__ import annotations

import re
from typing import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.refusals import MissingContent
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    ImageOpsError,
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import (
    Manifest,
    parse_manifest,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.media_types import OCI_MANIFEST
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.referrers import referrers_of
from helpers.raw_server import HASTY, Received, client, raw_server


def image(subject: str = "") -> Manifest:
    config = f'{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{Digest.of(b"{}")}","size":2}}'
    more = f',"subject":{{"mediaType":"{OCI_MANIFEST}","digest":"{subject}","size":5}}' if subject else ""
    return parse_manifest(
        f'{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config},"layers":[]{more}}}'.encode(), OCI_MANIFEST
    )


class Manifests:
    """Enough of a registry to keep manifests."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.log: list[str] = []
        self.on_put: Callable[[Received], object] = lambda request: None
        self.lists_referrers = False

    def __call__(self, request: Received) -> object:
        self.log.append(request.method)
        ref = request.target.rpartition("/")[2]
        if request.method == "PUT":
            body = request.body()
            done = self.on_put(request)
            if not done or done == "lost":
                for name in (ref, str(Digest.of(body))):
                    self.kept[name], self.types[name] = body, request.headers["content-type"]
            if done:
                return "close" if done == "lost" else done
            more = {"OCI_Subject": "x"} if self.lists_referrers else {}
            return request.answer(201, Docker_Content_Digest=str(Digest.of(body)), **more)
        if ref not in self.kept or "/manifests/" not in request.target:
            return request.answer(404)
        digest = str(Digest.of(self.kept[ref]))
        return request.answer(200, self.kept[ref], Content_Type=self.types[ref], Docker_Content_Digest=digest)


@pytest.mark.parametrize("tag", ["latest", None])
def test_a_manifest_is_one_put(tag: str | None) -> None:
    server, made = Manifests(), image()
    with raw_server(server) as running, client(running.host) as registry:
        assert registry.repository("a").put_manifest(made, tag) == made.digest
        assert running.requests[0].headers["content-type"] == OCI_MANIFEST
    assert server.log == ["PUT"]
    assert server.kept[tag or str(made.digest)] == made.raw


def test_a_manifest_whose_answer_is_lost_is_not_put_twice() -> None:
    server, made = Manifests(), image()
    server.on_put = lambda request: "lost"
    with raw_server(server) as running, client(running.host) as registry:
        assert registry.repository("a").put_manifest(made, "latest") == made.digest
    assert server.log == ["PUT", "HEAD"]


def test_a_manifest_that_did_not_arrive_is_put_again() -> None:
    server, made = Manifests(), image()

    def refuse(request: Received) -> object:
        if server.log.count("PUT") > 1:
            return None
        request.answer(503)
        return "answered"

    server.on_put = refuse
    with raw_server(server) as running, client(running.host) as registry:
        registry.repository("a").put_manifest(made, "latest")
    assert server.log == ["PUT", "HEAD", "GET", "PUT"]  # the first 404 to a HEAD is confirmed


@pytest.mark.parametrize("kept", [False, True])
def test_a_manifest_that_arrived_as_other_bytes_is_put_again(kept: bool) -> None:
    """Where several write one at once, docker-registry says so of the others' bytes."""
    server, made = Manifests(), image()

    def refuse(request: Received) -> object:
        if server.log.count("PUT") > 1:
            return None
        if kept:
            server.kept["latest"], server.types["latest"] = made.raw, OCI_MANIFEST
        request.answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
        return "answered"

    server.on_put = refuse
    with raw_server(server) as running, client(running.host) as registry:
        registry.repository("a").put_manifest(made, "latest")
    assert server.log == ["PUT", "HEAD"] if kept else ["PUT", "HEAD", "PUT"]
    assert server.kept["latest"] == made.raw


@pytest.mark.parametrize("padding", [0, 50, 90, 95, 140, 190, 195, 290, 295])
def test_a_secret_in_a_header_is_masked_before_it_is_cut(padding: int) -> None:
    secret = "Mellon-secret"
    link = f"<http://elsewhere.example/{'x' * padding}{secret}>; rel=next"

    def handle(request: Received) -> None:
        request.answer(200, b'{"tags":["1"]}', Link=link)

    with (
        raw_server(handle) as running,
        client(running.host, settings=HASTY, mask=lambda text: text.replace(secret, "***")) as registry,
        pytest.raises(ImageOpsError) as caught,
    ):
        registry.repository("a").tags()
    assert "next page" in str(caught.value)
    assert "Mel" not in str(caught.value)


@pytest.mark.parametrize("said", ["nonsense", "0" * 64, "sha256:0", '"sha256:' + "0" * 64 + '"'])
def test_what_is_no_digest_is_as_if_nothing_was_said(said: str) -> None:
    made = image()

    def handle(request: Received) -> None:
        request.answer(200, made.raw, Docker_Content_Digest=said, Content_Type=OCI_MANIFEST)

    with raw_server(handle) as running, client(running.host, settings=HASTY) as registry:
        found = registry.repository("a").resolve("latest")
        assert found is not None
        assert found.digest == made.digest == registry.repository("a").manifest("latest").digest


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (str(Digest.of(image().raw, "sha512")), image().digest),
        ("sha256:" + "0" * 64, Digest("sha256", bytes(32))),
        ("no digest", None),
    ],
)
def test_what_a_registry_says_that_a_manifest_is(said: str, found: Digest | None) -> None:
    server = Manifests()

    def store(request: Received) -> object:
        request.answer(201, Docker_Content_Digest=said)
        return "answered"

    server.on_put = store
    with raw_server(server) as running, client(running.host) as registry:
        assert registry.repository("a").put_manifest(image(), "latest") == found


def test_a_manifest_that_names_what_is_missing() -> None:
    server = Manifests()

    def refuse(request: Received) -> object:
        request.answer(400, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}')
        return "answered"

    server.on_put = refuse
    with raw_server(server) as running, client(running.host) as registry, pytest.raises(MissingContent):
        registry.repository("a").put_manifest(image(), "latest")


def test_referrers_are_listed_where_the_registry_does_not() -> None:
    server = Manifests()
    subject = Digest.of(b"image")
    with raw_server(server) as running, client(running.host) as registry:
        repository = registry.repository("a")
        made = image(str(subject))
        repository.put_manifest(made)
        assert repository.referrers(subject) is None
        assert referrers_of(repository, subject) == []
        repository.list_referrer(made)
        repository.list_referrer(made)
        assert server.log.count("PUT") == 2
        assert [found.digest for found in referrers_of(repository, subject)] == [made.digest]
        assert f"sha256-{subject.encoded}" in server.kept
        assert len([r for r in running.requests if "/referrers/" in r.target]) == 1


def test_referrers_are_not_listed_where_the_registry_does() -> None:
    server = Manifests()
    server.lists_referrers = True
    with raw_server(server) as running, client(running.host) as registry:
        made = image(str(Digest.of(b"image")))
        registry.repository("a").put_manifest(made)
        registry.repository("a").list_referrer(made)
        registry.repository("a").list_referrer(image())
        assert server.log == ["PUT"]


@pytest.mark.parametrize("status", [400, 405])
def test_a_registry_that_deletes_nothing(status: int) -> None:
    with raw_server(lambda request: request.answer(status)) as running, client(running.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").delete_tag("old")
        assert caught.value.code == "unsupported"


@pytest.mark.parametrize("status", [202, 404])
def test_what_is_gone_is_deleted(status: int) -> None:
    with raw_server(lambda request: request.answer(status)) as running, client(running.host) as registry:
        registry.repository("a").delete_manifest(Digest.of(b"x"))
        assert re.fullmatch(r"/v2/a/manifests/sha256:[0-9a-f]{64}", running.requests[0].target)
