# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests in bulk: what products list of their tags, in place of a HEAD for each tag.

A list may only prove that both sides are equal. What it shows different, odd or not at all is asked for by HEAD before
anything is decided. Of every list that is used a few tags are asked for all the same; once a HEAD contradicts one, no
list of its registry is used any more. Nothing is kept between runs.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar, Union

from ..._oci.client.run import Run
from ..._oci.errors import ImageOpsError
from ..._oci.image.manifest import Descriptor
from ..._oci.image.media_types import INDEXES, SINGLES
from ..._oci.image.reference import Reference
from ..decisions import Bulk, Overwrite
from ..vendors import Vendors
from ..work.stores import Stores
from ..work.workers import ask_all
from .image_task import Pair
from .sides.source_images import SourceImage
from .sides.state import DestinationState, SourceKey, Survey

SourceOutcome = Union[SourceImage, ImageOpsError]
DestinationOutcome = Union[DestinationState, ImageOpsError]
K = TypeVar("K")
_CHECKS = 3
"""Tags of a repository that are asked for by HEAD where its list has no media types; one of each kind where it has."""


@dataclass
class _Lists:
    """The lists that are used.

    :ivar by_name: what the tags of a repository name, by the repository
    :ivar distrusted: registries whose lists are not used
    """

    by_name: dict[str, Mapping[str, Descriptor]] = field(default_factory=dict)
    distrusted: set[str] = field(default_factory=set)

    def find(self, ref: Reference) -> Descriptor | None:
        """Return what a list says of a tag; None where there is no list to be used, or where it does not say it."""
        return None if ref.registry in self.distrusted else self.by_name.get(ref.name, {}).get(ref.tag or "")


class ListedDigests:
    """Says what both sides of pairs have, by lists as far as these prove that both are equal.

    :param survey: asks for everything else, and has the tag lists
    :param bulk: which hosts may be asked for lists
    """

    def __init__(self, stores: Stores, survey: Survey, vendors: Vendors, bulk: Bulk, run: Run) -> None:
        self._stores = stores
        self._survey = survey
        self._vendors = vendors
        self._bulk = bulk
        self._run = run
        self._lists = _Lists()

    def images(
        self, pairs: Sequence[Pair], others: Iterable[Reference], overwrite: Overwrite
    ) -> tuple[Mapping[SourceKey, SourceOutcome], Mapping[Reference, DestinationOutcome]]:
        """Return what both sides of pairs have.

        :param others: further destinations to look at
        :param overwrite: for rules that do not say
        """
        may_list = self._hosts(pairs)
        plain = [pair for pair in pairs if _hosts(pair) & may_list and _is_plain(pair, overwrite)] if may_list else []
        self._read(plain, may_list)
        listed = [pair for pair in plain if self._lists.find(pair.source) or self._lists.find(pair.destination)]
        known = set(map(id, listed))
        asked = [pair for pair in pairs if id(pair) not in known]
        answers = _Answers(self._survey, self._lists, self._run)
        answers.ask(map(source_key, asked), (*(pair.destination for pair in asked), *others))
        answers.complete(listed)
        return answers.images, answers.there

    def _hosts(self, pairs: Iterable[Pair]) -> set[str]:
        """Return the registries that may be asked for lists."""
        if self._bulk == Bulk.FALSE:
            return set()
        hosts = set().union(*map(_hosts, pairs)) - self._lists.distrusted
        lists = {host: self._vendors.known(host).digest_lists for host in hosts}
        return {host for host, found in lists.items() if found and (self._bulk == Bulk.TRUE or not found.elsewhere)}

    def _read(self, pairs: Sequence[Pair], may_list: Collection[str]) -> None:
        """Read the lists that are worth it, of each registry one first."""
        wanted = [ref for ref in self._repositories(pairs, may_list) if ref.name not in self._lists.by_name]
        first = {ref.registry: ref for ref in reversed(wanted)}
        self._ask(list(first.values()))
        self._ask([ref for ref in wanted if ref not in first.values()])

    def _repositories(self, pairs: Iterable[Pair], may_list: Collection[str]) -> list[Reference]:
        """Return the repositories whose lists take fewer requests than their tags that are to be compared."""
        tags: dict[Reference, set[str | None]] = {}
        for pair in pairs:
            for ref in (pair.source, pair.destination):
                if ref.registry in may_list:
                    tags.setdefault(Reference(ref.registry, ref.repository), set()).add(ref.tag)
        return [ref for ref, compared in tags.items() if self._is_worth_it(ref, len(compared))]

    def _is_worth_it(self, repository: Reference, compared: int) -> bool:
        all_tags = self._survey.tags(repository.name)
        lists = self._vendors.known(repository.registry).digest_lists
        if all_tags is None or lists is None:
            return False
        return lists.requests(len(all_tags)) + _CHECKS < compared

    def _ask(self, repositories: Sequence[Reference]) -> None:
        answers = ask_all(
            ((self._stores.queue(ref.registry), ref) for ref in repositories),
            self._list,
            action="list the tags and digests of",
            log=self._run.log,
        )
        self._lists.by_name.update(
            (ref.name, answer) for ref, answer in answers.items() if not isinstance(answer, ImageOpsError)
        )

    def _list(self, repository: Reference) -> Mapping[str, Descriptor]:
        """Return a list; of a registry of which one did not come, nothing, and nothing is asked."""
        if repository.registry in self._lists.distrusted:
            return {}
        try:
            return self._vendors.known(repository.registry).listed_digests(repository.repository)
        except ImageOpsError as fault:
            self._lists.distrusted.add(repository.registry)
            self._run.log(f"the tags of {repository.registry} are asked for one by one: {fault}")
            return {}


