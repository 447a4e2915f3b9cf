# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.json``: what a layout has, as entries that lead to manifests. No I/O.

Every field that an entry was read with is kept when the index is written again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..errors import ContentError
from ..image.manifest import Descriptor, Manifest, parse_descriptor
from ..image.media_types import OCI_INDEX
from ..image.reference import Digest
from ..image.strict_json import JsonFault, check_spelling, loads
from .names import FULL_NAME, REF_NAME, Name, entry_name, ref_name

_MAX_ENTRIES = 200_000
_KEYS = ("schemaVersion", "mediaType", "manifests", "annotations", "subject", "artifactType")
_UNIQUE = frozenset(key.casefold() for key in (*_KEYS, "digest", "size", "urls", "platform", REF_NAME, FULL_NAME))


@dataclass(frozen=True)
class Entry:
    """An entry of the index.

    :ivar name: what it is called; None for one that its digest alone leads to
    :ivar text: as it is written
    """

    descriptor: Descriptor
    name: Name | None
    text: str = field(repr=False)


class LayoutIndex:
    """The entries of a layout. It is not changed: a change gives another one, which costs a copy of its tables.

    :param entries: by numbers, in their order
    :param names: the numbers of the entries of each name; likewise digests
    :param document: everything but the entries
    """

    def __init__(
        self,
        entries: dict[int, Entry],
        names: dict[Name, tuple[int, ...]],
        digests: dict[Digest, tuple[int, ...]],
        document: Mapping[str, Any],
        own: str,
    ) -> None:
        self._entries = entries
        self._names = names
        self._digests = digests
        self._document = document
        self._own = own

    @classmethod
    def of(cls, entries: Iterable[Entry], document: Mapping[str, Any], own: str) -> LayoutIndex:
        """Return the index that has these entries."""
        numbered: dict[int, Entry] = {}
        names: dict[Name, tuple[int, ...]] = {}
        digests: dict[Digest, tuple[int, ...]] = {}
        for number, entry in enumerate(entries):
            _add(entry, number, numbered, names, digests)
        return cls(numbered, names, digests, document, own)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in the order of the file."""
        return tuple(self._entries.values())

    @classmethod
    def parse(cls, raw: bytes, path: str, own: str) -> LayoutIndex:
        """Read ``index.json``; no bytes are an empty index.

        :param path: of the layout, as messages show it
        :param own: the repository of tags that stand alone, and of one image that has no name
        :raises ContentError: layout_invalid
        """
        if not raw:
            return cls.of((), {"schemaVersion": 2, "mediaType": OCI_INDEX}, own)
        subject = f"index.json in {path}"
        document, found = _document(raw, subject)
        descriptors = [parse_descriptor(entry, subject, f"manifests[{place}]") for place, entry in enumerate(found)]
        names = [entry_name(dict(descriptor.annotations), own) for descriptor in descriptors]
        if len(found) == 1 and not set(dict(descriptors[0].annotations)) & {REF_NAME, FULL_NAME}:
            names = [Name(own, "latest")]
        return cls.of((Entry(*each) for each in zip(descriptors, names, map(_text, found))), document, own)

    def repositories(self) -> list[str]:
        """Return every repository that has a tag, in the order of their names."""
        return sorted({name.repository for name in self._names})

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository."""
        return [name.tag for name in self._names if name.repository == repository]

    def find(self, name: Name) -> Entry | None:
        """Return the entry of a name.

        :raises ContentError: layout_invalid, when entries with different digests have it
        """
        found = [self._entries[number] for number in self._names.get(name, ())]
        if len({entry.descriptor.digest for entry in found}) > 1:
            raise ContentError(
                code="layout_invalid",
                action="read",
                subject=f"{ref_name(name)} in a layout",
                cause=f"{len(found)} entries of index.json have that name, with different digests",
                hint="name the image by its digest, or write the layout again with one of them",
            )
        return found[0] if found else None

    def described(self, digest: Digest) -> Descriptor | None:
        """Return the first entry that leads to a manifest; None when none does."""
        numbers = self._digests.get(digest)
        return self._entries[numbers[0]].descriptor if numbers else None

    def roots(self) -> list[Descriptor]:
        """Return each manifest that an entry leads to, once."""
        return [self._entries[numbers[0]].descriptor for numbers in self._digests.values()]

    def with_tag(self, name: Name, manifest: Manifest, origin: str) -> LayoutIndex:
        """Return the index in which a name leads to a manifest, in the place of what it led to.

        :param origin: the reference that it comes from; empty when that is not known
        """
        before = self._names.get(name, ())
        annotations = {REF_NAME: ref_name(name)}
        if before:  # another tool, which has called it otherwise, is to find it again
            known = dict(self._entries[before[0]].descriptor.annotations).get(REF_NAME)
            annotations[REF_NAME] = known or ref_name(name)
        if origin:
            annotations[FULL_NAME] = origin
        same = self._digests.get(manifest.digest, ())
        nameless = [number for number in same if self._entries[number].name is None]  # they say nothing any more
        return self._changed((*before, *nameless), _entry(manifest, name, annotations))

    def with_untagged(self, manifest: Manifest) -> LayoutIndex:
        """Return the index in which a manifest is an entry without a name; this one where it is an entry already."""
        if manifest.digest in self._digests:
            return self
        return self._changed((), _entry(manifest, None, {}))

    def without_tag(self, name: Name) -> LayoutIndex:
        """Return the index without a name. What only the name led to is not in the layout any more."""
        return self._changed(self._names.get(name, ()))

    def without_manifest(self, repository: str, digest: Digest) -> LayoutIndex:
        """Return the index without the tags of a repository that lead to a manifest, and its entry without a name."""
        names = {number: self._entries[number].name for number in self._digests.get(digest, ())}
        return self._changed(
            [number for number, name in names.items() if name is None or name.repository == repository]
        )

    def _changed(self, removed: Iterable[int], added: Entry | None = None) -> LayoutIndex:
        entries, names, digests = dict(self._entries), dict(self._names), dict(self._digests)
        number = next(reversed(entries)) + 1 if entries else 0
        for each in removed:
            entry = entries.pop(each)
            _remove(digests, entry.descriptor.digest, each)
            if entry.name is not None:
                _remove(names, entry.name, each)
        if added is not None:
            _add(added, number, entries, names, digests)
        return LayoutIndex(entries, names, digests, self._document, self._own)

    def raw(self) -> bytes:
        """Return the bytes of ``index.json``."""
        rest = "".join(f"{_text(key)}:{_text(value)}," for key, value in self._document.items())
        return ("{" + rest + '"manifests":[' + ",".join(entry.text for entry in self._entries.values()) + "]}").encode()


