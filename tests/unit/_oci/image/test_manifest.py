# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests: every legal form, every refusal, and what holds for any bytes."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import (
    ACCEPT,
    Descriptor,
    Manifest,
    Platform,
    is_foreign,
    parse_manifest,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from helpers.oci_documents import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    digest_of,
    image_document,
    index_document,
    parsed,
    point,
    words_of_refusal,
)
from hypothesis import given
from hypothesis import strategies as st

SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"


def refusal(raw: bytes, media_type: str = "", digest: Digest | None = None) -> ContentError:
    with pytest.raises(ContentError) as caught:
        parse_manifest(raw, media_type, digest)
    return caught.value


def refusal_of(document: Any, media_type: str = "") -> ContentError:
    return refusal(json.dumps(document).encode(), media_type)


def blobs(manifest: Manifest) -> list[str]:
    return [str(blob.digest) for blob in manifest.blobs]


class TestLegalForms:
    def test_image(self) -> None:
        document = image_document(annotations={"org.opencontainers.image.version": "1"})
        manifest = parsed(document)
        assert manifest.media_type == OCI_MANIFEST
        assert not manifest.is_index
        assert manifest.children == ()
        assert manifest.config == Descriptor(OCI_CONFIG, Digest.parse(digest_of("image config")), 10)
        assert blobs(manifest) == [digest_of("image config"), digest_of("image layer")]
        assert manifest.annotations == (("org.opencontainers.image.version", "1"),)
        assert (manifest.subject, manifest.artifact_type) == (None, "")

    def test_index(self) -> None:
        entries = [
            point("a", OCI_MANIFEST, platform={"os": "linux", "architecture": "arm", "variant": "v7"}),
            point("b", OCI_MANIFEST, platform={"os": "windows", "architecture": "amd64", "os.version": "10.0.1"}),
            point("c", OCI_MANIFEST),
            point("d", OCI_INDEX),
            point("e", OCI_MANIFEST, platform={"os": "unknown", "architecture": "unknown"}, annotations={"k": "v"}),
            point("f", OCI_MANIFEST, platform={}),
            point("g", OCI_MANIFEST, platform=None),
        ]
        manifest = parsed(index_document(*entries))
        assert manifest.is_index
        assert manifest.blobs == ()
        assert [str(child.digest) for child in manifest.children] == [digest_of(seed) for seed in "abcdefg"]
        assert [child.platform for child in manifest.children] == [
            Platform("linux", "arm", "v7"),
            Platform("windows", "amd64", os_version="10.0.1"),
            None,
            None,
            Platform("unknown", "unknown"),
            None,
            None,
        ]
        assert manifest.children[4].annotations == (("k", "v"),)

    def test_docker_list_and_image(self) -> None:
        image = image_document(mediaType=DOCKER_MANIFEST, config=point("c", DOCKER_CONFIG))
        assert parsed(image).media_type == DOCKER_MANIFEST
        docker_list = {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [point("a", DOCKER_MANIFEST)]}
        assert parsed(docker_list).is_index

    def test_artifact_with_subject(self) -> None:
        document = image_document(
            artifactType="application/vnd.example.sbom",
            config=point("{}", OCI_EMPTY, 2),
            subject=point("image", OCI_MANIFEST),
        )
        manifest = parsed(document)
        assert manifest.artifact_type == "application/vnd.example.sbom"
        assert manifest.subject is not None
        assert str(manifest.subject.digest) == digest_of("image")
        assert digest_of("image") not in blobs(manifest)

    def test_artifact_manifest_of_the_release_candidates(self) -> None:
        manifest = parsed({"mediaType": OCI_ARTIFACT, "artifactType": "a/b", "blobs": [point("x")]})
        assert blobs(manifest) == [digest_of("x")]
        assert manifest.config is None
        assert parsed({"mediaType": OCI_ARTIFACT}).blobs == ()

    @pytest.mark.parametrize(
        "document",
        [
            image_document(config=point("chart", "application/vnd.cncf.helm.config.v1+json")),
            image_document(layers=[point("z", "application/vnd.oci.image.layer.v1.tar+zstd")]),
            image_document(layers=[point("ollama", "application/vnd.ollama.image.model", 2**63 - 1)]),
            image_document(layers=[point("text", "text/plain; charset=utf-8", 0)]),
            image_document(layers=[{"digest": digest_of("x"), "size": 1}]),
            image_document(layers=[]),
            image_document(layers=None),
            image_document(manifests=None),
            image_document(future={"deep": [1, {"x": None}], "number": 1.5e3}),
            {"layers": []},
        ],
    )
    def test_odd_but_legal(self, document: dict[str, Any]) -> None:
        assert not parsed(document).is_index

    @pytest.mark.parametrize("entries", [None, []])
    def test_index_without_entries(self, entries: list[Any] | None) -> None:
        manifest = parsed({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
        assert manifest.is_index
        assert manifest.children == ()

    def test_bytes_are_kept_and_hashed_as_they_came(self) -> None:
        raw = json.dumps(image_document(), indent=3).encode() + b"\n"
        manifest = parse_manifest(raw, OCI_MANIFEST)
        assert manifest.raw is raw
        assert str(manifest.digest) == f"sha256:{hashlib.sha256(raw).hexdigest()}"
        assert manifest.size == len(raw)

    def test_one_blob_named_twice(self) -> None:
        manifest = parsed(image_document(layers=[point("a"), point("b"), point("a")]))
        assert blobs(manifest) == [digest_of("image config"), digest_of("a"), digest_of("b")]

    def test_one_child_named_twice_stays_twice(self) -> None:
        assert len(parsed(index_document(point("a", OCI_MANIFEST), point("a", OCI_MANIFEST))).children) == 2

    def test_foreign_layer(self) -> None:
        manifest = parsed(image_document(layers=[point("w", FOREIGN, urls=["https://example.com/w"]), point("a")]))
        assert [is_foreign(blob) for blob in manifest.blobs] == [False, True, False]
        assert manifest.blobs[1].urls == ("https://example.com/w",)
        assert is_foreign(
            parsed(image_document(layers=[point("n", OCI_LAYER.replace("v1", "nondistributable.v1"))])).blobs[1]
        )

    def test_layer_that_is_foreign_and_ordinary_is_ordinary(self) -> None:
        manifest = parsed(image_document(layers=[point("a", FOREIGN), point("a")]))
        assert [blob.media_type for blob in manifest.blobs] == [OCI_CONFIG, OCI_LAYER]

    def test_lone_surrogate_in_an_annotation(self) -> None:
        manifest = parsed(image_document(annotations={"a": "\ud800", "b": "line\nline", "c": 1}))
        assert manifest.annotations == (("a", "?"), ("b", "line\nline"))


class TestMediaType:
    @pytest.mark.parametrize(
        "header", ["", "text/plain; charset=utf-8", "Application/JSON", "application/octet-stream"]
    )
    def test_header_that_says_nothing(self, header: str) -> None:
        assert parsed(image_document(mediaType=DOCKER_MANIFEST), header).media_type == DOCKER_MANIFEST
        bare = image_document()
        del bare["mediaType"]
        assert parsed(bare, header).media_type == OCI_MANIFEST
        assert parsed({"manifests": []}, header).media_type == OCI_INDEX

    @pytest.mark.parametrize("header", [DOCKER_MANIFEST, f"{DOCKER_MANIFEST}; charset=utf-8"])
    def test_header_decides_when_the_body_does_not_say(self, header: str) -> None:
        bare = image_document()
        del bare["mediaType"]
        assert parsed(bare, header).media_type == DOCKER_MANIFEST

    def test_body_decides_between_two_of_a_kind(self) -> None:
        assert parsed(image_document(), DOCKER_MANIFEST).media_type == OCI_MANIFEST

    def test_unknown_type_of_known_shape(self) -> None:
        bare = image_document(mediaType="application/vnd.example.thing.v1+json")
        assert parsed(bare, "application/vnd.other").media_type == "application/vnd.example.thing.v1+json"
        assert parsed(bare, OCI_MANIFEST).media_type == OCI_MANIFEST

    def test_type_that_is_known_but_for_its_case_is_kept(self) -> None:
        manifest = parsed(image_document(mediaType=OCI_MANIFEST.upper()))
        assert manifest.media_type == OCI_MANIFEST.upper()
        assert parse_manifest(manifest.raw, manifest.media_type) == manifest

    def test_unknown_type_of_unknown_shape(self) -> None:
        error = refusal_of({"hello": "world"}, "application/vnd.example")
        assert error.code == "unsupported_manifest"
        assert refusal_of({}).code == "unsupported_manifest"

    @pytest.mark.parametrize(
        ("document", "header"),
        [
            ({"schemaVersion": 1}, ""),
            ({"schemaVersion": 2}, SCHEMA1),
            ({"schemaVersion": 2}, f"{SCHEMA1_SIGNED}; charset=utf-8"),
            (image_document(mediaType=SCHEMA1), ""),
            (image_document(fsLayers=[]), ""),
            ({"schemaVersion": 1, "fsLayers": [], "history": []}, "text/plain"),
        ],
    )
    def test_schema_1_is_refused_plainly(self, document: dict[str, Any], header: str) -> None:
        error = refusal_of(document, header)
        assert error.code == "unsupported_manifest"
        assert "schema 1" in str(error)
        assert error.hint

    @pytest.mark.parametrize("version", [0, 3, True, "2", 2.0, {"a": [1] * 1000}])
    def test_other_schema_versions(self, version: object) -> None:
        error = refusal_of(image_document(schemaVersion=version))
        assert error.code == "unsupported_manifest"
        assert len(str(error)) < 300

    @pytest.mark.parametrize(
        "media_type", ["no slash", "a/b\r\nX-Evil: 1", "a/b c", "a/\ud800", 5, ["a/b"], "a/" + "b" * 300]
    )
    def test_media_type_that_is_none(self, media_type: object) -> None:
        assert refusal_of(image_document(mediaType=media_type)).code == "protocol_error"

    def test_header_injection(self) -> None:
        bare = image_document()
        del bare["mediaType"]
        assert refusal_of(bare, "a/b\r\nX-Evil: 1").code == "protocol_error"

    def test_accept_has_schema_1_last(self) -> None:
        types = ACCEPT.split(", ")
        assert {OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST} <= set(types[:4])
        assert {SCHEMA1, SCHEMA1_SIGNED} == set(types[-2:])


class TestDigest:
    def test_verified(self) -> None:
        raw = json.dumps(image_document()).encode()
        for algorithm in ("sha256", "sha512"):
            digest = Digest.of(raw, algorithm)
            assert parse_manifest(raw, "", digest).digest == digest

    def test_mismatch(self) -> None:
        raw = json.dumps(image_document()).encode()
        error = refusal(raw + b" ", OCI_MANIFEST, Digest.of(raw))
        assert error.code == "digest_mismatch"
        assert str(Digest.of(raw)) in str(error)

    def test_mismatch_comes_before_anything_in_the_body(self) -> None:
        assert refusal(b"garbage", OCI_MANIFEST, Digest.of(b"")).code == "digest_mismatch"

    def test_unknown_algorithm(self) -> None:
        error = refusal_of(image_document(layers=[{"mediaType": "a/b", "digest": "blake3:" + "a" * 64, "size": 1}]))
        assert error.code == "unsupported_manifest"
        assert "layers[0]" in str(error)

    @pytest.mark.parametrize(
        "digest", ["", None, 5, "sha256:", "sha256:" + "A" * 64, "sha256:../../etc/passwd", "x" * 300]
    )
    def test_bad_digest(self, digest: object) -> None:
        assert refusal_of(image_document(config={"digest": digest, "size": 1})).code == "protocol_error"


class TestTwoReadings:
    """One document must not be an image for one reader and an index for another (CVE-2021-41190)."""

    @pytest.mark.parametrize(
        ("document", "header"),
        [
            ({**image_document(), "manifests": []}, ""),
            ({**image_document(), "manifests": [], "mediaType": OCI_INDEX}, ""),
            ({"manifests": [], "config": point("c")}, OCI_INDEX),
            ({"manifests": [], "layers": []}, ""),
            (index_document(mediaType=OCI_MANIFEST), ""),
            (index_document(mediaType=""), OCI_MANIFEST),
            (image_document(mediaType=OCI_INDEX), ""),
            (image_document(), OCI_INDEX),
            (index_document(), DOCKER_MANIFEST),
        ],
    )
    def test_index_or_image(self, document: dict[str, Any], header: str) -> None:
        assert refusal_of(document, header).code == "protocol_error"

    @pytest.mark.parametrize(
        "text",
        [
            '{"mediaType": "a/b", "mediaType": "c/d", "layers": []}',
            '{"layers": [], "layers": []}',
            '{"layers": [], "Layers": []}',
            '{"config": null, "layers": [], "Manifests": []}',
            '{"layers": [], "manife\\u017fts": []}',
            '{"layers": [{"digest": "%(a)s", "size": 1, "digest": "%(a)s"}]}',
            '{"layers": [{"digest": "%(a)s", "size": 1, "Size": 2}]}',
            '{"layers": [{"digest": "%(a)s", "size": 1, "URLs": ["https://example.com"]}]}',
        ],
    )
    def test_keys_that_readers_take_differently(self, text: str) -> None:
        assert refusal((text % {"a": digest_of("a")}).encode()).code == "protocol_error"

    def test_other_keys_may_be_there_twice(self) -> None:
        assert parse_manifest(b'{"layers": [], "x": 1, "x": 2, "annotations": {"Size": "1"}}', "")

    def test_one_blob_of_two_sizes(self) -> None:
        error = refusal_of(image_document(layers=[point("a", size=1), point("a", size=2)]))
        assert error.code == "protocol_error"
        assert digest_of("a") in str(error)


class TestHostileBytes:
    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"<html>502</html>",
            b"\xef\xbb\xbf{}",
            "{}".encode("utf-16"),
            b'{"layers": ["\xff"]}',
            b'{"layers": [], "x": NaN}',
            b'{"layers": [], "x": -Infinity}',
            b'{"layers": [], "x": 1e999}',
            b'{"layers": [], "x": ' + b"9" * 100_000 + b"}",
            b"[" * 1_000_000,
            b'{"layers":' * 300_000,
            b'{"layers": [], "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
            b'{"layers": {}}',
            b'{"layers": [[]]}',
            b'{"config": []}',
            b'{"config": {}}',
            b'{"manifests": "text"}',
            b'{"layers": [], "subject": "text"}',
            b'{"layers": [], "annotations": []}',
            b'{"layers": []} trailing',
        ],
    )
    def test_refused(self, raw: bytes) -> None:
        error = refusal(raw)
        assert error.code == "protocol_error"
        assert len(str(error)) < 500

    def test_deep_nesting_in_a_thread(self) -> None:
        codes: list[str] = []
        thread = threading.Thread(target=lambda: codes.append(refusal(b'{"a":' * 600_000).code))
        thread.start()
        thread.join()
        assert codes == ["protocol_error"]

    @pytest.mark.parametrize("size", [-1, 2**63, 10**30, True, False, None, "10", 1.0, 1e3, [], {}])
    def test_size(self, size: object) -> None:
        error = refusal_of(image_document(layers=[{**point("a"), "size": size}]))
        assert error.code == "protocol_error"
        assert "layers[0]" in str(error)

    @pytest.mark.parametrize(
        "field",
        [
            {"urls": "https://example.com"},
            {"urls": [1]},
            {"annotations": "x"},
            {"platform": "linux/amd64"},
            {"platform": {"os": 1}},
            {"platform": {"os": "linux", "architecture": "a\nb"}},
            {"mediaType": 7},
            {"artifactType": {}},
        ],
    )
    def test_fields_of_a_descriptor(self, field: dict[str, Any]) -> None:
        error = refusal_of(index_document(point("a", OCI_MANIFEST), {**point("b", OCI_MANIFEST), **field}))
        assert error.code == "protocol_error"
        assert "manifests[1]" in str(error)

    def test_too_large(self) -> None:
        raw = json.dumps(image_document(padding="x" * 4 * 1024 * 1024)).encode()
        assert refusal(raw).code == "too_large"
        assert refusal_of(image_document(layers=[point("a")] * 10_001)).code == "too_large"

    def test_error_names_the_digest(self) -> None:
        digest = Digest.of(b"[]")
        assert str(digest) in str(refusal(b"[]", "", digest))


