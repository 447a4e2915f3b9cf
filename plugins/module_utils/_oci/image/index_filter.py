# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving artifacts out of an index, for registries that take images and nothing else. No I/O of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Code, ContentError
from .manifest import Descriptor, Manifest, Platform, parse_manifest
from .media_types import IMAGE_CONFIGS, INDEXES
from .reference import Digest
from .strict_json import JsonFault, loads

_ATTESTS = "vnd.docker.reference.digest"  # the annotation by which build attestations name their image
_OLD_CONFIG = "application/octet-stream"  # what docker 1.10 called its image configs
_MAX_DEPTH = 32
_MAX_LOADED = 1000
_MAX_LOADED_BYTES = 64 * 1024 * 1024
_MAX_NAMED = 10


@dataclass(frozen=True)
class Selection:
    """What is left of a manifest.

    :param manifest: the very manifest when all of it is wanted, a new index when a part is, None when nothing is
    :param reason: why it is not what it was; empty when it is
    :param rewritten: nested indexes that are new and must be put as well, by their digests
    """

    manifest: Manifest | None
    reason: str
    rewritten: Mapping[Digest, Manifest]


def select_platforms(
    manifest: Manifest,
    wanted: Sequence[Platform],
    *,
    load: Callable[[Descriptor], Manifest],
    platform_of: Callable[[Manifest], Platform | None],
) -> Selection:
    """Return what is left of a manifest when only the wanted platforms are kept.

    An entry without a platform is loaded: an index is looked into, an image says its platform in its config, and an
    artifact is kept when its subject, or what it attests, is kept. An image that is not in an index is kept whole or
    not at all.

    :param wanted: the platforms; none means that everything is wanted
    :param load: reads and verifies a child manifest
    :param platform_of: reads an image's config and gives the platform in it
    :raises ContentError: ``protocol_error`` when indexes contain each other or are nested more than 32 deep,
        ``too_large`` when more than 1,000 children or 64 MiB of them had to be loaded; and what the callables
        raise
    """
    if not wanted:
        return Selection(manifest, "", {})
    selector = _Selector(wanted, load, platform_of)
    names = ", ".join(str(platform) for platform in wanted)
    if not manifest.is_index:
        platform = selector.platform(manifest)
        if platform is not None and selector.is_wanted(platform):
            return Selection(manifest, "", {})
        return Selection(None, f"it is for {platform or 'no platform that it names'}, and only {names} is wanted", {})
    kept = selector.index(manifest)
    if kept is None:
        return Selection(None, f"it is for {_listed(manifest.children)}, and only {names} is wanted", {})
    if kept is manifest:
        return Selection(manifest, "", {})
    reason = f"{len(kept.children)} of its {len(manifest.children)} entries are kept, for {names}"
    return Selection(kept, reason, selector.rewritten)


def _listed(children: Iterable[Descriptor]) -> str:
    platforms = list(dict.fromkeys(str(child.platform) for child in children if _if_known(child.platform)))
    more = f" and {len(platforms) - _MAX_NAMED} more" if len(platforms) > _MAX_NAMED else ""
    return (", ".join(platforms[:_MAX_NAMED]) or "no platform that it names") + more


def _if_known(platform: Platform | None) -> Platform | None:
    """Return the platform if its operating system and its architecture are known, else None."""
    if platform is None or platform.is_unknown or not (platform.os and platform.architecture):
        return None
    return platform


@dataclass(frozen=True)
class _Verdict:
    """What is left of an entry, or the digest that it refers to and stays or goes with."""

    left: Descriptor | None = None
    refers_to: str = ""


