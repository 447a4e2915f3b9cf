# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``prune`` of a rule: which tags of its destinations are deleted, and how many at most. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..._oci.errors import InputError
from .repository_patterns import Wildcard, fill_tag, is_template
from .user_input import Field, check_keys

if TYPE_CHECKING:
    from .grammar import Destination
    from .re2.syntax import TagPattern

_KEYS = ("keep", "outdated", "max_share", "max_total", "repositories", "max_repositories")
_FORM = "write true, false, or a mapping such as {keep: ..., max_share: 10}"
_PATTERN_FORM = "write a regular expression, or a list of them, that matches whole tags of the destination"
_PLACE = "{tag}"
_MOST = 1_000_000


@dataclass(frozen=True)
class Prune:
    """What a rule deletes at its destinations once its source does not have it any more.

    :ivar keep: tags of a destination that are never deleted, when one of these matches the whole tag
    :ivar outdated: delete also what the source has and ``newest`` leaves out
    :ivar max_share: percent of a repository's tags that may go in one run
    :ivar max_total: tags that may go in one run, of all repositories together; the least of all rules counts
    :ivar repositories: delete whole repositories, too, that a project of the source does not have any more
    :ivar max_repositories: of these in one run; the least of all rules counts
    """

    keep: tuple[TagPattern, ...] = ()
    outdated: bool = False
    max_share: int = 10
    max_total: int = 50
    repositories: bool = False
    max_repositories: int = 1

    def keeps(self, tag: str) -> bool:
        """Return whether a tag of a destination is never deleted."""
        return any(pattern.fullmatch(tag) for pattern in self.keep)

    def may_go(self, tags: int, added: int) -> int:
        """Return how many of so many tags of a repository may be deleted: one always, but never the last.

        :param added: tags that the run brings there; they are no part of the share
        """
        return min(max(1, tags * self.max_share // 100), tags + added - 1)

    def as_option(self) -> Any:
        """Return it as it is written in a rule."""
        plain = Prune()
        option: dict[str, Any] = {"keep": [pattern.pattern for pattern in self.keep]} if self.keep else {}
        for name in _KEYS[1:]:
            if getattr(self, name) != getattr(plain, name):
                option[name] = getattr(self, name)
        return option or True


def parse_prune(value: object, origin: str) -> Prune | None:
    """Return what a rule deletes; None for nothing.

    :param origin: where the rule stands, as messages say it: ``images[0]``
    :raises InputError: for what cannot be meant
    """
    if value is None or value is False:
        return None
    if value is True:
        return Prune()
    field = Field("prune", origin)
    if isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
        return Prune() if value.lower() in ("true", "yes") else None
    if not isinstance(value, Mapping):
        raise field.refusal(value, "it is neither true nor false, and no mapping", _FORM)
    check_keys(value, _KEYS, f"the prune of {origin}")
    return Prune(
        keep=_patterns(value.get("keep"), Field("prune.keep", origin)),
        outdated=_flag(value, "outdated", origin),
        max_share=_number(value, "max_share", origin, 100),
        max_total=_number(value, "max_total", origin, _MOST),
        repositories=_flag(value, "repositories", origin),
        max_repositories=_number(value, "max_repositories", origin, _MOST),
    )


def _patterns(value: object, field: Field) -> tuple[TagPattern, ...]:
    from .re2.syntax import TagPattern  # few rules have expressions

    patterns = []
    for text in [] if value is None else field.texts(value, _PATTERN_FORM):
        if not text:
            raise field.refusal(text, "it is empty and matches no tag", _PATTERN_FORM)
        try:
            patterns.append(TagPattern.parse(text))
        except InputError as fault:
            raise field.wrapped(text, fault) from None
    return tuple(patterns)


def _flag(prune: Mapping[object, object], name: str, origin: str) -> bool:
    value = prune.get(name, False)
    if not isinstance(value, bool):
        raise Field(f"prune.{name}", origin).refusal(value, "it is neither true nor false", "write true or false")
    return value


def _number(prune: Mapping[object, object], name: str, origin: str, most: int) -> int:
    value = prune.get(name, getattr(Prune, name))
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Field(f"prune.{name}", origin).refusal(value, "it is no such number", f"write a number from 0 to {most}")
    return value


def source_tag(destination: Destination, tag: str) -> str | None:
    """Return the one tag of the source that has this tag at a destination; None where none has."""
    template = destination.tag_template or _PLACE
    places = template.count(_PLACE)
    length, rest = divmod(len(tag) - len(template) + places * len(_PLACE), places)
    if destination.tags is not None or rest or length < 1:
        return None
    start = template.index(_PLACE)
    found = tag[start : start + length]
    return found if fill_tag(template, found) == tag else None


def leads_back(destination: Destination, wildcard: Wildcard) -> bool:
    """Return whether every repository at a destination of many leads back to one repository of the source."""
    beginning, placeholder, end = _parts(destination)
    if "/" not in beginning or is_template(beginning + end):
        return False
    return placeholder in ("", "repository", "path") or (placeholder == "name" and not wildcard.deep)


def source_repository(destination: Destination, wildcard: Wildcard, path: str) -> str | None:
    """Return the path of the one repository of the source that has this path at a destination; None where none has."""
    beginning, placeholder, end = _parts(destination)
    if not (path.startswith(beginning) and path.endswith(end)) or len(path) <= len(beginning) + len(end):
        return None
    found = path[len(beginning) : len(path) - len(end)]
    before = {"repository": "", "path": wildcard.prefix.partition("/")[0] + "/"}.get(placeholder, wildcard.beginning)
    return before + found if wildcard.covers(before + found) else None


def _parts(destination: Destination) -> tuple[str, str, str]:
    """Return what is before a destination's placeholder, the placeholder, and what is behind it."""
    beginning, brace, rest = destination.repository.partition("{")
    if not brace:
        return f"{beginning}/", "", ""
    placeholder, _brace, end = rest.partition("}")
    return beginning, placeholder, end
