# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What refers to images, between registries that have the referrers API and docker-registry, which has it not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient, Refused
from support.scenes import images
from support.scenes.images import Image
from support.scenes.modules import module, registry_option
from support.scenes.runs import Run, only
from support.scenes.signatures import Signer, signature, signature_tag
from support.servers.docker_registry import DockerRegistry
from support.servers.referrers_api import ReferrersApi
from support.servers.scripted_registry import ScriptedRegistry, refusal, scripted_registry
from support.servers.shared import Servers

SIGNER = Signer()
APP = images.multi_arch("app", ["linux/amd64", "linux/arm64"])
CHILD = APP.children[0]
SIGNATURE = signature(SIGNER.layer(APP.digest), subject=APP)
SBOM = images.artifact("sbom of a child", CHILD)
SIGNED_SBOM = images.artifact("signature of the sbom", SBOM, "application/vnd.example.signature")
COSIGN = signature(SIGNER.layer(APP.digest))
ATTACHED = (SIGNATURE, SBOM, SIGNED_SBOM)


@pytest.fixture
def listing() -> Iterator[ScriptedRegistry]:
    """A registry that has the API, and gives one entry a page."""
    with scripted_registry() as registry:
        registry.answer = ReferrersApi(registry, page=1)
        yield registry


@pytest.fixture
def plain_one(servers: Servers) -> DockerRegistry:
    """docker-registry, which has no such API."""
    return servers.open


def run(*registries: Any, source: str, destination: str, **options: Any) -> Any:
    rule = {"source": source, "destination": destination, **options.pop("rule", {})}
    return only(Run([registry.endpoint for registry in registries]).sync(rule, **options))


def fill(registry: ScriptedRegistry, path: str, *attached: Image) -> None:
    registry.push(path, APP, "1")
    for each in attached:
        registry.push(path, each)


def requests(registry: ScriptedRegistry) -> dict[tuple[str, str], int]:
    """What was asked and answered since the last time, lists of referrers apart from other requests."""
    kinds = ["referrers" if "/referrers/" in one.path else one.kind for one in registry.requests]
    found = Counter((one.method, kind) for one, kind in zip(registry.requests, kinds))
    registry.requests.clear()
    return {key: count for key, count in found.items() if key[1] in ("referrers", "manifest", "tags")}


def test_the_api_of_these_tests_is_that_of_the_specification(
    listing: ScriptedRegistry, plain: Callable[[Endpoint], PlainClient]
) -> None:
    """Distribution-spec 1.1: Listing Referrers, Pushing Manifests with Subject."""
    client = plain(listing.endpoint)
    for blob in [*SIGNATURE.blobs, *SBOM.blobs]:
        client.push_blob("app", blob)

    def ask(digest: str, query: str = "") -> Any:
        return client.request("GET", f"/v2/app/referrers/{digest}{query}")

    def digests(answer: Any) -> list[str]:
        assert answer.headers["content-type"] == images.OCI_INDEX
        document = answer.json()
        assert (document["schemaVersion"], document["mediaType"]) == (2, images.OCI_INDEX)
        return [entry["digest"] for entry in document["manifests"]]

    assert digests(ask(APP.digest)) == []  # of what is not there, too
    pushed = client.push_manifest("app", SIGNATURE.digest, SIGNATURE.manifest, SIGNATURE.media_type)
    assert pushed.headers["oci-subject"] == APP.digest  # although the subject is still to come
    other = images.artifact("another", APP)
    client.push("app", other)
    client.push("app", APP, "1")

    first = ask(APP.digest)
    following = first.headers["link"].partition("<")[2].partition(">")[0]
    second = client.request("GET", following)
    assert sorted([*digests(first), *digests(second)]) == sorted([SIGNATURE.digest, other.digest])
    assert "link" not in second.headers
    (entry,) = ask(APP.digest, "?artifactType=application/vnd.example.sbom").json()["manifests"]
    assert (entry["digest"], entry["size"], entry["artifactType"]) == (
        other.digest,
        len(other.manifest),
        "application/vnd.example.sbom",
    )
    filtered = ask(APP.digest, "?artifactType=application/vnd.example.none")
    assert (digests(filtered), filtered.headers["oci-filters-applied"]) == ([], "artifactType")
    assert digests(ask(CHILD.digest)) == []

    listing.answer = ReferrersApi(listing, needs_subject=True)
    with pytest.raises(Refused, match="404"):
        client.push_manifest("lonely", SIGNATURE.digest, SIGNATURE.manifest, SIGNATURE.media_type)
    listing.answer = ReferrersApi(listing, refuses=("application/vnd.example.sbom",))
    with pytest.raises(Refused, match="400"):
        client.push_manifest("app", SBOM.digest, SBOM.manifest, SBOM.media_type)


