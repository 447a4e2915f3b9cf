# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signatures that rules require: images without a good one are not copied.

A signature counts only when what is signed names the digest that the destination is to have. Signatures are read from
the source: cosign's tag, and what refers to the digest by the referrers API or the tag that stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from ...._oci.client.run import Run
from ...._oci.errors import Code, ContentError, ImageOpsError, RegistryError
from ...._oci.image.manifest import Descriptor, Manifest
from ...._oci.image.media_types import IMAGE_CONFIGS, INDEXES, SINGLES
from ...._oci.image.reference import Digest, Reference
from ...._oci.image.strict_json import loads
from ...._oci.signatures import notation
from ...._oci.signatures.cosign import (
    BUNDLE_PREFIX,
    SIGNATURE_ANNOTATION,
    SIMPLE_SIGNING,
    check_bundle,
    check_simple_signing,
)
from ...._oci.signatures.keys import GOOD, Checked, Verdict, load_certificates, load_key, unreadable, wrong
from ...._oci.store.blob_source import read_verified
from ...._oci.store.store import Repository
from ...decisions import Action, OnMissing
from ...rules.required_signature import RequiredSignature
from ...work.manifest_cache import ManifestCache
from ...work.stores import Stores
from ...work.workers import ask_all
from ..image_task import ImageTask
from ..referrers import Outcome, Referrer
from .search import ReferrerSearch

_MAX_SIGNATURES = 64
_MAX_SIGNATURE_BYTES = 1024 * 1024
_SHOWN = 3
_COSIGN_PREFIX = "application/vnd.dev.cosign."
_CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate"
_COSE = "application/cose"
_EMPTY = "application/vnd.oci.empty.v1+json"
_KEYLESS = unreadable("it is signed by a Fulcio identity, and only signatures by a key are supported")
_NO_KEYS = unreadable("it is cosign's, and require_signature has no keys")
_NO_AUTHORITIES = unreadable("it is notation's, and require_signature has no certificates")
_NONE = unreadable("nothing that refers to it at its source is a signature")

_Question = tuple[Reference, Digest, RequiredSignature]


@dataclass(frozen=True)
class _Trust:
    """What signatures are checked with, loaded."""

    keys: list[Any]
    authorities: list[Any]
    now: datetime

    @classmethod
    def of(cls, required: RequiredSignature) -> _Trust:
        return cls(
            [load_key(text, "keys") for text in required.keys],
            [one for text in required.certificates for one in load_certificates(text, "certificates")],
            datetime.now(timezone.utc),
        )


class SignatureGate:
    """Checks tasks whose rules require a signature. What was found is kept; what could not be read is read again."""

    def __init__(self, search: ReferrerSearch, stores: Stores, manifests: ManifestCache, run: Run) -> None:
        self._search = search
        self._stores = stores
        self._manifests = manifests
        self._run = run
        self._known: dict[_Question, Checked] = {}

    def check(self, tasks: Sequence[ImageTask]) -> list[ImageTask]:
        """Return the tasks. One whose image is not signed as its rule requires is refused or skipped."""
        asked = {id(task): _question(task) for task in tasks if _is_asked(task)}
        fresh = {key: None for key in asked.values() if key is not None and key not in self._known}
        found = self._search.direct([(source, digest) for source, digest, _required in fresh])
        answers = ask_all(
            ((self._stores.queue(key[0].registry), key) for key in fresh),
            lambda key: self._read(key, found[key[0], key[1]]),
            action="check the signatures of",
            log=self._run.log,
        )
        self._known.update({key: one for key, one in answers.items() if isinstance(one, Checked)})
        every = {**answers, **self._known}
        return [task if id(task) not in asked else _decided(task, _answer(asked[id(task)], every)) for task in tasks]

    def _read(self, question: _Question, referrers: Outcome) -> Checked:
        """Return what the signatures of one image came to: the first good one decides."""
        if isinstance(referrers, ImageOpsError):
            raise referrers
        source, digest, required = question
        trust = _Trust.of(required)
        repository = self._stores.repository(source)
        found: list[Checked] = []
        for checked in islice(self._signatures(repository, digest, referrers, trust), _MAX_SIGNATURES):
            if checked.verdict is Verdict.GOOD:
                return GOOD
            found.append(checked)
        return _summed_up(found)

    def _signatures(
        self, repository: Repository, digest: Digest, referrers: Sequence[Referrer], trust: _Trust
    ) -> Iterator[Checked]:
        for candidate in islice(dict.fromkeys(self._candidates(repository, referrers)), _MAX_SIGNATURES):
            try:
                layers = list(_layers(self._manifests.get(repository, candidate)))
            except ImageOpsError as fault:
                yield _unreadable_by(fault)
                continue
            for layer in layers:
                try:
                    checked = self._layer(repository, layer, digest, trust)
                except ImageOpsError as fault:
                    checked = _unreadable_by(fault)
                if checked is not None:
                    yield checked

    def _candidates(self, repository: Repository, referrers: Sequence[Referrer]) -> Iterator[Digest]:
        """Yield the manifests that may be signatures: cosign's tag, what is listed, and what a list under a tag has."""
        for referrer in referrers:
            if referrer.tag is not None and "." in referrer.tag:
                if referrer.tag.partition(".")[2] == "sig":
                    yield referrer.digest
            elif referrer.tag is None:
                if _may_sign(referrer.type):
                    yield referrer.digest
            elif referrer.media_type in INDEXES:
                children = self._manifests.get(repository, referrer.digest).children
                yield from (child.digest for child in children if _may_sign(child.artifact_type or child.media_type))

    def _layer(self, repository: Repository, layer: Descriptor, digest: Digest, trust: _Trust) -> Checked | None:
        """Return what a layer comes to as a signature; None for what is none."""
        annotations = dict(layer.annotations)
        if layer.media_type == _COSE:
            return unreadable("it is a COSE envelope, which is not supported")
        is_notation = layer.media_type == notation.JWS
        is_bundle = layer.media_type.startswith(BUNDLE_PREFIX)
        if not is_notation and not is_bundle and layer.media_type != SIMPLE_SIGNING:
            return None
        if is_notation and not trust.authorities:
            return _NO_AUTHORITIES
        if not is_notation and not trust.keys:
            return _NO_KEYS
        if layer.size > _MAX_SIGNATURE_BYTES:
            return unreadable(f"it is larger than {_MAX_SIGNATURE_BYTES} bytes")
        content = read_verified(layer, repository, self._run)
        if is_notation:
            return notation.check_envelope(content, digest, trust.authorities, trust.now)
        if is_bundle:
            return check_bundle(content, digest, trust.keys)
        checked = check_simple_signing(content, annotations.get(SIGNATURE_ANNOTATION, ""), digest, trust.keys)
        return _KEYLESS if checked.verdict is Verdict.WRONG and _CERTIFICATE_ANNOTATION in annotations else checked