def test_descriptor_as_referrers_have_it() -> None:
    plain = parsed(image_document(annotations={"a": "b"}))
    assert plain.descriptor() == Descriptor(
        OCI_MANIFEST, plain.digest, plain.size, annotations=(("a", "b"),), artifact_type=OCI_CONFIG
    )
    assert parsed(image_document(artifactType="x/y")).descriptor().artifact_type == "x/y"
    assert parsed(index_document()).descriptor().artifact_type == ""


def test_values_are_frozen_slim_and_quiet() -> None:
    manifest = parsed(image_document())
    for value in (manifest, manifest.blobs[0], Platform("linux", "amd64")):
        assert not hasattr(value, "__dict__")
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, "other")
        assert hash(value) == hash(value)
    assert "schemaVersion" not in repr(manifest)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
KEYS = st.sampled_from(
    ["schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "annotations", "artifactType", "Layers"]
)
DESCRIPTORS = st.fixed_dictionaries(
    {"digest": st.sampled_from([digest_of("a"), digest_of("b"), "md5:x"]), "size": st.integers(0, 2) | JSON},
    optional={
        "mediaType": st.sampled_from([OCI_LAYER, FOREIGN]) | JSON,
        "platform": JSON,
        "urls": JSON,
        "annotations": JSON,
    },
)
DOCUMENTS = st.dictionaries(
    KEYS,
    st.sampled_from([2, OCI_MANIFEST, OCI_INDEX]) | DESCRIPTORS | st.lists(DESCRIPTORS, max_size=3) | JSON,
    max_size=6,
)
HEADERS = st.sampled_from(["", OCI_MANIFEST, OCI_INDEX, SCHEMA1, "text/html"]) | st.text(max_size=20)


def is_consistent(raw: bytes, header: str) -> None:
    assert words_of_refusal(lambda: parse_manifest(raw, header)).isprintable()
    try:
        manifest = parse_manifest(raw, header)
    except ContentError:
        return
    assert not (manifest.children and manifest.blobs)
    assert len({blob.digest for blob in manifest.blobs}) == len(manifest.blobs)
    assert parse_manifest(manifest.raw, manifest.media_type, manifest.digest) == manifest


@given(st.binary(max_size=300), HEADERS)
def test_any_bytes(raw: bytes, header: str) -> None:
    is_consistent(raw, header)


@given(DOCUMENTS | JSON, HEADERS)
def test_any_json(document: object, header: str) -> None:
    is_consistent(json.dumps(document).encode(), header)


@given(st.data())
def test_any_change_of_a_byte(data: st.DataObject) -> None:
    raw = bytearray(json.dumps(image_document(subject=point("s"), annotations={"a": "b"})).encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    is_consistent(bytes(raw), "")
