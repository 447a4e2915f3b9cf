# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which digest a reference has now, or the image for one platform in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..._oci.client.run import Run
from ..._oci.errors import ContentError, ImageOpsError, InputError, RegistryError
from ..._oci.image.manifest import Manifest
from ..._oci.image.platform import Platform, platform_from_config
from ..._oci.image.reference import Digest, Reference
from ..._oci.store.blob_source import read_config
from ..._oci.store.store import Repository
from ..work.manifest_cache import ManifestCache
from ..work.stores import Stores
from ..work.workers import ask_all

_MAX_DEPTH = 8


class Digests:
    """Asks registries for digests; each reference is asked for once.

    :param platform: whose image is meant in a multi-architecture image; None means the whole of it
    """

    def __init__(self, stores: Stores, run: Run, *, platform: Platform | None = None) -> None:
        self._stores = stores
        self._run = run
        self._platform = platform
        self._manifests = ManifestCache()

    def of(self, images: Sequence[Reference]) -> list[Digest]:
        """Return the digest of each image, in their order.

        :raises ImageOpsError: the first of what went wrong
        """
        found = ask_all(
            ((self._stores.queue(ref.registry), ref) for ref in dict.fromkeys(images)),
            self._digest,
            action="find the digest of",
            log=self._run.log,
        )
        digests: list[Digest] = []
        for ref in images:
            outcome = found[ref]
            if isinstance(outcome, ImageOpsError):
                raise outcome
            digests.append(outcome)
        return digests

    def _digest(self, ref: Reference) -> Digest:
        repository = self._stores.repository(ref)
        root = repository.resolve(ref.tag or str(ref.digest))
        if root is None:
            raise RegistryError(
                code="tag_not_found",
                action="find the digest of",
                subject=str(ref),
                cause="the registry does not have it",
                hint="check the spelling and the credentials",
                status=404,
            )
        if ref.digest is not None and root.digest != ref.digest:
            raise ContentError(
                code="digest_mismatch",
                action="find the digest of",
                subject=str(ref),
                cause=f"the tag now points to {root.digest}",
                hint="leave the tag or the digest out",
            )
        if self._platform is None:
            return root.digest
        return self._of_platform(ref, repository, self._manifests.get(repository, root.digest), self._platform)

    def _of_platform(self, ref: Reference, repository: Repository, root: Manifest, wanted: Platform) -> Digest:
        images = dict(self._images(repository, root, 0))
        matching = [digest for digest, platform in images.items() if platform and wanted.matches(platform)]
        if len(matching) == 1:
            return matching[0]
        known = ", ".join(dict.fromkeys(str(platform) for platform in images.values() if platform))
        count = f"{len(matching)} of its images are" if matching else "none of its images is"
        raise InputError(
            action="find the digest of",
            subject=f"{ref} for {wanted}",
            cause=f"{count} for this platform; it has {known or 'no platform that it names'}",
            hint="write the platform with variant or OS version" if matching else "choose one of its platforms",
        )

    def _images(
        self, repository: Repository, manifest: Manifest, depth: int
    ) -> Iterator[tuple[Digest, Platform | None]]:
        """Yield the images in a manifest, or the one that it is, with their platforms."""
        if not manifest.is_index:
            config = read_config(manifest, repository, self._run)
            yield manifest.digest, None if config is None else platform_from_config(config)
            return
        for child in manifest.children if depth < _MAX_DEPTH else ():
            if child.platform is not None and child.platform.is_unknown:
                continue
            if child.platform is not None:
                yield child.digest, child.platform
            else:
                yield from self._images(repository, self._manifests.get(repository, child.digest), depth + 1)


def named(references: Iterable[str]) -> list[Reference]:
    """Return references, each with a tag or a digest; without both, the tag is ``latest``.

    :raises InputError: for what is no reference
    """
    parsed = [Reference.parse(text) for text in references]
    return [ref if ref.tag or ref.digest else ref.with_tag("latest") for ref in parsed]
