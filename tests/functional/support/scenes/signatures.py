# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, and signatures of images as cosign 2 makes them."""

from __future__ import annotations

import base64
import json
from functools import cached_property

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import images
from .images import Blob, Image

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
Layer = tuple[Blob, dict[str, str]]


class Signer:
    """A key on the curve P-256."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def pem(self) -> str:
        """The public key."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return str(self._key.public_key().public_bytes(serialization.Encoding.PEM, form).decode())

    def layer(self, digest: str, **annotations: str) -> Layer:
        """One signature of a digest: its payload, with the signature as an annotation."""
        named = {"docker-manifest-digest": digest}
        critical = {"identity": {"docker-reference": ""}, "image": named, "type": "cosign container image signature"}
        payload = json.dumps({"critical": critical, "optional": None}).encode()
        made = base64.b64encode(self._key.sign(payload, ec.ECDSA(hashes.SHA256()))).decode()
        return Blob(payload, SIMPLE_SIGNING), {"dev.cosignproject.cosign/signature": made, **annotations}


def signature(*layers: Layer, subject: Image | None = None) -> Image:
    """A manifest with these signatures, under a tag, or of what it refers to."""
    return images.artifact("signature", subject, SIMPLE_SIGNING, layers=layers)


def signature_tag(image: Image) -> str:
    """The tag under which cosign 2 keeps the signatures of an image."""
    return image.digest.replace(":", "-") + ".sig"
