# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that require a signature, on stores in memory: what is copied, and what is not."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest, Reference
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import Action, Status
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import as_item, parse_rules
from cryptography.hazmat.primitives import serialization
from helpers import signing
from helpers.memory_run import MemoryRun, errors, failing, fault, item, only
from helpers.memory_store import MemoryStore, Request, push
from support.scenes import images
from support.scenes.images import Blob, Image
from support.scenes.signatures import Signer, signature, signature_tag

SIGNER, STRANGER = Signer(), Signer()
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
NOTATION = "application/vnd.cncf.notary.signature"
APP = images.image("app")
AUTHORITY = signing.certificate(signing.ROOT_KEY, "root", ca=True, now=datetime.now(timezone.utc))
LEAF = signing.certificate(signing.P256, "leaf", (signing.ROOT_KEY, AUTHORITY), now=datetime.now(timezone.utc))
REQUIRED = {
    "keys": [SIGNER.pem, signing.pem(signing.P256)],
    "certificates": [AUTHORITY.public_bytes(serialization.Encoding.PEM).decode()],
}


@pytest.fixture(params=[True, False], ids=["listed by the source", "by tags"])
def source(request: pytest.FixtureRequest) -> MemoryStore:
    store = MemoryStore("a.test")
    store.lists_referrers = request.param
    push(store, "x", APP, "1")
    return store


@pytest.fixture
def target() -> MemoryStore:
    return MemoryStore("b.test")


def refer(store: MemoryStore, *referrers: Image, to: Image = APP) -> None:
    """Put manifests that refer to an image, and the tag with their list where the store has no list of its own."""
    for referrer in referrers:
        push(store, "x", referrer)
    if not store.lists_referrers:
        entries = [(one, {"artifactType": json.loads(one.manifest)["artifactType"]}) for one in referrers]
        push(store, "x", images.index(entries), to.digest.replace(":", "-"))


def content(kind: str, value: Any, media_type: str) -> Image:
    raw = json.dumps(value).encode()
    return images.artifact(kind, APP, kind, layers=[(Blob(raw, media_type), {})])


def bundle(digest: str = APP.digest, **more: Any) -> Image:
    return content(BUNDLE, signing.bundle(payload=signing.statement(digest, **more)), BUNDLE)


def notation(digest: str = APP.digest, media_type: str = "application/jose+json") -> Image:
    return content(NOTATION, signing.envelope(digest, chain=(LEAF,)), media_type)


def gated(destination: str = "b.test/y", source: str = "a.test/x:1", **more: Any) -> dict[str, Any]:
    return item(source, destination, require_signature={**REQUIRED, **more.pop("required", {})}, **more)


def sync(source: MemoryStore, target: MemoryStore, *, check_mode: bool = False, **more: Any) -> ImageResult:
    return only(MemoryRun(source, target).sync(gated(**more), check_mode=check_mode))


def assert_refused(result: ImageResult, target: MemoryStore, code: str) -> str:
    assert result.status == Status.FAILED
    assert result.error is not None
    assert result.error.code == code
    assert not target.repository("y").manifests
    return result.error.cause


def errors_of(result: ImageResult) -> str:
    return result.error.code if result.error is not None else ""


GOOD: dict[str, Callable[[], Image]] = {
    "simple signing": lambda: signature(SIGNER.layer(APP.digest), subject=APP),
    "one of several": lambda: signature(STRANGER.layer(APP.digest), SIGNER.layer(APP.digest), subject=APP),
    "a bundle": bundle,
    "notation": notation,
}


@pytest.mark.parametrize("form", GOOD)
@pytest.mark.parametrize("referrers", [True, False])
def test_an_image_with_a_good_signature_is_copied(
    source: MemoryStore, target: MemoryStore, form: str, referrers: bool
) -> None:
    made = GOOD[form]()
    refer(source, images.artifact("sbom", APP), made)

    result = sync(source, target, referrers=referrers)

    assert result.status == Status.DONE, result.error
    assert target.repository("y").tagged["1"] == Digest.parse(APP.digest)
    assert (Digest.parse(made.digest) in target.repository("y").manifests) is referrers