K = TypeVar("K")


def _add(
    entry: Entry,
    number: int,
    entries: dict[int, Entry],
    names: dict[Name, tuple[int, ...]],
    digests: dict[Digest, tuple[int, ...]],
) -> None:
    entries[number] = entry
    digests[entry.descriptor.digest] = (*digests.get(entry.descriptor.digest, ()), number)
    if entry.name is not None:
        names[entry.name] = (*names.get(entry.name, ()), number)


def _remove(table: dict[K, tuple[int, ...]], key: K, number: int) -> None:
    left = tuple(each for each in table[key] if each != number)
    if left:
        table[key] = left
    else:
        del table[key]


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _document(raw: bytes, subject: str) -> tuple[dict[str, Any], list[Any]]:
    try:
        document = loads(raw, unique=_UNIQUE)
        if not isinstance(document, dict):
            raise JsonFault("it is not a JSON object")
        check_spelling(document, _KEYS)
        if document.get("schemaVersion") not in (None, 2):
            raise JsonFault("its schemaVersion is not 2")
        found = document.get("manifests")
        if found is not None and not isinstance(found, list):
            raise JsonFault("its manifests are not a list")
        if found is not None and len(found) > _MAX_ENTRIES:
            raise JsonFault(f"it has {len(found)} entries, more than {_MAX_ENTRIES}")
    except JsonFault as fault:
        raise ContentError(code="layout_invalid", action="read", subject=subject, cause=str(fault)) from None
    return {key: value for key, value in document.items() if key != "manifests"}, found or []


def _entry(manifest: Manifest, name: Name | None, annotations: Mapping[str, str]) -> Entry:
    descriptor = manifest.descriptor()
    document: dict[str, Any] = {
        "mediaType": manifest.media_type,
        "digest": str(manifest.digest),
        "size": manifest.size,
    }
    if descriptor.artifact_type and manifest.subject is not None:
        document["artifactType"] = descriptor.artifact_type
    if annotations:
        document["annotations"] = dict(annotations)
    return Entry(
        Descriptor(manifest.media_type, manifest.digest, manifest.size, annotations=tuple(annotations.items())),
        name,
        _text(document),
    )
