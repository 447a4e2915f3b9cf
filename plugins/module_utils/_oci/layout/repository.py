# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One repository of a layout: the entries whose names begin with its path. Blobs belong to all of them."""

from __future__ import annotations

from collections.abc import Iterator

from ..client.refusals import MissingContent
from ..errors import RegistryError
from ..image.manifest import MAX_MANIFEST_BYTES, Descriptor, Manifest, is_foreign, parse_manifest
from ..image.places import split_place
from ..image.reference import Digest, check_tag
from ..store.store import BlobReader, LeftOut, OpenAt, Repository, Upload
from .content import blob_file
from .names import Name
from .state import LayoutState


class LayoutRepository(Repository):
    """A repository of a layout. Made by :meth:`.layout.Layout.repository`.

    :param state: what it shares with the layout's other repositories
    :param host: the place, as references begin with it
    :param path: its path in the layout: ``library/nginx``
    """

    def __init__(self, state: LayoutState, host: str, path: str) -> None:
        self.path = path
        self.name = f"{host}/{path}"
        self._state = state

    # -- reading

    def tags(self) -> list[str]:
        """Return every tag; none when the layout, or the repository, does not exist."""
        return self._state.index().tags(self.path)

    def resolve(self, ref: str) -> Descriptor | None:
        """Return what a tag or digest leads to; None when nothing does, or the manifest itself is missing."""
        found = self._find(ref)
        if found is None or not self._state.holds(found):
            return None
        return found

    def _find(self, ref: str) -> Descriptor | None:
        if ":" in ref:
            return self._state.known(Digest.parse(ref))
        entry = self._state.index().find(Name(self.path, ref))
        return entry.descriptor if entry else None

    def manifest(self, ref: str) -> Manifest:
        """Read and verify the manifest that a tag or digest leads to."""
        found = self._find(ref)
        if found is None:
            raise self._missing(ref, "there is no such tag or digest")
        raw = self._state.content.read(blob_file(found.digest), MAX_MANIFEST_BYTES)
        if raw is None:
            raise self._missing(ref, f"index.json leads to {found.digest}, and that blob is missing")
        self._state.count_read(len(raw))
        return parse_manifest(raw, found.media_type, found.digest)

    def has_blob(self, blob: Descriptor) -> bool:
        """Return whether the layout has the blob, for whichever repository."""
        return self._state.has_blob(blob)

    def left_out(self, blob: Descriptor) -> LeftOut | None:
        """Return which earlier bundle holds a blob that this one leaves out; None for one that is here, or missing."""
        return self._state.left_out(blob)

    @property
    def about_lost_blobs(self) -> str:
        """What to do about a blob that a manifest names and that is not here."""
        return self._state.about_lost_blobs()

    def open_blob(self, blob: Descriptor, offset: int = 0, *, once: bool = False, connections: int = 1) -> BlobReader:
        """Read a blob from a byte offset on."""
        reader = self._state.open_blob(blob.digest, offset)
        if reader is None:
            raise self._missing(str(blob.digest), "there is no such blob")
        return reader

    def referrers(self, digest: Digest) -> list[Descriptor] | None:
        """Return the entries whose manifest has this subject; None where there are none, and a tag may list them."""
        return self._state.referring(digest) or None

    # -- writing

    def mount_blob(self, blob: Descriptor, source: str | None = None) -> Upload | None:
        """Return None when the layout has the blob, in whichever repository."""
        return None if self._state.has_blob(blob) else object()

    def put_blob(self, blob: Descriptor, open_at: OpenAt, upload: Upload | None = None) -> bool:
        """Write a blob; it is there as a whole when this returns, and not at all when it raises."""
        return self._state.put_blob(blob, open_at) == blob.size

    def put_manifest(self, manifest: Manifest, tag: str | None = None) -> Digest | None:
        """Write a manifest, and the entry that leads to it.

        One without a tag gets an entry of its own where it has a subject. Another is usually a part of an index: it
        waits for that, or for the end of the run.
        """
        self._refuse_missing(manifest)
        self._state.put_blob(manifest.descriptor(), lambda offset: _Bytes(manifest.raw[offset:]))
        if tag is not None:
            name = Name(self.path, check_tag(tag))
            origin = self._state.origin(self.path, tag)
            self._state.change(lambda index: index.with_tag(name, manifest, origin))
        elif manifest.subject is not None:
            self._state.change(lambda index: index.with_untagged(manifest))
        else:
            self._state.put_loose(manifest)
            return manifest.digest
        self._state.has_come(manifest)
        return manifest.digest

    def note_origin(self, tag: str, origin: str) -> None:
        """Keep the reference that a tag is about to be copied from: its entry has it.

        That of another place on disk is not kept: containerd and buildah refuse a name that is none of a registry.
        """
        if split_place(origin) is None:
            self._state.note_origin(self.path, tag, origin)

    def _refuse_missing(self, manifest: Manifest) -> None:
        there = [(child, self._state.holds(child)) for child in manifest.children]
        there += [(blob, is_foreign(blob) or self._state.has_blob(blob)) for blob in manifest.blobs]
        for blob, is_there in there:
            if not is_there:
                raise MissingContent(
                    code="server_error",
                    action="write the manifest",
                    subject=f"{self.name}@{manifest.digest}",
                    cause=f"the layout lacks {blob.digest}, which it names",
                    transient=True,
                )

    def list_referrer(self, manifest: Manifest) -> None:
        """Do nothing: a referrer is an entry of the index already."""

    def delete_tag(self, tag: str) -> None:
        """Remove a tag alone. The files stay."""
        name = Name(self.path, check_tag(tag))
        self._state.change(lambda index: index.without_tag(name))

    def delete_manifest(self, digest: Digest) -> None:
        """Remove the entries of this repository that lead to a manifest. The files stay."""
        self._state.change(lambda index: index.without_manifest(self.path, digest))

    def _missing(self, ref: str, cause: str) -> RegistryError:
        mark = "@" if ":" in ref else ":"
        return RegistryError(
            code="tag_not_found", action="read", subject=f"{self.name}{mark}{ref}", cause=cause, status=404
        )


class _Bytes:
    """The bytes of a manifest, to be written."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __iter__(self) -> Iterator[bytes]:
        yield self._raw

    def close(self) -> None:
        """Do nothing."""