def test_a_good_signature_under_cosigns_tag_counts(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", signature(SIGNER.layer(APP.digest)), signature_tag(APP))
    assert sync(source, target).status == Status.DONE


BAD: dict[str, tuple[Callable[[], Image], str, str]] = {
    "of another image": (
        lambda: signature(SIGNER.layer(str(signing.OTHER)), subject=APP),
        "signature_invalid",
        "it signs sha256",
    ),
    "another key": (
        lambda: signature(STRANGER.layer(APP.digest), subject=APP),
        "signature_invalid",
        "none of the keys",
    ),
    "a bundle of another image": (lambda: bundle(str(signing.OTHER)), "signature_invalid", "it signs another digest"),
    "an attestation": (
        lambda: bundle(predicate="https://spdx.dev/Document"),
        "signature_missing",
        "attests to something else",
    ),
    "notation of another image": (lambda: notation(str(signing.OTHER)), "signature_invalid", "it signs sha256"),
    "a COSE envelope": (lambda: notation(media_type="application/cose"), "signature_missing", "COSE"),
    "an identity": (
        lambda: signature(STRANGER.layer(APP.digest, **{"dev.sigstore.cosign/certificate": "x"}), subject=APP),
        "signature_missing",
        "Fulcio",
    ),
    "a large one": (
        lambda: content(BUNDLE, "x" * 1024 * 1024, BUNDLE),
        "signature_missing",
        "larger than 1048576 bytes",
    ),
    "an SBOM": (lambda: images.artifact("sbom", APP), "signature_missing", "nothing that refers to it"),
}


@pytest.mark.parametrize("form", BAD)
@pytest.mark.parametrize("check_mode", [False, True])
def test_nothing_is_written_of_an_image_without_a_good_signature(
    source: MemoryStore, target: MemoryStore, form: str, check_mode: bool
) -> None:
    make, code, cause = BAD[form]
    refer(source, make())
    result = sync(source, target, check_mode=check_mode)
    assert cause in assert_refused(result, target, code)


def test_an_attestation_under_cosigns_other_tag_is_no_signature(source: MemoryStore, target: MemoryStore) -> None:
    push(source, "x", signature(SIGNER.layer(APP.digest)), signature_tag(APP).replace(".sig", ".att"))
    assert_refused(sync(source, target), target, "signature_missing")


def test_a_signature_whose_bytes_were_changed_counts_as_none(source: MemoryStore, target: MemoryStore) -> None:
    made = signature(SIGNER.layer(APP.digest), subject=APP)
    refer(source, made)
    blobs = source.repository("x").blobs
    blobs[Digest.parse(made.blobs[1].digest)] = made.blobs[1].data.replace(b"null", b"true")
    assert "cannot be read" in assert_refused(sync(source, target), target, "signature_missing")


def test_a_signature_that_is_gone_counts_as_none(source: MemoryStore, target: MemoryStore) -> None:
    made = signature(SIGNER.layer(APP.digest), subject=APP)
    refer(source, made)
    del source.repository("x").blobs[Digest.parse(made.blobs[1].digest)]
    assert_refused(sync(source, target), target, "signature_missing")


def test_what_may_pass_is_no_missing_signature_and_is_read_again(source: MemoryStore, target: MemoryStore) -> None:
    made = signature(SIGNER.layer(APP.digest), subject=APP)
    refer(source, made)
    source.around = failing("open_blob", fault("server_error"), 30, made.blobs[1].digest)
    result = only(MemoryRun(source, target).sync(gated(), attempts=1, retries=0))
    assert result.error is not None
    assert result.error.code == "server_error"

    source.around = failing("open_blob", fault("server_error"), 1, made.blobs[1].digest)
    assert only(MemoryRun(source, target).sync(gated(), attempts=1)).status == Status.DONE


@pytest.mark.parametrize("immutable", [False, True])
def test_an_image_that_the_destination_has_is_checked_too(
    source: MemoryStore, target: MemoryStore, immutable: bool
) -> None:
    push(target, "y", APP, "1")
    tags = {"tags": {"immutable": ".*"}} if immutable else {}
    assert errors(MemoryRun(source, target).sync(gated(**tags))) == ["signature_missing"]

    refer(source, bundle())
    assert sync(source, target, referrers=False, **tags).action == Action.UNCHANGED


def test_an_image_without_a_signature_is_left_out_where_that_is_asked(source: MemoryStore, target: MemoryStore) -> None:
    result = sync(source, target, required={"on_missing": "skip"})
    assert (result.action, result.status) == (Action.SKIP, Status.DONE)
    assert "no required signature" in result.task.reason
    assert not target.repository("y").manifests

    refer(source, bundle(str(signing.OTHER)))
    assert_refused(sync(source, target, required={"on_missing": "skip"}), target, "signature_invalid")


def test_one_image_that_is_not_signed_does_not_stop_the_others(source: MemoryStore, target: MemoryStore) -> None:
    refer(source, bundle())
    push(source, "x", images.image("unsigned"), "2")
    result = MemoryRun(source, target).sync(gated(source="a.test/x"))
    assert {image.source.tag: image.status for image in result.images} == {"1": Status.DONE, "2": Status.FAILED}
    assert "2" not in target.repository("y").tagged


def test_a_choice_of_platforms_that_makes_another_image_has_no_signature(target: MemoryStore) -> None:
    source = MemoryStore("a.test")
    source.lists_referrers = True
    index = images.multi_arch("app")
    push(source, "x", index, "1")
    refer(source, signature(SIGNER.layer(index.digest), subject=index), to=index)

    part = sync(source, target, platforms=["linux/amd64"])
    assert "makes it another image" in assert_refused(part, target, "signature_missing")
    assert part.error is not None
    assert "leave platforms out" in part.error.hint
    whole = sync(source, target, platforms=["linux/*"])
    assert (whole.status, str(whole.digest)) == (Status.DONE, index.digest)


def test_a_tag_that_moves_after_the_check_is_not_followed(target: MemoryStore) -> None:
    source = MemoryStore("a.test")
    push(source, "x", APP, "1")
    push(source, "x", signature(SIGNER.layer(APP.digest)), signature_tag(APP))
    other = images.image("not signed")

    def around(request: Request) -> AbstractContextManager[object]:
        if (request.method, request.ref) == ("manifest", APP.digest):
            source.repository("x").manifests.pop(Digest.parse(APP.digest), None)
            push(source, "x", other, "1")
        return nullcontext()

    source.around = around
    result = sync(source, target)
    assert "was not checked" in assert_refused(result, target, "signature_missing")


def test_a_tag_that_moves_to_another_image_meanwhile_is_copied_as_it_was_checked(target: MemoryStore) -> None:
    source = MemoryStore("a.test")
    push(source, "x", APP, "1")
    made = signature(SIGNER.layer(APP.digest))
    push(source, "x", made, signature_tag(APP))

    def around(request: Request) -> AbstractContextManager[object]:
        if (request.method, request.ref) == ("open_blob", made.blobs[1].digest):
            push(source, "x", images.image("not signed"), "1")
        return nullcontext()

    source.around = around
    assert sync(source, target).status == Status.DONE
    assert target.repository("y").tagged["1"] == Digest.parse(APP.digest)


def test_a_part_that_the_destination_takes_is_not_the_signed_image(target: MemoryStore) -> None:
    source = MemoryStore("a.test")
    attestation = images.artifact("attestation")
    index = images.index([(images.image("app"), {"platform": images.platform("linux/amd64")}), attestation])
    push(source, "x", index, "1")
    push(source, "x", signature(SIGNER.layer(index.digest)), signature_tag(index))
    target.refuses = ("application/vnd.example.sbom",)

    result = only(MemoryRun(source, target).sync(gated(), unsupported_artifacts="strip"))

    assert errors_of(result) == "signature_missing"
    assert not target.repository("y").tagged

    stripped = only(MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), unsupported_artifacts="strip"))
    assert stripped.status == Status.DONE
    assert errors_of(only(MemoryRun(source, target).sync(gated(), unsupported_artifacts="strip"))) == (
        "signature_missing"
    )


