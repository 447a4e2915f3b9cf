# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to images without being a part of them: signatures, SBOMs and attestations that refer to a manifest.

They are found in three ways: by the referrers API (distribution-spec 1.1, Listing Referrers); by the tag
``sha256-<hex>``, which holds that list where a registry has no such API; and by cosign's tags, which are the same name
with a suffix such as ``.sig``. What refers to a referrer belongs to the image as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, Union

from ..._oci.client.run import Run
from ..._oci.errors import ContentError, ImageOpsError, RegistryError
from ..._oci.image.manifest import Descriptor, Manifest
from ..._oci.image.media_types import INDEXES
from ..._oci.image.reference import Digest, Reference
from ..._oci.image.referrers import COSIGN_TYPES, fallback_tag, is_referrer_tag
from ..._oci.store.referrers import referrers_of
from ..._oci.store.store import Repository
from ..rules.referrer_choice import ReferrerChoice
from ..work.manifest_cache import ManifestCache
from ..work.stores import Stores
from ..work.workers import ask_all
from .state import Survey

_MAX_DEPTH = 8
_MAX_REFERRERS = 1000


@dataclass(frozen=True)
class Referrer:
    """One manifest that refers to another.

    :ivar subject: the digest that it refers to
    :ivar tag: its name in the repository; None where it is known by its subject alone
    :ivar type: its artifact type
    :ivar is_there: whether the destination has it
    :ivar merges: whether its tag holds another list at the destination, which gets the entries of this one
    """

    __slots__ = ("digest", "is_there", "media_type", "merges", "size", "subject", "tag", "type")

    subject: Digest
    digest: Digest
    media_type: str
    size: int
    tag: str | None
    type: str
    is_there: bool
    merges: bool


@dataclass(frozen=True)
class Root:
    """An image whose referrers are looked for.

    :ivar source: the repository that it comes from, without tag and digest; likewise destination
    :ivar rewritten: manifests of it that are not at the source
    :ivar is_there: whether the destination has the image already
    """

    source: Reference
    destination: Reference
    digest: Digest
    media_type: str
    rewritten: Mapping[Digest, Manifest]
    choice: ReferrerChoice
    is_there: bool


_Subject = tuple[Reference, Digest]
K = TypeVar("K", bound=tuple[Reference, Any])
V = TypeVar("V")
_Found = dict[_Subject, Union[Sequence[Referrer], ImageOpsError]]
Outcome = Union[Sequence[Referrer], ImageOpsError]


