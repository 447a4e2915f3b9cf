# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tags of a repository name now, to any depth: what is left of it when some of them go.

Nothing that a registry lists has a manifest without a tag. What is named by its digest alone is known only where the
run itself names it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..._oci.errors import ContentError, ImageOpsError
from ..._oci.image.manifest import Descriptor
from ..._oci.image.media_types import SCHEMA1, SINGLES
from ..._oci.image.reference import Digest, Reference
from ..._oci.image.referrers import fallback_tag, is_referrer_tag
from ..._oci.store.store import Repository
from ..work.stores import Stores
from ..work.workers import ask_all

_MOST_INDEXES = 20_000
_LEAVES = SINGLES | SCHEMA1


@dataclass(frozen=True)
class Going:
    """What goes with some tags.

    :ivar tags: these, and the tags of what refers to images that nothing names any more
    :ivar digests: the images that nothing names any more, and all that they consist of
    :ivar referrers: manifests without a tag that refer to these
    """

    tags: frozenset[str]
    digests: frozenset[Digest]
    referrers: frozenset[Digest]


@dataclass(frozen=True)
class Inventory:
    """What a repository had when it was asked.

    :ivar tags: what each tag names
    :ivar contents: each manifest that a tag names with all manifests below it, itself included
    :ivar needed: digests that are to stay although no tag may name them
    :ivar attached: manifests that refer to a manifest, by it
    """

    tags: Mapping[str, Digest]
    contents: Mapping[Digest, frozenset[Digest]]
    needed: frozenset[Digest]
    attached: Mapping[Digest, frozenset[Digest]]

    def holder(self, digest: Digest, without: Collection[str]) -> str:
        """Return what still names a manifest when some tags are gone, in words; empty when nothing does."""
        for tag, named in self.tags.items():
            if tag not in without and digest in self._below(named):
                return f"the tag {tag} names it" if named == digest else f"the index with the tag {tag} has it"
        return "a rule of the task names its digest" if digest in self._kept_by_need() else ""

    def going(self, tags: Collection[str]) -> Going:
        """Return what goes with these tags: what refers to their images too, where nothing else names the image."""
        wanted = frozenset(tags)
        along = frozenset(tag for tag in self.tags if is_referrer_tag(tag)) - wanted
        while True:
            kept = self._kept(wanted | along)
            lost = self._reached(wanted | along) - kept
            subjects = {fallback_tag(digest) for digest in lost}
            still = frozenset(tag for tag in along if tag.partition(".")[0] in subjects)
            if still == along:
                break
            along = still
        named = {self.tags[tag] for tag in wanted | along if tag in self.tags}
        untagged = {one for digest in lost for one in self.attached.get(digest, ())}
        untagged.update(one for tag in along for one in self._below(self.tags[tag]))
        return Going(wanted | along, frozenset(lost), frozenset(untagged - named - kept))

    def _kept(self, without: Collection[str]) -> set[Digest]:
        kept = self._kept_by_need()
        for tag, digest in self.tags.items():
            if tag not in without:
                kept |= self._below(digest)
        return kept

    def _kept_by_need(self) -> set[Digest]:
        return {one for digest in self.needed for one in self._below(digest)}

    def _reached(self, tags: Iterable[str]) -> set[Digest]:
        """Return the manifests that tags name, what is below them, and what refers to any of these."""
        waiting = [self.tags[tag] for tag in tags if tag in self.tags]
        reached: set[Digest] = set()
        while waiting:
            for digest in self._below(waiting.pop()) - reached:
                reached.add(digest)
                waiting += self.attached.get(digest, ())
        return reached

    def _below(self, digest: Digest) -> frozenset[Digest]:
        return self.contents.get(digest) or frozenset((digest,))


def take_inventory(
    stores: Stores,
    place: Reference,
    candidates: Collection[str],
    *,
    needed: Collection[Digest],
    log: Callable[[str], None],
) -> Inventory:
    """Ask for every tag of a repository, and read every index, to any depth.

    :param place: the repository
    :param candidates: tags that may go; what refers to their images is listed
    :param needed: digests that stay in any case
    :param log: takes the traceback of an unexpected fault
    :raises ImageOpsError: when a single one of them does not answer
    """
    repository = stores.repository(place)
    listed = repository.tags()
    if not repository.tags_are_whole:
        raise _unreadable(repository, "its list of tags could be read only in part")
    outcomes = ask_all(
        ((stores.queue(place.registry), place.with_tag(tag)) for tag in listed),
        lambda ref: repository.resolve(ref.tag or ""),
        action="look at",
        log=log,
    )
    found: dict[str, Descriptor] = {}
    for ref, outcome in outcomes.items():
        if isinstance(outcome, ImageOpsError):
            raise outcome
        if outcome is not None and ref.tag:
            found[ref.tag] = outcome
    stays = {digest: there for digest in needed for there in [repository.resolve(str(digest))] if there is not None}
    reader = _IndexReader(repository)
    contents = {root.digest: frozenset(reader.below(root)) for root in [*found.values(), *stays.values()]}
    attached = _attached(repository, {one for tag in candidates if tag in found for one in contents[found[tag].digest]})
    return Inventory({tag: there.digest for tag, there in found.items()}, contents, frozenset(needed), attached)


class _IndexReader:
    """Reads each index once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._children: dict[Digest, tuple[Descriptor, ...]] = {}

    def below(self, root: Descriptor) -> Iterator[Digest]:
        """Yield the digest of a manifest and of all manifests below it."""
        seen = {root.digest}
        waiting = [root]
        while waiting:
            one = waiting.pop()
            yield one.digest
            new = [child for child in self._read(one) if child.digest not in seen]
            seen.update(child.digest for child in new)
            waiting += new

    def _read(self, one: Descriptor) -> tuple[Descriptor, ...]:
        if one.media_type in _LEAVES:
            return ()
        if one.digest not in self._children:
            if len(self._children) >= _MOST_INDEXES:
                raise _unreadable(self._repository, f"it has more than {_MOST_INDEXES} indexes")
            self._children[one.digest] = self._repository.manifest(str(one.digest)).children
        return self._children[one.digest]


def _attached(repository: Repository, subjects: Iterable[Digest]) -> dict[Digest, frozenset[Digest]]:
    """Return what refers to manifests, and to what refers to them, where the repository lists that itself."""
    found: dict[Digest, frozenset[Digest]] = {}
    waiting = list(subjects)
    while waiting:
        subject = waiting.pop()
        listed = repository.referrers(subject) if subject not in found else None
        if listed:
            found[subject] = frozenset(one.digest for one in listed)
            waiting += found[subject]
    return found


def _unreadable(repository: Repository, cause: str) -> ImageOpsError:
    return ContentError(code="protocol_error", action="look at all tags of", subject=repository.name, cause=cause)
