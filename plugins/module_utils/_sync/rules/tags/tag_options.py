# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``tags`` as it is written → a filter. No I/O; everything here raises InputError."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from ...._oci.errors import InputError
from ...decisions import NewestBy, Per
from ..user_input import Field, check_keys, nearest
from .tag_filter import Newest, TagFilter

if TYPE_CHECKING:
    from ..re2.syntax import TagPattern
    from .tag_range import TagRange

_KEYS = ("include", "exclude", "semver", "newest", "by", "per", "immutable")
_RANGE_KEYS = ("range", "suffix")
_COUNT = re.compile(r"[0-9]{1,9}")
_SUFFIX = re.compile(r"[A-Za-z0-9._-]{1,128}")
_FORM = "write tags: {include: ..., exclude: ..., semver: ..., newest: ...}"
_PATTERN_FORM = "write a regular expression, or a list of them, that matches whole tags"
_RANGE_FORM = 'write a range such as "1.27.x", {range: "1.27.x", suffix: alpine}, or a list of these'
_SUFFIX_FORM = "write what the tags end with, such as alpine, or any"

_W = TypeVar("_W", bound=Enum)


def parse_tags(value: object, origin: str) -> TagFilter:
    """Take the value of ``tags``; None is a filter that takes all.

    :param origin: the rule or option that it is in, as messages say it: ``images[0]``
    """
    if value is None:
        return TagFilter()
    field = Field("tags", origin)
    if not isinstance(value, Mapping):
        raise field.refusal(value, "it is not a mapping", _FORM)
    check_keys(value, _KEYS, f"the tags of {origin}")
    return TagFilter(
        include=_parse_patterns(value.get("include"), Field("tags.include", origin)),
        exclude=_parse_patterns(value.get("exclude"), Field("tags.exclude", origin)),
        semver=_parse_ranges(value.get("semver"), origin),
        newest=_parse_newest(value, origin),
        immutable=_parse_patterns(value.get("immutable"), Field("tags.immutable", origin)),
    )


def _parse_patterns(value: object, field: Field) -> tuple[TagPattern, ...]:
    if value is None:
        return ()
    from ..re2.syntax import TagPattern  # few rules have expressions

    patterns = []
    for text in field.texts(value, _PATTERN_FORM):
        if not text:
            raise field.refusal(text, "it is empty and matches no tag", _PATTERN_FORM)
        if len(text) > 1 and text.startswith("/") and text.endswith("/"):
            raise field.refusal(text, "no tag has a '/'", "write the regular expression without slashes around it")
        try:
            patterns.append(TagPattern.parse(text))
        except InputError as fault:
            raise field.wrapped(text, fault) from None
    return tuple(patterns)


def _parse_ranges(value: object, origin: str) -> tuple[TagRange, ...]:
    if value is None:
        return ()
    field = Field("tags.semver", origin)
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_parse_range(item, field, origin) for item in items)


def _parse_range(item: object, field: Field, origin: str) -> TagRange:
    suffix = ""
    text = item
    if isinstance(item, Mapping):
        check_keys(item, _RANGE_KEYS, f"the semver of {origin}")
        text = item.get("range")
        suffix = _parse_suffix(item.get("suffix"), Field("tags.semver.suffix", origin))
    written = field.text(text, _RANGE_FORM)
    if not written.strip():
        raise field.refusal(written, "it is empty", 'write "*" for every version that is no pre-release')
    from .semver import Range  # few rules have ranges
    from .tag_range import TagRange

    try:
        return TagRange(Range.parse(written), suffix)
    except InputError as fault:
        raise field.wrapped(written, fault) from None


def _parse_suffix(value: object, field: Field) -> str:
    suffix = "" if value is None else field.text(value, _SUFFIX_FORM)
    if suffix and not _SUFFIX.fullmatch(suffix):
        raise field.refusal(suffix, "no tag ends so", _SUFFIX_FORM)
    return suffix


def _parse_newest(tags: Mapping[object, object], origin: str) -> Newest | None:
    count = _parse_count(tags.get("newest"), Field("tags.newest", origin))
    by = _parse_word(tags.get("by"), NewestBy, Field("tags.by", origin))
    per = _parse_word(tags.get("per"), Per, Field("tags.per", origin))
    if count is None:
        for name, word in (("by", by), ("per", per)):
            if word is not None:
                raise Field(f"tags.{name}", origin).refusal(
                    word.value, "there is no newest that it belongs to", "write newest: a number, too"
                )
        return None
    return Newest(count, by or NewestBy.VERSION, per)


def _parse_count(value: object, field: Field) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and _COUNT.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise field.refusal(value, "it is not a number of versions", "write a whole number of at least 1")
    return value


def _parse_word(value: object, words: type[_W], field: Field) -> _W | None:
    if value is None:
        return None
    known = [str(word.value) for word in words]
    if not isinstance(value, str) or value not in known:
        raise field.refusal(value, "it is not known", nearest(value, known, "there are"))
    return words(value)
