# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that refuse an attestation, or the index that names one, each in words of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import RunResult
from support.scenes import images
from support.scenes.runs import Run, actions, only
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, refusal, scripted_registry

PLATFORMS = ("linux/amd64", "linux/arm64")
HINT = "unsupported_artifacts"
WORDS = {
    "SWR": refusal(400, "MANIFEST_INVALID", "Invalid image, fail to parse 'manifest.json'"),
    "ACR": refusal(400, "DENIED", "unknown manifest class for application/vnd.in-toto+json"),
    "media type": refusal(405, "UNSUPPORTED", "the media type is not supported here"),
    "415": Reply(415),
    "422": refusal(422, "INVALID", "unsupported mediaType application/vnd.oci.image.index.v1+json"),
    "404": refusal(404, "NOT_SUPPORTED", "manifest list is not supported"),
    "403": refusal(403, "DENIED", "artifacts are not allowed by the policy of this project"),
}
NEVER = {
    "a login": refusal(401, "UNAUTHORIZED", "the index needs a login"),
    "a size": refusal(413, "SIZE_INVALID", "the manifest list is too large"),
    "a quota": refusal(403, "DENIED", "the quota of artifacts is exceeded"),
    "a tag": refusal(412, "PRECONDITION", "the artifact's tag is immutable"),
    "a right": refusal(403, "DENIED", "requested access to the resource is denied"),
    "a missing blob": refusal(404, "MANIFEST_BLOB_UNKNOWN", "an artifact's blob is unknown"),
}


@pytest.fixture
def source() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        for number in range(2):
            registry.push("app", images.multi_arch(f"attested {number}", PLATFORMS, attestations=True), f"v{number}")
        registry.push("app", images.image("plain"), "z-plain")
        yield registry


@pytest.fixture
def target() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


def run(
    source: ScriptedRegistry, target: ScriptedRegistry, tag: str = "", rule: object = None, **options: Any
) -> RunResult:
    item = {"source": f"{source.host}/app{tag and ':'}{tag}", "destination": f"{target.host}/app"}
    if rule is not None:
        item["unsupported_artifacts"] = rule
    return Run([source.endpoint, target.endpoint], access={target.host: {"concurrency": 1}}).sync(item, **options)


def refuse(registry: ScriptedRegistry, reply: Reply, what: str) -> None:
    """Refuse attestations themselves, or every index that names one."""
    sign = {"attestation": b"in-toto", "index": b"attestation-manifest"}[what]

    def answer(request: Request) -> Reply | None:
        return reply if (request.method, request.kind) == ("PUT", "manifest") and sign in request.body else None

    registry.answer = answer


def refused_puts(registry: ScriptedRegistry) -> int:
    puts = [request for request in registry.requests if (request.method, request.kind) == ("PUT", "manifest")]
    return sum(request.status >= 400 for request in puts)


@pytest.mark.parametrize("what", ["attestation", "index"])
@pytest.mark.parametrize("words", WORDS)
class TestRefusals:
    def test_the_hint_names_the_option(
        self, source: ScriptedRegistry, target: ScriptedRegistry, words: str, what: str
    ) -> None:
        refuse(target, WORDS[words], what)
        result = run(source, target)
        states = actions(result)
        assert states == {"v0": ("create", "failed"), "v1": ("create", "failed"), "z-plain": ("create", "done")}
        assert all(HINT in image.error.hint for image in result.images if image.error)
        assert list(target.repository("app").tags) == ["z-plain"]

    def test_strip_leaves_the_attestations_out(
        self, source: ScriptedRegistry, target: ScriptedRegistry, words: str, what: str
    ) -> None:
        refuse(target, WORDS[words], what)
        result = run(source, target, unsupported_artifacts="strip")
        assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
        kept = target.repository("app")
        for tag in ("v0", "v1"):
            entries = json.loads(kept.manifests[kept.tags[tag]][0])["manifests"]
            assert [entry["platform"]["architecture"] for entry in entries] == ["amd64", "arm64"]
        assert kept.tags["z-plain"] == images.image("plain").digest
        assert all(blob in kept.blobs for blob in images.image("plain").all_blobs())
        assert refused_puts(target) <= 2
        assert not run(source, target, unsupported_artifacts="strip").changed

    def test_skip_leaves_the_images_out(
        self, source: ScriptedRegistry, target: ScriptedRegistry, words: str, what: str
    ) -> None:
        refuse(target, WORDS[words], what)
        result = run(source, target, unsupported_artifacts="skip")
        assert actions(result) == {"v0": ("skip", "done"), "v1": ("skip", "done"), "z-plain": ("create", "done")}
        assert list(target.repository("app").tags) == ["z-plain"]


@pytest.mark.parametrize("option", ["skip", "strip"])
@pytest.mark.parametrize("reason", NEVER)
def test_other_reasons_to_refuse_an_index_stay_errors(
    source: ScriptedRegistry, target: ScriptedRegistry, reason: str, option: str
) -> None:
    refuse(target, NEVER[reason], "index")
    image = only(run(source, target, "v0", unsupported_artifacts=option, retries=0))
    assert (image.action, image.status) == ("create", "failed")
    assert target.repository("app").tags == {}


@pytest.mark.parametrize("option", ["skip", "strip"])
@pytest.mark.parametrize("reason", ["a login", "a size", "a quota"])
def test_other_reasons_to_refuse_an_attestation_stay_errors(
    source: ScriptedRegistry, target: ScriptedRegistry, reason: str, option: str
) -> None:
    refuse(target, NEVER[reason], "attestation")
    image = only(run(source, target, "v0", unsupported_artifacts=option, retries=0))
    assert (image.action, image.status) == ("create", "failed")


def test_the_first_error_stands_when_the_stripped_index_is_refused_too(
    source: ScriptedRegistry, target: ScriptedRegistry
) -> None:
    def answer(request: Request) -> Reply | None:
        if (request.method, request.kind) != ("PUT", "manifest") or b'"manifests"' not in request.body:
            return None
        first = b"attestation-manifest" in request.body
        return refusal(400, "MANIFEST_INVALID", "the first words" if first else "the second words")

    target.answer = answer
    image = only(run(source, target, "v0", unsupported_artifacts="strip"))
    assert image.status == "failed"
    assert "the first words" in str(image.error)
    assert not image.notes
    assert target.repository("app").tags == {}


def test_a_rule_may_say_it(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    refuse(target, WORDS["SWR"], "index")
    assert only(run(source, target, "v0", rule="skip")).action == "skip"
    assert only(run(source, target, "v0", rule="fail", unsupported_artifacts="strip")).status == "failed"
    assert only(run(source, target, "v0", rule="strip")).status == "done"
    assert not run(source, target, "v0", rule="strip").changed


@pytest.mark.parametrize("value", ["drop", 5])
def test_a_rule_may_not_say_anything(source: ScriptedRegistry, target: ScriptedRegistry, value: object) -> None:
    with pytest.raises(Exception, match="it is not known"):
        run(source, target, "v0", rule=value)


def test_an_image_without_artifacts_gets_no_hint(source: ScriptedRegistry, target: ScriptedRegistry) -> None:
    target.answer = lambda r: WORDS["SWR"] if (r.method, r.kind) == ("PUT", "manifest") else None
    image = only(run(source, target, "z-plain", unsupported_artifacts="strip"))
    assert image.status == "failed"
    assert HINT not in image.error.hint
