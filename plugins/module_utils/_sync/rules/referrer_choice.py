# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``referrers``: whether what refers to an image is copied with it, and which kinds of it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..._oci.errors import InputError
from .user_input import Field, check_keys

if TYPE_CHECKING:
    from .re2.syntax import TagPattern

_KEYS = ("types", "exclude", "unchanged")
_FORM = "write true, false, or {types: [...], exclude: [...], unchanged: true}"


@dataclass(frozen=True)
class ReferrerChoice:
    """Which referrers of an image are copied.

    :ivar enabled: whether any are
    :ivar types: patterns, one of which has to match the whole artifact type; empty takes every type
    :ivar exclude: patterns of types that are left out all the same
    :ivar unchanged: compare the referrers of an image, too, that the destination has already
    """

    enabled: bool = True
    types: tuple[TagPattern, ...] = ()
    exclude: tuple[TagPattern, ...] = ()
    unchanged: bool = True

    @property
    def by_type(self) -> bool:
        """Return whether types decide what is copied."""
        return bool(self.types or self.exclude)

    def takes(self, artifact_type: str) -> bool:
        """Return whether referrers of this type are copied."""
        taken = not self.types or any(pattern.fullmatch(artifact_type) for pattern in self.types)
        return taken and not any(pattern.fullmatch(artifact_type) for pattern in self.exclude)

    def as_option(self) -> Any:
        """Return it as it is written in a rule."""
        if not self.by_type and self.unchanged:
            return self.enabled
        patterns = {"types": self.types, "exclude": self.exclude}
        written = {name: [one.pattern for one in given] for name, given in patterns.items() if given}
        return {**written, "unchanged": self.unchanged}


ALL = ReferrerChoice()
NONE = ReferrerChoice(enabled=False)


def parse_referrers(value: object, origin: str) -> ReferrerChoice | None:
    """Return what an option says; None when it says nothing.

    :param value: true, false, or a mapping with ``types``, ``exclude`` and ``unchanged``
    :param origin: where it stands, as messages say it: ``images[0]``
    :raises InputError: for anything else
    """
    field = Field("referrers", origin)
    if value is None:
        return None
    if isinstance(value, bool):
        return ALL if value else NONE
    if isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
        return ALL if value.lower() in ("true", "yes") else NONE
    if not isinstance(value, Mapping):
        raise field.refusal(value, "it is neither true nor false, and no mapping", _FORM)
    check_keys(value, _KEYS, f"the referrers of {origin}")
    unchanged = value.get("unchanged", True)
    if not isinstance(unchanged, bool):
        raise Field("referrers.unchanged", origin).refusal(
            unchanged, "it is neither true nor false", "write true or false"
        )
    types, exclude = (_types(value.get(name), Field(f"referrers.{name}", origin)) for name in ("types", "exclude"))
    return ReferrerChoice(types=types, exclude=exclude, unchanged=unchanged)


def _types(value: object, field: Field) -> tuple[TagPattern, ...]:
    from .re2.syntax import TagPattern  # few rules have expressions

    patterns = []
    for text in [] if value is None else field.texts(value, "write a list of regular expressions"):
        try:
            patterns.append(TagPattern.parse(text))
        except InputError as fault:
            raise field.wrapped(text, fault) from None
    return tuple(patterns)
