# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One repository of a registry (distribution-spec 1.1, Endpoints)."""

from __future__ import annotations

import functools
import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..client.call import Call, Purpose, Scopes
from ..client.client import Client
from ..client.head_trust import is_doubtful
from ..client.refusals import as_said
from ..errors import ContentError, ImageOpsError, InputError, RegistryError
from ..http.transport import REDIRECTS, Answer
from ..image.manifest import ACCEPT, MAX_MANIFEST_BYTES, Descriptor, Manifest
from ..image.reference import Digest, check_tag
from ..image.referrers import fallback_tag
from ..late_imports import IMPORTING
from ..store.store import BlobReader, OpenAt, Repository, Upload
from .listing import Pages
from .manifest_reads import ManifestReads
from .referrer_pages import listed_referrers

if TYPE_CHECKING:
    from .blob_push import BlobWriter

_ACCEPT = {"Accept": ACCEPT}


class RegistryRepository(Repository):
    """A repository behind HTTP. Made by :meth:`.registry.Registry.repository`.

    What moves blobs is loaded when the first one moves: most runs find that none has to.

    :param path: its path in the registry: ``library/nginx``
    :param plain_http: hosts, with their ports, from which foreign layers may be fetched without TLS
    """

    def __init__(self, client: Client, path: str, plain_http: Collection[str] = ()) -> None:
        self.path = path
        self.name = f"{client.host}/{path}"
        self._client = client
        self._plain_http = plain_http
        self._pull: Scopes = (f"repository:{path}:pull",)
        self._push: Scopes = (f"repository:{path}:pull,push",)
        self._manifests = ManifestReads(client, path, ref_name=self._ref_name, scopes=self._pull)
        self._unlisted: set[Digest] = set()
        self._referrers_lock = threading.Lock()

    # -- reading -------------------------------------------------------------------------------------------------

    def tags(self) -> list[str]:
        """Return every tag, of all pages (Listing Tags); none when the repository does not exist."""
        pages = self._tag_pages()
        return self._tags_of(list(pages.entries()), pages)

    def _tags_of(self, listed: list[str], pages: Pages) -> list[str]:
        """Return what is a tag of a list, and remember whether that is all of it."""
        tags = [tag for tag in listed if _is_tag(tag)]
        self.tags_are_whole = pages.is_whole and len(tags) == len(listed)
        return tags

    def few_tags(self) -> list[str] | None:
        """Return every tag when they are on one page (Listing Tags); None where there are more pages."""
        pages = self._tag_pages()
        page = pages.only_page()
        return None if page is None else self._tags_of(list(dict.fromkeys(page)), pages)

    def _tag_pages(self) -> Pages:
        purpose = self._purpose("list the tags of", self.name)
        return Pages(self._client, purpose, self._pull, self.path, f"/v2/{self.path}/tags/list", "tags")

    def resolve(self, ref: str) -> Descriptor | None:
        """Return what a tag or digest points to now (Pulling manifests, HEAD); None when it is not there."""
        return self._manifests.resolve(ref)

    def manifest(self, ref: str) -> Manifest:
        """Read and verify the manifest that a tag or digest names (Pulling manifests)."""
        return self._manifests.read(ref)

    def has_blob(self, blob: Descriptor) -> bool:
        """Return whether the blob is in this repository (HEAD). A redirect to it means that it is."""
        return self._has_blob(blob)

    def _has_blob(self, blob: Descriptor, *, once: bool = False) -> bool:
        purpose = self._purpose("look for", self._ref_name(str(blob.digest)), kind="blob")
        head = Call("HEAD", self._blob_path(blob), purpose, self._pull, self.path, follow=False, once=once)
        get = replace(head, method="GET", headers={"Range": "bytes=0-0"}, limit=None)
        heads = self._client.quirks.heads
        if heads.is_distrusted("blob"):
            answer = self._first_byte(get)
        else:
            answer = self._client.call(replace(head, instead=get))
            if answer.method == "GET":
                answer.close()
                heads.contradicted("blob")
            elif answer.status != 404 and is_doubtful(answer.status):
                answer = heads.settle("blob", self.path, answer.status, lambda: self._first_byte(get))
            else:
                heads.answered("blob")
        if answer.status in (200, 206, *REDIRECTS) or (answer.status == 416 and blob.size == 0):
            return True
        if answer.status == 404:
            return False
        raise self._client.error(get, answer)

    def _first_byte(self, get: Call) -> Answer:
        """Ask for a blob of which only the head of the answer matters."""
        answer = self._client.call(get)
        answer.close()
        return answer

    def open_blob(self, blob: Descriptor, offset: int = 0, *, once: bool = False, connections: int = 1) -> BlobReader:
        """Read a blob from a byte offset on (Pulling blobs), by the registry's own URL.

        A layer that the registry lacks is read from the URLs that the manifest has for it.
        """
        purpose = self._purpose("read", self._ref_name(str(blob.digest)), kind="blob")
        call = Call("GET", self._blob_path(blob), purpose, self._pull, self.path, limit=None, once=once)
        try:
            if connections > 1:
                with IMPORTING:
                    from .ranged_download import open_in_ranges

                return open_in_ranges(self._client, call, blob, offset, connections)
            with IMPORTING:
                from .blob_download import open_blob

            return open_blob(self._client, call, blob, offset)
        except RegistryError as error:
            if error.status != 404 or not blob.urls:
                raise
            with IMPORTING:
                from .foreign_layers import ForeignLayers

            return ForeignLayers(self._client, self._plain_http).open(blob, offset, error)

    def referrers(self, digest: Digest) -> list[Descriptor] | None:
        """Return the manifests whose subject is this digest (Listing Referrers); None where there is no such API."""
        if not self._client.quirks.has_referrers:
            return None
        purpose = self._purpose("list the referrers of", self._ref_name(str(digest)))
        path = f"/v2/{self.path}/referrers/{digest}"
        call = Call("GET", path, purpose, self._pull, self.path, headers=_ACCEPT, limit=MAX_MANIFEST_BYTES)
        return listed_referrers(self._client, call)

    # -- writing blobs -------------------------------------------------------------------------------------------

    def _writer(self) -> BlobWriter:
        with IMPORTING:
            from .blob_push import BlobWriter

        return BlobWriter(
            self._client,
            self.path,
            name=lambda blob: self._ref_name(str(blob.digest)),
            scopes=self._push,
            has_blob=self._has_blob,
        )

    def mount_blob(self, blob: Descriptor, source: str | None = None) -> Upload | None:
        """Ask for a blob without sending it (Mounting a blob from another repository).

        :param source: the path of a repository of this registry that has it; None asks whether this one has it
        """
        return self._writer().mount(blob, source)

    def put_blob(self, blob: Descriptor, open_at: OpenAt, upload: Upload | None = None) -> bool:
        """Upload a blob of known size (Pushing blobs); when it returns the registry has confirmed it."""
        self._writer().put(blob, open_at, upload)
        return True

    def note_origin(self, tag: str, origin: str) -> None:
        """Do nothing: a registry keeps no such thing."""

    # -- writing manifests ---------------------------------------------------------------------------------------

    def put_manifest(self, manifest: Manifest, tag: str | None = None) -> Digest | None:
        """Write a manifest's bytes under a tag, or by digest alone (Pushing Manifests).

        :raises MissingContent: when the registry lacks something that the manifest names
        """
        ref = tag or str(manifest.digest)
        call = Call(
            "PUT",
            f"/v2/{self.path}/manifests/{ref}",
            self._purpose("write the manifest", self._ref_name(ref), write=True, kind="manifest"),
            self._push,
            self.path,
            headers={"Content-Type": manifest.media_type},
            body=manifest.raw,
        )
        answer = self._client.write(call, functools.partial(self._points_to, ref, manifest.digest))
        if answer is None:
            return manifest.digest
        if answer.status not in (200, 201, 202, 204):
            error = self._client.error(call, answer)
            if error.code != "immutable_tag" or self._shown(ref, error) != manifest.digest:
                raise error
            return manifest.digest  # another client was quicker with the same one
        if manifest.subject is not None and "OCI-Subject" not in answer.headers:
            self._unlisted.add(manifest.digest)
        return _same_bytes(manifest, answer.headers.get("Docker-Content-Digest", ""))

    def _shown(self, ref: str, refused: RegistryError) -> Digest:
        """Return the digest that the registry has where it refuses to write.

        :raises RegistryError: what the registry said, when it does not show that it has something there
        """
        try:
            found = self.resolve(ref)
        except ImageOpsError:
            found = None
        if found is None:
            raise as_said(refused)
        return found.digest

    def _points_to(self, ref: str, digest: Digest) -> bool:
        try:
            found = self._manifests.resolve(ref, once=True)
        except (RegistryError, ContentError):
            return False
        return found is not None and found.digest == digest

    def list_referrer(self, manifest: Manifest) -> None:
        """Add a manifest to the fallback tag of its subject (Referrers Tag Schema).

        Nothing is done unless the manifest was put here and the registry did not say that it lists referrers itself.
        """
        if manifest.subject is None or manifest.digest not in self._unlisted:
            return
        self.add_referrers(fallback_tag(manifest.subject.digest), [manifest.descriptor()])
        self._unlisted.discard(manifest.digest)

    def add_referrers(self, tag: str, entries: Sequence[Descriptor]) -> bool:
        """Add entries to the list under a tag; one call at a time in a repository. Return whether any was missing."""
        with self._referrers_lock:
            return super().add_referrers(tag, entries)

    def delete_tag(self, tag: str) -> None:
        """Remove a tag alone (Deleting tags), where the registry can; one that is not there is removed already."""
        self._delete(check_tag(tag))

    def delete_manifest(self, digest: Digest) -> None:
        """Remove a manifest with all its tags (Deleting manifests)."""
        self._delete(str(digest))

    def _delete(self, ref: str) -> None:
        purpose = self._purpose("delete", self._ref_name(ref), write=True, kind="manifest")
        call = Call(
            "DELETE", f"/v2/{self.path}/manifests/{ref}", purpose, (f"repository:{self.path}:pull,delete",), self.path
        )
        answer = self._client.call(call)
        # A registry that does not know this call at all says 404 too, of what is there all the same.
        if answer.status in (400, 405) or (answer.status == 404 and self.resolve(ref) is not None):
            raise RegistryError(
                code="unsupported",
                action="delete",
                subject=self._ref_name(ref),
                cause=f"this registry does not delete {'manifests' if _is_digest(ref) else 'single tags'}",
                status=answer.status,
            )
        if answer.status not in (200, 202, 204, 404):
            raise self._client.error(call, answer)

    # -- names ---------------------------------------------------------------------------------------------------

    def _purpose(self, action: str, subject: str, *, write: bool = False, kind: str = "repository") -> Purpose:
        return Purpose(action, subject, self._client.host, write, kind)

    def _ref_name(self, ref: str) -> str:
        return f"{self.name}@{ref}" if _is_digest(ref) else f"{self.name}:{ref}"

    def _blob_path(self, blob: Descriptor) -> str:
        return f"/v2/{self.path}/blobs/{blob.digest}"


def _same_bytes(manifest: Manifest, said: str) -> Digest | None:
    """Return the digest that a registry says of a manifest that was put, in the algorithm of the manifest's own.

    None when it says nothing, or something that is no digest.
    """
    try:
        digest = Digest.parse(said.strip())
    except InputError:
        return None
    return manifest.digest if digest == Digest.of(manifest.raw, digest.algorithm) else digest


def _is_digest(ref: str) -> bool:
    return ":" in ref


def _is_tag(text: str) -> bool:
    try:
        check_tag(text)
    except InputError:
        return False
    return True
