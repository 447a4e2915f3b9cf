# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a repository: its tags, and what each of them names. Nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._oci.client.run import Run
from .._oci.errors import ContentError, ImageOpsError, RegistryError
from .._oci.image.manifest import Descriptor, Manifest, is_foreign
from .._oci.image.media_types import IMAGE_CONFIGS
from .._oci.image.platform import Platform, platform_from_config
from .._oci.image.reference import Digest, Reference
from .._oci.image.strict_json import loads
from .._oci.store.blob_source import read_config
from .._oci.store.referrers import FoundReferrer, everything_about
from .._oci.store.store import Repository
from .plan.sides.creation_times import CreationTimes
from .rules.tags.tag_filter import Choice, TagFilter
from .work.manifest_cache import ManifestCache
from .work.stores import Stores

_MAX_DEPTH = 8
_MAX_CHILDREN = 1000


@dataclass(frozen=True)
class _Config:
    """What is taken of the config of an image. Nothing of it has to be there."""

    platform: Platform | None = None
    created: str | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Node:
    """A manifest, the root or one below it; ``manifest`` is None when the registry does not have it."""

    descriptor: Descriptor
    manifest: Manifest | None
    config: _Config

    @property
    def platform(self) -> Platform | None:
        return self.descriptor.platform or self.config.platform

    @property
    def is_image(self) -> bool:
        return self.manifest is not None and self.platform is not None and not self.platform.is_unknown


class Describer:
    """Describes references; each manifest and config is read once.

    :param stores: where to ask
    :param details: read manifests and configs; without it only tags and digests are told
    :param tags: which tags of a repository are described; None for all, and then no tag is told to be left
    :param referrers: tell what refers to the manifests as well
    """

    def __init__(
        self, stores: Stores, run: Run, *, details: bool, tags: TagFilter | None = None, referrers: bool = False
    ) -> None:
        self._stores = stores
        self._run = run
        self._details = details
        self._filter = tags
        self._referrers = referrers
        self._tag_lists: dict[str, frozenset[str] | None] = {}
        self._manifests = ManifestCache()

    def describe(self, images: Sequence[Reference]) -> list[dict[str, Any]]:
        """Return one entry an image, in their order; what is not there has an empty entry.

        :raises ImageOpsError: when a registry does not answer, or refuses
        """
        listed = self._list(images)
        choices = self._choose(listed)
        if self._referrers:
            self._list_tags(listed)
        jobs = {
            ref: [
                self._stores.queue(ref.registry).submit(self._manifest, part)
                for part in ([ref] if _names_one(ref) else map(ref.with_tag, choice.taken))
            ]
            for ref, choice in choices.items()
        }
        found = {ref: [entry for entry in (job.result() for job in group) if entry] for ref, group in jobs.items()}
        return [self._entry(ref, found[ref], choices[ref]) for ref in images]

    def taken(self, images: Sequence[Reference]) -> list[list[Reference]]:
        """Return what is looked at for each image: each tag of a repository that is taken, or itself.

        :raises ImageOpsError: when a registry does not answer, or refuses
        """
        listed = self._list(images)
        choices = self._choose(listed)
        return [list(map(ref.with_tag, choices[ref].taken)) if listed[ref] else [ref] for ref in images]

    def _list(self, images: Sequence[Reference]) -> dict[Reference, list[str]]:
        listings = {ref: self._stores.queue(ref.registry).submit(self._tags, ref) for ref in images}
        return {ref: listing.result() for ref, listing in listings.items()}

    def _entry(self, ref: Reference, found: list[dict[str, Any]], choice: Choice) -> dict[str, Any]:
        entry = {
            "image": str(ref),
            "registry": ref.registry,
            "repository": ref.repository,
            "exists": bool(found or choice.left),
            "tags": [each["tag"] for each in found if each["tag"]],
            "manifests": found,
        }
        if self._filter is not None:
            entry["left_tags"] = [{"tag": tag, "reason": reason} for tag, reason in choice.left.items()]
        return entry

    def _choose(self, listed: Mapping[Reference, Sequence[str]]) -> dict[Reference, Choice]:
        """Return which tags of each repository are described, and why not the others.

        :raises ImageOpsError: when it has to be known when an image was built, and that cannot be read
        """
        tags = self._filter or TagFilter()
        created: dict[Reference, dict[str, datetime | None]] = {}
        if tags.needs_created:
            candidates = {ref: tags.choose(names).taken for ref, names in listed.items()}
            times = CreationTimes(self._stores, self._manifests, self._run).read(
                ref.with_tag(tag) for ref, names in candidates.items() for tag in names
            )
            for ref, names in candidates.items():
                created[ref] = {tag: _known(times[ref.with_tag(tag)]) for tag in names}
        return {ref: tags.choose(names, created=created.get(ref)) for ref, names in listed.items()}

    def _list_tags(self, listed: Mapping[Reference, Sequence[str]]) -> None:
        """Keep the tags of each repository, which show what cosign's are there; None where there are many."""
        self._tag_lists.update({ref.name: frozenset(tags) for ref, tags in listed.items() if not _names_one(ref)})
        missing = {ref.name: ref for ref in listed if ref.name not in self._tag_lists}
        jobs = {name: self._stores.queue(ref.registry).submit(self._few_tags, ref) for name, ref in missing.items()}
        self._tag_lists.update({name: job.result() for name, job in jobs.items()})

    def _few_tags(self, ref: Reference) -> frozenset[str] | None:
        try:
            tags = self._stores.repository(ref).few_tags()
            return None if tags is None else frozenset(tags)
        except RegistryError as fault:
            if not fault.is_denial:
                raise
            return None

    def _tags(self, ref: Reference) -> list[str]:
        return [] if _names_one(ref) else self._stores.repository(ref).tags()

    def _manifest(self, ref: Reference) -> dict[str, Any] | None:
        repository = self._stores.repository(ref)
        root = repository.resolve(ref.tag or str(ref.digest))
        if root is None:
            return None
        if ref.digest is not None and root.digest != ref.digest:
            raise ContentError(
                code="digest_mismatch",
                action="describe",
                subject=str(ref),
                cause=f"the tag now points to {root.digest}",
                hint="leave the tag or the digest out",
            )
        entry: dict[str, Any] = {"tag": ref.tag, "digest": str(root.digest), "media_type": root.media_type}
        if self._details:
            manifest = self._manifests.get(repository, root.digest)
            entry.update(_details(list(self._nodes(repository, manifest))))
        if self._referrers:
            tags = self._tag_lists.get(repository.name)
            for each in [entry, *entry.get("children", ()), *entry.get("indexes", ())]:
                each["referrers"] = _referrers(everything_about(repository, Digest.parse(each["digest"]), tags))
        return entry

    def _nodes(self, repository: Repository, root: Manifest) -> Iterator[_Node]:
        """Yield the root first, then what is below it in order, each once, those of nested indexes too."""
        seen: set[Digest] = set()

        def walk(descriptor: Descriptor, manifest: Manifest | None, depth: int) -> Iterator[_Node]:
            yield _Node(descriptor, manifest, self._config(repository, manifest))
            for child in manifest.children if manifest else ():
                if child.digest not in seen and depth < _MAX_DEPTH and len(seen) < _MAX_CHILDREN:
                    seen.add(child.digest)
                    yield from walk(child, self._child(repository, child), depth + 1)

        return walk(root.descriptor(), root, 0)

    def _child(self, repository: Repository, child: Descriptor) -> Manifest | None:
        try:
            return self._manifests.get(repository, child.digest)
        except RegistryError as error:
            if error.status == 404:
                return None
            raise

    def _config(self, repository: Repository, manifest: Manifest | None) -> _Config:
        if manifest is None or (manifest.config is not None and repository.left_out(manifest.config) is not None):
            return _Config()
        raw = read_config(manifest, repository, self._run)
        return _Config() if raw is None else _parse_config(raw)


