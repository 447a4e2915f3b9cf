# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets planted where they belong, and looked for where they do not: raw, URL-encoded or in base64."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus


class Planted:
    """A set of secrets by name.

    Each has characters that every encoding changes, and a part of its own that is found nowhere else. Those made here
    are also looked for cut off.

    :ivar heard: the names of those that somebody was told
    """

    def __init__(self) -> None:
        self._forms: dict[str, set[str]] = {}
        self._cut: dict[str, set[str]] = {}
        self._number = 0
        self._turn = itertools.count()
        self.heard: set[str] = set()

    def make(self, name: str, user: str = "") -> str:
        """A new secret.

        :param user: whose password it is, for the form that both have together
        """
        self._number += 1
        value = self.add(name, f"{name[:3]}#{self._number}/π\"'\\ %41&+=<{1000003 * self._number:x}>", user)
        self._cut.setdefault(name, set()).add(value[: len(value) * 2 // 3])
        return value

    def add(self, name: str, value: str, user: str = "") -> str:
        """The same for a value that someone else made up."""
        raw = value.encode()
        forms = {
            value,
            quote(value),
            quote(value, safe=""),
            quote_plus(value),
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode(),
        }
        if user:
            forms.add(base64.b64encode(f"{user}:{value}".encode()).decode())
        self._forms.setdefault(name, set()).update(form for form in forms if len(form) > 3)
        return value

    def hear(self, *texts: str) -> None:
        """Note which secrets somebody was told in these texts."""
        together = "\n".join(texts)
        self.heard.update(name for name, forms in self._forms.items() if any(form in together for form in forms))

    def some(self, names: Collection[str] | None = None, *, number: int = 28) -> list[str]:
        """So many forms, the next ones each time: of long errors only the beginning is shown to anybody.

        :param names: the secrets that may be said; None for all
        """
        forms = [form for name in sorted(self._forms if names is None else names) for form in sorted(self._forms[name])]
        start = next(self._turn) * number % max(1, len(forms))
        return (forms + forms)[start : start + number]

    def found_in(self, texts: Iterable[str]) -> list[str]:
        """The names of the secrets that some text holds in some form, with what is around them."""
        found = []
        for text in texts:
            for name, forms in self._forms.items():
                for form in forms | self._cut.get(name, set()):
                    at = text.find(form)
                    if at >= 0:
                        found.append(f"{name}: {text[max(0, at - 60) : at + len(form) + 20]!r}")
        return found

    def found_below(self, directory: Path, *, but: Iterable[Path] = ()) -> list[str]:
        """The same for all files of a directory."""
        left_out = {path.resolve() for path in but}
        files = [path for path in sorted(directory.rglob("*")) if path.is_file() and path.resolve() not in left_out]
        return [
            f"{path.name}: {hit}"
            for path in files
            for hit in self.found_in([path.read_bytes().decode("utf-8", "replace")])
        ]