class _Answers:
    """What is known of pairs, by lists and by HEADs.

    :ivar images: what sources have, where they were asked, or as far as lists are believed
    :ivar there: what destinations have, likewise
    """

    def __init__(self, survey: Survey, lists: _Lists, run: Run) -> None:
        self.images: dict[SourceKey, SourceOutcome] = {}
        self.there: dict[Reference, DestinationOutcome] = {}
        self._survey = survey
        self._lists = lists
        self._run = run
        self._checked: set[str] = set()

    def ask(self, sources: Iterable[SourceKey], destinations: Iterable[Reference]) -> None:
        """Ask by HEADs; lists that these contradict are not used any more."""
        images, there = self._survey.images(sources, destinations)
        self.images.update(images)
        self.there.update(there)
        found: Iterable[tuple[Reference, Descriptor | None]] = chain(
            ((key[0], _of_source(image)) for key, image in images.items()),
            ((ref, _of_destination(state)) for ref, state in there.items()),
        )
        for ref, descriptor in found:
            said = self._lists.find(ref)
            if said is not None and (descriptor is None or descriptor.digest != said.digest):
                self._lists.distrusted.add(ref.registry)
                self._run.log(f"{ref.registry} lists {said.digest} for {ref}, which is not so; its tags are asked for")

    def complete(self, pairs: Sequence[Pair]) -> None:
        """Ask until each pair has been asked for on both sides, or is equal by lists that no HEAD contradicts."""
        while True:
            sources, destinations = self._open(pairs)
            if not (sources or destinations):
                sources, destinations = self._checks(pairs)
            if not (sources or destinations):
                break
            self.ask(sources, destinations)
        for pair in pairs:
            self._believe(pair)

    def _source(self, pair: Pair) -> Descriptor | None:
        key = source_key(pair)
        return _of_source(self.images[key]) if key in self.images else self._lists.find(pair.source)

    def _destination(self, pair: Pair) -> Descriptor | None:
        known = self.there.get(pair.destination)
        return self._lists.find(pair.destination) if known is None else _of_destination(known)

    def _open(self, pairs: Iterable[Pair]) -> tuple[dict[SourceKey, None], dict[Reference, None]]:
        """Return the sources and destinations that are to be asked for next."""
        sources: dict[SourceKey, None] = {}
        destinations: dict[Reference, None] = {}
        for pair in pairs:
            ask_source, ask_destination = self._needs(pair)
            if ask_source:
                sources[source_key(pair)] = None
            if ask_destination:
                destinations[pair.destination] = None
        return sources, destinations

    def _needs(self, pair: Pair) -> tuple[bool, bool]:
        """Return whether the source, and whether the destination of a pair is to be asked for next.

        That is what no list says, and both where they are not equal. Where neither has a media type the source is asked
        in any case: a list may have the digest of one of its images for an index, on both sides.
        """
        source, there = self._source(pair), self._destination(pair)
        may_ask = (source_key(pair) not in self.images, pair.destination not in self.there)
        missing = (may_ask[0] and source is None, may_ask[1] and there is None)
        if any(missing):
            return missing
        if source is None or there is None or source.digest != there.digest:
            return may_ask
        if _is_typed(source) or _is_typed(there):
            return False, False
        return may_ask[0], may_ask[1] and not may_ask[0]

    def _checks(self, pairs: Iterable[Pair]) -> tuple[dict[SourceKey, None], dict[Reference, None]]:
        """Return what is asked for of the lists that are believed, once a list."""
        sources: dict[str, dict[SourceKey, Descriptor]] = {}
        destinations: dict[str, dict[Reference, Descriptor]] = {}
        for pair in pairs:
            source, there = self._lists.find(pair.source), self._lists.find(pair.destination)
            if source is not None and source_key(pair) not in self.images:
                sources.setdefault(pair.source.name, {})[source_key(pair)] = source
            if there is not None and pair.destination not in self.there:
                destinations.setdefault(pair.destination.name, {})[pair.destination] = there
        new = (sources.keys() | destinations.keys()) - self._checked
        self._checked |= new
        return (
            {key: None for name in new for key in _some(sources.get(name, {}))},
            {ref: None for name in new for ref in _some(destinations.get(name, {}))},
        )

    def _believe(self, pair: Pair) -> None:
        """Take what lists say of a pair that is equal by them."""
        source, there = self._source(pair), self._destination(pair)
        key = source_key(pair)
        if key not in self.images and source is not None:
            media_type = next(each.media_type for each in (source, there) if each is not None and _is_typed(each))
            self.images[key] = SourceImage(source.digest, source.digest, media_type, source.size, {}, "", "")
        if pair.destination not in self.there:
            self.there[pair.destination] = DestinationState(there, "")