def _known(time: datetime | ImageOpsError | None) -> datetime | None:
    if isinstance(time, ImageOpsError):
        raise time
    return time


def _names_one(ref: Reference) -> bool:
    return ref.tag is not None or ref.digest is not None


def _parse_config(raw: bytes) -> _Config:
    """Return what is understood of a config. One that is no JSON says nothing, which is no error."""
    try:
        platform = platform_from_config(raw)
    except ContentError:
        return _Config()
    config = loads(raw)
    created = config.get("created")
    inner = config.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    return _Config(
        platform=platform,
        created=created if isinstance(created, str) else None,
        labels=tuple(sorted((str(key), str(value)) for key, value in labels.items()))
        if isinstance(labels, dict)
        else (),
    )


def _details(nodes: Sequence[_Node]) -> dict[str, Any]:
    root = nodes[0].descriptor
    manifest = nodes[0].manifest
    leaves = [node for node in nodes if node.manifest is None or not node.manifest.is_index]
    images = [leaf for leaf in leaves if leaf.is_image]
    annotations = dict(root.annotations)
    created = [leaf.config.created for leaf in images if leaf.config.created]
    return {
        "artifact_type": _artifact_type(manifest) if manifest else None,
        "size": _size(nodes),
        "platforms": [str(leaf.platform) for leaf in images],
        "created": max(created, default=annotations.get("org.opencontainers.image.created")),
        "labels": _common_labels(images),
        "annotations": annotations,
        "subject": str(manifest.subject.digest) if manifest and manifest.subject else None,
        "children": [_child(leaf) for leaf in leaves if leaf is not nodes[0]],
        "indexes": [
            {"digest": str(node.descriptor.digest), "media_type": node.descriptor.media_type}
            for node in nodes[1:]
            if node.manifest is not None and node.manifest.is_index
        ],
    }


def _referrers(found: Iterable[FoundReferrer]) -> list[dict[str, Any]]:
    return [
        {"type": one.type, "digest": str(one.digest), "tag": one.tag, "referrers": _referrers(one.referrers)}
        for one in found
    ]


def _child(leaf: _Node) -> dict[str, Any]:
    return {
        "digest": str(leaf.descriptor.digest),
        "media_type": leaf.descriptor.media_type,
        "platform": str(leaf.platform) if leaf.platform else None,
        "present": leaf.manifest is not None,
        "size": _size([leaf]),
        "created": leaf.config.created,
        "labels": dict(leaf.config.labels),
        "annotations": dict(leaf.descriptor.annotations),
    }


def _artifact_type(root: Manifest) -> str | None:
    """Return the type of an artifact; None for images and indexes."""
    if root.is_index and not root.artifact_type:
        return None
    kind = root.artifact_type or (root.config.media_type if root.config else "")
    return kind if kind and kind not in IMAGE_CONFIGS else None


def _size(nodes: Iterable[_Node]) -> int:
    """Return the bytes of the manifests and of the blobs that they name, each once, without foreign layers."""
    sizes: dict[Digest, int] = {}
    for node in nodes:
        if node.manifest is not None:
            sizes[node.manifest.digest] = node.manifest.size
            sizes.update({blob.digest: blob.size for blob in node.manifest.blobs if not is_foreign(blob)})
    return sum(sizes.values())


def _common_labels(images: Sequence[_Node]) -> dict[str, str]:
    """Return the labels that are the same on all platforms; all labels of an image of one platform."""
    if not images:
        return {}
    shared = set(images[0].config.labels)
    for leaf in images[1:]:
        shared &= set(leaf.config.labels)
    return dict(sorted(shared))
