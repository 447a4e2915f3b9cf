# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks for everything a user writes: text is text, keys are known, and the error says where it stands."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..._oci.errors import InputError
from ..._oci.image.reference import quoted


@dataclass(frozen=True)
class NotText:
    """A number, a date or a truth value that a file has where text may be wanted, as it was written there.

    :ivar kind: as an error says it: ``a number``
    """

    kind: str
    text: str


_BOOLS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def as_bool(written: str) -> bool | None:
    """Return what YAML 1.1 means by a plain word; None when that is no truth value."""
    return _BOOLS.get(written.lower())


class Field(NamedTuple):
    """A field that a value is written in.

    :ivar what: what it is: ``source``, ``tags.include``
    :ivar origin: the rule or file that it is in: ``images[0]``
    """

    what: str
    origin: str

    def refusal(self, value: object, cause: str, hint: str = "") -> InputError:
        """Return the error that names this field and the value."""
        shown = quoted(value.text) if isinstance(value, NotText) else quoted(value)
        return InputError(subject=f"the {self.what} {shown} of {self.origin}", cause=cause, hint=hint)

    def wrapped(self, value: object, fault: InputError) -> InputError:
        """Return what a parser found wrong with the value, or with a part of it, as an error that names this field."""
        cause = fault.cause if fault.subject.endswith(quoted(value)) else f"{fault.subject}: {fault.cause}"
        return self.refusal(value, cause, fault.hint)

    def text(self, value: object, form: str) -> str:
        """Take text and give it back; for anything else the error says how to write it.

        :param form: the right form, for what is neither text nor a simple value
        """
        if isinstance(value, str):
            return value
        kind, example = _simple(value)
        if not kind:
            raise self.refusal(value, "it is not a string", form)
        raise self.refusal(value, f"it is {kind}, not a string", f'write "{example}" in quotes, not {example}')

    def texts(self, value: object, form: str) -> list[str]:
        """Take a string or a list of strings and give a list."""
        if isinstance(value, (list, tuple)):
            return [self.text(item, form) for item in value]
        return [self.text(value, form)]


def _simple(value: object) -> tuple[str, str]:
    """Say what kind of simple value this is and how one is written; two empty strings when it is none.

    What was written is known of a NotText only: of 1.10 nothing but 1.1 is left when YAML has read it.
    """
    if isinstance(value, NotText):
        return value.kind, value.text
    if isinstance(value, bool):
        return "true or false", "on"
    if isinstance(value, (int, float)):
        return "a number", "1.10"
    if isinstance(value, datetime.date):
        return "a date", quoted(value)
    return "", ""


def check_keys(found: Mapping[object, object], known: Collection[str], origin: str) -> None:
    """Refuse keys that are not known, naming the one that was probably meant.

    A key without a value is what YAML makes of an unquoted value with a comma or a colon in it.
    """
    for key, value in found.items():
        if isinstance(key, str) and key in known:
            continue
        if value is None:
            raise InputError(
                subject=f"the key {quoted(key)} of {origin}",
                cause="it has no value, so it is probably a part of the source that YAML has cut off",
                hint='quote the source: source: "registry/repository:tag1,tag2"',
            )
        raise InputError(
            subject=f"the key {quoted(key)} of {origin}",
            cause="it is not known",
            hint=nearest(key, known, "it may have"),
        )


def nearest(value: object, known: Collection[str], otherwise: str) -> str:
    """Say which of the known words was probably meant, or, after the words of ``otherwise``, which ones there are."""
    import difflib  # for mistakes alone

    close = difflib.get_close_matches(value.lower(), known, n=1) if isinstance(value, str) else []
    return f"did you mean {close[0]}?" if close else f"{otherwise} {', '.join(known)}"