def _is_plain(pair: Pair, overwrite: Overwrite) -> bool:
    """Return whether lists may be believed of a pair: of whole images under a tag, where nothing depends on more."""
    rule = pair.rule
    if rule.platforms or rule.required_signature is not None or (rule.overwrite or overwrite) != Overwrite.ALWAYS:
        return False
    return all(ref.tag is not None and ref.digest is None for ref in (pair.source, pair.destination))


def _hosts(pair: Pair) -> set[str]:
    return {pair.source.registry, pair.destination.registry}


def source_key(pair: Pair) -> SourceKey:
    """Return what the source of a pair is asked for by."""
    return (pair.source, pair.rule.platforms)


def _is_typed(descriptor: Descriptor | None) -> bool:
    return descriptor is not None and descriptor.media_type in INDEXES | SINGLES


def _of_source(outcome: SourceOutcome) -> Descriptor | None:
    if isinstance(outcome, ImageOpsError):
        return None
    return Descriptor(media_type=outcome.media_type, digest=outcome.root, size=outcome.size)


def _of_destination(outcome: DestinationOutcome) -> Descriptor | None:
    return None if isinstance(outcome, ImageOpsError) else outcome.descriptor


def _some(listed: Mapping[K, Descriptor]) -> Iterable[K]:
    """Return what is checked of a list: an index and a single manifest, or some where media types are missing."""
    indexes = [key for key, found in listed.items() if found.media_type in INDEXES]
    singles = [key for key, found in listed.items() if found.media_type in SINGLES]
    others = [key for key in listed if key not in {*indexes, *singles}]
    return (
        *random.sample(indexes, min(1, len(indexes))),
        *random.sample(singles, min(1, len(singles))),
        *random.sample(others, min(_CHECKS, len(others))),
    )