def test_the_api_is_asked_for_what_a_module_tells(listing: ScriptedRegistry, tmp_path: Path) -> None:
    fill(listing, "app", *ATTACHED)
    listing.push("app", COSIGN, signature_tag(APP))
    given = {
        "images": [f"{listing.host}/app:1"],
        "referrers": True,
        "registries": [registry_option(listing.endpoint)],
    }
    with module("registry_image_info", given, home=tmp_path) as running:
        (found,) = running.end().result["images"][0]["manifests"]

    assert [(one["digest"], one["tag"]) for one in found["referrers"]] == [
        (SIGNATURE.digest, None),
        (COSIGN.digest, signature_tag(APP)),
    ]
    (sbom,) = found["children"][0]["referrers"]
    assert (sbom["digest"], [one["digest"] for one in sbom["referrers"]]) == (SBOM.digest, [SIGNED_SBOM.digest])


def test_everything_comes_to_a_registry_that_lists_it_by_its_fallback_tags_and_back(
    listing: ScriptedRegistry, plain_one: DockerRegistry, plain: Callable[[Endpoint], PlainClient], fresh: Any
) -> None:
    fill(listing, "from/app", *ATTACHED)
    listing.push("from/app", COSIGN, signature_tag(APP))
    there = fresh()
    first = run(listing, plain_one, source=f"{listing.host}/from/app", destination=f"{plain_one.host}/{there}")

    assert (first.status, {state.value for state in first.referrers.values()}) == ("done", {"copied"}), first.error
    fallback = {each.digest.replace(":", "-") for each in (APP, CHILD, SBOM)}
    assert set(plain(plain_one.endpoint).tags(there)) == {"1", signature_tag(APP), *fallback}

    back = run(listing, plain_one, source=f"{plain_one.host}/{there}", destination=f"{listing.host}/back/app")
    assert back.status == "done", back.error
    kept = listing.repositories["back/app"]
    assert {each.digest for each in ATTACHED} <= set(kept.manifests)
    assert kept.tags["1"] == APP.digest
    assert kept.tags[signature_tag(APP)] == COSIGN.digest


def test_what_an_unchanged_index_costs_with_and_without(listing: ScriptedRegistry) -> None:
    fill(listing, "from/app")
    with scripted_registry() as target:
        target.answer = ReferrersApi(target)
        sides = {"source": f"{listing.host}/from/app:1", "destination": f"{target.host}/to/app"}
        run(listing, target, **sides)
        requests(listing), requests(target)

        run(listing, target, **sides, rule={"referrers": False})
        assert requests(listing) == {("HEAD", "manifest"): 1}
        assert requests(target) == {("HEAD", "manifest"): 1}

        run(listing, target, **sides)
        assert requests(listing) == {("HEAD", "manifest"): 1, ("GET", "tags"): 1, ("GET", "referrers"): 3}
        assert requests(target) == {("HEAD", "manifest"): 1, ("GET", "manifest"): 1}

        listing.push("from/app", SIGNATURE)
        assert run(listing, target, **sides).action == "update"
        requests(listing), requests(target)
        assert run(listing, target, **sides).action == "unchanged"
        # One of the signature itself; the destination is asked of what has a list.
        assert requests(listing) == {("HEAD", "manifest"): 1, ("GET", "tags"): 1, ("GET", "referrers"): 4}
        assert requests(target) == {("HEAD", "manifest"): 1, ("GET", "manifest"): 1, ("GET", "referrers"): 1}