def _may_sign(kind: str) -> bool:
    """Return whether a referrer of this type may be a signature. A type that says nothing may be one."""
    return (
        kind.startswith((BUNDLE_PREFIX, _COSIGN_PREFIX))
        or kind in (notation.ARTIFACT_TYPE, _EMPTY)
        or kind in SINGLES
        or kind in IMAGE_CONFIGS
    )


def _layers(manifest: Manifest) -> Iterator[Descriptor]:
    """Yield the layers of a manifest. Two signatures of one payload are two layers with one digest."""
    blobs = {str(blob.digest): blob for blob in manifest.blobs}
    for entry in loads(manifest.raw).get("layers") or ():
        annotations = entry.get("annotations") or {}
        blob = blobs[entry["digest"]]
        yield replace(blob, media_type=entry["mediaType"], annotations=tuple(annotations.items()))


def _unreadable_by(fault: ImageOpsError) -> Checked:
    """Return the outcome for a signature that its source does not have whole. Every other fault is raised."""
    if isinstance(fault, ContentError) or (isinstance(fault, RegistryError) and fault.status == 404):
        return unreadable(f"its signature cannot be read: {fault.cause}")
    raise fault


def _summed_up(found: Sequence[Checked]) -> Checked:
    if not found:
        return _NONE
    wrong_ones = [one for one in found if one.verdict is Verdict.WRONG]
    reasons = list(dict.fromkeys(one.why for one in wrong_ones or found))
    why = "; ".join(reasons[:_SHOWN]) + ("; ..." if len(reasons) > _SHOWN else "")
    return wrong(why) if wrong_ones else unreadable(why)


def _is_asked(task: ImageTask) -> bool:
    """Return whether an image has to be signed: it is to be copied, or the destination has it already."""
    return (
        task.rule.required_signature is not None
        and task.error is None
        and task.source_image is not None
        and (task.to_copy or task.action == Action.UNCHANGED or task.unseen)
    )


def _question(task: ImageTask) -> _Question | None:
    """Return what to look for; None where no signature can name what the destination has afterwards."""
    image, required = task.source_image, task.rule.required_signature
    stripped = task.action == Action.UNCHANGED and task.previous != task.digest
    if image is None or required is None or task.digest is None or task.digest in image.rewritten or stripped:
        return None
    return Reference(task.origin.registry, task.origin.repository), task.digest, required


def _answer(question: _Question | None, answers: dict[_Question, Checked | ImageOpsError]) -> Checked | ImageOpsError:
    if question is None:
        return unreadable("a part of it alone is taken, which makes it another image with another digest")
    return answers[question]


def _decided(task: ImageTask, outcome: Checked | ImageOpsError) -> ImageTask:
    if isinstance(outcome, ImageOpsError):
        return replace(task, action=Action.UNKNOWN, reason="its signatures could not be read", error=outcome)
    if outcome.verdict is Verdict.GOOD:
        return task
    required = task.rule.required_signature
    is_missing = outcome.verdict is Verdict.UNREADABLE
    if is_missing and required is not None and required.on_missing == OnMissing.SKIP:
        return replace(task, action=Action.SKIP, reason=f"it has no required signature: {outcome.why}", digest=None)
    error = refusal("signature_missing" if is_missing else "signature_invalid", task, outcome.why)
    return replace(task, action=Action.CONFLICT, reason="it is not signed as its rule requires", error=error)


def refusal(code: Code, task: ImageTask, why: str) -> ImageOpsError:
    """Return the error of an image that is not signed as its rule requires."""
    image = task.source_image
    if image is not None and image.digest in image.rewritten:
        hint = "leave platforms out, so that the whole index is copied as it was signed"
    elif code == "signature_missing":
        hint = "sign the image at its source, or take it by a rule without require_signature"
    else:
        hint = "do not run it before it is known who has signed it, and with which key"
    return ContentError(
        code=code, action="copy", subject=f"{task.source.name}@{task.digest} ({task.source})", cause=why, hint=hint
    )