def test_what_one_rule_refuses_another_does_not_bring_to_the_same_tag(source: MemoryStore, target: MemoryStore) -> None:
    result = MemoryRun(source, target).sync(item("a.test/x:1", "b.test/y"), gated())
    assert errors(result) == ["signature_missing"]
    assert not target.repository("y").manifests


def test_tags_that_belong_to_no_signed_image_are_left(source: MemoryStore, target: MemoryStore) -> None:
    refer(source, bundle())
    push(source, "x", images.image("anything"), "sha256-" + "0" * 64 + ".sig")
    result = MemoryRun(source, target).sync(gated(source="a.test/x"))
    assert [image.destination.tag for image in result.images] == ["1"]
    assert any("belong to no signed image" in note for note in result.not_taken)


def test_what_the_check_costs(target: MemoryStore) -> None:
    source = MemoryStore("a.test")
    source.lists_referrers = True
    push(source, "x", APP, "1")
    refer(source, bundle())
    push(target, "y", APP, "1")

    sync(source, target, referrers=False)
    assert source.counts() == {"manifest": 1, "open_blob": 1, "referrers": 1, "resolve": 1, "tags": 1}

    source.requests.clear()
    sync(source, target)
    # What refers to the signature, and the signature itself with its two blobs, are asked for to copy them.
    assert source.counts() == {"manifest": 1, "open_blob": 3, "referrers": 2, "resolve": 1, "tags": 1}


