# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store in memory: what planning and copying are tested on, without a server and in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.refusals import MissingContent
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError, RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import (
    Descriptor,
    Manifest,
    is_foreign,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.referrers import fallback_tag, with_referrer
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import (
    BlobReader,
    Counters,
    OpenAt,
    Repository,
    Store,
    Upload,
)
from support.clients.collection_client import Reader, manifest_of
from support.scenes.images import Image


@dataclass(frozen=True)
class Request:
    """One call of a repository's method.

    :ivar method: its name, such as ``put_blob``
    :ivar name: the repository with its store
    :ivar ref: the tag or digest that it is about
    """

    method: str
    name: str
    ref: str = ""


class MemoryStore(Store):
    """A store whose repositories are dictionaries.

    :ivar requests: every request in the order in which they began
    :ivar around: gives the context in which a request is answered; it may wait, count or raise
    :ivar allowed: what :meth:`limit` gives
    :ivar lists_referrers: whether it lists referrers by itself, or leaves that to the fallback tag
    :ivar refuses: the artifact types that it does not take
    :ivar deletes_tags: whether it deletes a tag alone; likewise whole manifests
    """

    def __init__(self, host: str, allowed: int = 10) -> None:
        self.host = host
        self.allowed = allowed
        self.lists_referrers = False
        self.refuses: tuple[str, ...] = ()
        self.deletes_tags = self.deletes_manifests = True
        self.requests: list[Request] = []
        self.around: Callable[[Request], AbstractContextManager[object]] = lambda request: nullcontext()
        self.rounds = self.finished = 0
        self.closed = False
        self._repositories: dict[str, MemoryRepository] = {}

    def repository(self, path: str) -> MemoryRepository:
        return self._repositories.setdefault(path, MemoryRepository(self, path))

    def catalog(self, prefix: str) -> Iterator[str]:
        return (path for path in sorted(self._repositories) if path.startswith(prefix))

    def limit(self) -> int:
        return self.allowed

    def counters(self) -> Counters:
        kept = self._repositories.values()
        return Counters(len(self.requests), sum(each.read for each in kept), sum(each.written for each in kept))

    def begin_round(self) -> None:
        self.rounds += 1

    def finish(self) -> None:
        self.finished += 1

    def close(self) -> None:
        self.closed = True

    def counts(self) -> dict[str, int]:
        """Return the number of requests of each method."""
        methods = [request.method for request in self.requests]
        return {method: methods.count(method) for method in sorted(set(methods))}


class MemoryRepository(Repository):
    """A repository that checks what is put into it as a registry does."""

    def __init__(self, store: MemoryStore, path: str) -> None:
        self.name = f"{store.host}/{path}"
        self.store = store
        self.blobs: dict[Digest, bytes] = {}
        self.manifests: dict[Digest, Manifest] = {}
        self.tagged: dict[str, Digest] = {}
        self.origins: dict[str, str] = {}
        self.read = self.written = 0

    def tags(self) -> list[str]:
        with self._request("tags"):
            return list(self.tagged)

    def resolve(self, ref: str) -> Descriptor | None:
        with self._request("resolve", ref):
            found = self._find(ref)
            return found.descriptor() if found else None

    def manifest(self, ref: str) -> Manifest:
        with self._request("manifest", ref):
            found = self._find(ref)
            if found is None:
                raise self._missing("tag_not_found", ref)
            return found

    def put_manifest(self, manifest: Manifest, tag: str | None = None) -> Digest | None:
        with self._request("put_manifest", tag or str(manifest.digest)):
            for named in (*manifest.children, *manifest.blobs):
                if named.digest not in self.manifests and named.digest not in self.blobs and not is_foreign(named):
                    raise MissingContent(
                        code="server_error", action="write", subject=self.name, cause=f"{named.digest} is not there"
                    )
            if manifest.descriptor().artifact_type in self.store.refuses:
                raise RegistryError(
                    code="unsupported_manifest",
                    action="write",
                    subject=self.name,
                    cause="its kind is not taken",
                    status=400,
                )
            self.manifests[manifest.digest] = manifest
            if tag is not None:
                self.tagged[tag] = manifest.digest
            return manifest.digest

    def note_origin(self, tag: str, origin: str) -> None:
        self.origins[tag] = origin

    def has_blob(self, blob: Descriptor) -> bool:
        with self._request("has_blob", str(blob.digest)):
            return blob.digest in self.blobs

    def open_blob(self, blob: Descriptor, offset: int = 0, *, once: bool = False, connections: int = 1) -> BlobReader:
        with self._request("open_blob", str(blob.digest)):
            if blob.digest not in self.blobs:
                raise self._missing("blob_not_found", str(blob.digest))
            self.read += blob.size - offset
            return Reader(self.blobs[blob.digest], offset)

    def mount_blob(self, blob: Descriptor, source: str | None = None) -> Upload | None:
        with self._request("mount_blob", str(blob.digest)):
            found = self.store.repository(source).blobs.get(blob.digest) if source else None
            if found is not None:
                self.blobs[blob.digest] = found
            return None if blob.digest in self.blobs else object()

    def put_blob(self, blob: Descriptor, open_at: OpenAt, upload: Upload | None = None) -> bool:
        with self._request("put_blob", str(blob.digest)):
            reader = open_at(0)
            try:
                data = b"".join(reader)
            finally:
                reader.close()
            if len(data) != blob.size or Digest.of(data) != blob.digest:
                code = "size_mismatch" if len(data) != blob.size else "digest_mismatch"
                raise ContentError(code=code, action="send", subject=str(blob.digest), cause="its reader is wrong")
            self.blobs[blob.digest] = data
            self.written += len(data)
        return True

    def referrers(self, digest: Digest) -> list[Descriptor] | None:
        if not self.store.lists_referrers:
            return None  # known after the first time, and then not asked
        with self._request("referrers", str(digest)):
            kept = self.manifests.values()
            return [each.descriptor() for each in kept if each.subject is not None and each.subject.digest == digest]

    def list_referrer(self, manifest: Manifest) -> None:
        if manifest.subject is not None and not self.store.lists_referrers:
            tag = fallback_tag(manifest.subject.digest)
            index = with_referrer(self._find(tag), manifest.descriptor())
            if index is not None:
                self.put_manifest(index, tag)

    def delete_tag(self, tag: str) -> None:
        with self._request("delete_tag", tag):
            self._refuse_unless(self.store.deletes_tags)
            self.tagged.pop(tag, None)

    def delete_manifest(self, digest: Digest) -> None:
        with self._request("delete_manifest", str(digest)):
            self._refuse_unless(self.store.deletes_manifests)
            self.manifests.pop(digest, None)
            self.tagged = {tag: named for tag, named in self.tagged.items() if named != digest}

    def _request(self, method: str, ref: str = "") -> AbstractContextManager[object]:
        request = Request(method, self.name, ref)
        self.store.requests.append(request)
        return self.store.around(request)

    def _refuse_unless(self, can: bool) -> None:
        if not can:
            raise RegistryError(code="unsupported", action="delete", subject=self.name, cause="it cannot", status=405)

    def _find(self, ref: str) -> Manifest | None:
        digest = Digest.parse(ref) if ":" in ref else self.tagged.get(ref)
        return self.manifests.get(digest) if digest else None

    def _missing(self, code: str, ref: str) -> RegistryError:
        return RegistryError(
            code=code, action="read", subject=f"{self.name}:{ref}", cause="it is not there", status=404
        )


def push(store: MemoryStore, path: str, image: Image, *tags: str) -> None:
    """Put an image into a repository without a request."""
    kept = store.repository(path)
    for child in image.children:
        push(store, path, child)
    kept.blobs.update((Digest.parse(blob.digest), blob.data) for blob in image.blobs)
    kept.manifests[Digest.parse(image.digest)] = manifest_of(image)
    kept.tagged.update(dict.fromkeys(tags, Digest.parse(image.digest)))
