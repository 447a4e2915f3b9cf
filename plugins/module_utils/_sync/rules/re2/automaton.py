# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions run as RE2 runs them: all ways at once, in a time that grows with the text and never explodes.

Tags come from other people's registries, and a backtracking matcher can take years over ``^([0-9a-f]+-?)+$`` and a
signature's tag. The expression becomes a non-deterministic automaton (Thompson's construction); the sets of states that
it passes through are kept, so that most characters of most tags cost a look into a table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar, Union

Ranges = tuple[tuple[str, str], ...]
"""The first and the last character of each range."""

_LAST = chr(sys.maxunicode)
_CASE = ord("a") - ord("A")


def inverted(ranges: Iterable[tuple[str, str]]) -> Ranges:
    """Return all characters that are in none of the ranges."""
    found = []
    at = 0
    for first, last in sorted(ranges):
        if at < ord(first):
            found.append((chr(at), chr(ord(first) - 1)))
        at = max(at, ord(last) + 1)
    if at <= sys.maxunicode:
        found.append((chr(at), _LAST))
    return tuple(found)


def without_case(ranges: Iterable[tuple[str, str]]) -> Ranges:
    """Return the same characters, and of every ASCII letter among them the other case too."""
    found = list(ranges)
    for first, last in tuple(found):
        for start, end, distance in (("a", "z", -_CASE), ("A", "Z", _CASE)):
            low, high = max(first, start), min(last, end)
            if low <= high:
                found.append((chr(ord(low) + distance), chr(ord(high) + distance)))
    return tuple(found)


def _pairs(text: str) -> Ranges:
    return tuple(zip(text[::2], text[1::2]))


ANY: Ranges = (("\0", _LAST),)
NO_NEWLINE = inverted(_pairs("\n\n"))

POSIX = {
    "alnum": _pairs("09AZaz"),
    "alpha": _pairs("AZaz"),
    "ascii": _pairs("\0\x7f"),
    "blank": _pairs("\t\t  "),
    "cntrl": _pairs("\0\x1f\x7f\x7f"),
    "digit": _pairs("09"),
    "graph": _pairs("!~"),
    "lower": _pairs("az"),
    "print": _pairs(" ~"),
    "punct": _pairs("!/:@[`{~"),
    "space": _pairs("\t\r  "),
    "upper": _pairs("AZ"),
    "word": _pairs("09AZ__az"),
    "xdigit": _pairs("09AFaf"),
}
PERL = {"d": POSIX["digit"], "w": POSIX["word"], "s": _pairs("\t\n\f\r  ")}
PERL.update({name.upper(): inverted(ranges) for name, ranges in tuple(PERL.items())})

_MAX_STATES = 10_000
_MAX_KNOWN = 5_000
_MATCH = 0

_Key = TypeVar("_Key")

_EDGE, _NEWLINE, _WORD, _OTHER = range(4)


class TooLargeError(ValueError):
    """The expression needs more states than there may be."""


@dataclass(frozen=True)
class Chars:
    """One character out of some."""

    ranges: Ranges


@dataclass(frozen=True)
class Where:
    """A place between characters.

    :ivar name: ``start``, ``end``, ``line start``, ``line end``, ``word edge`` or ``no word edge``
    """

    name: str

    def holds(self, before: int, after: int) -> bool:
        """Return whether this is the place between two kinds of characters."""
        if self.name == "start":
            return before == _EDGE
        if self.name == "end":
            return after == _EDGE
        if self.name == "line start":
            return before in (_EDGE, _NEWLINE)
        if self.name == "line end":
            return after in (_EDGE, _NEWLINE)
        return ((before == _WORD) != (after == _WORD)) == (self.name == "word edge")


