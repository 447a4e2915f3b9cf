# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Semantic versions (semver.org, version 2.0.0) and ranges of them in npm's syntax, for tags.

A full version and a range mean what npm's package ``semver`` makes of them. Three things are different: 1.27 is read as
1.27.0 and 1 as 1.0.0, where npm knows no version; a ``_`` stands for the ``+`` before build metadata, since no tag has
a ``+``; and a ``*`` right beside a number, which npm drops from ``1.27.3*``, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from ...._oci.errors import InputError
from ...._oci.image.reference import quoted

_NUMBER = r"(?:0|[1-9][0-9]*)"
_WORD = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][A-Za-z0-9-]*)"
_PRE = rf"(?:-(?P<pre>{_WORD}(?:\.{_WORD})*))?"
_BUILD = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_TAG = re.compile(
    rf"v?(?P<major>{_NUMBER})(?:\.(?P<minor>{_NUMBER})(?:\.(?P<patch>{_NUMBER}))?)?{_PRE}(?:[+_]{_BUILD})?"
)
_MAX_NUMBER = 2**53 - 1
_MAX_TAG = 128
_MAX_RANGE = 4096

_ANY_NUMBER = rf"(?:{_NUMBER}|[xX*])"
_PARTIAL = (
    rf"(?P<prefix>[v= ]*)(?P<major>{_ANY_NUMBER})"
    rf"(?:\.(?P<minor>{_ANY_NUMBER})(?:\.(?P<patch>{_ANY_NUMBER}){_PRE})?)?"
)
_WHOLE_PARTIAL = re.compile(_PARTIAL)
_TERM = re.compile(rf"(?P<operator>~>?|\^|[<>]?=?){_PARTIAL}")
_BUILD_METADATA = re.compile(rf"\+{_BUILD}")
_SPACE_AFTER_OPERATOR = re.compile(r"(?P<operator> ?[<>]?=?) ?(?P<version>[v= ]*[0-9xX*])")
_SPACE_AFTER_TILDE = re.compile(r"~>? +")
_SPACE_AFTER_CARET = re.compile(r"\^ +")

_LEADING = ("^", "~", "~>")

_RANGE_FORM = 'write a range as npm does, such as "1.27.x", "^1.2 || ~2.0.3", ">=1.4 <2" or "1.2 - 1.4"'

_Word = tuple[int, int, str]


@dataclass(frozen=True, order=True)
class SemanticVersion:
    """A version; versions compare by precedence (Semantic Versioning 2.0.0, section 11). Build metadata is left out.

    :ivar numbers: major, minor and patch
    :ivar is_release: whether it is no pre-release
    :ivar pre_release: the identifiers of a pre-release: numbers by value and before words
    """

    numbers: tuple[int, int, int]
    is_release: bool = True
    pre_release: tuple[_Word, ...] = ()


@dataclass(frozen=True)
class _Partial:
    """A version in a range, of which numbers may be missing or ``x``.

    :ivar numbers: the numbers that are given, none to three
    :ivar pre_release: of a version with three numbers
    """

    numbers: tuple[int, ...]
    pre_release: tuple[_Word, ...] = ()

    @property
    def lowest(self) -> SemanticVersion:
        """Return the first version that it stands for."""
        padded = (*self.numbers, 0, 0, 0)
        return SemanticVersion((padded[0], padded[1], padded[2]), not self.pre_release, self.pre_release)

    def next(self, position: int) -> SemanticVersion:
        """Return the lowest pre-release of the version after all with these numbers up to a position, 0 for major."""
        numbers = [*self.lowest.numbers]
        numbers[position] += 1
        numbers[position + 1 :] = [0] * (2 - position)
        return SemanticVersion((numbers[0], numbers[1], numbers[2]), is_release=False, pre_release=((0, 0, ""),))


@dataclass(frozen=True)
class _Comparator:
    operator: str
    version: SemanticVersion

    def admits(self, version: SemanticVersion) -> bool:
        return _COMPARISONS[self.operator](version, self.version)


_COMPARISONS: dict[str, Callable[[SemanticVersion, SemanticVersion], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "=": lambda one, other: one == other,
}
_ANY_RELEASE = _Comparator(">=", SemanticVersion((0, 0, 0)))
_NOTHING = _Comparator("<", SemanticVersion((0, 0, 0), is_release=False, pre_release=((0, 0, ""),)))

_Set = tuple[_Comparator, ...]


@dataclass(frozen=True)
class Range:
    """A range of versions in npm's syntax.

    :ivar text: as it was written
    :ivar alternatives: sets of comparators; a version that satisfies all of one set is in the range
    """

    text: str
    alternatives: tuple[_Set, ...]

    @classmethod
    def parse(cls, text: str) -> Range:
        """Take a range; raise InputError for what npm does not take either."""
        if len(text) > _MAX_RANGE:
            raise _no_range(text, f"it is longer than {_MAX_RANGE} characters; write a list of ranges")
        alternatives = tuple(_parse_set(" ".join(part.split()), text) for part in text.split("||"))
        return cls(text, ((),) if () in alternatives else alternatives)

    def admits(self, version: SemanticVersion) -> bool:
        """Return whether a version is in the range.

        A pre-release is only where its own numbers are named with a pre-release: 1.2.4-rc.1 is in ``>1.2.4-alpha`` and
        not in ``>1.2.3``.
        """
        return any(_satisfies(comparators, version) for comparators in self.alternatives)


def parse_tag(tag: str) -> SemanticVersion | None:
    """Take a tag as a version, with or without ``v``, with one to three numbers. Return None when it is none."""
    found = _TAG.fullmatch(tag) if len(tag) <= _MAX_TAG else None
    if found is None:
        return None
    numbers = tuple(int(found[name] or 0) for name in ("major", "minor", "patch"))
    if max(numbers) > _MAX_NUMBER:
        return None
    words = _words(found["pre"])
    return SemanticVersion((numbers[0], numbers[1], numbers[2]), not words, words)


def _words(text: str | None) -> tuple[_Word, ...]:
    return tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in text.split(".")) if text else ()


