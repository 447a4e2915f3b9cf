# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures: which hold, and a table of forgeries that do not. DSSE envelopes are made by securesystemslib."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.signatures.cosign import (
    check_bundle,
    check_simple_signing,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.signatures.keys import Verdict, load_key
from ansible_collections.imageops.registry.plugins.module_utils._oci.signatures.notation import check_envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

DIGEST = Digest.of(b"the image")
OTHER = Digest.of(b"another image")
NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)

P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
STRANGER = ec.generate_private_key(ec.SECP256R1())


def pem(private: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(private.public_key().public_bytes(serialization.Encoding.PEM, form).decode())


def key(private: Any) -> Any:
    return load_key(pem(private), "keys[0]")


def signed(private: Any, message: bytes, algorithm: Any = None) -> bytes:
    algorithm = algorithm or hashes.SHA256()
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.sign(message, ec.ECDSA(algorithm))
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(message, padding.PKCS1v15(), algorithm)
    return bytes(private.sign(message))


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def simple(digest: object = DIGEST, kind: str = "cosign container image signature") -> bytes:
    image = {"docker-manifest-digest": str(digest)}
    critical = {"identity": {"docker-reference": "example.com/app"}, "image": image, "type": kind}
    return json.dumps({"critical": critical, "optional": None}).encode()


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


def statement(digest: Digest = DIGEST, predicate: str = "https://sigstore.dev/cosign/sign/v1") -> bytes:
    algorithm, value = str(digest).split(":")
    subject = [{"name": "", "digest": {algorithm: value}}]
    made = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": predicate, "predicate": {}}
    return json.dumps(made).encode()


def bundle(private: Any = P256, payload: bytes | None = None, kind: str = "application/vnd.in-toto+json") -> Any:
    """A bundle whose envelope an independent library has made and signed."""
    envelope = Envelope(payload or statement(), kind, {})
    envelope.sign(CryptoSigner(private))
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "x"}},
        "dsseEnvelope": envelope.to_dict(),
    }


@pytest.mark.parametrize("private", [P256, P384, ED25519])
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


def certificate(
    private: Any,
    name: str,
    issuer: tuple[Any, x509.Certificate] | None = None,
    *,
    ca: bool = False,
    days: tuple[int, int] = (-1, 30),
    use: Any = ExtendedKeyUsageOID.CODE_SIGNING,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, **usage), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    return builder.sign(issuer[0] if issuer else private, hashes.SHA256())


ROOT_KEY, MIDDLE_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ROOT = certificate(ROOT_KEY, "root", ca=True)
MIDDLE = certificate(MIDDLE_KEY, "middle", (ROOT_KEY, ROOT), ca=True)
LEAF = certificate(P256, "leaf", (MIDDLE_KEY, MIDDLE))
RSA_LEAF = certificate(RSA, "rsa leaf", (MIDDLE_KEY, MIDDLE))


def url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def envelope(
    digest: object = DIGEST,
    *,
    private: Any = P256,
    chain: tuple[x509.Certificate, ...] = (LEAF, MIDDLE),
    algorithm: str = "ES256",
    scheme: str = "notary.x509",
    expiry: str | None = None,
    crit: tuple[str, ...] = ("io.cncf.notary.signingScheme",),
) -> dict[str, Any]:
    protected: dict[str, Any] = {
        "alg": algorithm,
        "cty": "application/vnd.cncf.notary.payload.v1+json",
        "crit": list(crit),
        "io.cncf.notary.signingScheme": scheme,
        "io.cncf.notary.signingTime": "2026-11-24T11:00:00Z",
    }
    if expiry:
        protected["io.cncf.notary.expiry"] = expiry
    parts = [url64(json.dumps(part).encode()) for part in (protected, {"targetArtifact": {"digest": str(digest)}})]
    message = ".".join(parts).encode()
    if algorithm.startswith("PS"):
        made = private.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    else:
        first, second = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
        made = first.to_bytes(32, "big") + second.to_bytes(32, "big")
    encoded = [b64(one.public_bytes(serialization.Encoding.DER)) for one in chain]
    return {"protected": parts[0], "payload": parts[1], "header": {"x5c": encoded}, "signature": url64(made)}


@pytest.mark.parametrize(
    "made",
    [
        envelope(),
        envelope(expiry="2026-12-24T12:00:00Z"),
        envelope(private=RSA, chain=(RSA_LEAF, MIDDLE), algorithm="PS256"),
        envelope(chain=(LEAF, MIDDLE, ROOT)),
    ],
)
def test_a_notation_signature_whose_chain_leads_to_a_given_authority_holds(made: dict[str, Any]) -> None:
    assert check_envelope(json.dumps(made).encode(), DIGEST, [ROOT], NOW).why == ""


def chain(**leaf: Any) -> tuple[x509.Certificate, ...]:
    return certificate(P256, "leaf", (MIDDLE_KEY, MIDDLE), **leaf), MIDDLE


@pytest.mark.parametrize(
    ("made", "verdict", "why"),
    [
        (envelope(OTHER), Verdict.WRONG, "it signs sha256:"),
        ({**envelope(), "payload": envelope(OTHER)["payload"]}, Verdict.WRONG, "not that of its certificate"),
        (envelope(private=STRANGER), Verdict.WRONG, "not that of its certificate"),
        (envelope(algorithm="HS256"), Verdict.WRONG, "not that of its certificate"),
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
