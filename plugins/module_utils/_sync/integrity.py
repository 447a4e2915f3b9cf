# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether images are whole: every manifest, and every blob that one names, read and hashed. Nothing is written."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from .._oci.client.run import Run
from .._oci.errors import ContentError, ImageOpsError, RegistryError
from .._oci.image.manifest import Descriptor, Manifest, is_foreign
from .._oci.image.places import split_place
from .._oci.image.reference import Digest, Reference
from .._oci.store.blob_source import BlobSource
from .._oci.store.referrers import FoundReferrer, everything_about
from .._oci.store.store import Repository
from .decisions import Verify
from .work.stores import Stores

_MAX_MANIFESTS = 10_000


@dataclass(frozen=True)
class _Fault:
    """What is wrong with a manifest or a blob of an image.

    :ivar digest: None for what is wrong with the image as a whole
    """

    image: Reference
    digest: Digest | None
    error: ImageOpsError

    def as_result(self) -> dict[str, Any]:
        return {
            "image": str(self.image),
            "digest": str(self.digest) if self.digest else None,
            "code": self.error.code,
            "reason": str(self.error),
        }


@dataclass(frozen=True)
class _Blob:
    """A blob that is checked.

    :ivar image: the first that was seen to name it
    :ivar is_here: its check, which says whether it is there, and not left out on purpose
    """

    image: Reference
    size: int
    is_here: Future[bool]


@dataclass
class _Found:
    """What the images of one entry have. Several threads add to it."""

    manifests: set[Digest] = field(default_factory=set)
    blobs: dict[Digest, _Blob] = field(default_factory=dict)
    faults: list[_Fault] = field(default_factory=list)


class Verifier:
    """Reads images as a whole. Each blob is read once a repository, and once a layout, however often it is named.

    :param stores: where to read
    :param verify: whether blobs are read, or only asked for; manifests are read in any case
    :param referrers: take what refers to the manifests, such as signatures, as a part of the image
    """

    def __init__(self, stores: Stores, run: Run, verify: Verify, *, referrers: bool) -> None:
        self._stores = stores
        self._run = run
        self._reads_blobs = verify is Verify.BLOBS
        self._referrers = referrers
        self._lock = threading.Lock()
        self._checks: dict[tuple[str, Digest], Future[bool]] = {}

    def verify(self, groups: Sequence[Sequence[Reference]]) -> list[dict[str, Any]]:
        """Return for each group of images what was read of it, and what is missing or damaged, in their order."""
        found = [_Found() for _group in groups]
        walks = [
            self._stores.queue(ref.registry).submit(self._walk, ref, into)
            for group, into in zip(groups, found)
            for ref in group
        ]
        for walk in walks:
            walk.result()
        return [_result(each) for each in found]

    def _walk(self, image: Reference, found: _Found) -> None:
        """Read the manifests of one image, and begin to check the blobs that they name."""
        repository = self._stores.repository(image)
        if image.tag is None and image.digest is None:
            found.faults.append(_Fault(image, None, nothing_there(str(image))))
            return
        root = self._read(repository, image, str(image.digest or image.tag), found)
        if root is None:
            return
        seen, waiting = {root.digest}, [root]
        while waiting:
            manifest = waiting.pop()
            found.manifests.add(manifest.digest)
            self._begin_checks(repository, image, manifest, found)
            for digest in self._below(repository, image, manifest, found):
                if digest in seen:
                    continue
                if len(seen) == _MAX_MANIFESTS:
                    found.faults.append(_Fault(image, root.digest, _too_many(image)))
                    return
                seen.add(digest)
                read = self._read(repository, image, str(digest), found, named=digest)
                if read is not None:
                    waiting.append(read)

    def _read(
        self, repository: Repository, image: Reference, ref: str, found: _Found, *, named: Digest | None = None
    ) -> Manifest | None:
        """Read a manifest; None for one that is missing or damaged, which is noted.

        :param named: its digest, for one that another manifest names
        """
        try:
            return repository.manifest(ref)
        except ImageOpsError as error:
            is_lost = named is not None and isinstance(error, RegistryError) and error.status == 404
            found.faults.append(_Fault(image, named or image.digest, _lost(image, ref) if is_lost else error))
            return None

    def _below(self, repository: Repository, image: Reference, manifest: Manifest, found: _Found) -> Iterator[Digest]:
        """Yield the manifests that belong to one: its children, and where it is wanted what refers to it."""
        yield from (child.digest for child in manifest.children)
        if not self._referrers:
            return
        try:
            referring = everything_about(repository, manifest.digest, None)
        except ImageOpsError as error:
            found.faults.append(_Fault(image, manifest.digest, error))
            return
        yield from _digests(referring)

    def _begin_checks(self, repository: Repository, image: Reference, manifest: Manifest, found: _Found) -> None:
        holder = image.registry if split_place(image.registry) else repository.name
        queue = self._stores.queue(image.registry)
        for blob in manifest.blobs:
            if is_foreign(blob):
                continue
            with self._lock:
                check = self._checks.get((holder, blob.digest))
                if check is None:
                    check = self._checks[holder, blob.digest] = queue.submit(self._check, repository, blob)
            found.blobs.setdefault(blob.digest, _Blob(image, blob.size, check))

    def _check(self, repository: Repository, blob: Descriptor) -> bool:
        """Return whether a blob is there; False for one that an earlier bundle has in its place.

        :raises ImageOpsError: when it is missing or damaged
        """
        if repository.left_out(blob) is not None:
            return False
        if self._reads_blobs:
            self._read_blob(repository, blob)
        elif not repository.has_blob(blob):
            raise _lost(repository.name, str(blob.digest), repository.about_lost_blobs)
        return True

    def _read_blob(self, repository: Repository, blob: Descriptor) -> None:
        reader = BlobSource(blob, repository, self._run, lambda offset: None).open_at(0)
        try:
            for _block in reader:
                pass
        except ContentError as error:  # in the words of who reads it to copy it
            if error.code == "source_incomplete":
                raise _lost(repository.name, str(blob.digest), repository.about_lost_blobs) from error
            if error.code in ("size_mismatch", "digest_mismatch"):
                raise _damaged(repository.name, blob, error) from error
            raise
        finally:
            reader.close()