def _satisfies(comparators: _Set, version: SemanticVersion) -> bool:
    if not all(comparator.admits(version) for comparator in comparators):
        return False
    return version.is_release or any(
        comparator.version.numbers == version.numbers and not comparator.version.is_release
        for comparator in comparators
    )


def _parse_set(part: str, whole: str) -> _Set:
    """Return what has to be true of a version that satisfies one alternative; nothing admits every release."""
    part = _BUILD_METADATA.sub("", part)
    low, _hyphen, high = (_WHOLE_PARTIAL.fullmatch(end.strip()) for end in part.partition(" - "))
    if low and high:
        end = _parts(high) if high["pre"] else _partial(high, whole)  # npm drops whatever stands before a pre-release
        found = [*_at_least(_partial(low, whole)), *_at_most(end)]
    else:
        found = [comparator for term in _terms(part) for comparator in _of_term(term, whole)]
    for comparator in found:
        if max(comparator.version.numbers) > _MAX_NUMBER:
            raise _no_range(whole, "it has a number that is too large for a version")
    return tuple(comparator for comparator in found if comparator != _ANY_RELEASE)


def _terms(part: str) -> list[str]:
    """Return an operator and a version each, without the spaces that may be between them."""
    joined = _SPACE_AFTER_OPERATOR.sub(r"\g<operator>\g<version>", part)
    return _SPACE_AFTER_CARET.sub("^", _SPACE_AFTER_TILDE.sub("~", joined)).split()


def _of_term(term: str, whole: str) -> Sequence[_Comparator]:
    found = _TERM.fullmatch(term)
    if found is None:
        raise _no_range(whole, f"{quoted(term)} is no version with an operator")
    if found["operator"] in _LEADING:
        return _comparators(found["operator"], _parts(found))
    if _has_number_after_x(found):
        raise _no_range(whole, f"{quoted(term)} has a number behind an x")
    return _comparators(found["operator"], _partial(found, whole))


def _has_number_after_x(found: re.Match[str]) -> bool:
    given = [(found[name] or "x").isdigit() for name in ("major", "minor", "patch")]
    return given != sorted(given, reverse=True)


def _partial(found: re.Match[str], whole: str) -> _Partial:
    """Return a version in a range; before all three numbers, a ``v`` is all that may stand."""
    partial = _parts(found)
    if len(partial.numbers) == 3 and found["prefix"] not in ("", "v"):
        raise _no_range(whole, f"{quoted(found[0])} is no version with an operator")
    return partial


def _parts(found: re.Match[str]) -> _Partial:
    numbers: list[int] = []
    for name in ("major", "minor", "patch"):
        text = found[name]
        if text is None or not text.isdigit():
            return _Partial(tuple(numbers))
        numbers.append(int(text))
    return _Partial(tuple(numbers), _words(found["pre"]))


def _no_range(text: str, cause: str) -> InputError:
    return InputError(subject=f"the range {quoted(text)}", cause=cause, hint=_RANGE_FORM)


def _comparators(operator: str, partial: _Partial) -> Sequence[_Comparator]:
    """Return what an operator before a version stands for. None of them admits every release."""
    if not partial.numbers:
        return [_NOTHING] if operator in ("<", ">") else []
    if operator == "^":
        return _caret(partial)
    if operator in _LEADING:
        return _between(partial, 0 if len(partial.numbers) == 1 else 1)
    if operator == ">=":
        return _at_least(partial)
    if operator == "<=":
        return _at_most(partial)
    if len(partial.numbers) == 3:
        return [_Comparator(operator or "=", partial.lowest)]
    return _of_several(operator, partial)


def _of_several(operator: str, partial: _Partial) -> Sequence[_Comparator]:
    """Return the comparators for one or two numbers: ``>1.2`` is what comes after every 1.2, ``1.2`` every 1.2."""
    last = len(partial.numbers) - 1
    if operator == ">":
        return [_Comparator(">=", SemanticVersion(partial.next(last).numbers))]
    if operator == "<":
        return [_Comparator("<", SemanticVersion(partial.lowest.numbers, is_release=False, pre_release=((0, 0, ""),)))]
    return _between(partial, last)


def _at_least(partial: _Partial) -> Sequence[_Comparator]:
    return [_Comparator(">=", partial.lowest)] if partial.numbers else []


def _at_most(partial: _Partial) -> Sequence[_Comparator]:
    if len(partial.numbers) == 3:
        return [_Comparator("<=", partial.lowest)]
    return [_Comparator("<", partial.next(len(partial.numbers) - 1))] if partial.numbers else []


def _between(partial: _Partial, position: int) -> Sequence[_Comparator]:
    """Return the comparators for all from a version to the last with the same numbers up to a position."""
    return [_Comparator(">=", partial.lowest), _Comparator("<", partial.next(position))]


def _caret(partial: _Partial) -> Sequence[_Comparator]:
    """Return the comparators for what changes nothing left of the first number that is not zero."""
    last = len(partial.numbers) - 1
    changing = next((position for position, number in enumerate(partial.numbers) if number), last)
    return _between(partial, changing)
