# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys and certificates that signatures are checked with. The library for it is loaded when a key is.

Keys are ECDSA on P-256 or P-384, RSA from 2048 bits on, or Ed25519.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..errors import InputError

_SHORTEST_RSA = 2048
_CURVES = {"secp256r1": ("SHA256",), "secp384r1": ("SHA384", "SHA256")}
"""The hashes that go with a curve: cosign before 3.0 takes SHA-256 for each."""


class Verdict(Enum):
    """What a check of one signature came to."""

    GOOD = "good"
    WRONG = "wrong"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Checked:
    """The outcome of a check.

    :ivar why: in a few words, why it is not good; empty when it is
    """

    verdict: Verdict
    why: str = ""


GOOD = Checked(Verdict.GOOD)


def wrong(why: str) -> Checked:
    """Return the outcome for a signature that was read and does not hold."""
    return Checked(Verdict.WRONG, why)


def unreadable(why: str) -> Checked:
    """Return the outcome for what cannot be read as a signature of a supported kind."""
    return Checked(Verdict.UNREADABLE, why)


def need_cryptography(option: str) -> None:
    """Check that the optional library is installed.

    :param option: the option that needs it, for the message
    :raises InputError: naming the interpreter that lacks it
    """
    try:
        import cryptography.hazmat.primitives.hashes  # noqa: F401 - only whether it can be imported
    except ImportError as error:
        raise InputError(
            action="use",
            subject=option,
            cause=f"the Python library cryptography is not installed for {sys.executable or 'this Python'}",
            hint=f"install it, or leave {option} out",
        ) from error


def load_key(pem: str, where: str) -> Any:
    """Return the public key in a PEM text.

    :param where: where the text stands, for messages
    :raises InputError: when it is none, or one that is not supported
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            action="read",
            subject=where,
            cause="it is not a public key in PEM form",
            hint="give the text from BEGIN PUBLIC KEY to END PUBLIC KEY, as in cosign.pub",
        ) from error
    if not _hashes_of(key) and not _is_ed25519(key):
        raise InputError(
            action="use",
            subject=where,
            cause="only ECDSA on P-256 and P-384, RSA from 2048 bits on and Ed25519 are supported",
            hint="give a key of one of these kinds",
        )
    return key


def load_certificates(pem: str, where: str) -> list[Any]:
    """Return the certificates in a PEM text.

    :raises InputError: when there is none, or one of them cannot be read
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return list(load_pem_x509_certificates(pem.encode()))
    except ValueError as error:
        raise InputError(
            action="read",
            subject=where,
            cause="it is not a list of certificates in PEM form",
            hint="give the text of one certificate after the other, each from BEGIN CERTIFICATE on",
        ) from error


def is_signed_by(key: Any, signature: bytes, message: bytes) -> bool:
    """Return whether a signature is that of a key, in a form that sigstore uses for a key of its kind.

    ECDSA and RSA (PKCS #1 v1.5) over a hash that goes with the key; Ed25519 over the message itself.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    if _is_ed25519(key):
        return _holds(key, signature, message)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return any(_holds(key, signature, message, ec.ECDSA(algorithm)) for algorithm in _hashes_of(key))
    return any(_holds(key, signature, message, padding.PKCS1v15(), algorithm) for algorithm in _hashes_of(key))


def is_signed_by_any(keys: list[Any], signature: bytes, message: bytes) -> bool:
    """Return whether a signature is that of one of these keys."""
    return any(is_signed_by(key, signature, message) for key in keys)


def _holds(key: Any, *signed: Any) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(*signed)
    except InvalidSignature:
        return False
    return True


def _is_ed25519(key: Any) -> bool:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return isinstance(key, ed25519.Ed25519PublicKey)


def _hashes_of(key: Any) -> list[Any]:
    """Return the hashes that go with a key; empty where there is none, or the key is not supported."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, ec.EllipticCurvePublicKey):
        return [getattr(hashes, name)() for name in _CURVES.get(key.curve.name, ())]
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SHORTEST_RSA:
        return [hashes.SHA256()]
    return []
