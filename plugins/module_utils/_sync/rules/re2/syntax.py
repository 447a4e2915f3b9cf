# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions over tags: RE2's syntax, which image-syncer has (https://github.com/google/re2/wiki/Syntax).

What only RE2 has of it (Unicode classes, ``\\Q``, ``(?U)``) and what only other languages have (lookaround,
backreferences) is refused by name. Nothing asks what a group caught or which of several matches is meant, so groups
only group and ``*?`` is ``*``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from ...._oci.errors import InputError
from ...._oci.image.reference import quoted
from .automaton import (
    ANY,
    NO_NEWLINE,
    PERL,
    POSIX,
    Automaton,
    Chain,
    Chars,
    Choice,
    Node,
    Ranges,
    Repeat,
    TooLargeError,
    Where,
    inverted,
    without_case,
)

_MAX_LENGTH = 1000
_MAX_DEPTH = 50
_MAX_REPEAT = 1000

_CONTROLS = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_PLACES = {"A": "start", "z": "end", "b": "word edge", "B": "no word edge"}

_OPERATORS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}

_CLASS_NAME = re.compile(r"\[:(\^?)([a-z]*):\]")
_COUNT = re.compile(r"\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}")
_FLAGS = re.compile(r"\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])")
_NAMED_GROUP = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_HEX = re.compile(r"\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})")
_OCTAL = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_NOT_RE2 = (
    ("(?=", "lookahead"),
    ("(?!", "negative lookahead"),
    ("(?<=", "lookbehind"),
    ("(?<!", "negative lookbehind"),
    ("(?P=", "a backreference"),
    ("(?P>", "recursion"),
    ("(?(", "a conditional"),
    ("(?#", "a comment"),
    ("(?>", "an atomic group"),
)
_RE2_ONLY = {"p": "a Unicode class", "P": "a Unicode class", "Q": "quoted text", "C": "a single byte"}


@dataclass(frozen=True)
class TagPattern:
    """A regular expression over tags, in RE2's syntax.

    :ivar pattern: as it was written
    """

    pattern: str
    _automaton: Automaton = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> TagPattern:
        """Take RE2 syntax; anything else is an InputError."""
        node = _Parser(text).parse()
        try:
            return cls(text, Automaton(node))
        except TooLargeError:
            raise _refusal(text, "it stands for too much") from None

    def search(self, tag: str) -> bool:
        """Return whether it matches anywhere in the tag."""
        return self._automaton.search(tag)

    def fullmatch(self, tag: str) -> bool:
        """Return whether it matches the whole tag."""
        return self._automaton.fullmatch(tag)


def _refusal(text: str, cause: str, hint: str = "") -> InputError:
    return InputError(
        subject=f"the regular expression {quoted(text)}", cause=cause, hint=hint or "write it in RE2's syntax"
    )


@dataclass
class _Group:
    """A group that is open.

    :ivar outside: the flags that hold again behind it
    :ivar choices: what stands between its ``|``, as far as it is read
    :ivar repeat: the largest count of repetitions inside it
    """

    outside: frozenset[str]
    choices: list[list[Node]]
    repeat: int = 1

    def node(self) -> Node:
        return Choice(tuple(Chain(tuple(items)) for items in self.choices))


