# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the manifests of one repository (distribution-spec 1.1, Pulling manifests)."""

from __future__ import annotations

import sys
from typing import Callable

from ..client.bodies import instead_of_json
from ..client.call import Call, Purpose, Scopes
from ..client.client import Client
from ..client.head_trust import is_doubtful
from ..errors import ContentError, InputError
from ..http.transport import Answer
from ..image.manifest import ACCEPT, MAX_MANIFEST_BYTES, Descriptor, Manifest, parse_manifest
from ..image.reference import Digest

_ACCEPT = {"Accept": ACCEPT}


class ManifestReads:
    """Asks for manifests.

    :param path: the repository's path
    :param ref_name: what a message calls a tag or digest in it
    :param scopes: what a token needs to read here
    """

    def __init__(self, client: Client, path: str, *, ref_name: Callable[[str], str], scopes: Scopes) -> None:
        self._client = client
        self._path = path
        self._ref_name = ref_name
        self._scopes = scopes

    def resolve(self, ref: str, *, once: bool = False) -> Descriptor | None:
        """Return what a tag or digest points to now (HEAD); None when it is not there.

        :param once: where the caller tries again and counts that
        """
        get = self._call("GET", ref, once=once)
        heads = self._client.quirks.heads
        if heads.is_distrusted("manifest"):
            return self._descriptor(self._client.call(get), get, ref)
        answer = self._client.call(self._call("HEAD", ref, once=once, instead=get))
        if answer.method == "GET":
            heads.contradicted("manifest")
        elif answer.status == 200:
            heads.answered("manifest")
            digest = self._said_digest(answer, ref)
            if digest is not None:
                media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                return Descriptor(media_type=sys.intern(media_type), digest=digest, size=answer.length or 0)
            answer = self._client.call(get)
        elif is_doubtful(answer.status):
            answer = heads.settle("manifest", self._path, answer.status, lambda: self._client.call(get))
        return self._descriptor(answer, get, ref)

    def read(self, ref: str) -> Manifest:
        """Read and verify the manifest that a tag or digest names."""
        return self._parsed(self._client.expect(self._call("GET", ref), 200), ref)

    def _descriptor(self, answer: Answer, get: Call, ref: str) -> Descriptor | None:
        """Return what the answer to a GET describes; None when there is nothing."""
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._client.error(get, answer)
        manifest = self._parsed(answer, ref)
        return Descriptor(media_type=manifest.media_type, digest=manifest.digest, size=manifest.size)

    def _parsed(self, answer: Answer, ref: str) -> Manifest:
        wanted = Digest.parse(ref) if _is_digest(ref) else self._said_digest(answer, ref)
        try:
            # Where the digest is known it decides what the bytes are, else what can be read as a manifest.
            raw = answer.body if wanted else answer.plain()
            return parse_manifest(raw, answer.headers.get("Content-Type", ""), wanted)
        except ContentError as fault:
            instead = instead_of_json(answer, self._client.run.mask)
            said = (
                f", where the registry says {wanted}" if fault.code == "digest_mismatch" and not _is_digest(ref) else ""
            )
            raise ContentError(
                code="protocol_error" if instead else fault.code,
                action=fault.action,
                subject=self._ref_name(ref),
                cause=f"{instead or fault.cause + said}{answer.label}",
                hint=fault.hint,
                transient=fault.code == "digest_mismatch" and not instead,  # it may have been spoilt on the way
            ) from fault

    def _said_digest(self, answer: Answer, ref: str) -> Digest | None:
        """Return the digest that a registry says; None where it says none, or something that is no digest.

        :raises ContentError: digest_mismatch, when it is not the one that was asked for
        """
        said = answer.headers.get("Docker-Content-Digest", "").strip()
        try:
            digest = Digest.parse(said)
        except InputError:
            return None
        if _is_digest(ref) and said != ref:
            raise ContentError(
                code="digest_mismatch",
                action="read the manifest",
                subject=self._ref_name(ref),
                cause=f"the registry answers with {said}",
            )
        return digest

    def _call(self, method: str, ref: str, *, once: bool = False, instead: Call | None = None) -> Call:
        return Call(
            method,
            f"/v2/{self._path}/manifests/{ref}",
            Purpose("read the manifest", self._ref_name(ref), self._client.host, kind="tag"),
            self._scopes,
            self._path,
            headers=_ACCEPT,
            limit=MAX_MANIFEST_BYTES,
            once=once,
            instead=instead,
        )


def _is_digest(ref: str) -> bool:
    return ":" in ref
