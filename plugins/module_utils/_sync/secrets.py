# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets that a run knows, kept out of everything it says."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "********"
_SHORTEST = 3
_LONGEST_ENCODED = 256
"""Characters of a secret that is also looked for in other forms. Longer ones are tokens: the same in a URL."""


class Secrets:
    """A set of secret values; any thread may add to it. Their URL-encoded, base64 and JSON forms are secrets too.

    Values shorter than three characters are masked nowhere: replacing every "a" would hide all and protect nothing.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._sorted: list[str] | None = []
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """Remember a secret; an empty one is none."""
        if value:
            with self._lock:
                if value not in self._values:
                    self._values.update(_forms(value))
                    self._sorted = None

    def maskable(self) -> list[str]:
        """The secrets of at least three characters, the longest first, so that one inside another is masked last."""
        with self._lock:
            if self._sorted is None:
                self._sorted = sorted((text for text in self._values if len(text) >= _SHORTEST), key=len, reverse=True)
            return self._sorted

    def mask(self, text: str) -> str:
        """Give the text with every secret in it replaced."""
        for value in self.maskable():
            text = text.replace(value, MASK)
        return text

    def occur_in(self, texts: Iterable[str]) -> bool:
        """Whether any secret of at least three characters is a part of any of the texts."""
        joined = "\n".join(texts)
        return any(value in joined for value in self.maskable())


def _forms(value: str) -> Iterable[str]:
    yield value
    if not _SHORTEST <= len(value) <= _LONGEST_ENCODED:
        return
    raw = value.encode("utf-8", "surrogatepass")
    yield quote(raw, safe="")
    yield quote(raw)
    yield quote_plus(raw)
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
    yield json.dumps(value)[1:-1]
    in_json = json.dumps(value, ensure_ascii=False)[1:-1]
    yield in_json
    yield in_json.replace("\\\\", "\\")  # as errors quote it
