# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selecting platforms: what stays, what goes with it, and that doing it again changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.index_filter import (
    Selection,
    select_platforms,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import (
    Descriptor,
    Manifest,
    Platform,
    parse_manifest,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from helpers.oci_documents import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    digest_of,
    image_document,
    index_document,
    parsed,
    point,
    point_to,
)
from hypothesis import given
from hypothesis import strategies as st

ATTESTS = "vnd.docker.reference.digest"


class Shelf:
    """A source that holds manifests, and says how often each was read."""

    def __init__(self) -> None:
        self.manifests: dict[Digest, Manifest] = {}
        self.platforms: dict[Digest, str] = {}
        self.loaded: list[Digest] = []
        self.configs_read: list[Digest] = []

    def put(self, document: dict[str, Any], media_type: str = "") -> Manifest:
        return self.keep(parsed(document, media_type))

    def keep(self, manifest: Manifest) -> Manifest:
        self.manifests[manifest.digest] = manifest
        return manifest

    def image(self, seed: str, platform: str = "") -> Manifest:
        """An image, with its platform in its config if it has one."""
        manifest = self.put(image_document(seed))
        if platform:
            self.platforms[manifest.digest] = platform
        return manifest

    def load(self, descriptor: Descriptor) -> Manifest:
        self.loaded.append(descriptor.digest)
        return self.manifests[descriptor.digest]

    def platform_of(self, manifest: Manifest) -> Platform | None:
        self.configs_read.append(manifest.digest)
        text = self.platforms.get(manifest.digest)
        return Platform(*text.split("/")) if text else None

    def select(self, manifest: Manifest, *wanted: str) -> Selection:
        wishes = [Platform.parse(text) for text in wanted]
        return select_platforms(manifest, wishes, load=self.load, platform_of=self.platform_of)

    def select_again(self, first: Selection, *wanted: str) -> Selection:
        """Select from what a first selection gave, as a destination holds it."""
        assert first.manifest is not None
        self.manifests.update(first.rewritten)
        return self.select(first.manifest, *wanted)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def digests(manifest: Manifest | None) -> list[Digest]:
    assert manifest is not None
    return [child.digest for child in manifest.children]


class TestIndex:
    def test_wanted_entries_stay_in_their_order(self, shelf: Shelf) -> None:
        amd, arm6, arm7, windows = (shelf.image(seed) for seed in ("amd", "arm6", "arm7", "windows"))
        index = shelf.put(
            index_document(
                point_to(windows, "windows/amd64"),
                point_to(arm7, "linux/arm/v7"),
                point_to(amd, "linux/amd64"),
                point_to(arm6, "linux/arm/v6"),
            )
        )
        selection = shelf.select(index, "linux/amd64", "linux/arm")
        assert digests(selection.manifest) == [arm7.digest, amd.digest, arm6.digest]
        assert selection.reason == "3 of its 4 entries are kept, for linux/amd64, linux/arm"
        assert selection.rewritten == {}
        assert shelf.loaded == []
        assert digests(shelf.select(index, "linux/arm/v6").manifest) == [arm6.digest]

    def test_all_wanted_is_the_very_same_manifest(self, shelf: Shelf) -> None:
        index = shelf.put(
            index_document(point_to(shelf.image("a"), "linux/amd64"), point_to(shelf.image("b"), "linux/arm"))
        )
        for wanted in (["linux/amd64", "linux/arm"], []):
            selection = shelf.select(index, *wanted)
            assert selection.manifest is index
            assert (selection.reason, selection.rewritten) == ("", {})

    def test_nothing_wanted(self, shelf: Shelf) -> None:
        index = shelf.put(index_document(point_to(shelf.image("a"), "linux/amd64"), point("b", OCI_INDEX)))
        shelf.manifests[Digest.parse(digest_of("b"))] = shelf.put(index_document())
        selection = shelf.select(index, "linux/s390x", "linux/arm")
        assert selection.manifest is None
        assert selection.reason == "it is for linux/amd64, and only linux/s390x, linux/arm is wanted"
        assert shelf.select(shelf.put(index_document()), "linux/arm").manifest is None

    def test_an_index_of_one_stays_an_index(self, shelf: Shelf) -> None:
        image = shelf.image("a")
        index = shelf.put(index_document(point_to(image, "linux/amd64"), point_to(shelf.image("b"), "linux/arm")))
        selection = shelf.select(index, "linux/amd64")
        assert selection.manifest is not None
        assert selection.manifest.is_index
        assert digests(selection.manifest) == [image.digest]

    def test_written_anew_compactly_with_all_other_fields(self, shelf: Shelf) -> None:
        kept = {"size": 5, "future": {"b": 1, "a": [1.5]}, "digest": digest_of("a"), "mediaType": OCI_MANIFEST}
        kept["platform"] = {"architecture": "amd64", "os": "linux", "features": ["x"]}
        document = {
            "manifests": [point("b", OCI_MANIFEST, platform={"os": "linux", "architecture": "arm"}), kept],
            "annotations": {"n\u00e4me": "\ud800"},
            "schemaVersion": 2,
            "subject": point("s", OCI_MANIFEST),
        }
        index = shelf.keep(parsed(document, indent=4))
        selection = shelf.select(index, "linux/amd64")
        assert selection.manifest is not None
        expected = json.dumps({**document, "manifests": [kept]}, separators=(",", ":"))
        assert selection.manifest.raw.decode() == expected
        assert selection.manifest.digest == Digest.of(expected.encode())

    def test_type_from_the_header_stays(self, shelf: Shelf) -> None:
        entries = [point_to(shelf.image("a"), "linux/amd64"), point_to(shelf.image("b"), "linux/arm")]
        index = shelf.put({"schemaVersion": 2, "manifests": entries}, DOCKER_LIST)
        selection = shelf.select(index, "linux/arm")
        assert selection.manifest is not None
        assert selection.manifest.media_type == DOCKER_LIST
        assert b"mediaType" not in selection.manifest.raw.partition(b"manifests")[0]

    def test_digest_keeps_its_algorithm(self, shelf: Shelf) -> None:
        entries = [point_to(shelf.image("a"), "linux/amd64"), point_to(shelf.image("b"), "linux/arm")]
        raw = json.dumps(index_document(*entries)).encode()
        selection = shelf.select(parse_manifest(raw, "", Digest.of(raw, "sha512")), "linux/arm")
        assert selection.manifest is not None
        assert selection.manifest.digest == Digest.of(selection.manifest.raw, "sha512")


