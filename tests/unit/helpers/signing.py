# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes keys, certificates and signatures. DSSE envelopes are made by securesystemslib."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.signatures.keys import load_key
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


def statement(digest: object = DIGEST, predicate: str = "https://sigstore.dev/cosign/sign/v1") -> bytes:
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


def certificate(
    private: Any,
    name: str,
    issuer: tuple[Any, x509.Certificate] | None = None,
    *,
    ca: bool = False,
    days: tuple[int, int] = (-1, 30),
    use: Any = ExtendedKeyUsageOID.CODE_SIGNING,
    now: datetime = NOW,
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
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
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
        chosen = {"ES384": hashes.SHA384(), "ES512": hashes.SHA512()}.get(algorithm, hashes.SHA256())
        numbers = decode_dss_signature(private.sign(message, ec.ECDSA(chosen)))
        made = b"".join(number.to_bytes((private.key_size + 7) // 8, "big") for number in numbers)
    encoded = [b64(one.public_bytes(serialization.Encoding.DER)) for one in chain]
    return {"protected": parts[0], "payload": parts[1], "header": {"x5c": encoded}, "signature": url64(made)}
