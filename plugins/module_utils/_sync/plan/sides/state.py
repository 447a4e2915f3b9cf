# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both sides have: tag lists and digests. Each is asked for once, unless that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar, Union

from ...._oci.errors import ImageOpsError, RegistryError
from ...._oci.image.manifest import Descriptor, Platform
from ...._oci.image.reference import Reference
from ...vendors import Vendors
from ...work.stores import Stores
from ...work.workers import ask_all
from .source_images import SourceImage, SourceImages

SourceKey = tuple[Reference, tuple[Platform, ...]]
"""A source image, and the platforms that are chosen of it."""

K = TypeVar("K", SourceKey, Reference, Union[SourceKey, Reference])
V = TypeVar("V")


@dataclass(frozen=True)
class DestinationState:
    """What a destination has.

    :ivar descriptor: None when it has nothing, or does not show it
    :ivar unseen: how it is known that the destination does not show what it has; empty when it does
    """

    __slots__ = ("descriptor", "unseen")

    descriptor: Descriptor | None
    unseen: str


_ABSENT = DestinationState(None, "")


class Survey:
    """Asks registries, and keeps their answers for the next time.

    :param log: takes the traceback of an unexpected fault
    """

    def __init__(
        self, stores: Stores, source_images: SourceImages, vendors: Vendors, log: Callable[[str], None]
    ) -> None:
        self._stores = stores
        self._source_images = source_images
        self._vendors = vendors
        self._log = log
        self._listings: dict[str, dict[str, None]] = {}
        self._long: set[str] = set()
        self._there: dict[Reference, DestinationState] = {}

    def forget(self, destination: Reference) -> None:
        """Forget what a destination has."""
        self._there.pop(destination, None)

    def forget_all(self) -> None:
        """Forget every answer."""
        self._listings.clear()
        self._there.clear()

    def tags(self, name: str) -> Mapping[str, None] | None:
        """Return the tags of a repository in the order of its registry; None when they are not known."""
        return self._listings.get(name)

    def list(self, repositories: Iterable[Reference]) -> dict[str, ImageOpsError]:
        """Read the tag lists that are not known yet. Return the errors of those that could not be read, by name."""
        new = {ref.name: ref for ref in repositories if ref.name not in self._listings}
        faults: dict[str, ImageOpsError] = {}
        texts: dict[str, str] = {}  # of a tag one for both sides
        for ref, outcome in self._ask(new.values(), lambda ref: self._stores.repository(ref).tags()).items():
            if isinstance(outcome, ImageOpsError):
                faults[ref.name] = outcome
            else:
                self._listings[ref.name] = dict.fromkeys(texts.setdefault(tag, tag) for tag in outcome)
        return faults

    def list_few(self, repositories: Iterable[Reference]) -> None:
        """Read the tag lists that are not known yet where they are short: a long one costs more than it saves."""
        new = {ref.name: ref for ref in repositories if ref.name not in self._listings and ref.name not in self._long}
        for ref, outcome in self._ask(new.values(), lambda ref: self._stores.repository(ref).few_tags()).items():
            if outcome is None:
                self._long.add(ref.name)
            elif not isinstance(outcome, ImageOpsError):
                self._listings[ref.name] = dict.fromkeys(outcome)

    def images(
        self, sources: Iterable[SourceKey], destinations: Iterable[Reference]
    ) -> tuple[Mapping[SourceKey, SourceImage | ImageOpsError], Mapping[Reference, DestinationState | ImageOpsError]]:
        """Return what both sides have. Each reference is asked for once, and not at all where a list has the answer."""
        asked: list[SourceKey | Reference] = [*dict.fromkeys(sources)]
        there: dict[Reference, DestinationState | ImageOpsError] = {}
        for ref in dict.fromkeys(destinations):
            known = self._known(ref)
            if known is None:
                asked.append(ref)
            else:
                there[ref] = known
        images: dict[SourceKey, SourceImage | ImageOpsError] = {}
        for key, outcome in self._ask(asked, self._answer).items():
            if isinstance(key, Reference) and not isinstance(outcome, SourceImage):
                there[key] = outcome
            elif not isinstance(key, Reference) and not isinstance(outcome, DestinationState):
                images[key] = outcome
        self._ask_products(there)
        return images, there

    def _ask_products(self, there: dict[Reference, DestinationState | ImageOpsError]) -> None:
        """Replace what destinations do not show by what their products' APIs say, where those can be asked."""
        states = ((ref, state) for ref, state in there.items() if isinstance(state, DestinationState))
        unseen = [ref for ref, state in states if state.unseen and ref.tag]
        repositories = dict.fromkeys(Reference(ref.registry, ref.repository) for ref in unseen)
        answers = self._ask(repositories, lambda ref: self._vendors.known(ref.registry).digests(ref.repository))
        for ref in unseen:
            digests = answers[Reference(ref.registry, ref.repository)]
            if isinstance(digests, Mapping):
                found = digests.get(ref.tag or "")
                there[ref] = DestinationState(found, "")

    def _ask(self, keys: Iterable[K], answer: Callable[[K], V]) -> Mapping[K, V | ImageOpsError]:
        questions = (
            (self._stores.queue((key if isinstance(key, Reference) else key[0]).registry), key) for key in keys
        )
        return ask_all(questions, answer, action="plan", log=self._log)

    def _answer(self, key: SourceKey | Reference) -> SourceImage | DestinationState:
        return self._look(key) if isinstance(key, Reference) else self._source_images.resolve(*key)

    def _known(self, destination: Reference) -> DestinationState | None:
        listed = self._listings.get(destination.name)
        if destination not in self._there and destination.tag and listed is not None and destination.tag not in listed:
            return _ABSENT
        return self._there.get(destination)

    def _look(self, destination: Reference) -> DestinationState:
        """HEAD a destination. Some registries answer 401 or 403 for what does not exist: that says nothing."""
        try:
            descriptor = self._stores.repository(destination).resolve(destination.tag or str(destination.digest))
        except RegistryError as fault:
            if not fault.is_denial or fault.code == "no_credentials":
                raise
            answer = f" (HTTP {fault.status})" if fault.status else ""
            return DestinationState(None, f"the destination does not show what it has{answer}")
        there = DestinationState(descriptor, "")
        self._there[destination] = there
        return there