class TestWhatRefers:
    def attestation(self, shelf: Shelf, image: Manifest) -> dict[str, Any]:
        attestation = shelf.image(f"attestation of {image.digest}", "unknown/unknown")
        return point_to(attestation, "unknown/unknown", annotations={ATTESTS: str(image.digest)})

    def test_attestation_goes_with_its_image(self, shelf: Shelf) -> None:
        amd, arm = shelf.image("amd"), shelf.image("arm")
        entries = [self.attestation(shelf, arm), self.attestation(shelf, amd)]
        index = shelf.put(index_document(*entries, point_to(amd, "linux/amd64"), point_to(arm, "linux/arm")))
        selection = shelf.select(index, "linux/amd64")
        assert digests(selection.manifest) == [index.children[1].digest, amd.digest]
        assert shelf.loaded == []
        assert shelf.select(index, "linux/amd64", "linux/arm").manifest is index

    def test_attestation_of_what_is_not_there_goes(self, shelf: Shelf) -> None:
        amd = shelf.image("amd")
        lost = {**self.attestation(shelf, amd), "annotations": {ATTESTS: "nonsense"}}
        index = shelf.put(index_document(point_to(amd, "linux/amd64"), lost))
        assert digests(shelf.select(index, "linux/amd64").manifest) == [amd.digest]

    def test_artifact_stays_with_its_subject_and_what_refers_to_it_too(self, shelf: Shelf) -> None:
        amd, arm = shelf.image("amd"), shelf.image("arm")

        def artifact(name: str, subject: Manifest | None) -> Manifest:
            refers = {} if subject is None else {"subject": point_to(subject)}
            return shelf.put(image_document(name, artifactType="x/y", config=point("{}", OCI_EMPTY, 2), **refers))

        sbom = artifact("sbom", amd)
        signature = artifact("signature", sbom)
        others = [artifact("sbom of arm", arm), artifact("alone", None)]
        entries = [point_to(manifest) for manifest in (signature, sbom, *others)]
        index = shelf.put(index_document(*entries, point_to(amd, "linux/amd64"), point_to(arm, "linux/arm")))
        selection = shelf.select(index, "linux/amd64")
        assert digests(selection.manifest) == [signature.digest, sbom.digest, amd.digest]
        assert shelf.configs_read == []