class _Selector:
    """One selection. What is settled about a child is remembered: each is loaded once however often it is named."""

    def __init__(
        self,
        wanted: Sequence[Platform],
        load: Callable[[Descriptor], Manifest],
        platform_of: Callable[[Manifest], Platform | None],
    ) -> None:
        self._wanted = tuple(wanted)
        self._load = load
        self._platform_of = platform_of
        self._open: set[Digest] = set()
        self._settled: dict[Digest, _Verdict] = {}
        self._loaded_bytes = 0
        self.rewritten: dict[Digest, Manifest] = {}

    def is_wanted(self, platform: Platform) -> bool:
        return any(wish.matches(platform) for wish in self._wanted)

    def platform(self, image: Manifest) -> Platform | None:
        """Return the platform in an image's config; None for an artifact, and for an image that names none."""
        if image.config is None or image.config.media_type not in IMAGE_CONFIGS | {_OLD_CONFIG}:
            return None
        return _if_known(self._platform_of(image))

    def index(self, index: Manifest) -> Manifest | None:
        """Return what is left of an index: itself, a new one, or None."""
        if index.digest in self._open:
            raise _fault(index.digest, "it contains itself")
        if len(self._open) >= _MAX_DEPTH:
            raise _fault(index.digest, f"it is nested more than {_MAX_DEPTH} deep")
        self._open.add(index.digest)
        kept = self._kept(index.children)
        self._open.discard(index.digest)
        if not kept:
            return None
        if len(kept) == len(index.children) and all(
            kept[position].digest == child.digest for position, child in enumerate(index.children)
        ):
            return index
        return written_anew(index, kept)

    def _kept(self, children: Sequence[Descriptor]) -> dict[int, Descriptor]:
        """Return what is left of the entries, by position: what is wanted, and what refers to what stays as it is."""
        kept: dict[int, Descriptor] = {}
        followers: dict[str, list[int]] = {}
        for position, child in enumerate(children):
            verdict = self._verdict(child)
            if verdict.left is not None:
                kept[position] = verdict.left
            elif verdict.refers_to:
                followers.setdefault(verdict.refers_to, []).append(position)
        waiting = [str(left.digest) for left in kept.values()]
        while waiting:
            for position in followers.pop(waiting.pop(), ()):
                kept[position] = children[position]
                waiting.append(str(children[position].digest))
        return kept

    def _verdict(self, child: Descriptor) -> _Verdict:
        if child.media_type not in INDEXES:
            platform = _if_known(child.platform)
            if platform is not None:
                return _Verdict(left=child if self.is_wanted(platform) else None)
            attested = dict(child.annotations).get(_ATTESTS, "")
            if attested:
                return _Verdict(refers_to=attested)
        if child.digest not in self._settled:
            self._settled[child.digest] = self._look_into(child)
        return self._settled[child.digest]

    def _look_into(self, child: Descriptor) -> _Verdict:
        manifest = self._load(child)
        self._loaded_bytes += manifest.size
        if len(self._settled) >= _MAX_LOADED or self._loaded_bytes > _MAX_LOADED_BYTES:
            raise _fault(
                child.digest, "too many manifests in this index do not say their platform there", code="too_large"
            )
        if manifest.is_index:
            left = self.index(manifest)
            if left is not None and left is not manifest:
                self.rewritten[left.digest] = left
            return _Verdict(left=None if left is None else left.descriptor())
        platform = self.platform(manifest)
        if platform is not None:
            return _Verdict(left=child if self.is_wanted(platform) else None)
        return _Verdict(refers_to=str(manifest.subject.digest) if manifest.subject else "")


def written_anew(index: Manifest, kept: Mapping[int, Descriptor]) -> Manifest:
    """Return the index with only the kept entries: every other field as it was and in its order, no white space."""
    try:
        document: dict[str, Any] = loads(index.raw)
        document["manifests"] = list(_entries(document["manifests"], index, kept))
        raw = json.dumps(document, separators=(",", ":")).encode("ascii")
    except (JsonFault, RecursionError):
        raise _fault(index.digest, "its JSON is nested too deeply") from None
    return parse_manifest(raw, index.media_type, Digest.of(raw, index.digest.algorithm))


def _entries(
    entries: Iterable[dict[str, Any]], index: Manifest, kept: Mapping[int, Descriptor]
) -> Iterator[dict[str, Any]]:
    for position, entry in enumerate(entries):
        left = kept.get(position)
        if left is None:
            continue
        if left.digest != index.children[position].digest:
            entry.update(digest=str(left.digest), size=left.size)
            entry.pop("data", None)  # the bytes of what the entry named before
        yield entry


def _fault(digest: Digest, cause: str, *, code: Code = "protocol_error") -> ContentError:
    return ContentError(code=code, action="select platforms from", subject=f"the index {digest}", cause=cause)


_DESCRIBES = "vnd.docker.reference.type"  # the annotation of build attestations
_MAX_STRIPPED_DEPTH = 32

Load = Callable[[Descriptor], Manifest]


def is_artifact(entry: Descriptor | None, manifest: Manifest) -> bool:
    """Return whether a manifest is something else than an image: by its config, or by what the index says of it.

    :param entry: what names it in an index; None for one that stands alone
    """
    if manifest.is_index:
        return False
    if manifest.config is None or manifest.config.media_type not in IMAGE_CONFIGS or manifest.artifact_type:
        return True
    if entry is None:
        return False
    unknown = entry.platform is not None and entry.platform.is_unknown
    return unknown or _DESCRIBES in dict(entry.annotations)


def leaves(index: Manifest, load: Load, depth: int = 0) -> Iterator[Descriptor]:
    """Yield what an index names at any depth that is no index itself; indexes are loaded."""
    for child in index.children:
        if child.media_type not in INDEXES:
            yield child
        elif depth < _MAX_STRIPPED_DEPTH:
            yield from leaves(load(child), load, depth + 1)


def without(
    index: Manifest, dropped: Callable[[Descriptor], bool], load: Load, rewritten: dict[Digest, Manifest]
) -> Manifest | None:
    """Return an index without some of its leaves; itself when it names none of them, None when nothing is left.

    :param dropped: whether a leaf is left out
    :param load: reads the indexes below this one
    :param rewritten: takes the indexes below that are new
    """
    kept: dict[int, Descriptor] = {}
    for position, child in enumerate(index.children):
        if child.media_type not in INDEXES:
            if not dropped(child):
                kept[position] = child
            continue
        left = without(load(child), dropped, load, rewritten)
        if left is not None and left.digest != child.digest:
            rewritten[left.digest] = left
            kept[position] = left.descriptor()
        elif left is not None:
            kept[position] = child
    if not kept:
        return None
    same = len(kept) == len(index.children) and all(
        kept[position].digest == child.digest for position, child in enumerate(index.children)
    )
    return index if same else written_anew(index, kept)
