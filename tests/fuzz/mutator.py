# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes new inputs out of known ones, always the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

LONGEST = 4000
_STRANGE = (
    *"\0\n\r\t \"'\\/:@,;=<>[]{}()*+?|^$#%&~!.-_`",
    "\x7f",
    "\x85",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "\u0130",
    "\u00df",
    "\U0001f600",
    "\u0660",
    "..",
    "../",
    "//",
    "\r\n",
    "%00",
    "%2e%2e",
    "0",
    "-1",
    "1e999",
    "NaN",
    "null",
    "true",
    str(2**31),
    str(2**63),
    "9" * 25,
)
_HALF = "\ud800"
"""Half of a character that takes two; only text that never was bytes can hold it."""


class Mutator:
    """One stream of inputs.

    :param words: what inputs of this kind are made of
    :param halves: whether text may hold surrogates
    """

    def __init__(self, seed: str, words: Sequence[str], *, halves: bool) -> None:
        self._chance = random.Random(seed)
        self._words = words or ("a",)
        self._halves = halves

    def next(self, corpus: Sequence[str]) -> str:
        """A new input out of the corpus."""
        chance = self._chance
        text = chance.choice(corpus)
        for _change in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 8))):
            text = self._changed(text, corpus)
        return text[:LONGEST]

    def _changed(self, text: str, corpus: Sequence[str]) -> str:
        chance = self._chance
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + int(chance.expovariate(0.2)))
        kind = chance.randrange(10)
        if kind == 0:
            return text[:start] + text[end + 1 :]
        if kind == 1:
            return text[:start] + chance.choice(_STRANGE) + text[start:]
        if kind == 2:
            return text[:start] + chance.choice(self._words) + text[start:]
        if kind == 3:
            return text[:start] + chance.choice(self._words) + text[end:]
        if kind == 4:
            return text[:start] + self._character() + text[start + 1 :]
        if kind == 5:
            other = chance.choice(corpus)
            return text[:start] + other[chance.randrange(len(other) + 1) :]
        if kind == 6:
            return text[:start] + text[start:end] * chance.choice((2, 2, 3, 3, 10, 300)) + text[end:]
        if kind == 7:
            return text[:start]
        if kind == 8:
            return text[:start] + text[start:end].swapcase() + text[end:]
        again = chance.randrange(len(text) + 1)
        return text[:again] + text[start:end] + text[again:]

    def _character(self) -> str:
        chance = self._chance
        if self._halves and chance.random() < 0.02:
            return _HALF
        limit = chance.choice((0x80, 0x80, 0x80, 0x100, 0xD800))
        return chr(chance.randrange(limit))