class TestEntriesWithoutPlatform:
    def test_image_says_it_in_its_config(self, shelf: Shelf) -> None:
        amd, arm, mute = shelf.image("amd", "linux/amd64"), shelf.image("arm", "linux/arm/v7"), shelf.image("mute")
        half = point_to(shelf.image("half", "linux/amd64"), "linux")
        index = shelf.put(index_document(point_to(amd), point_to(arm), point_to(mute), half, point_to(amd)))
        selection = shelf.select(index, "linux/amd64")
        assert digests(selection.manifest) == [amd.digest, index.children[3].digest, amd.digest]
        assert shelf.loaded.count(amd.digest) == 1

    def test_docker_image_of_old(self, shelf: Shelf) -> None:
        document = image_document("old", mediaType=DOCKER_MANIFEST, config=point("c", "application/octet-stream"))
        old = shelf.put(document)
        shelf.platforms[old.digest] = "linux/amd64"
        index = shelf.put(index_document(point_to(old)))
        assert shelf.select(index, "linux/amd64").manifest is index

    def test_too_many_to_load(self, shelf: Shelf) -> None:
        images = [shelf.image(f"image {number}", "linux/amd64") for number in range(1001)]
        index = shelf.put(index_document(*(point_to(image) for image in images)))
        with pytest.raises(ContentError) as caught:
            shelf.select(index, "linux/amd64")
        assert caught.value.code == "too_large"


class TestNested:
    def test_nested_index_is_written_anew_and_so_is_its_parent(self, shelf: Shelf) -> None:
        amd, arm, other = shelf.image("amd"), shelf.image("arm"), shelf.image("other")
        inner = shelf.put(index_document(point_to(amd, "linux/amd64"), point_to(arm, "linux/arm")))
        middle = shelf.put(index_document(point_to(inner, note="kept", data="e30="), point_to(inner, "linux/amd64")))
        outer = shelf.put(index_document(point_to(middle), point_to(other, "linux/amd64")))
        selection = shelf.select(outer, "linux/amd64")
        assert len(selection.rewritten) == 2
        assert selection.manifest is not None
        assert selection.manifest.digest not in selection.rewritten
        new_middle = selection.rewritten[selection.manifest.children[0].digest]
        new_inner = selection.rewritten[new_middle.children[0].digest]
        assert [child.size for child in new_middle.children] == [new_inner.size] * 2
        assert digests(new_inner) == [amd.digest]
        assert b'"note":"kept"' in new_middle.raw
        assert b'"data"' not in new_middle.raw
        assert digests(selection.manifest)[1] == other.digest
        assert shelf.loaded == [middle.digest, inner.digest]

    def test_whole_nested_index_stays_as_it_is(self, shelf: Shelf) -> None:
        inner = shelf.put(index_document(point_to(shelf.image("amd"), "linux/amd64")))
        outer = shelf.put(index_document(point_to(inner), point_to(shelf.image("arm"), "linux/arm")))
        selection = shelf.select(outer, "linux/amd64")
        assert digests(selection.manifest) == [inner.digest]
        assert selection.rewritten == {}
        assert shelf.select(shelf.put(index_document(point_to(inner))), "linux/amd64").reason == ""

    def test_nested_index_with_nothing_wanted_goes(self, shelf: Shelf) -> None:
        amd = shelf.image("amd")
        inner = shelf.put(index_document(point_to(shelf.image("arm"), "linux/arm")))
        outer = shelf.put(index_document(point_to(inner), point_to(amd, "linux/amd64")))
        assert digests(shelf.select(outer, "linux/amd64").manifest) == [amd.digest]
        assert shelf.select(shelf.put(index_document(point_to(inner))), "linux/amd64").manifest is None

    def test_nested_index_whose_type_the_entry_does_not_say(self, shelf: Shelf) -> None:
        inner = shelf.put(index_document(point_to(shelf.image("amd"), "linux/amd64")))
        outer = shelf.put(index_document({"digest": str(inner.digest), "size": inner.size}))
        assert shelf.select(outer, "linux/amd64").manifest is outer

    def test_what_refers_to_an_index_that_changed_goes(self, shelf: Shelf) -> None:
        amd = shelf.image("amd")
        inner = shelf.put(index_document(point_to(amd, "linux/amd64"), point_to(shelf.image("arm"), "linux/arm")))
        signature = shelf.put(image_document("signature", artifactType="x/y", subject=point_to(inner)))
        outer = shelf.put(index_document(point_to(inner), point_to(signature)))
        selection = shelf.select(outer, "linux/amd64")
        assert selection.manifest is not None
        assert [child.digest for child in selection.manifest.children] == list(selection.rewritten)

    @pytest.mark.parametrize("media_type", [OCI_INDEX, ""])
    def test_indexes_that_contain_each_other(self, shelf: Shelf, media_type: str) -> None:
        first = shelf.put(index_document(point("second", media_type)))
        second = index_document(point_to(first))
        shelf.manifests[Digest.parse(digest_of("second"))] = shelf.put(second)
        with pytest.raises(ContentError) as caught:
            shelf.select(first, "linux/amd64")
        assert caught.value.code == "protocol_error"
        assert "contains itself" in str(caught.value)

    def test_endless_nesting(self, shelf: Shelf) -> None:
        def endless(descriptor: Descriptor) -> Manifest:
            return parsed(index_document(point(f"below {descriptor.digest}", OCI_INDEX)))

        top = parsed(index_document(point("top", OCI_INDEX)))
        with pytest.raises(ContentError) as caught:
            select_platforms(top, [Platform("linux", "amd64")], load=endless, platform_of=lambda manifest: None)
        assert caught.value.code == "protocol_error"
        assert "32 deep" in str(caught.value)

    def test_many_beside_each_other(self, shelf: Shelf) -> None:
        inner = [shelf.put(index_document(point_to(shelf.image(f"{n}"), "linux/amd64"))) for n in range(40)]
        outer = shelf.put(index_document(*(point_to(index) for index in inner)))
        assert shelf.select(outer, "linux/amd64").manifest is outer

    def test_too_much_to_load(self) -> None:
        def large(descriptor: Descriptor) -> Manifest:
            return parsed(index_document(padding=f"{descriptor.digest}{'x' * 4_000_000}"))

        top = parsed(index_document(*(point(f"{number}", OCI_INDEX) for number in range(100))))
        with pytest.raises(ContentError) as caught:
            select_platforms(top, [Platform("linux", "amd64")], load=large, platform_of=lambda manifest: None)
        assert caught.value.code == "too_large"

    def test_many_paths_to_one_manifest_are_walked_once(self, shelf: Shelf) -> None:
        manifest = shelf.image("amd", "linux/amd64")
        for _level in range(20):
            manifest = shelf.put(index_document(point_to(manifest), point_to(manifest, n=2), point_to(manifest, n=3)))
        assert shelf.select(manifest, "linux/amd64").manifest is manifest
        assert len(shelf.loaded) == 20