@dataclass(frozen=True)
class Chain:
    """One thing after another."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """One thing or another."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """A thing again and again.

    :ivar most: None when there is no end to it
    """

    item: Node
    least: int
    most: int | None


Node = Union[Chars, Where, Chain, Choice, Repeat]


@dataclass
class _State:
    """A state of the automaton: what it asks for (None asks for nothing), and the states behind it."""

    asks: Chars | Where | None
    following: tuple[int, ...]


class Automaton:
    """An expression made ready to run."""

    def __init__(self, node: Node) -> None:
        """Build the automaton; an expression that needs too many states is a TooLargeError."""
        self._states = [_State(None, ())]
        self._start = self._build(node, _MATCH)
        self._entered: dict[tuple[frozenset[int], int, int], frozenset[int]] = {}
        self._stepped: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def search(self, text: str) -> bool:
        """Return whether the expression matches anywhere in the text."""
        return self._run(text, whole=False)

    def fullmatch(self, text: str) -> bool:
        """Return whether the expression matches the whole text."""
        return self._run(text, whole=True)

    # -- building, from the end to the beginning

    def _add(self, asks: Chars | Where | None, *following: int) -> int:
        if len(self._states) >= _MAX_STATES:
            raise TooLargeError
        self._states.append(_State(asks, following))
        return len(self._states) - 1

    def _build(self, node: Node, following: int) -> int:
        """Build the states of a node in front of the state that follows it; gives the first of them."""
        if isinstance(node, Chain):
            for item in reversed(node.items):
                following = self._build(item, following)
            return following
        if isinstance(node, Choice):
            return self._add(None, *(self._build(item, following) for item in node.items))
        if isinstance(node, Repeat):
            return self._build_repeat(node, following)
        return self._add(node, following)

    def _build_repeat(self, node: Repeat, following: int) -> int:
        first = following
        if node.most is None:
            first = self._add(None)
            self._states[first].following = (self._build(node.item, first), following)
        else:
            for _time in range(node.most - node.least):
                first = self._add(None, self._build(node.item, first), following)
        for _time in range(node.least):
            first = self._build(node.item, first)
        return first

    # -- running

    def _run(self, text: str, *, whole: bool) -> bool:
        start = frozenset([self._start])
        states: frozenset[int] = frozenset()
        before = _EDGE
        for index in range(len(text) + 1):
            char = text[index : index + 1]
            after = _kind(char)
            if index == 0 or not whole:
                states = states | start
            states = self._enter(states, before, after)
            if _MATCH in states and not (whole and char):
                return True
            states = self._step(states, char)
            before = after
        return False

    def _enter(self, states: frozenset[int], before: int, after: int) -> frozenset[int]:
        """Go on from these states without reading; gives those that ask for a character, and the match."""
        key = (states, before, after)
        known = self._entered.get(key)
        if known is None:
            known = self._kept(self._entered, key, self._reach(states, before, after))
        return known

    def _reach(self, states: Iterable[int], before: int, after: int) -> frozenset[int]:
        seen = set(states)
        ahead = list(seen)
        found = set()
        while ahead:
            number = ahead.pop()
            state = self._states[number]
            if number == _MATCH or isinstance(state.asks, Chars):
                found.add(number)
            elif state.asks is None or state.asks.holds(before, after):
                fresh = [following for following in state.following if following not in seen]
                seen.update(fresh)
                ahead.extend(fresh)
        return frozenset(found)

    def _step(self, states: frozenset[int], char: str) -> frozenset[int]:
        """Read one character; none at all leads nowhere."""
        key = (states, char)
        known = self._stepped.get(key)
        if known is None:
            reached = (self._states[number] for number in states)
            takes = (state.following for state in reached if isinstance(state.asks, Chars) and _among(char, state.asks))
            known = self._kept(self._stepped, key, frozenset(number for following in takes for number in following))
        return known

    @staticmethod
    def _kept(known: dict[_Key, frozenset[int]], key: _Key, value: frozenset[int]) -> frozenset[int]:
        if len(known) >= _MAX_KNOWN:
            known.clear()
        known[key] = value
        return value


def _among(char: str, chars: Chars) -> bool:
    return bool(char) and any(first <= char <= last for first, last in chars.ranges)


def _kind(char: str) -> int:
    if not char:
        return _EDGE
    if char == "\n":
        return _NEWLINE
    return _WORD if char == "_" or (char.isascii() and char.isalnum()) else _OTHER
