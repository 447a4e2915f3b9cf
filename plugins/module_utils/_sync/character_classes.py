# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of characters as ranges, and the ones that have a name in RE2: all of ASCII only."""

from __future__ import annotations

import sys
from collections.abc import Iterable

Ranges = tuple[tuple[str, str], ...]
"""The first and the last character of each range."""

_LAST = chr(sys.maxunicode)
_CASE = ord("a") - ord("A")


def inverted(ranges: Iterable[tuple[str, str]]) -> Ranges:
    """Give all characters that are in none of the ranges."""
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
    """Give the same characters, and of every ASCII letter among them the other case too."""
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
