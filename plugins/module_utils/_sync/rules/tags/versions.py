# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of versions among tags, and the newest of them.

Tags follow no standard, so this reads what image publishers write: ``1.25``, ``v1.10.0-rc.2``, ``1.25.3-alpine3.18``,
``2024.01.15``, ``3.0b1``, ``RELEASE.2024-01-16T16-07-38Z``. Numbers are compared as numbers. Of one version the
pre-releases (alpha, beta, rc, dev, snapshot, ...) come first, then its variants (``-alpine``), then the version itself,
then what was packaged again (``-1``, ``-r2``, ``.post1``). Anything else, such as ``latest`` or a commit, is no
version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_PREFIX = r"(?:(?:v|version|release|rel)[-._]?)?"
_DATE = r"(?:19|20)[0-9]{2}(?P<separator>[-_])[0-9]{1,2}(?P=separator)[0-9]{1,2}"
_NUMBERS = rf"{_DATE}|[0-9]+(?:\.[0-9]+)*"
_VERSION = re.compile(rf"{_PREFIX}(?P<numbers>{_NUMBERS})(?P<rest>[a-z0-9._+-]*)", re.IGNORECASE | re.ASCII)
_MAX_TAG = 128
_SEPARATORS = re.compile(r"[-._+]")
_RUNS = re.compile(r"[0-9]+|[^0-9]+")

_PRE_RELEASES = {
    "dev": 0,
    "nightly": 0,
    "canary": 0,
    "unstable": 0,
    "experimental": 0,
    "insiders": 0,
    "next": 0,
    "ea": 1,
    "alpha": 1,
    "beta": 2,
    "milestone": 3,
    "pre": 4,
    "prerelease": 4,
    "preview": 4,
    "rc": 5,
    "cr": 5,
    "snapshot": 6,
}
_SHORT_PRE_RELEASES = {"a": 1, "b": 2, "m": 3, "c": 5}
_SHORT_NUMBER = 3
_REVISIONS = frozenset(["r", "rev", "p", "patch", "post", "hotfix", "sp", "u", "bp", "build"])
_WORD_AND_NUMBER = re.compile(r"([a-z]+)([0-9]*)")

# What may stand right behind the numbers, without a separator. A commit such as 1a2b3c4 must not look like a version.
_ATTACHED_TO_ANY = re.compile(r"(?:alpha|beta|rc|cr|dev|pre|post)[0-9]*|[uprt][0-9]+z?")
_ATTACHED_TO_DOTTED = re.compile(r"[a-z][0-9]*")

_PRE_RELEASE, _VARIANT, _PLAIN, _REVISION = range(4)

_Part = tuple[int, int, str]


class Version(NamedTuple):
    """What a tag says about its place among versions; compares as versions do.

    :ivar numbers: without the zeros at the end: 1.0 and 1.0.0 are one version
    :ivar stage: pre-release, variant, the version itself, or packaged again, in this order
    :ivar parts: what follows the numbers, numbers before words
    :ivar precision: how many numbers were written: of 1.0 and 1.0.0 the second comes later
    :ivar text: the tag, so that no two tags are equal
    """

    numbers: tuple[int, ...]
    stage: int
    parts: tuple[_Part, ...]
    precision: int
    text: str


def version_of(tag: str) -> Version | None:
    """Read a tag as a version; None when it is none."""
    found = _VERSION.fullmatch(tag) if len(tag) <= _MAX_TAG else None
    if not found:
        return None
    rest = found.group("rest").lower()
    words = [word for word in _SEPARATORS.split(rest) if word]
    if rest and not _SEPARATORS.match(rest):
        attachable = _ATTACHED_TO_ANY.fullmatch(words[0])
        if not attachable and "." in found.group("numbers"):
            attachable = _ATTACHED_TO_DOTTED.fullmatch(words[0])
        if not attachable:
            return None
    numbers = [int(number) for number in _SEPARATORS.split(found.group("numbers"))]
    precision = len(numbers)
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    parts = tuple(part for word in words for part in _parts(word))
    return Version(tuple(numbers), _stage(words), parts, precision, tag)


def is_pre_release(tag: str) -> bool:
    """Return whether a tag is a version before a release, such as 1.0-rc.1 or 1.0-beta-alpine."""
    version = version_of(tag)
    return version is not None and version.stage == _PRE_RELEASE


def _stage(words: list[str]) -> int:
    if not words:
        return _PLAIN
    if any(_pre_release(word) is not None for word in words):
        return _PRE_RELEASE
    found = _WORD_AND_NUMBER.fullmatch(words[0])
    again = words[0].isdigit() or (found is not None and found.group(1) in _REVISIONS)
    return _REVISION if again else _VARIANT


def _pre_release(word: str) -> tuple[int, str] | None:
    """Return the rank of ``rc2`` among pre-releases and its number; None when the word names none."""
    found = _WORD_AND_NUMBER.fullmatch(word)
    if not found:
        return None
    name, number = found.groups()
    rank = _PRE_RELEASES.get(name)
    if rank is None and 0 < len(number) <= _SHORT_NUMBER:
        rank = _SHORT_PRE_RELEASES.get(name)
    return None if rank is None else (rank, number)


def _parts(word: str) -> Iterable[_Part]:
    """Split a word into parts that compare as they should: numbers by value and before words, pre-releases by rank."""
    ranked = _pre_release(word)
    if ranked is not None:
        rank, number = ranked
        yield (1, rank, "")
        if number:
            yield (0, int(number), "")
        return
    for run in _RUNS.findall(word):
        yield (0, int(run), "") if run.isdigit() else (2, 0, run)


def in_version_order(tags: Iterable[str]) -> list[str]:
    """Return each tag once: versions from the oldest to the newest, then what is no version in the order it came."""
    versions: list[Version] = []
    others: list[str] = []
    for tag in dict.fromkeys(tags):
        version = version_of(tag)
        if version is None:
            others.append(tag)
        else:
            versions.append(version)
    return [version.text for version in sorted(versions)] + others


def newest(tags: Iterable[str], count: int) -> list[str]:
    """Return the newest versions among the tags, so many of them, and every tag that is no version.

    The order is that of :func:`in_version_order`.
    """
    ordered = in_version_order(tags)
    versions = [tag for tag in ordered if version_of(tag) is not None]
    return versions[max(len(versions) - count, 0) :] + ordered[len(versions) :]
