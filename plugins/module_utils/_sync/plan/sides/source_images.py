# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source reference names now, narrowed to the platforms of its rule: what the destination is to have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ...._oci.client.run import Run
from ...._oci.errors import ContentError, RegistryError
from ...._oci.image.manifest import Descriptor, Manifest, Platform
from ...._oci.image.platform import platform_from_config
from ...._oci.image.reference import Digest, Reference
from ...._oci.late_imports import IMPORTING
from ...._oci.store.store import Repository
from ...work.manifest_cache import ManifestCache
from ...work.stores import Stores

_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1"
_MAX_CONFIG = 4 * 1024 * 1024
_NONE_REWRITTEN: Mapping[Digest, Manifest] = MappingProxyType({})
"""One for all images of which no platforms are chosen."""


@dataclass(frozen=True)
class SourceImage:
    """The image that the destination is to have.

    :ivar root: the digest that the source's reference names, before platforms are chosen
    :ivar digest: of the root manifest; None when no platform matches, and then skip says why
    :ivar rewritten: the manifests that a selection of platforms made, by digest; they are not at the source
    :ivar note: what is to be said of it, such as a digest that changes
    """

    __slots__ = ("digest", "media_type", "note", "rewritten", "root", "size", "skip")

    root: Digest
    digest: Digest | None
    media_type: str
    size: int
    rewritten: Mapping[Digest, Manifest]
    skip: str
    note: str


class SourceImages:
    """Resolves references of sources. An answer is kept, a failure is not.

    :param locked: the digests that count for tags, whatever these name now
    """

    def __init__(
        self, stores: Stores, manifests: ManifestCache, run: Run, *, locked: Mapping[Reference, Digest] | None = None
    ) -> None:
        self._stores = stores
        self._manifests = manifests
        self._run = run
        self._locked = locked or {}
        self._known: dict[tuple[Platform, ...], dict[Reference, SourceImage]] = {}

    def forget(self, source: Reference, platforms: tuple[Platform, ...]) -> None:
        """Forget an answer: the tag has moved, or it is not asked about again."""
        known = self._known.get(platforms, {})
        known.pop(source, None)
        if not known:
            self._known.pop(platforms, None)  # a table keeps its size when all is taken out of it

    def resolve(self, source: Reference, platforms: tuple[Platform, ...]) -> SourceImage:
        """HEAD the source; where platforms are chosen, read and narrow its manifest too.

        :raises ImageOpsError: when it is not there, may not be read, or is not an image that can be copied
        """
        known = self._known.setdefault(platforms, {})
        if source not in known:
            known[source] = self._resolve(source, platforms)
        return known[source]

    def read_again(self, source: Reference, platforms: tuple[Platform, ...]) -> SourceImage:
        """Read what a tag names, where a HEAD named what is not there. The answer is kept in the place of that.

        :raises ImageOpsError: as when it is resolved
        """
        manifest = self._stores.repository(source).manifest(source.tag or str(source.digest))
        found = self._narrowed(source, manifest.descriptor(), platforms)
        self._known.setdefault(platforms, {})[source] = found
        return found

    def narrow(self, image: SourceImage, origin: Reference, platforms: tuple[Platform, ...]) -> SourceImage:
        """Return what is taken of an image that an earlier stage writes, when these platforms are chosen.

        :param origin: where its manifests can be read now
        """
        if not platforms or image.digest is None:
            return replace(image, note="")
        root = image.rewritten.get(image.digest) or self._manifests.get(self._stores.repository(origin), image.digest)
        return self._select(self._stores.repository(origin), root, platforms, image.rewritten)

    def _resolve(self, source: Reference, platforms: tuple[Platform, ...]) -> SourceImage:
        repository = self._stores.repository(source)
        locked = self._locked.get(source)
        descriptor = repository.resolve(str(locked) if locked else source.tag or str(source.digest))
        if descriptor is None and locked is not None:
            raise _gone(source, locked)
        if descriptor is None:
            raise RegistryError(
                code="tag_not_found",
                action="copy",
                subject=str(source),
                cause="the source does not have it",
                hint="check the spelling; a retention policy may have removed it",
                status=404,
            )
        return self._narrowed(source, descriptor, platforms)

    def _narrowed(self, source: Reference, descriptor: Descriptor, platforms: tuple[Platform, ...]) -> SourceImage:
        repository = self._stores.repository(source)
        _check(source, descriptor)
        if platforms:
            root = self._manifests.get(repository, descriptor.digest)
            return self._select(repository, root, platforms, {})
        return SourceImage(
            descriptor.digest, descriptor.digest, descriptor.media_type, descriptor.size, _NONE_REWRITTEN, "", ""
        )

    def _select(
        self,
        repository: Repository,
        root: Manifest,
        platforms: tuple[Platform, ...],
        made: Mapping[Digest, Manifest],
    ) -> SourceImage:
        with IMPORTING:
            from ...._oci.image.index_filter import select_platforms  # few rules choose platforms

        selection = select_platforms(
            root,
            platforms,
            load=lambda child: made.get(child.digest) or self._manifests.get(repository, child.digest),
            platform_of=lambda manifest: _platform_of(repository, manifest, self._run),
        )
        chosen = selection.manifest
        if chosen is None:
            return SourceImage(root.digest, None, root.media_type, root.size, {}, selection.reason, "")
        if chosen is root:
            return SourceImage(root.digest, root.digest, root.media_type, root.size, made, "", "")
        chosen_platforms = ", ".join(str(platform) for platform in platforms)
        note = f"only {chosen_platforms} of {root.digest}: the digest changes"
        rewritten = {**made, **selection.rewritten, chosen.digest: chosen}
        return SourceImage(root.digest, chosen.digest, chosen.media_type, chosen.size, rewritten, "", note)


def _gone(source: Reference, locked: Digest) -> RegistryError:
    return RegistryError(
        code="source_gone",
        action="copy",
        subject=str(source),
        cause=f"the lock has {locked} for it, which the source does not have any more",
        hint="put the image back at the source, run with lock: update to take what the tag names now, "
        "or take the entry out of the lock when the tag is gone",
        status=404,
    )


def _check(source: Reference, descriptor: Descriptor) -> None:
    if descriptor.media_type.startswith(_SCHEMA1):
        raise ContentError(
            code="unsupported_manifest",
            action="copy",
            subject=str(source),
            cause="it is a Docker schema 1 image, whose digest is not that of its bytes",
            hint="pull and push it once with a current client, which converts it to schema 2",
        )
    if source.digest is not None and source.digest != descriptor.digest:
        raise ContentError(
            code="digest_mismatch",
            action="copy",
            subject=str(source),
            cause=f"the tag now points to {descriptor.digest}",
            hint="correct the digest, or leave the tag or the digest out",
        )


def _platform_of(repository: Repository, manifest: Manifest, run: Run) -> Platform | None:
    """Return the platform that the config of an image says; None for what is no image."""
    if manifest.config is None or manifest.config.size > _MAX_CONFIG:
        return None
    with IMPORTING:
        from ...._oci.store.blob_source import read_verified

    raw = read_verified(manifest.config, repository, run)
    return platform_from_config(raw)
