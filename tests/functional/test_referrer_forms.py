# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every form of what belongs to an image, against every kind of registry: what comes through, and what is said else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient, Refused
from support.scenes import images
from support.scenes.images import Blob, Image
from support.scenes.runs import Run, only
from support.scenes.signatures import SIMPLE_SIGNING
from support.servers.docker_registry import docker_registry
from support.servers.referrers_api import ReferrersApi
from support.servers.scripted_registry import scripted_registry
from support.servers.shared import Servers

Plain = Callable[[Endpoint], PlainClient]
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
NOTATION = "application/vnd.cncf.notary.signature"
SPDX = "application/spdx+json"


@dataclass(frozen=True)
class Form:
    """An image, and what belongs to it.

    :ivar attached: manifests that refer to others, a subject before what refers to it
    :ivar tags: tags that belong to its digests
    """

    image: Image
    attached: tuple[tuple[Image, Image], ...] = ()
    tags: tuple[tuple[str, Image], ...] = ()


def tag_of(image: Image) -> str:
    return image.digest.replace(":", "-")


def cosign_tag(seed: str) -> Form:
    """As cosign 2 does it: an image manifest whose layer is the payload, under a tag."""
    index = images.multi_arch(seed)
    return Form(index, tags=((f"{tag_of(index)}.sig", images.image(seed, layers=[Blob(b"{}", SIMPLE_SIGNING)])),))


def referring(kind: str) -> Callable[[str], Form]:
    """As cosign 3 and notation do it: an artifact whose subject is the index."""

    def form(seed: str) -> Form:
        index = images.multi_arch(seed)
        return Form(index, ((images.artifact(seed, index, kind), index),))

    return form


def attestation(seed: str) -> Form:
    """As BuildKit does it: an entry of the index itself."""
    return Form(images.multi_arch(seed, attestations=True))


def attestation_artifact(seed: str) -> Form:
    """As BuildKit does it when it is asked for OCI artifacts: the entry has the empty config, and a subject."""
    child = images.image(seed)
    entry = {"platform": images.platform("unknown/unknown")}
    made = images.artifact(seed, child, "application/vnd.docker.attestation.manifest.v1+json")
    return Form(images.index([(child, {"platform": images.platform("linux/amd64")}), (made, entry)]), ((made, child),))


def sbom_on_a_child(seed: str) -> Form:
    index = images.multi_arch(seed)
    return Form(index, ((images.artifact(seed, index.children[0], SPDX), index.children[0]),))


def signature_on_an_sbom(seed: str) -> Form:
    index = images.multi_arch(seed)
    sbom = images.artifact(seed, index.children[0], SPDX)
    return Form(index, ((sbom, index.children[0]), (images.artifact(f"{seed} signed", sbom, BUNDLE), sbom)))


FORMS: dict[str, Callable[[str], Form]] = {
    "cosign tag": cosign_tag,
    "cosign referrer": referring(BUNDLE),
    "notation": referring(NOTATION),
    "attestation in an index": attestation,
    "attestation as an artifact": attestation_artifact,
    "SBOM on a child": sbom_on_a_child,
    "signature on an SBOM": signature_on_an_sbom,
}
REFUSED = {"cosign referrer", "notation", "SBOM on a child", "signature on an SBOM"}
"""What a registry that takes images alone refuses; a note says so, and the image comes."""
FAILED = {"attestation as an artifact"}
"""What such a registry refuses and cannot be left out without another digest."""


@dataclass(frozen=True)
class Kind:
    """A registry under test.

    :ivar lists: whether it has the referrers API
    :ivar strict: whether it takes images alone
    """

    endpoint: Endpoint
    lists: bool = False
    strict: bool = False