class _Parser:
    """One pass over an expression, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._flags: frozenset[str] = frozenset()
        self._groups = [_Group(self._flags, [[]])]
        self._names: set[str] = set()

    def parse(self) -> Node:
        if len(self._text) > _MAX_LENGTH:
            self._refuse(f"it is longer than {_MAX_LENGTH} characters")
        while self._at < len(self._text):
            inner = self._piece()
            if inner:
                self._repetition(inner)
        if len(self._groups) > 1:
            self._refuse("a '(' is not closed")
        return self._groups[0].node()

    def _refuse(self, cause: str, hint: str = "") -> NoReturn:
        raise _refusal(self._text, cause, hint)

    def _push(self, node: Node, length: int) -> None:
        self._groups[-1].choices[-1].append(node)
        self._at += length

    def _piece(self) -> int:
        """Read one piece. Gives how often what is in it may already be repeated; 0 when it cannot be repeated."""
        char = self._text[self._at]
        if char == "(":
            self._open_group()
            return 0
        if char == ")":
            return self._close_group()
        if char == "|":
            self._groups[-1].choices.append([])
            self._at += 1
            return 0
        if char in "*+?" or (char == "{" and _COUNT.match(self._text, self._at)):
            self._refuse(f"{quoted(char)} has nothing to repeat", "to match everything write .*")
        if char == "[":
            self._class()
        elif char == ".":
            self._push(Chars(ANY if "s" in self._flags else NO_NEWLINE), 1)
        elif char == "^":
            self._push(Where("line start" if "m" in self._flags else "start"), 1)
        elif char == "$":
            self._push(Where("line end" if "m" in self._flags else "end"), 1)
        elif char == "\\":
            self._escape()
        else:
            self._push(self._chars(((char, char),)), 1)
        return 1

    def _chars(self, ranges: Ranges) -> Chars:
        return Chars(without_case(ranges) if "i" in self._flags else ranges)

    # -- repetitions

    def _repetition(self, inner: int) -> None:
        """Read the ``*``, ``+``, ``?`` or ``{n,m}`` that may follow a piece, lazy or not."""
        length, least, most = self._operator()
        count = max(least, most or 0, 1) * inner
        if length:
            if count > _MAX_REPEAT:
                self._refuse(f"it repeats something more than {_MAX_REPEAT} times")
            self._push(Repeat(self._groups[-1].choices[-1].pop(), least, most), length)
            if self._text.startswith("?", self._at):
                self._at += 1
            if self._operator()[0]:
                known = "a possessive repetition" if self._text[self._at] == "+" else "a repetition of a repetition"
                self._refuse(f"{known} is not known to RE2")
        self._groups[-1].repeat = max(self._groups[-1].repeat, count)

    def _operator(self) -> tuple[int, int, int | None]:
        """Look for a repetition here. Gives its length, which is 0 when there is none, its least and its most."""
        char = self._text[self._at : self._at + 1]
        if char in _OPERATORS:
            return (1, *_OPERATORS[char])
        found = _COUNT.match(self._text, self._at)
        if not found:
            return 0, 1, 1
        least = self._count(found.group(1))
        most = self._count(found.group(3)) if found.group(3) else None if found.group(2) else least
        if most is not None and most < least:
            self._refuse(f"{found.group()} counts backwards")
        return len(found.group()), least, most

    def _count(self, digits: str) -> int:
        if len(digits) > len(str(_MAX_REPEAT)) or int(digits) > _MAX_REPEAT:
            self._refuse(f"it repeats something more than {_MAX_REPEAT} times")
        return int(digits)

    # -- groups

    def _open_group(self) -> None:
        for start, name in _NOT_RE2:
            if self._text.startswith(start, self._at):
                self._refuse(
                    f"{quoted(start)} is {name}, which RE2 does not have", "tags.exclude can name what must not match"
                )
        if not self._text.startswith("(?", self._at):
            self._begin(1, self._flags)
            return
        named = _NAMED_GROUP.match(self._text, self._at)
        if named:
            if named.group(1) in self._names:
                self._refuse(f"two groups are called {named.group(1)}")
            self._names.add(named.group(1))
            self._begin(len(named.group()), self._flags)
            return
        found = _FLAGS.match(self._text, self._at)
        if not found:
            self._refuse("a group begins with (? and nothing that is known follows")
        flags = self._new_flags(found.group(1), found.group(2))
        if found.group(3) == ":":
            self._begin(len(found.group()), flags)
        else:
            self._flags = flags
            self._at += len(found.group())

    def _begin(self, length: int, flags: frozenset[str]) -> None:
        if len(self._groups) > _MAX_DEPTH:
            self._refuse(f"its groups are nested more than {_MAX_DEPTH} deep")
        self._groups.append(_Group(self._flags, [[]]))
        self._flags = flags
        self._at += length

    def _close_group(self) -> int:
        if len(self._groups) == 1:
            self._refuse("a ')' closes nothing")
        group = self._groups.pop()
        self._flags = group.outside
        self._push(group.node(), 1)
        return group.repeat

    def _new_flags(self, on: str, off: str | None) -> frozenset[str]:
        if off == "":
            self._refuse("a '-' among flags is followed by none")
        for flag in on + (off or ""):
            if flag == "U":
                self._refuse('"(?U)" (ungreedy) is known to RE2 only', "write *? and +? instead")
            if flag not in "ims":
                self._refuse(f"the flag {quoted(flag)} is not known to RE2", "i, m and s are")
        return (self._flags | frozenset(on)) - frozenset(off or "")

    # -- escapes and classes

    def _escape(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if following in PERL:
            self._push(self._chars(PERL[following]), 2)
        elif following in _PLACES:
            self._push(Where(_PLACES[following]), 2)
        else:
            char, length = self._escaped()
            self._push(self._chars(((char, char),)), length)

    def _escaped(self) -> tuple[str, int]:
        """Read an escape that stands for one character: that, and the length of the escape."""
        following = self._text[self._at + 1 : self._at + 2]
        found = _HEX.match(self._text, self._at) or _OCTAL.match(self._text, self._at)
        if found:
            digits, base = (found.group(1), 8) if found.re is _OCTAL else (found.group(1) or found.group(2), 16)
            if int(digits, base) > 0x10FFFF:
                self._refuse(f"{found.group()} is no character")
            return chr(int(digits, base)), len(found.group())
        if following in _CONTROLS:
            return _CONTROLS[following], 2
        if not following or not following.isascii() or following.isalnum():
            self._refuse_escape(following)
        return following, 2

    def _refuse_escape(self, following: str) -> NoReturn:
        if not following:
            self._refuse("it ends with a '\\'")
        escape = quoted(f"\\{following}")
        if following in _RE2_ONLY:
            self._refuse(f"{escape} ({_RE2_ONLY[following]}) is known to RE2 only", "write the characters themselves")
        if following == "Z":
            self._refuse(f"{escape} is not known to RE2", "write \\z or $ for the end")
        if following.isdigit():
            self._refuse(f"{escape} is a backreference, which RE2 does not have")
        self._refuse(f"{escape} is not known to RE2")

    def _class(self) -> None:
        """Read ``[...]``."""
        self._at += 1
        negated = self._text.startswith("^", self._at)
        self._at += negated
        members: list[tuple[str, str]] = []
        while not members or not self._text.startswith("]", self._at):
            if self._at >= len(self._text):
                self._refuse("a '[' is not closed")
            members.extend(self._named_members() or (self._range(),))
        ranges = self._chars(tuple(members)).ranges
        self._push(Chars(inverted(ranges) if negated else ranges), 1)

    def _named_members(self) -> Ranges:
        """Read ``[:alpha:]`` or ``\\d`` inside a class; nothing when there is none here."""
        found = _CLASS_NAME.match(self._text, self._at)
        if found:
            if found.group(2) not in POSIX:
                self._refuse(f"{found.group()} is no class of characters", f"there are {', '.join(POSIX)}")
            self._at += len(found.group())
            return inverted(POSIX[found.group(2)]) if found.group(1) else POSIX[found.group(2)]
        following = self._text[self._at + 1 : self._at + 2]
        if self._text[self._at] == "\\" and following in PERL:
            self._at += 2
            return PERL[following]
        return ()

    def _range(self) -> tuple[str, str]:
        first = self._member()
        if not self._text.startswith("-", self._at) or self._text[self._at + 1 : self._at + 2] in ("", "]"):
            return first, first
        self._at += 1
        last = self._member()
        if last < first:
            self._refuse(f"the range {quoted(f'{first}-{last}')} runs backwards")
        return first, last

    def _member(self) -> str:
        char, length = self._escaped() if self._text[self._at] == "\\" else (self._text[self._at], 1)
        self._at += length
        return char