class ReferrerSearch:
    """Finds the referrers of images, each subject once a repository, and which of them the destinations have.

    :param survey: has the tag lists of repositories
    """

    def __init__(self, stores: Stores, survey: Survey, manifests: ManifestCache, run: Run) -> None:
        self._stores = stores
        self._survey = survey
        self._manifests = manifests
        self._run = run
        self._by_base: dict[str, Mapping[str, list[str]]] = {}
        self._bases: set[tuple[Reference, str]] = set()
        self._hosts: set[str] = set()
        self._kept: dict[_Subject, Sequence[Referrer]] = {}

    def find(self, roots: Sequence[Root]) -> list[Outcome]:
        """Return for each image its referrers, a subject before what refers to it, or why they are not known."""
        graphs = self._ask({(root.destination if root.is_there else root.source, root.digest): root for root in roots})
        self._survey.list_few(dict.fromkeys(root.source for root in roots))
        digests = [graphs[root.destination if root.is_there else root.source, root.digest] for root in roots]
        found = self._at_sources(roots, digests)
        outcomes = [self._of(root, own, found) for root, own in zip(roots, digests)]
        return self._at_destinations(roots, outcomes)

    def _asked(self, keys: Iterable[K], answer: Callable[[K], V]) -> dict[K, V | ImageOpsError]:
        """Return the answers to questions whose first part is a repository, asked in its store's queue."""
        questions = ((self._stores.queue(key[0].registry), key) for key in keys)
        return ask_all(questions, answer, action="find the referrers of", log=self._run.log)

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
        """Ask for the referrers of every manifest, then for theirs, until there are no more."""
        found: _Found = {}
        new = [
            (root.source, digest)
            for root, own in zip(roots, digests)
            if not isinstance(own, ImageOpsError)
            for digest in own
        ]
        answers = self._asked_first(new)
        found.update(answers)
        new += self._next(answers)
        for _depth in range(_MAX_DEPTH):
            answers = self._asked([subject for subject in dict.fromkeys(new) if subject not in found], self._referrers)
            if not answers:
                break
            found.update(answers)
            new = self._next(answers)
        return found

    def _asked_first(self, subjects: Sequence[_Subject]) -> _Found:
        """Ask for the first subject of each registry, which shows whether that has such lists."""
        first = {source.registry: (source, digest) for source, digest in reversed(subjects)}
        new = {host: subject for host, subject in first.items() if host not in self._hosts}
        self._hosts.update(new)
        return self._asked(new.values(), self._referrers)

    def _next(self, answers: _Found) -> list[_Subject]:
        """Return what may be referred to of what was found."""
        return [
            (subject[0], digest)
            for subject, answer in answers.items()
            if not isinstance(answer, ImageOpsError)
            for referrer in answer
            for digest in self._below(subject[0], referrer)
        ]

    def _referrers(self, subject: _Subject) -> Sequence[Referrer]:
        if subject in self._kept:
            return self._kept[subject]
        source, digest = subject
        self._bases.add((source, fallback_tag(digest)))
        repository = self._stores.repository(source)
        listed = repository.referrers(digest) or []
        referrers = [_referrer(digest, descriptor) for descriptor in listed]
        for tag in self._tags_of(source, digest):
            there = repository.resolve(tag)
            if there is not None:
                kind = COSIGN_TYPES.get(tag.partition(".")[2], "") or there.artifact_type or there.media_type
                referrers.append(replace(_referrer(digest, there), tag=tag, type=kind))
        return referrers

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

    def _below(self, source: Reference, referrer: Referrer) -> Iterator[Digest]:
        """Yield what may be referred to in its turn. A list is read only where tags are left that may belong to it."""
        yield referrer.digest
        if referrer.media_type in INDEXES and self._has_more(source):
            repository = self._stores.repository(source)
            yield from (child.digest for child in self._manifests.get(repository, referrer.digest).children)

    def _has_more(self, source: Reference) -> bool:
        return any((source, base) not in self._bases for base in self._belonging(source.name))

    def _of(self, root: Root, own: Sequence[Digest] | ImageOpsError, found: _Found) -> Outcome:
        """Collect an image's referrers of the types that are wanted, to any depth, each once."""
        if isinstance(own, ImageOpsError):
            return own
        collected: dict[tuple[Digest, str | None], Referrer] = {}
        waiting, seen = list(own), set(own)
        while waiting:
            outcome = found.get((root.source, waiting.pop(0)), ())
            if isinstance(outcome, ImageOpsError):
                return outcome
            for referrer in outcome:
                if root.choice.takes(referrer.type):
                    collected.setdefault((referrer.digest, referrer.tag), referrer)
                    below = [digest for digest in self._known_below(referrer) if digest not in seen]
                    seen.update(below)
                    waiting += below
            if len(collected) > _MAX_REFERRERS:
                return _too_many(root)
        return list(collected.values())

    def _known_below(self, referrer: Referrer) -> Iterator[Digest]:
        yield referrer.digest
        known = self._manifests.known(referrer.digest) if referrer.media_type in INDEXES else None
        if known is not None:
            yield from (child.digest for child in known.children)

    # -- the destination

    def _at_destinations(self, roots: Sequence[Root], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Ask destinations for what was found, once a tag or subject, and note what they have."""
        wanted: dict[tuple[Reference, Referrer], Reference] = {}
        for root, outcome in zip(roots, outcomes):
            if not isinstance(outcome, ImageOpsError):
                wanted.update({(root.destination, referrer): root.source for referrer in outcome})
        subjects = dict.fromkeys((at, referrer.subject) for at, referrer in wanted if referrer.tag is None)
        lists = self._asked(subjects, lambda key: self._listed(self._stores.repository(key[0]), key[1]))
        tagged = [key for key in wanted if key[1].tag is not None]
        tags = self._asked(tagged, lambda key: self._tagged(key[0], wanted[key], key[1]))

        def at(destination: Reference, referrer: Referrer) -> Referrer | ImageOpsError:
            if referrer.tag is not None:
                return tags[destination, referrer]
            listed = lists[destination, referrer.subject]
            if isinstance(listed, ImageOpsError):
                return listed
            return replace(referrer, is_there=referrer.digest in listed)

        return [
            outcome
            if isinstance(outcome, ImageOpsError)
            else _all_or_fault([at(root.destination, referrer) for referrer in outcome])
            for root, outcome in zip(roots, outcomes)
        ]

    def _listed(self, repository: Repository, subject: Digest) -> frozenset[Digest]:
        """Return what a destination lists as referrers of a digest, by its API or by the tag that stands in for it."""
        try:
            return frozenset(descriptor.digest for descriptor in referrers_of(repository, subject))
        except RegistryError as fault:
            if not fault.is_denial:
                raise
            return frozenset()  # of a repository that does not exist yet, too, some say that it may not be read

    def _tagged(self, destination: Reference, source: Reference, referrer: Referrer) -> Referrer:
        repository = self._stores.repository(destination)
        try:
            there = repository.resolve(str(referrer.tag))
        except RegistryError as fault:
            if not fault.is_denial:
                raise
            there = None
        if there is None or there.digest == referrer.digest:
            return replace(referrer, is_there=there is not None)
        if referrer.media_type not in INDEXES or there.media_type not in INDEXES:
            return referrer
        ours = self._manifests.get(self._stores.repository(source), referrer.digest).children
        theirs = {child.digest for child in self._manifests.get(repository, there.digest).children}
        return replace(referrer, is_there=theirs.issuperset(child.digest for child in ours), merges=True)


def _referrer(subject: Digest, descriptor: Descriptor) -> Referrer:
    kind = descriptor.artifact_type or descriptor.media_type
    return Referrer(subject, descriptor.digest, descriptor.media_type, descriptor.size, None, kind, False, False)


def _all_or_fault(referrers: Sequence[Referrer | ImageOpsError]) -> Outcome:
    fault = next((one for one in referrers if isinstance(one, ImageOpsError)), None)
    return fault or [one for one in referrers if not isinstance(one, ImageOpsError)]


def _too_many(root: Root) -> ImageOpsError:
    return ContentError(
        code="too_large",
        action="copy",
        subject=f"the referrers of {root.source.name}@{root.digest}",
        cause=f"there are more than {_MAX_REFERRERS}",
        hint="choose kinds of them by referrers.types, or set referrers to false",
    )