def test_cosigns_tags_are_found_beside_the_api_by_one_page_of_tags(listing: ScriptedRegistry) -> None:
    listing.push("from/app", APP, "1")
    listing.push("from/app", COSIGN, signature_tag(APP))
    other = images.multi_arch("other")
    listing.push("from/app", other, "2")
    with scripted_registry() as target:
        target.answer = ReferrersApi(target)
        sides = {"source": f"{listing.host}/from/app:1,2", "destination": f"{target.host}/to/app"}
        first = Run([listing.endpoint, target.endpoint]).sync(sides)
        assert {image.status for image in first.images} == {"done"}
        assert target.repository("to/app").tags[signature_tag(APP)] == COSIGN.digest
        requests(listing), requests(target)

        assert not Run([listing.endpoint, target.endpoint]).sync(sides).changed
        # The API names none of them. Without the page there would be three more questions a digest.
        digests = 2 + len(APP.children) + len(other.children) + 1
        assert requests(listing) == {
            ("HEAD", "manifest"): 3,
            ("GET", "tags"): 1,
            ("GET", "referrers"): digests,
        }


def test_where_tags_cannot_be_listed_those_of_cosign_are_asked_for_by_name() -> None:
    with scripted_registry() as source, scripted_registry() as target:
        image = images.image("app")
        source.push("from/app", image, "1")
        source.push("from/app", COSIGN, signature_tag(image))
        source.answer = lambda request: refusal(403, "DENIED") if request.kind == "tags" else None
        sides = {"source": f"{source.host}/from/app:1", "destination": f"{target.host}/to/app"}
        assert run(source, target, **sides).status == "done"
        assert target.repository("to/app").tags[signature_tag(image)] == COSIGN.digest
        source.requests.clear()

        assert run(source, target, **sides).action == "unchanged"
        heads = [one.path.rpartition("/")[2] for one in source.requests if one.method == "HEAD"]
        base = image.digest.replace(":", "-")
        found = [f"{base}.{kind}" for kind in ("sig", "att", "sbom")]
        of_the_signature = [f"{COSIGN.digest.replace(':', '-')}{end}" for end in ("", ".sig", ".att", ".sbom")]
        assert sorted(heads) == sorted(["1", base, *found, *of_the_signature])


@pytest.mark.parametrize("needs_subject", [True, False])
def test_a_subject_comes_before_what_refers_to_it(listing: ScriptedRegistry, needs_subject: bool) -> None:
    fill(listing, "from/app", *ATTACHED)
    with scripted_registry() as target:
        target.answer = ReferrersApi(target, needs_subject=needs_subject)
        result = run(listing, target, source=f"{listing.host}/from/app:1", destination=f"{target.host}/to/app")
        puts = [one.path.rpartition("/")[2] for one in target.requests if (one.method, one.kind) == ("PUT", "manifest")]

    assert result.status == "done", result.error
    order = [puts.index(each.digest) for each in (CHILD, SBOM, SIGNED_SBOM)]
    assert order == sorted(order)
    assert puts.index(APP.digest) < puts.index(SIGNATURE.digest) < puts.index("1")
    assert puts[-1] == "1"


@pytest.mark.parametrize("required", [False, True])
def test_a_registry_that_takes_images_alone(listing: ScriptedRegistry, required: bool) -> None:
    fill(listing, "from/app", SBOM)
    with scripted_registry() as target:
        target.answer = ReferrersApi(target, refuses=("application/vnd.example.sbom",))
        result = run(
            listing,
            target,
            source=f"{listing.host}/from/app:1",
            destination=f"{target.host}/to/app",
            referrers_required=required,
        )
        tags = dict(target.repository("to/app").tags)

    assert result.status == ("failed" if required else "done")
    assert tags == ({} if required else {"1": APP.digest})
    if not required:
        assert [state.value for state in result.referrers.values()] == ["refused"]


