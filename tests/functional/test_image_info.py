# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_info against a real registry: every shape of image, and what is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.images import Image
from support.scenes.modules import Ended, module, registry_option
from support.servers.shared import Servers

Ask = Callable[..., Ended]
Push = Callable[..., str]


@pytest.fixture
def push(servers: Servers, plain: Callable[[Endpoint], PlainClient]) -> Push:
    """Puts an image into the open registry."""
    return plain(servers.open.endpoint).push


@pytest.fixture
def ask(servers: Servers, tmp_path: Path) -> Ask:
    """Runs the module on names in the open registry."""

    def run(*names: str, **options: Any) -> Ended:
        endpoint = servers.open.endpoint
        given = {
            "images": [f"{endpoint.host}/{name}" for name in names],
            "registries": [registry_option(endpoint)],
            **options,
        }
        with module("registry_image_info", given, home=tmp_path) as running:
            return running.end()

    return run


def size_of(image: Image) -> int:
    manifests = image.all_manifests().values()
    return sum(len(item.manifest) for item in manifests) + sum(len(blob.data) for blob in image.all_blobs().values())


@pytest.mark.parametrize("details", [True, False])
def test_what_refers_to_an_image_and_to_its_children(push: Push, ask: Ask, repository: str, details: bool) -> None:
    index = images.multi_arch(repository, ["linux/amd64", "linux/arm64"])
    push(repository, index, "1.0")
    child = index.children[0]
    signature, sbom = images.image("signature"), images.artifact("sbom", child)
    push(repository, signature, index.digest.replace(":", "-") + ".sig")
    push(repository, images.index([(sbom, {"artifactType": "application/spdx"})]), child.digest.replace(":", "-"))

    (found,) = ask(f"{repository}:1.0", referrers=True, details=details).result["images"][0]["manifests"]

    assert found["referrers"] == [
        {
            "type": "application/vnd.dev.cosign.simplesigning.v1+json",
            "digest": signature.digest,
            "tag": index.digest.replace(":", "-") + ".sig",
            "referrers": [],
        }
    ]
    if details:
        assert [each["referrers"] for each in found["children"]] == [
            [{"type": "application/spdx", "digest": sbom.digest, "tag": None, "referrers": []}],
            [],
        ]
    assert "referrers" not in ask(f"{repository}:1.0", details=details).result["images"][0]["manifests"][0]


def test_what_refers_to_a_nested_index_and_to_a_referrer(push: Push, ask: Ask, repository: str) -> None:
    nested = images.multi_arch(repository)
    index = images.index([nested])
    sbom = images.artifact("sbom", nested)
    signature = images.image("signature of the sbom")
    push(repository, index, "1.0")
    push(repository, images.index([(sbom, {"artifactType": "application/spdx"})]), nested.digest.replace(":", "-"))
    push(repository, signature, sbom.digest.replace(":", "-") + ".sig")
    push(repository, sbom, signature.digest.replace(":", "-") + ".sig")  # which would lead round in a circle

    (found,) = ask(f"{repository}:1.0", referrers=True).result["images"][0]["manifests"]

    assert not any(each["referrers"] for each in [found, *found["children"]])
    (inner,) = found["indexes"]
    assert (inner["digest"], inner["media_type"]) == (nested.digest, images.OCI_INDEX)
    assert [(one["type"], one["digest"]) for one in inner["referrers"]] == [("application/spdx", sbom.digest)]
    (signed,) = inner["referrers"][0]["referrers"]
    assert signed["digest"] == signature.digest
    assert [(one["digest"], one["referrers"]) for one in signed["referrers"]] == [(sbom.digest, [])]
    assert [each["digest"] for each in ask(f"{repository}:1.0").result["images"][0]["manifests"][0]["indexes"]] == [
        nested.digest
    ]