@pytest.fixture(scope="module")
def kinds(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Callable[[], Kind]]]:
    """Every kind of registry by its name, started when it is first asked for."""
    with ExitStack() as stack:
        found: dict[str, Kind] = {}

        def once(name: str, make: Callable[[], Kind]) -> Callable[[], Kind]:
            return lambda: found.get(name) or found.setdefault(name, make())

        def api(**habits: Any) -> Callable[[], Kind]:
            def make() -> Kind:
                registry = stack.enter_context(scripted_registry())
                registry.answer = ReferrersApi(registry, page=1, **habits)
                return Kind(registry.endpoint, lists=True)

            return make

        def strict() -> Kind:
            registry = docker_registry(tmp_path_factory.mktemp("strict"), classes=["image"])
            return Kind(stack.enter_context(registry).endpoint, strict=True)

        makers = {
            "API": api(),
            "API, subject first": api(needs_subject=True),
            "fallback": lambda: Kind(servers.open.endpoint),
            "images alone": strict,
            "zuul": lambda: Kind(servers.zuul.endpoint),
        }
        yield {name: once(name, make) for name, make in makers.items()}


def fill(client: PlainClient, path: str, form: Form, *, lists: bool) -> None:
    """Push as other clients do: with the list under a tag where the registry has none of its own."""
    client.push(path, form.image, "1.0")
    for referrer, subject in form.attached:
        client.push(path, referrer)
        if not lists:
            client.push(path, images.index([referrer]), tag_of(subject))
    for tag, image in form.tags:
        client.push(path, image, tag)


def is_there(client: PlainClient, path: str, image: Image) -> bool:
    """Whether a manifest is there byte for byte, with its blobs."""
    try:
        found = client.manifest(path, image.digest).body
    except Refused:
        return False
    return found == image.manifest and all(client.blob(path, digest).body for digest in image.all_blobs())


def listed(client: PlainClient, path: str, subject: Image, *, lists: bool) -> set[str]:
    """What a client finds that asks for the referrers of a manifest."""
    if lists:
        found: set[str] = set()
        following = f"/v2/{path}/referrers/{subject.digest}"
        while following:
            answer = client.request("GET", following)
            found |= {entry["digest"] for entry in answer.json()["manifests"]}
            following = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
        return found
    return {entry["digest"] for entry in client.manifest(path, tag_of(subject)).json()["manifests"]}


@pytest.mark.parametrize("form_name", FORMS)
@pytest.mark.parametrize("to", ["API", "API, subject first", "fallback", "images alone", "zuul"])
@pytest.mark.parametrize("of", ["API", "fallback"])
def test_what_comes_through(
    kinds: dict[str, Callable[[], Kind]], plain: Plain, fresh: Callable[[], str], of: str, to: str, form_name: str
) -> None:
    form, source, target = FORMS[form_name](fresh()), kinds[of](), kinds[to]()
    path, there = fresh(), fresh()
    fill(plain(source.endpoint), path, form, lists=source.lists)
    run = Run([source.endpoint, target.endpoint])
    rule = {"source": f"{source.endpoint.host}/{path}:1.0", "destination": f"{target.endpoint.host}/{there}"}

    first = only(run.sync(rule))

    client = plain(target.endpoint)
    if target.strict and form_name in FAILED:
        assert first.error is not None
        assert (first.error.code, client.tags(there)) == ("unsupported_manifest", [])
        return
    assert first.status == "done", first.error
    assert client.manifest(there, "1.0").body == form.image.manifest
    states = {state.value for state in first.referrers.values()}
    if target.strict and form_name in REFUSED:
        assert states == {"refused"}
        assert not any(is_there(client, there, referrer) for referrer, _subject in form.attached)
    else:
        assert states == ({"copied"} if form.attached or form.tags else set())
        for referrer, subject in form.attached:
            assert is_there(client, there, referrer)
            assert referrer.digest in listed(client, there, subject, lists=target.lists)
        for tag, image in form.tags:
            assert client.manifest(there, tag).body == image.manifest

    again = run.sync(rule)
    assert (only(again).action, only(again).status, again.changed) == ("unchanged", "done", False)