@pytest.mark.parametrize(
    ("value", "subject", "cause"),
    [
        ("cosign.pub", "the require_signature of images[0]", "not a mapping"),
        ({}, "the require_signature of images[0]", "neither keys nor certificates"),
        ({"key": "x"}, 'the key "key" of the require_signature of images[0]', "not known"),
        ({"keys": ["no key"]}, "images[0].require_signature.keys[0]", "not a public key"),
        ({"certificates": ["none"]}, "images[0].require_signature.certificates[0]", "not a list of certificates"),
        ({"keys": [5]}, "the require_signature.keys 5 of images[0]", "not a string"),
        (
            {"keys": [SIGNER.pem], "on_missing": "ignore"},
            'the require_signature.on_missing "ignore" of images[0]',
            "not known",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_place(value: object, subject: str, cause: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_rules([{**item("a.test/x", "b.test/y"), "require_signature": value}], **_NO_DEFAULTS)
    assert caught.value.subject == subject
    assert cause in caught.value.cause


def test_a_missing_library_is_named_with_the_option_that_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.hashes", None)
    assert parse_rules([item("a.test/x", "b.test/y")], **_NO_DEFAULTS)
    with pytest.raises(InputError) as caught:
        parse_rules([gated()], **_NO_DEFAULTS)
    assert caught.value.subject == "require_signature"
    assert "cryptography is not installed" in caught.value.cause


_NO_DEFAULTS: dict[str, Any] = {"default_registry": None, "default_namespace": None}


def test_the_requirement_is_written_back_as_it_was_given() -> None:
    (rule,) = parse_rules([gated(required={"on_missing": "skip"})], **_NO_DEFAULTS)
    image = Reference.parse("a.test/x:1")
    back = as_item(rule, image, image)
    assert back["require_signature"] == {**REQUIRED, "on_missing": "skip"}
    (again,) = parse_rules([{**back, "destination": "b.test/y"}], **_NO_DEFAULTS)
    assert replace(again, origin="").required_signature == rule.required_signature