def test_one_image(push: Push, ask: Ask, repository: str) -> None:
    image = images.image(repository, labels={"a": "b"}, annotations={"c": "d"})
    push(repository, image, "1.0")
    found = ask(f"{repository}:1.0").result["images"][0]
    assert (found["exists"], found["repository"], found["tags"]) == (True, repository, ["1.0"])
    assert found["manifests"] == [
        {
            "tag": "1.0",
            "digest": image.digest,
            "media_type": images.OCI_MANIFEST,
            "artifact_type": None,
            "size": size_of(image),
            "platforms": ["linux/amd64"],
            "created": "2026-01-02T03:04:05Z",
            "labels": {"a": "b"},
            "annotations": {"c": "d"},
            "subject": None,
            "children": [],
            "indexes": [],
        }
    ]


def test_an_index_with_attestations(push: Push, ask: Ask, repository: str) -> None:
    image = images.multi_arch(repository, ("linux/amd64", "linux/arm64/v8"), attestations=True)
    push(repository, image, "1.0")
    found = ask(f"{repository}@{image.digest}").result["images"][0]["manifests"][0]
    assert (found["tag"], found["size"], found["platforms"]) == (
        None,
        size_of(image),
        ["linux/amd64", "linux/arm64/v8"],
    )
    assert [(child["digest"], child["platform"]) for child in found["children"]] == [
        (child.digest, platform)
        for child, platform in zip(
            image.children, ["linux/amd64", "unknown/unknown", "linux/arm64/v8", "unknown/unknown"]
        )
    ]


def test_artifacts(push: Push, ask: Ask, repository: str) -> None:
    subject = images.image(repository)
    push(repository, subject, "app")
    push(repository, images.artifact(repository, subject), "sbom")
    push(repository, images.helm_chart(repository), "chart")
    sbom, chart = (entry["manifests"][0] for entry in ask(f"{repository}:sbom", f"{repository}:chart").result["images"])
    assert (sbom["artifact_type"], sbom["subject"]) == ("application/vnd.example.sbom", subject.digest)
    assert (chart["artifact_type"], chart["platforms"]) == (images.HELM_CONFIG, [])
    assert chart["annotations"]["org.opencontainers.image.title"] == "chart"


def test_every_shape_can_be_described(push: Push, ask: Ask, repository: str) -> None:
    shapes = images.gallery(repository)
    for tag, image in shapes.items():
        push(repository, image, tag)
    found = ask(repository).result["images"][0]
    assert {entry["tag"]: (entry["digest"], entry["size"]) for entry in found["manifests"]} == {
        tag: (image.digest, size_of(image)) for tag, image in shapes.items()
    }


def test_a_child_that_the_registry_lost_is_told(
    servers: Servers, push: Push, plain: Callable[[Endpoint], PlainClient], ask: Ask, repository: str
) -> None:
    image = images.multi_arch(repository, ("linux/amd64", "linux/arm64"))
    push(repository, image, "1.0")
    plain(servers.open.endpoint).delete(repository, image.children[1].digest)
    found = ask(f"{repository}:1.0").result["images"][0]["manifests"][0]
    assert [child["present"] for child in found["children"]] == [True, False]
    assert found["platforms"] == ["linux/amd64"]


def test_what_is_not_there_is_empty_and_no_failure(push: Push, ask: Ask, repository: str) -> None:
    push(repository, images.image(repository), "1.0")
    absent = f"sha256:{'0' * 64}"
    ended = ask(f"{repository}:2.0", f"{repository}@{absent}", f"{repository}/none", f"{repository}:1.0")
    assert ended.code == 0
    assert [(entry["exists"], entry["tags"], len(entry["manifests"])) for entry in ended.result["images"]] == [
        (False, [], 0),
        (False, [], 0),
        (False, [], 0),
        (True, ["1.0"], 1),
    ]


def test_without_details_a_tag_costs_one_request(servers: Servers, push: Push, ask: Ask, repository: str) -> None:
    for tag in ("1.10", "1.9", "latest"):
        push(repository, images.image(f"{repository} {tag}"), tag)
    servers.open.mark()
    found = ask(repository, details=False).result["images"][0]
    assert found["tags"] == ["1.9", "1.10", "latest"]
    assert set(found["manifests"][0]) == {"tag", "digest", "media_type"}
    assert servers.open.counts()["HEAD", "manifest"] == 3
    assert servers.open.counts()["GET", "manifest"] == 0


