# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what belongs to images, at their sources.

It is found in three ways: by the referrers API (distribution-spec 1.1, Listing Referrers); by the tag ``sha256-<hex>``,
which holds that list where a registry has no such API; and by cosign's tags, which are the same name with a suffix such
as ``.sig``. What refers to a referrer belongs to the image as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Union

from ...._oci.client.run import Run
from ...._oci.errors import ContentError, ImageOpsError
from ...._oci.image.manifest import Descriptor
from ...._oci.image.media_types import INDEXES
from ...._oci.image.reference import Digest, Reference
from ...._oci.image.referrers import COSIGN_TYPES, fallback_tag, is_referrer_tag
from ...._oci.store.store import Repository
from ...work.manifest_cache import ManifestCache
from ...work.stores import Stores
from ..referrers import K, Outcome, Referrer, Root, V, ask
from ..sides.state import Survey
from .destination import DestinationReferrers

_MAX_REFERRERS = 1000
"""How many manifests may belong to one image, at any depth."""

_Subject = tuple[Reference, Digest]
_Found = dict[_Subject, Union[Sequence[Referrer], ImageOpsError]]


class ReferrerSearch:
    """Finds the referrers of images, each subject once a repository, and which of them the destinations have.

    :param survey: has the tag lists of repositories
    """

    def __init__(self, stores: Stores, survey: Survey, manifests: ManifestCache, run: Run) -> None:
        self._stores = stores
        self._survey = survey
        self._manifests = manifests
        self._run = run
        self._destinations = DestinationReferrers(stores, manifests, run)
        self._by_base: dict[str, Mapping[str, list[str]]] = {}
        self._bases: set[tuple[Reference, str]] = set()
        self._hosts: set[str] = set()
        self._kept: dict[_Subject, Sequence[Referrer]] = {}
        self._typed: set[Reference] = set()

    def find(self, roots: Sequence[Root]) -> list[Outcome]:
        """Return for each image its referrers, a subject before what refers to it, or why they are not known."""
        self._typed.update(root.source for root in roots if root.choice.by_type)
        graphs = self._ask({(root.destination if root.is_there else root.source, root.digest): root for root in roots})
        self._survey.list_few(dict.fromkeys(root.source for root in roots))
        digests = [graphs[root.destination if root.is_there else root.source, root.digest] for root in roots]
        found = self._at_sources(roots, digests)
        outcomes = [self._of(root, own, found) for root, own in zip(roots, digests)]
        return self._destinations.look(roots, outcomes)

    def _asked(self, keys: Iterable[K], answer: Callable[[K], V]) -> dict[K, V | ImageOpsError]:
        return ask(self._stores, self._run, keys, answer)

    def direct(self, subjects: Iterable[_Subject]) -> _Found:
        """Return what refers to each of these itself, and keep it, so that it is asked for once."""
        asked = list(dict.fromkeys(subjects))
        self._survey.list_few(dict.fromkeys(source for source, _digest in asked))
        found = self._asked_first(asked)
        found.update(self._asked([subject for subject in asked if subject not in found], self._referrers))
        self._kept.update({key: one for key, one in found.items() if not isinstance(one, ImageOpsError)})
        return found

    def count(self, subjects: Iterable[_Subject]) -> dict[_Subject, int]:
        """Return how many referrers each of these has at its source; none where that cannot be told."""
        answers = self._asked(dict.fromkeys(subjects), self._referrers)
        return {key: 0 if isinstance(found, ImageOpsError) else len(found) for key, found in answers.items()}

    def unclaimed(self, source: Reference) -> list[str]:
        """Return the tags of a repository that belong to a digest of which no image was asked about."""
        belonging = self._belonging(source.name)
        return [tag for base, tags in belonging.items() if (source, base) not in self._bases for tag in tags]

    # -- the image's own manifests

    def _ask(self, roots: Mapping[_Subject, Root]) -> Mapping[_Subject, Sequence[Digest] | ImageOpsError]:
        return self._asked(roots, lambda key: self._digests(self._stores.repository(key[0]), roots[key]))

    def _digests(self, repository: Repository, root: Root) -> Sequence[Digest]:
        """Return the digests of an image's manifests that can have referrers at the source."""
        found: dict[Digest, None] = {}
        waiting = [(root.digest, root.media_type)]
        while waiting:
            digest, media_type = waiting.pop(0)
            if digest not in found:
                found[digest] = None
                if media_type in INDEXES:
                    manifest = root.rewritten.get(digest) or self._manifests.get(repository, digest)
                    waiting += [(child.digest, child.media_type) for child in manifest.children]
        return [digest for digest in found if digest not in root.rewritten]

    # -- the source

    def _at_sources(self, roots: Sequence[Root], digests: Sequence[Sequence[Digest] | ImageOpsError]) -> _Found:
        """Ask for the referrers of every manifest, then for theirs, until there are none, or too many of an image."""
        found: _Found = {}
        images: dict[_Subject, int] = {}
        for number, (root, own) in enumerate(zip(roots, digests)):
            for digest in () if isinstance(own, ImageOpsError) else own:
                images.setdefault((root.source, digest), number)
        counts = [0] * len(roots)
        answers = self._asked_first(list(images))
        while True:
            answers.update(self._read_lists(answers))
            found.update(answers)
            for subject, answer in answers.items():
                number = images[subject]
                if not isinstance(answer, ImageOpsError):
                    counts[number] += len(answer)
                    if counts[number] <= _MAX_REFERRERS:
                        for digest in (below for referrer in answer for below in self._known_below(referrer)):
                            images.setdefault((subject[0], digest), number)
            new = [subject for subject in images if subject not in found]
            if not new:
                return found
            answers = self._asked(new, self._referrers)

    def _asked_first(self, subjects: Sequence[_Subject]) -> _Found:
        """Ask for the first subject of each registry, which shows whether that has such lists."""
        first = {source.registry: (source, digest) for source, digest in reversed(subjects)}
        new = {host: subject for host, subject in first.items() if host not in self._hosts}
        self._hosts.update(new)
        return self._asked(new.values(), self._referrers)

    def _referrers(self, subject: _Subject) -> Sequence[Referrer]:
        if subject in self._kept:
            return self._kept[subject]
        source, digest = subject
        self.note_asked(source, digest)
        repository = self._stores.repository(source)
        listed = repository.referrers(digest) or []
        referrers = [_referrer(digest, descriptor) for descriptor in listed]
        for tag in self._tags_of(source, digest):
            there = repository.resolve(tag)
            if there is not None:
                kind = COSIGN_TYPES.get(tag.partition(".")[2], "") or there.artifact_type or there.media_type
                referrers.append(replace(_referrer(digest, there), tag=tag, type=kind))
        return referrers

    def note_asked(self, source: Reference, digest: Digest) -> None:
        """Note what is or will be asked about; where tags are listed, what none belongs to need not be kept."""
        base = fallback_tag(digest)
        if self._survey.tags(source.name) is None or base in self._belonging(source.name):
            self._bases.add((source, base))

    def _tags_of(self, source: Reference, digest: Digest) -> Iterable[str]:
        """Return the tags that belong to a digest; those that may, where the repository's tags cannot be listed."""
        base = fallback_tag(digest)
        listed = self._survey.tags(source.name)
        if listed is None:
            return [base, *(f"{base}.{suffix}" for suffix in COSIGN_TYPES)]
        return self._belonging(source.name).get(base, ())

    def _belonging(self, name: str) -> Mapping[str, list[str]]:
        """Return the tags of a repository that belong to digests, by their first part."""
        if name not in self._by_base:
            groups: dict[str, list[str]] = {}
            for tag in self._survey.tags(name) or ():
                if is_referrer_tag(tag):
                    groups.setdefault(tag.partition(".")[0], []).append(tag)
            self._by_base[name] = groups
        return self._by_base[name]

    def _read_lists(self, answers: _Found) -> _Found:
        """Read lists under tags where tags are left that may belong to what they name, or where types are chosen.

        Return why not for the subjects of those that cannot be read.
        """
        lists = {
            (source, referrer.digest): (source, subject)
            for (source, subject), answer in answers.items()
            if not isinstance(answer, ImageOpsError) and (source in self._typed or self._has_more(source))
            for referrer in answer
            if referrer.media_type in INDEXES
        }
        read = self._asked(lists, lambda key: self._manifests.get(self._stores.repository(key[0]), key[1]))
        return {lists[key]: fault for key, fault in read.items() if isinstance(fault, ImageOpsError)}

    def _has_more(self, source: Reference) -> bool:
        return any((source, base) not in self._bases for base in self._belonging(source.name))

    def _of(self, root: Root, own: Sequence[Digest] | ImageOpsError, found: _Found) -> Outcome:
        """Collect an image's referrers of the types that are wanted, to any depth, each once."""
        if isinstance(own, ImageOpsError):
            return own
        collected: dict[tuple[Digest, str | None], Referrer] = {}
        waiting, seen = list(own), set(own)
        while waiting:
            outcome = found.get((root.source, waiting.pop(0)))
            if isinstance(outcome, ImageOpsError):
                return outcome
            for referrer in self._wanted(root, outcome or ()):
                collected.setdefault((referrer.digest, referrer.tag), referrer)
                if (root.source, referrer.digest) not in found:
                    return _too_many(root)  # what refers to it was not asked for any more
                below = [digest for digest in self._known_below(referrer) if digest not in seen]
                seen.update(below)
                waiting += below
            if len(collected) > _MAX_REFERRERS:
                return _too_many(root)
        return list(collected.values())

    def _wanted(self, root: Root, referrers: Iterable[Referrer]) -> Iterator[Referrer]:
        """Yield the referrers of the types that are wanted: of a list under a tag the entries, unless it is all."""
        for referrer in referrers:
            entries = self._entries(referrer)
            if not root.choice.by_type or not entries or referrer.tag != fallback_tag(referrer.subject):
                if root.choice.takes(referrer.type):
                    yield referrer
                continue
            wanted = [entry for entry in entries if root.choice.takes(entry.artifact_type or entry.media_type)]
            if len(wanted) == len(entries):
                yield referrer
            else:
                yield from (_referrer(referrer.subject, entry) for entry in wanted)

    def _entries(self, referrer: Referrer) -> Sequence[Descriptor]:
        """Return what a list names, as far as it was read."""
        known = self._manifests.known(referrer.digest) if referrer.media_type in INDEXES else None
        return () if known is None else known.children

    def _known_below(self, referrer: Referrer) -> Iterator[Digest]:
        yield referrer.digest
        yield from (child.digest for child in self._entries(referrer))


def _referrer(subject: Digest, descriptor: Descriptor) -> Referrer:
    kind = descriptor.artifact_type or descriptor.media_type
    return Referrer(subject, descriptor.digest, descriptor.media_type, descriptor.size, None, kind, False, False)


def _too_many(root: Root) -> ImageOpsError:
    return ContentError(
        code="too_large",
        action="copy",
        subject=f"the referrers of {root.source.name}@{root.digest}",
        cause=f"there are more than {_MAX_REFERRERS}",
        hint="choose kinds of them by referrers.types or referrers.exclude, or set referrers to false",
    )
