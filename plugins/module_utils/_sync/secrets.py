# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets that a run knows, kept out of everything it says."""

from __future__ import annotations

import threading
from collections.abc import Iterable

MASK = "********"
_SHORTEST = 3


class Secrets:
    """A set of secret values; any thread may add to it.

    Values shorter than three characters are masked nowhere: replacing every "a" would hide all and protect nothing.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """Remember a secret; an empty one is none."""
        if value:
            with self._lock:
                self._values.add(value)

    def maskable(self) -> list[str]:
        """The secrets of at least three characters, the longest first, so that one inside another is masked last."""
        with self._lock:
            return sorted((value for value in self._values if len(value) >= _SHORTEST), key=len, reverse=True)

    def mask(self, text: str) -> str:
        """Give the text with every secret in it replaced."""
        for value in self.maskable():
            text = text.replace(value, MASK)
        return text

    def occur_in(self, texts: Iterable[str]) -> bool:
        """Whether any secret of at least three characters is a part of any of the texts."""
        joined = "\n".join(texts)
        return any(value in joined for value in self.maskable())
