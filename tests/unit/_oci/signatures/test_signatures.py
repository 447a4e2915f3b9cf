# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures: which hold, and a table of forgeries that do not. DSSE envelopes are made by securesystemslib."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.signatures.cosign import (
    check_bundle,
    check_simple_signing,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.signatures.keys import Verdict, load_key
from ansible_collections.imageops.registry.plugins.module_utils._oci.signatures.notation import check_envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from helpers.signing import (
    DIGEST,
    ED25519,
    LEAF,
    MIDDLE,
    MIDDLE_KEY,
    NOW,
    OTHER,
    P256,
    P384,
    ROOT,
    RSA,
    RSA_LEAF,
    STRANGER,
    b64,
    bundle,
    certificate,
    envelope,
    key,
    pem,
    signed,
    simple,
    statement,
)


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (P256, hashes.SHA256()),
        (P384, hashes.SHA384()),
        (P384, hashes.SHA256()),
        (RSA, hashes.SHA256()),
        (ED25519, None),
    ],
)
def test_a_simple_signature_holds_by_each_kind_of_key(private: Any, algorithm: Any) -> None:
    signature = b64(signed(private, simple(), algorithm))
    assert check_simple_signing(simple(), signature, DIGEST, [key(STRANGER), key(private)]).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("payload", "signature", "verdict"),
    [
        (simple(OTHER), b64(signed(P256, simple(OTHER))), Verdict.WRONG),  # of another image
        (simple(), b64(signed(P256, simple(OTHER))), Verdict.WRONG),  # a payload put in its place
        (simple(), b64(signed(STRANGER, simple())), Verdict.WRONG),  # another key
        (simple(), b64(signed(P384, simple())), Verdict.WRONG),
        (simple(), b64(b""), Verdict.WRONG),
        (simple(kind="atomic container signature"), b64(signed(P256, simple())), Verdict.UNREADABLE),
        (simple(), "!", Verdict.UNREADABLE),
        (b"[]", b64(signed(P256, b"[]")), Verdict.UNREADABLE),
        (b'{"critical": {"image": 5}}', b64(signed(P256, b"")), Verdict.UNREADABLE),
        (b"\xff", b64(signed(P256, b"\xff")), Verdict.UNREADABLE),
        (b"[" * 100_000, "", Verdict.UNREADABLE),
    ],
    ids=[
        "of another image",
        "a payload put in its place",
        "another key",
        "another kind of key",
        "an empty signature",
        "another type",
        "no base64",
        "a list",
        "no digest",
        "no text",
        "deep",
    ],
)
def test_a_simple_signature_that_is_forged_does_not_hold(payload: bytes, signature: str, verdict: Verdict) -> None:
    assert check_simple_signing(payload, signature, DIGEST, [key(P256)]).verdict is verdict


@pytest.mark.parametrize("private", [P256, ED25519])
def test_a_bundle_that_another_library_signed_holds(private: Any) -> None:
    content = json.dumps(bundle(private)).encode()
    assert check_bundle(content, DIGEST, [key(STRANGER), key(private)]).verdict is Verdict.GOOD


def _with(found: Any, **changes: Any) -> bytes:
    found["dsseEnvelope"].update(changes)
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    ("content", "verdict", "why"),
    [
        (json.dumps(bundle(payload=statement(OTHER))).encode(), Verdict.WRONG, "another digest"),
        (_with(bundle(), payload=b64(statement(OTHER))), Verdict.WRONG, "none of the keys"),
        (json.dumps(bundle(STRANGER)).encode(), Verdict.WRONG, "none of the keys"),
        (_with(bundle(), signatures=[]), Verdict.WRONG, "none of the keys"),
        (
            json.dumps(bundle(payload=statement(predicate="https://spdx.dev/Document"))).encode(),
            Verdict.UNREADABLE,
            "something else",
        ),
        (json.dumps(bundle(kind="text/plain")).encode(), Verdict.UNREADABLE, "in-toto"),
        (_with(bundle(), signatures={}), Verdict.UNREADABLE, "in-toto"),
        (
            json.dumps({**bundle(), "verificationMaterial": {"certificate": {}}}).encode(),
            Verdict.UNREADABLE,
            "Fulcio",
        ),
        (b'{"messageSignature": {}}', Verdict.UNREADABLE, "not supported"),
        (b"not JSON", Verdict.UNREADABLE, "not supported"),
    ],
    ids=[
        "of another image",
        "a payload put in its place",
        "another key",
        "no signatures",
        "an attestation in its place",
        "another payload type",
        "signatures that are none",
        "an identity",
        "a message signature",
        "no JSON",
    ],
)
def test_a_bundle_that_is_forged_does_not_hold(content: bytes, verdict: Verdict, why: str) -> None:
    checked = check_bundle(content, DIGEST, [key(P256)])
    assert checked.verdict is verdict
    assert why in checked.why


