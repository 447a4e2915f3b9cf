# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""notation's signatures as JWS envelopes (Notary Project, signature-envelope-jws and trust-store-trust-policy).

COSE envelopes, revocation and time stamps are not supported: a certificate has to be valid now.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime, timezone
from typing import Any

from ..image.reference import Digest
from .keys import GOOD, Checked, unreadable, wrong

ARTIFACT_TYPE = "application/vnd.cncf.notary.signature"
JWS = "application/jose+json"
_PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
_SCHEME = "io.cncf.notary.signingScheme"
_EXPIRY = "io.cncf.notary.expiry"
_UNDERSTOOD = frozenset((_SCHEME, _EXPIRY, "io.cncf.notary.signingTime", "io.cncf.notary.authenticSigningTime"))
_LONGEST_CHAIN = 10
_ALGORITHMS = {"256": "SHA256", "384": "SHA384", "512": "SHA512"}
_CURVES = {"256": "secp256r1", "384": "secp384r1"}


def check_envelope(content: bytes, digest: Digest, authorities: list[Any], now: datetime) -> Checked:
    """Check a JWS envelope.

    :param digest: of the manifest that has to be signed
    :param authorities: certificates, one of which the signer's chain has to end at
    :param now: the time, with its zone
    """
    try:
        envelope = json.loads(content)
        protected = json.loads(_decoded(envelope["protected"]))
        payload = json.loads(_decoded(envelope["payload"]))
        signature = _decoded(envelope["signature"])
        chain = _chain(envelope["header"]["x5c"])
        target = str(payload["targetArtifact"]["digest"])
        algorithm, kind, critical = str(protected["alg"]), protected["cty"], protected.get("crit", [])
        expiry = _time(protected.get(_EXPIRY))
        unknown = set(critical) - _UNDERSTOOD
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        return unreadable("it is not a JWS envelope")
    if kind != _PAYLOAD or protected.get(_SCHEME) != "notary.x509":
        return unreadable("its signing scheme is not supported")
    if unknown:
        return unreadable(f"it demands what is not supported: {', '.join(sorted(map(str, unknown)))[:80]}")
    signed = f"{envelope['protected']}.{envelope['payload']}".encode()
    if not chain or not _is_signed(chain[0], algorithm, signature, signed):
        return wrong("its signature is not that of its certificate")
    fault = _chain_fault(chain, authorities, now)
    if fault:
        return wrong(fault)
    if expiry is not None and expiry <= now:
        return wrong(f"it expired on {expiry:%Y-%m-%d %H:%M:%S %Z}")
    return GOOD if target == str(digest) else wrong(f"it signs {target[:80]}")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _time(text: object) -> datetime | None:
    if text is None:
        return None
    return datetime.fromisoformat(str(text).replace("Z", "+00:00")).astimezone(timezone.utc)


def _chain(encoded: list[str]) -> list[Any]:
    from cryptography.x509 import load_der_x509_certificate

    return [load_der_x509_certificate(base64.b64decode(text)) for text in encoded[:_LONGEST_CHAIN]]


def _is_signed(certificate: Any, algorithm: str, signature: bytes, signed: bytes) -> bool:
    """Return whether a certificate's key has signed by a JWS algorithm (RFC 7518: PS256 to PS512, ES256, ES384)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    kind, size, key = algorithm[:2], algorithm[2:], certificate.public_key()
    if size not in _ALGORITHMS:
        return False
    chosen = getattr(hashes, _ALGORITHMS[size])()
    try:
        if kind == "PS" and isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
            salted = padding.PSS(padding.MGF1(chosen), chosen.digest_size)
            key.verify(signature, signed, salted, chosen)
        elif kind == "ES" and isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == _CURVES.get(size):
            half = key.key_size // 8
            if len(signature) != 2 * half:
                return False
            numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
            key.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(chosen))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _chain_fault(chain: list[Any], authorities: list[Any], now: datetime) -> str:
    """Return why a chain does not lead from a code-signing certificate to one of the authorities; empty if it does."""
    if not _may_sign_code(chain[0]):
        return "its certificate is not for signing code"
    path = list(chain)
    for position, certificate in enumerate(path):
        if not _is_valid(certificate, now):
            return "a certificate of its chain is not valid now"
        if position and not _may_issue(certificate, below=position - 1):
            return "a certificate of its chain may not issue others"
        if certificate in authorities:
            return ""
        issuer = next((one for one in authorities if _has_issued(one, certificate)), None)
        if issuer is not None:
            return "" if _is_valid(issuer, now) and _may_issue(issuer, below=position) else "its authority is not valid"
        if position + 1 == len(path) or not _has_issued(path[position + 1], certificate):
            break
    return "its chain does not lead to any of the given authorities"


def _is_valid(certificate: Any, now: datetime) -> bool:
    naive = now.astimezone(timezone.utc).replace(tzinfo=None)
    begin = getattr(certificate, "not_valid_before_utc", None)
    if begin is not None:
        return bool(begin <= now <= certificate.not_valid_after_utc)
    return bool(certificate.not_valid_before <= naive <= certificate.not_valid_after)


def _has_issued(issuer: Any, certificate: Any) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _extension(certificate: Any, kind: Any) -> Any:
    from cryptography.x509 import ExtensionNotFound

    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except ExtensionNotFound:
        return None


def _may_sign_code(certificate: Any) -> bool:
    """Return whether a leaf is one that the Notary Project's certificate requirements allow."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    usage = _extension(certificate, x509.KeyUsage)
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    constraints = _extension(certificate, x509.BasicConstraints)
    if usage is None or not usage.digital_signature or usage.key_cert_sign:
        return False
    if constraints is not None and constraints.ca:
        return False
    return extended is None or ExtendedKeyUsageOID.CODE_SIGNING in extended


def _may_issue(certificate: Any, *, below: int) -> bool:
    """Return whether a certificate may issue others, with so many intermediate ones below it."""
    from cryptography import x509

    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        return False
    return constraints.path_length is None or below <= constraints.path_length
