# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One repository of a registry (distribution-spec 1.1, Endpoints)."""

from __future__ import annotations

import functools
from typing import Mapping

from .answers import Purpose, error_of
from .blob_reader import RegistryBlobReader, range_start
from .client import Call, Client
from .errors import ContentError, ImageOpsError, InputError, RegistryError
from .faults import Fault
from .listing import Pages
from .manifest import ACCEPT, MAX_MANIFEST_BYTES, Descriptor, Manifest, parse_manifest
from .reference import Digest, check_tag
from .repository import BlobReader, OpenAt, Repository, Upload
from .tokens import Scopes
from .transport import REDIRECTS, Answer
from .upload import BlobUpload, UploadSession

_ACCEPT = {"Accept": ACCEPT}


class RegistryRepository(Repository):
    """A repository behind HTTP. Made by :meth:`.registry.Registry.repository`.

    :param path: its path in the registry: ``library/nginx``
    """

    def __init__(self, client: Client, path: str) -> None:
        self._client = client
        self.path = path
        self.name = f"{client.host}/{path}"
        self._pull: Scopes = (f"repository:{path}:pull",)
        self._push: Scopes = (f"repository:{path}:pull,push",)

    # -- reading -------------------------------------------------------------------------------------------------

    def tags(self) -> list[str]:
        """Every tag, all pages (Listing Tags); empty when the repository does not exist."""
        purpose = self._purpose("list the tags of", self.name)
        pages = Pages(self._client, purpose, self._pull, self.path, f"/v2/{self.path}/tags/list", "tags")
        return [tag for tag in pages.entries() if _is_tag(tag)]

    def resolve(self, ref: str) -> Descriptor | None:
        """What a tag or digest points to now (Pulling manifests, HEAD); None when it is not there."""
        call = self._manifest_call("HEAD", ref)
        answer = self._client.call(call)
        if answer.status == 404:
            return None
        if answer.status == 405 or (answer.status == 200 and not answer.headers.get("Docker-Content-Digest")):
            try:
                return self.manifest(ref).descriptor()
            except RegistryError as error:
                if error.status == 404:
                    return None
                raise
        if answer.status != 200:
            raise self._client.error(call, answer)
        digest = self._said_digest(answer, ref)
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Descriptor(media_type=media_type, digest=digest, size=answer.length or 0)

    def manifest(self, ref: str) -> Manifest:
        """Read and verify the manifest that a tag or digest names (Pulling manifests)."""
        call = self._manifest_call("GET", ref)
        answer = self._client.expect(call, 200)
        media_type = answer.headers.get("Content-Type", "")
        wanted = Digest.parse(ref) if _is_digest(ref) else None
        if wanted is None and answer.headers.get("Docker-Content-Digest"):
            wanted = self._said_digest(answer, ref)
        return parse_manifest(answer.body, media_type, wanted)

    def has_blob(self, blob: Descriptor) -> bool:
        """Whether the blob is in this repository (HEAD). A redirect to it means that it is."""
        purpose = self._purpose("look for", self._blob_name(blob), kind="blob")
        call = Call("HEAD", self._blob_path(blob), purpose, self._pull, self.path, follow=False)
        answer = self._client.call(call)
        if answer.status == 200 or answer.status in REDIRECTS:
            return True
        if answer.status == 404:
            return False
        raise self._client.error(call, answer)

    def open_blob(self, blob: Descriptor, offset: int = 0) -> BlobReader:
        """Read a blob from a byte offset on (Pulling blobs; Range), always by the registry's own URL."""
        subject = self._blob_name(blob)
        purpose = self._purpose("read", subject, kind="blob")
        headers = {"Range": f"bytes={offset}-"} if offset else None
        call = Call("GET", self._blob_path(blob), purpose, self._pull, self.path, headers=headers, limit=None)
        answer = self._client.expect(call, 200, 206)
        skip = 0
        if answer.status == 200:
            skip = offset
        elif range_start(answer.headers.get("Content-Range")) != offset:
            answer.close()
            raise RegistryError(
                code="protocol_error", action="read", subject=subject, transient=True, status=206,
                cause=f"it answers another part than the one from byte {offset} on",
            )
        expected = blob.size - offset + skip
        if answer.length is not None and answer.length != expected:
            answer.close()
            raise ContentError(
                code="size_mismatch", action="read", subject=subject,
                cause=f"the registry has {answer.length + offset - skip} bytes of it where the manifest says {blob.size}",
                hint="the blob is damaged at its source",
            )
        return RegistryBlobReader(
            answer, offset=offset, skip=skip, size=blob.size, subject=subject,
            to_error=functools.partial(self._client.fault, purpose=purpose),
        )

    def referrers(self, digest: Digest) -> list[Descriptor]:
        """The manifests whose subject is this digest (Listing Referrers), by the API or the fallback tag."""
        raise NotImplementedError

    # -- writing -------------------------------------------------------------------------------------------------

    def mount_blob(self, blob: Descriptor, source: str | None = None) -> Upload | None:
        """Ask for a blob without sending it (Mounting a blob from another repository).

        :param source: the path of a repository of this registry that has it; None asks whether this one has it
        """
        purpose = self._purpose("upload", self._blob_name(blob), write=True)
        scopes = self._push if source in (None, self.path) else (*self._push, f"repository:{source}:pull")
        path = f"/v2/{self.path}/blobs/uploads/?mount={blob.digest}&from={source or self.path}"
        call = Call("POST", path, purpose, scopes, self.path)
        answer = self._client.call(call)
        if answer.status == 201:
            return None
        if answer.status == 202:
            return self._session(call, answer)
        if self.has_blob(blob):
            return None
        return self._begin(purpose)

    def put_blob(self, blob: Descriptor, open_at: OpenAt, upload: Upload | None = None) -> None:
        """Upload a blob of known size (Pushing blobs); when it returns the registry has confirmed it."""
        purpose = self._purpose("upload", self._blob_name(blob), write=True)
        sending = BlobUpload(
            self._client,
            blob,
            open_at,
            purpose=purpose,
            scopes=self._push,
            repository=self.path,
            begin=functools.partial(self._begin, purpose),
            is_there=functools.partial(self.has_blob, blob),
            chunk_size=self._client.chunk_size,
        )
        sending.run(upload if isinstance(upload, UploadSession) else None)

    def _begin(self, purpose: Purpose) -> UploadSession:
        call = Call("POST", f"/v2/{self.path}/blobs/uploads/", purpose, self._push, self.path)
        return self._session(call, self._client.expect(call, 202))

    def _session(self, call: Call, answer: Answer) -> UploadSession:
        try:
            return UploadSession(self._client.transport.locate(answer.url, answer.headers.get("Location")))
        except Fault as fault:
            raise self._client.fault(fault, call.purpose) from fault

    def put_manifest(self, manifest: Manifest, tag: str | None = None) -> Digest | None:
        """Write a manifest's bytes under a tag, or by digest alone (Pushing Manifests)."""
        ref = tag or str(manifest.digest)
        purpose = self._purpose("write the manifest", self._ref_name(ref), write=True, kind="manifest")
        call = Call(
            "PUT", f"/v2/{self.path}/manifests/{ref}", purpose, self._push, self.path,
            headers={"Content-Type": manifest.media_type}, body=manifest.raw,
        )
        answer = self._client.expect(call, 201)
        said = answer.headers.get("Docker-Content-Digest")
        return self._said_digest(answer, ref) if said else None

    def delete_tag(self, tag: str) -> None:
        """Remove a tag alone (Deleting tags), where the registry can."""
        self._delete(tag)

    def delete_manifest(self, digest: Digest) -> None:
        """Remove a manifest with all its tags (Deleting manifests)."""
        self._delete(str(digest))

    def _delete(self, ref: str) -> None:
        purpose = self._purpose("delete", self._ref_name(ref), write=True, kind="manifest")
        scopes = (f"repository:{self.path}:pull,delete",)
        self._client.expect(Call("DELETE", f"/v2/{self.path}/manifests/{ref}", purpose, scopes, self.path), 200, 202, 404)

    # -- names ---------------------------------------------------------------------------------------------------

    def _manifest_call(self, method: str, ref: str) -> Call:
        purpose = self._purpose("read the manifest", self._ref_name(ref), kind="tag")
        path = f"/v2/{self.path}/manifests/{ref}"
        return Call(method, path, purpose, self._pull, self.path, headers=_ACCEPT, limit=MAX_MANIFEST_BYTES)

    def _purpose(self, action: str, subject: str, *, write: bool = False, kind: str = "repository") -> Purpose:
        return Purpose(action, subject, self._client.host, write, kind)

    def _ref_name(self, ref: str) -> str:
        return f"{self.name}@{ref}" if _is_digest(ref) else f"{self.name}:{ref}"

    def _blob_name(self, blob: Descriptor) -> str:
        return f"{self.name}@{blob.digest}"

    def _blob_path(self, blob: Descriptor) -> str:
        return f"/v2/{self.path}/blobs/{blob.digest}"

    def _said_digest(self, answer: Answer, ref: str) -> Digest:
        """The digest that a registry says; verified against the one that was asked for."""
        said = answer.headers.get("Docker-Content-Digest", "").strip()
        try:
            digest = Digest.parse(said)
        except InputError as error:
            raise ContentError(
                code="protocol_error", action="read the manifest", subject=self._ref_name(ref),
                cause=f"the registry says a digest that is none: {said[:100]!r}",
            ) from error
        if _is_digest(ref) and said != ref:
            raise ContentError(
                code="digest_mismatch", action="read the manifest", subject=self._ref_name(ref),
                cause=f"the registry answers with {said}",
            )
        return digest


def _is_digest(ref: str) -> bool:
    return ":" in ref


def _is_tag(text: str) -> bool:
    try:
        check_tag(text)
    except InputError:
        return False
    return True