def test_what_is_not_taken_is_a_note_on_each_image_and_one_warning(listing: ScriptedRegistry) -> None:
    for number in range(3):
        image = images.image(f"app {number}")
        listing.push("from/app", image, str(number))
        listing.push("from/app", images.artifact(f"sbom {number}", image))
    with scripted_registry() as target:
        target.answer = ReferrersApi(target, refuses=("application/vnd.example.sbom",))
        running = Run([listing.endpoint, target.endpoint])
        result = running.sync({"source": f"{listing.host}/from/app", "destination": f"{target.host}/to/app"})
        puts = [one for one in target.requests if (one.method, one.status) == ("PUT", 400)]

    assert [len(image.notes) for image in result.images] == [1, 1, 1]
    assert len([text for text in running.warnings if "does not take everything" in text]) == 1
    assert len(puts) <= len(result.images)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(403, "DENIED", "push_denied"), (500, "UNKNOWN", "server_error"), (400, "DIGEST_INVALID", "digest_mismatch")],
)
def test_every_other_failure_fails_the_image(listing: ScriptedRegistry, status: int, code: str, expected: str) -> None:
    fill(listing, "from/app", SBOM)
    with scripted_registry() as target:
        api = ReferrersApi(target)

        def answer(request: Any) -> Any:
            if request.method == "PUT" and request.path.endswith(SBOM.digest):
                return refusal(status, code, "no")
            return api(request)

        target.answer = answer
        result = run(
            listing, target, source=f"{listing.host}/from/app:1", destination=f"{target.host}/to/app", retries=0
        )
        tags = dict(target.repository("to/app").tags)

    assert (result.status, tags) == ("failed", {})
    assert result.error.code == expected
    assert "failed" in [state.value for state in result.referrers.values()]


@pytest.mark.parametrize("status", [401, 403])
def test_a_source_that_refuses_the_list_is_searched_by_tags(status: int) -> None:
    with scripted_registry() as source, scripted_registry() as target:
        fill(source, "from/app", SIGNATURE)
        source.push("from/app", COSIGN, signature_tag(APP))
        source.answer = lambda request: refusal(status, "DENIED") if "/referrers/" in request.path else None
        target.answer = ReferrersApi(target)
        result = run(source, target, source=f"{source.host}/from/app:1", destination=f"{target.host}/to/app")

    assert result.status == "done", result.error
    assert target.repository("to/app").tags == {"1": APP.digest, signature_tag(APP): COSIGN.digest}


@pytest.mark.parametrize("filters", [True, False])
def test_only_the_wanted_types_come_whether_the_registry_filters_or_not(
    listing: ScriptedRegistry, filters: bool
) -> None:
    listing.answer = ReferrersApi(listing, page=1, filters=filters)
    fill(listing, "from/app", *ATTACHED)
    wanted = {"referrers": {"types": [r"application/vnd\.example\.sbom"]}}
    with scripted_registry() as target:
        target.answer = ReferrersApi(target)
        sides = {"source": f"{listing.host}/from/app:1", "destination": f"{target.host}/to/app"}
        result = run(listing, target, **sides, rule=wanted)
        kept = target.repository("to/app").manifests

    assert result.status == "done", result.error
    assert SBOM.digest in kept
    assert not {SIGNATURE.digest, SIGNED_SBOM.digest} & set(kept)


def test_the_module_copies_what_is_signed_and_nothing_else(
    listing: ScriptedRegistry, plain_one: DockerRegistry, fresh: Any, tmp_path: Path
) -> None:
    fill(listing, "from/app", *ATTACHED)
    listing.push("from/app", images.image("not signed"), "2")
    there = f"{plain_one.host}/{fresh()}"
    rule = {
        "source": f"{listing.host}/from/app",
        "destination": there,
        "require_signature": {"keys": [SIGNER.pem], "on_missing": "skip"},
    }
    options = {
        "images": [rule],
        "registries": [registry_option(listing.endpoint), registry_option(plain_one.endpoint)],
        "return_images": "all",
    }

    def ended(**more: Any) -> dict[str, Any]:
        with module("registry_image_sync", {**options, **more}, home=tmp_path) as running:
            return running.end().result

    first = ended()
    decided = {image["destination"]: image["action"] for image in first["images"]}
    assert decided == {f"{there}:1": "create", f"{there}:2": "skip"}, first
    assert not ended()["changed"]

    rule["require_signature"] = {"keys": [Signer().pem]}
    failed = ended()
    assert failed["failed"]
    assert failed["error_codes"] == ["signature_invalid", "signature_missing"]
