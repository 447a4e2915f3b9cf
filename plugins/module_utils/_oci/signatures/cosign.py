# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cosign's signatures: simple signing (containers/image signature format), and sigstore bundles with a DSSE envelope.

Identities without a key (Fulcio certificates, Rekor entries) are not supported, and that is said.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from ..image.reference import Digest
from .keys import GOOD, Checked, is_signed_by_any, unreadable, wrong

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
BUNDLE_PREFIX = "application/vnd.dev.sigstore.bundle"
_IN_TOTO = "application/vnd.in-toto+json"
_SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
_STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_PAYLOAD_TYPE = "cosign container image signature"


def check_simple_signing(payload: bytes, signature: str, digest: Digest, keys: list[Any]) -> Checked:
    """Check a signature of the simple signing form.

    :param payload: the bytes of the layer, which are what is signed
    :param signature: base64, from the layer's annotation
    :param digest: of the manifest that has to be signed
    """
    raw = _decoded(signature)
    if raw is None:
        return unreadable("its signature is not base64")
    critical = _mapping(_parsed(payload), "critical")
    named = _mapping(critical, "image").get("docker-manifest-digest")
    if critical.get("type") != _PAYLOAD_TYPE or not isinstance(named, str):
        return unreadable("its payload is not a signature of an image")
    if not is_signed_by_any(keys, raw, payload):
        return wrong("none of the keys has made it")
    return GOOD if named == str(digest) else wrong(f"it signs {named[:80]}")


def check_bundle(content: bytes, digest: Digest, keys: list[Any]) -> Checked:
    """Check a sigstore bundle (v0.3) that holds a DSSE envelope with an in-toto statement.

    :param digest: of the manifest that has to be signed
    """
    bundle = _parsed(content)
    envelope = _mapping(bundle, "dsseEnvelope")
    if not envelope:
        return unreadable("it is not a bundle with a DSSE envelope, and other kinds are not supported")
    material = _mapping(bundle, "verificationMaterial")
    if "certificate" in material or "x509CertificateChain" in material:
        return unreadable("it is signed by a Fulcio identity, and only signatures by a key are supported")
    payload = _decoded(envelope.get("payload"))
    signatures = envelope.get("signatures")
    if payload is None or envelope.get("payloadType") != _IN_TOTO or not isinstance(signatures, list):
        return unreadable("its envelope does not hold an in-toto statement")
    statement = _parsed(payload)
    if statement.get("_type") not in _STATEMENTS or statement.get("predicateType") != _SIGN_PREDICATE:
        return unreadable("it attests to something else than a signature of an image")
    message = _pre_authentication(_IN_TOTO, payload)
    raws = [_decoded(one.get("sig")) for one in signatures if isinstance(one, dict)]
    if not any(raw is not None and is_signed_by_any(keys, raw, message) for raw in raws):
        return wrong("none of the keys has made it")
    return GOOD if _names(statement, digest) else wrong("it signs another digest")


def _pre_authentication(kind: str, payload: bytes) -> bytes:
    """Return what a DSSE envelope signs (DSSE v1, protocol, PAE)."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def _names(statement: dict[str, Any], digest: Digest) -> bool:
    """Return whether a subject of the statement is the manifest."""
    algorithm, value = str(digest).split(":")
    subjects = statement.get("subject")
    return isinstance(subjects, list) and any(
        isinstance(subject, dict) and _mapping(subject, "digest").get(algorithm) == value for subject in subjects
    )


def _parsed(raw: bytes) -> dict[str, Any]:
    """Return a JSON object; an empty one for everything else."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _mapping(parent: dict[str, Any], key: str) -> dict[str, Any]:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _decoded(text: object) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
