# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The referrers of a manifest, in the way in which a store lists them, and what cosign's tags name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ..errors import ContentError
from ..image.manifest import Descriptor
from ..image.reference import Digest
from ..image.referrers import COSIGN_TYPES, fallback_tag
from .store import Repository

_MOST = 1000
_DEEPEST = 32


class FoundReferrer(NamedTuple):
    """A manifest that belongs to another.

    :ivar type: its artifact type; where it has none, its media type
    :ivar tag: the tag of cosign that names it; None for one that is found by its subject
    :ivar referrers: what refers to it in its turn; empty where that is told of it already
    """

    type: str
    digest: Digest
    tag: str | None
    referrers: tuple[FoundReferrer, ...] = ()


def referrers_of(repository: Repository, subject: Digest) -> list[Descriptor]:
    """Return the manifests that refer to a digest (distribution-spec 1.1, Listing Referrers, and its fallback).

    :raises ImageOpsError: when the repository does not tell
    """
    listed = repository.referrers(subject)
    return _under_tag(repository, subject) if listed is None else listed


def _under_tag(repository: Repository, subject: Digest) -> list[Descriptor]:
    there = repository.resolve(fallback_tag(subject))
    if there is None:
        return []
    index = repository.manifest(str(there.digest))
    return list(index.children) if index.is_index else []


def everything_about(
    repository: Repository, subject: Digest, tags: Collection[str] | None
) -> tuple[FoundReferrer, ...]:
    """Return what is listed as referring to a digest, then what cosign's tags of it name, each with what refers to it.

    :param tags: of the repository; None where they are not known, and then the usual ones are asked for
    :raises ImageOpsError: when the repository does not tell, or when there is more than can be meant
    """
    return _Walk(repository, tags).about(subject, _DEEPEST)


class _Walk:
    """One walk through what belongs to a manifest: each digest is asked about once."""

    def __init__(self, repository: Repository, tags: Collection[str] | None) -> None:
        self._repository = repository
        self._tags = tags
        self._asked: set[Digest] = set()
        self._count = 0

    def about(self, subject: Digest, depth: int) -> tuple[FoundReferrer, ...]:
        if subject in self._asked:
            return ()
        self._asked.add(subject)
        found = [*self._listed(subject), *self._tagged(subject)]
        self._count += len(found)
        if self._count > _MOST or (found and not depth):
            raise ContentError(
                code="too_large",
                action="list the referrers of",
                subject=f"{self._repository.name}@{subject}",
                cause=f"there are more than {_MOST}, or they refer to each other more than {_DEEPEST} times",
            )
        return tuple(FoundReferrer(*one, self.about(one[1], depth - 1)) for one in found)

    def _listed(self, subject: Digest) -> Iterator[tuple[str, Digest, str | None]]:
        listed = self._repository.referrers(subject)
        if listed is None and (self._tags is None or fallback_tag(subject) in self._tags):
            listed = _under_tag(self._repository, subject)
        return ((one.artifact_type or one.media_type, one.digest, None) for one in listed or ())

    def _tagged(self, subject: Digest) -> Iterator[tuple[str, Digest, str | None]]:
        beginning = fallback_tag(subject) + "."
        usual = [beginning + suffix for suffix in COSIGN_TYPES]
        for tag in usual if self._tags is None else sorted(tag for tag in self._tags if tag.startswith(beginning)):
            there = self._repository.resolve(tag)
            if there is not None:
                kind = COSIGN_TYPES.get(tag[len(beginning) :]) or there.artifact_type or there.media_type
                yield kind, there.digest, tag