def _result(found: _Found) -> dict[str, Any]:
    """Wait for the checks, and return what the module says of an entry."""
    faults = list(found.faults)
    here, left_out, size = 0, 0, 0
    for digest, blob in found.blobs.items():
        try:
            is_here = blob.is_here.result()
        except ImageOpsError as error:
            faults.append(_Fault(blob.image, digest, error))
            continue
        here, left_out, size = (here + 1, left_out, size + blob.size) if is_here else (here, left_out + 1, size)
    return {
        "manifests": len(found.manifests),
        "blobs": here,
        "bytes": size,
        "left_out": left_out,
        "faults": sorted(
            (fault.as_result() for fault in faults), key=lambda fault: (fault["image"], fault["digest"] or "")
        ),
    }


def nothing_there(name: str) -> ImageOpsError:
    """Return the error for a repository, or a place on disk, without any image."""
    return ContentError(
        code="tag_not_found",
        action="verify",
        subject=name,
        cause="no tag is there",
        hint="look for a mistake in the name",
    )


def _digests(found: Iterable[FoundReferrer]) -> Iterator[Digest]:
    for one in found:
        yield one.digest
        yield from _digests(one.referrers)


def _lost(name: Reference | str, ref: str, about: str = "") -> ImageOpsError:
    return ContentError(
        code="source_incomplete",
        action="verify",
        subject=str(name),
        cause=f"a manifest names {ref}, which is not there",
        hint=about or "copy or push the image there again",
    )


def _damaged(name: str, blob: Descriptor, error: ContentError) -> ImageOpsError:
    return ContentError(
        code=error.code,
        action="verify",
        subject=f"the blob {blob.digest} in {name}",
        cause=error.cause,
        hint="its storage, or a proxy in between, damages it: once that is mended, copy or push the image there again",
    )


def _too_many(image: Reference) -> ImageOpsError:
    return ContentError(
        code="unsupported_manifest",
        action="verify",
        subject=str(image),
        cause=f"it has more than {_MAX_MANIFESTS} manifests",
        hint="no tool builds such images; look at what is there",
    )
