# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions that tags are in, as the option ``semver`` has them. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .semver import Range, SemanticVersion, parse_tag
from .versions import is_pre_release

ANY_SUFFIX = "any"

_NUMBERS_AND_SUFFIX = re.compile(r"(v?[0-9]+(?:\.[0-9]+){0,2})(?:[-._].*)?")
_SEPARATORS = "-._"


@dataclass(frozen=True)
class TagRange:
    """A range of versions, and what stands behind the version in the tags that it means.

    :ivar suffix: what a tag ends with, such as ``alpine``; empty for nothing, ``any`` for anything or nothing
    """

    range: Range
    suffix: str = ""

    def takes(self, tag: str) -> bool:
        """Return whether a tag is a version in the range, with the suffix."""
        version = self.version_of(tag)
        return version is not None and self.range.admits(version)

    def version_of(self, tag: str) -> SemanticVersion | None:
        """Return the version that a tag is without the suffix; None when it is none, or has another suffix.

        With ``any``, a pre-release stays one: 1.28.0-rc.1-alpine is not 1.28.0.
        """
        if not self.suffix:
            return parse_tag(tag)
        if self.suffix != ANY_SUFFIX:
            without = tag[: -len(self.suffix)] if tag.endswith(self.suffix) else ""
            return parse_tag(without[:-1] if without[-1:] in _SEPARATORS else without) if without else None
        found = _NUMBERS_AND_SUFFIX.fullmatch(tag)
        if found is None:
            return None
        return parse_tag(tag if is_pre_release(tag) else found[1])

    def as_option(self) -> Any:
        """Return it as it is written in the option ``semver``."""
        return {"range": self.range.text, "suffix": self.suffix} if self.suffix else self.range.text