@pytest.mark.parametrize(
    "made",
    [
        envelope(),
        envelope(expiry="2026-12-24T12:00:00Z"),
        envelope(private=RSA, chain=(RSA_LEAF, MIDDLE), algorithm="PS256"),
        envelope(chain=(LEAF, MIDDLE, ROOT)),
        envelope(private=P384, chain=(certificate(P384, "leaf", (MIDDLE_KEY, MIDDLE)), MIDDLE), algorithm="ES384"),
    ],
)
def test_a_notation_signature_whose_chain_leads_to_a_given_authority_holds(made: dict[str, Any]) -> None:
    assert check_envelope(json.dumps(made).encode(), DIGEST, [ROOT], NOW).why == ""


P521 = ec.generate_private_key(ec.SECP521R1())


def of_curve(private: Any, algorithm: str) -> dict[str, Any]:
    """An envelope that is signed by a key on another curve than its algorithm is for, or on one that is not taken."""
    leaf = certificate(private, "leaf", (MIDDLE_KEY, MIDDLE))
    return envelope(private=private, chain=(leaf, MIDDLE), algorithm=algorithm)


def chain(**leaf: Any) -> tuple[x509.Certificate, ...]:
    return certificate(P256, "leaf", (MIDDLE_KEY, MIDDLE), **leaf), MIDDLE


@pytest.mark.parametrize(
    ("made", "verdict", "why"),
    [
        (envelope(OTHER), Verdict.WRONG, "it signs sha256:"),
        ({**envelope(), "payload": envelope(OTHER)["payload"]}, Verdict.WRONG, "not that of its certificate"),
        (envelope(private=STRANGER), Verdict.WRONG, "not that of its certificate"),
        (envelope(algorithm="HS256"), Verdict.WRONG, "not that of its certificate"),
        (of_curve(P384, "ES256"), Verdict.WRONG, "not that of its certificate"),
        (of_curve(P521, "ES512"), Verdict.WRONG, "not that of its certificate"),
        (envelope(chain=()), Verdict.WRONG, "not that of its certificate"),
        (envelope(chain=(LEAF,)), Verdict.WRONG, "does not lead to"),
        (envelope(chain=(certificate(P256, "self"),)), Verdict.WRONG, "does not lead to"),
        (envelope(chain=chain(days=(-30, -1))), Verdict.WRONG, "not valid now"),
        (envelope(chain=chain(days=(1, 30))), Verdict.WRONG, "not valid now"),
        (envelope(chain=chain(use=ExtendedKeyUsageOID.SERVER_AUTH)), Verdict.WRONG, "not for signing code"),
        (envelope(private=MIDDLE_KEY, chain=(MIDDLE,)), Verdict.WRONG, "not for signing code"),
        (
            envelope(private=STRANGER, chain=(certificate(STRANGER, "x", (P256, LEAF)), LEAF, MIDDLE)),
            Verdict.WRONG,
            "may not issue others",
        ),
        (envelope(expiry="2026-11-24T11:59:59Z"), Verdict.WRONG, "expired on 2026-11-24"),
        (envelope(scheme="notary.x509.signingAuthority"), Verdict.UNREADABLE, "scheme is not supported"),
        (envelope(crit=("com.example.must",)), Verdict.UNREADABLE, "com.example.must"),
        ({}, Verdict.UNREADABLE, "not a JWS envelope"),
        ({**envelope(), "header": {"x5c": [b64(b"no certificate")]}}, Verdict.UNREADABLE, "not a JWS envelope"),
        ({**envelope(), "protected": "é"}, Verdict.UNREADABLE, "not a JWS envelope"),
    ],
)
def test_a_notation_signature_that_is_forged_does_not_hold(made: dict[str, Any], verdict: Verdict, why: str) -> None:
    checked = check_envelope(json.dumps(made).encode(), DIGEST, [ROOT], NOW)
    assert checked.verdict is verdict
    assert why in checked.why


def test_an_authority_that_is_none_vouches_for_nothing() -> None:
    leaf = certificate(STRANGER, "below a leaf", (P256, LEAF))
    made = json.dumps(envelope(private=STRANGER, chain=(leaf,))).encode()
    assert check_envelope(made, DIGEST, [LEAF], NOW).why == "its authority is not valid"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519 AAAA",
        pem(rsa.generate_private_key(65537, 1024)),
        pem(ec.generate_private_key(ec.SECP521R1())),
        P256.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    ],
    ids=["nothing", "a key of SSH", "a short RSA key", "another curve", "a private key"],
)
def test_what_is_no_usable_key_is_refused_by_its_place(text: str) -> None:
    with pytest.raises(InputError) as caught:
        load_key(text, "images[0].require_signature.keys[0]")
    assert caught.value.subject == "images[0].require_signature.keys[0]"