def test_a_rules_tags_choose_what_is_looked_at_and_the_others_are_told_why(
    servers: Servers, push: Push, ask: Ask, repository: str
) -> None:
    for tag in ("1.27.3", "1.27.2", "1.26.1", "1.28.0-rc.1", "latest", "1.27.3-alpine"):
        push(repository, images.image(f"{repository} {tag}"), tag)
    push(repository, images.image(repository), "9.9.9")
    servers.open.mark()
    tags = {
        "exclude": "9.*",
        "semver": ["1.x", {"range": "1.x", "suffix": "alpine"}],
        "newest": 1,
        "per": "minor",
        "immutable": ".*",
    }
    found, named = ask(repository, f"{repository}:latest", tags=tags, details=False).result["images"]
    assert (found["exists"], found["tags"]) == (True, ["1.26.1", "1.27.3"])
    assert {left["tag"]: left["reason"] for left in found["left_tags"]} == {
        "9.9.9": "exclude 9.* matches it",
        "1.28.0-rc.1": "it is in no range of semver",
        "latest": "it is no version that semver means",
        "1.27.2": "it is not one of the newest 1 of 1.27",
        "1.27.3-alpine": "it is not one of the newest 1 of 1.27",
    }
    assert (named["tags"], named["left_tags"]) == (["latest"], [])
    assert servers.open.counts()["HEAD", "manifest"] == 3
    none = ask(repository, tags={"include": "none"}).result["images"][0]
    assert (none["exists"], none["tags"], len(none["left_tags"])) == (True, [], 7)
    assert "left_tags" not in ask(repository, details=False).result["images"][0]


def test_the_newest_by_creation_are_looked_at(push: Push, ask: Ask, repository: str) -> None:
    for tag, day in {"old": "2025-01-01", "new": "2026-01-01", "newer": "2026-06-01"}.items():
        push(repository, images.image(f"{repository} {tag}", created=f"{day}T00:00:00Z"), tag)
    found = ask(repository, tags={"newest": 2, "by": "created"}).result["images"][0]
    assert set(found["tags"]) == {"new", "newer"}
    assert found["left_tags"] == [{"tag": "old", "reason": "it is not one of the newest 2"}]


def test_tags_that_cannot_be_meant_are_refused_before_contact(servers: Servers, ask: Ask, repository: str) -> None:
    servers.open.mark()
    ended = ask(repository, tags={"semver": "not a range"})
    assert ended.result["error_codes"] == ["invalid_input"]
    assert "tags.semver" in ended.result["msg"]
    assert not servers.open.requests()


def test_a_tag_that_has_another_digest_is_an_error(push: Push, ask: Ask, repository: str) -> None:
    push(repository, images.image(repository), "1.0")
    ended = ask(f"{repository}:1.0@sha256:{'0' * 64}")
    assert (ended.code, ended.result["error_codes"]) == (1, ["digest_mismatch"])


def test_bad_input_is_refused_before_contact(ask: Ask, servers: Servers, repository: str) -> None:
    servers.open.mark()
    ended = ask(f"{repository}:1.0", f"{repository}:/1/")
    assert ended.result["error_codes"] == ["invalid_input"]
    assert not servers.open.requests()


def test_the_message_says_what_is_there_and_what_is_not(
    push: Push, ask: Ask, servers: Servers, repository: str
) -> None:
    for tag in ("1.0", "2.0"):
        push(repository, images.image(f"{repository} {tag}"), tag)
    assert ask(f"{repository}:1.0").result["msg"] == "1 of 1 image found, with 1 manifest"
    host = servers.open.host
    assert ask(repository, f"{repository}:3.0", f"{repository}/none").result["msg"] == (
        f"1 of 3 images found, with 2 manifests; not there: {host}/{repository}:3.0, {host}/{repository}/none"
    )
    several = ask(*(f"{repository}:{number}" for number in range(10, 15)))
    assert several.result["msg"].startswith("0 of 5 images found, with 0 manifests; not there: ")
    assert several.result["msg"].endswith(" and 2 more")
