# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON that two readers cannot understand in two ways.

Registries and runtimes are written in Go, whose decoder ignores the case of keys and lets the last of two equal ones
win. What is read here and checked must be what they will read later, so a document in which that could differ is
refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection
from typing import Any

_MAX_DIGITS = 40


class JsonFault(ValueError):
    """The text is not JSON, or not safely so. Its words are a cause, to be put in an error that names the document."""


def loads(raw: bytes, *, unique: Collection[str] = (), once: bool = False) -> Any:
    """Parse bytes as JSON (RFC 8259): UTF-8 without a byte order mark, finite numbers of at most 40 digits.

    :param unique: lower-case keys that no object may have twice, however they are spelled
    :param once: whether no object may have any key twice, in the same spelling
    :raises JsonFault: for everything else, great depth included
    """
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
            object_pairs_hook=_object_maker(unique, once=once),
        )
    except JsonFault:
        raise
    except UnicodeDecodeError as error:
        raise JsonFault(f"it is not UTF-8 text (byte {error.start})") from None
    except RecursionError:
        raise JsonFault("its JSON is nested too deeply") from None
    except ValueError as error:
        raise JsonFault(f"it is not JSON: {error}") from None


def check_spelling(document: dict[str, Any], names: Collection[str]) -> None:
    """Refuse a key that is one of the names but for the case of its letters.

    :raises JsonFault: naming the key
    """
    folded = {name.casefold(): name for name in names}
    for key in document:
        name = folded.get(key.casefold())
        if name is not None and name != key:
            raise JsonFault(f"it has the key {key!r}, which some readers take for {name!r} and others do not")


def short_text(found: dict[str, Any], key: str) -> str:
    """Return one line of at most 255 printable characters; empty when the key is absent or null.

    :raises JsonFault: naming the key
    """
    value = found.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 255 or not value.isprintable():
        raise JsonFault(f"{key} is not a text of at most 255 printable characters")
    return value


def is_integer(value: object) -> bool:
    """Return whether a value is an integer of JSON; to Python true and false are integers too."""
    return isinstance(value, int) and not isinstance(value, bool)


def _object_maker(unique: Collection[str], *, once: bool) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def make(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: set[str] = set()
        for key, _value in pairs:
            folded = key.casefold()
            if once or folded in unique:
                name = folded if folded in unique else key
                if name in seen:
                    raise JsonFault(f"one of its JSON objects has the key {key!r} twice")
                seen.add(name)
        return dict(pairs)

    return make


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise JsonFault(f"it has a number of {len(text)} digits")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise JsonFault("it has a number that is too large")
    return number


def _constant(text: str) -> float:
    raise JsonFault(f"it is not JSON: {text} is not a number that JSON knows")