class TestImage:
    def test_matching(self, shelf: Shelf) -> None:
        image = shelf.image("a", "linux/arm/v7")
        selection = shelf.select(image, "linux/amd64", "linux/arm")
        assert selection.manifest is image
        assert selection.reason == ""

    @pytest.mark.parametrize(
        ("platform", "said"),
        [("linux/arm64", "linux/arm64"), ("", "no platform"), ("unknown/unknown", "no platform")],
    )
    def test_not_matching(self, shelf: Shelf, platform: str, said: str) -> None:
        selection = shelf.select(shelf.image("a", platform), "linux/amd64")
        assert selection.manifest is None
        assert said in selection.reason
        assert "linux/amd64" in selection.reason

    def test_artifact_is_not_read(self, shelf: Shelf) -> None:
        chart = shelf.put(image_document(config=point("c", "application/vnd.cncf.helm.config.v1+json")))
        assert shelf.select(chart, "linux/amd64").manifest is None
        assert shelf.configs_read == []


PLATFORMS = ["linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "windows/amd64", "unknown/unknown", ""]
TREES = st.recursive(
    st.tuples(st.integers(0, 9), st.sampled_from(PLATFORMS), st.integers(0, 9)),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


def plant(shelf: Shelf, tree: Any) -> Manifest:
    """Make manifests of a tree: lists are indexes, tuples are images (seed, platform, the image that it attests)."""
    if isinstance(tree, tuple):
        return shelf.image(str(tree[0]), "linux/amd64" if tree[0] % 2 else "")
    entries = []
    for branch in tree:
        platform = branch[1] if isinstance(branch, tuple) else ""
        more = {}
        if platform == "unknown/unknown":
            more = {"annotations": {ATTESTS: str(shelf.image(str(branch[2])).digest)}}
        entries.append(point_to(plant(shelf, branch), platform, **more))
    return shelf.put(index_document(*entries))


@given(
    TREES.filter(lambda tree: isinstance(tree, list)), st.lists(st.sampled_from(PLATFORMS[:5]), min_size=1, max_size=3)
)
def test_selecting_again_changes_nothing(tree: Any, wanted: list[str]) -> None:
    shelf = Shelf()
    first = shelf.select(plant(shelf, tree), *wanted)
    if first.manifest is None:
        assert first.reason
        assert first.rewritten == {}
        return
    assert shelf.select_again(first, *wanted).manifest is first.manifest
    reachable = list(digests(first.manifest))
    for digest in reachable:
        reachable.extend(child.digest for child in shelf.manifests[digest].children)
    assert set(first.rewritten) <= set(reachable)
