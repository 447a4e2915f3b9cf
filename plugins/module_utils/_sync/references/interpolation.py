# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in compose files (compose specification, "Interpolation")."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..._oci.errors import InputError
from ..._oci.image.reference import quoted

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$NAME``, ``${NAME}`` and the forms with a default, an alternative or an error; ``$$`` is a dollar sign.

    :raises InputError: for a variable that is not given and has no default, and for a form that is none
    """
    done = ""
    rest = text
    while rest:
        before, dollar, rest = rest.partition("$")
        done += before
        if not dollar:
            break
        if rest.startswith("$"):
            done, rest = f"{done}$", rest[1:]
        elif rest.startswith("{"):
            inside, rest = _braces(rest, text)
            done += _expanded(inside, text, variables)
        else:
            name = _NAME.match(rest)
            if name is None:
                raise _error(text, "a $ is followed by no name", "write $$ for a dollar sign")
            done, rest = done + _given(name[0], text, variables), rest[name.end() :]
    return done


def _braces(text: str, whole: str) -> tuple[str, str]:
    """Return what is in the braces that a text begins with, and what is behind them."""
    depth = 0
    for position, char in enumerate(text):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth == 0:
            return text[1:position], text[position + 1 :]
    raise _error(whole, "a ${ is not closed", "write ${NAME}")


def _expanded(inside: str, whole: str, variables: Mapping[str, str]) -> str:
    name = _NAME.match(inside)
    operator = _OPERATOR.match(inside, name.end()) if name else None
    if name is None or (operator is None and name.end() != len(inside)):
        raise _error(whole, f"{quoted('${' + inside + '}')} is not understood", "write ${NAME} or ${NAME:-default}")
    if operator is None:
        return _given(name[0], whole, variables)
    word = inside[operator.end() :]
    value = variables.get(name[0])
    is_set = bool(value) if operator[0].startswith(":") else value is not None
    if operator[0].endswith("+"):
        return interpolate(word, variables) if is_set else ""
    if is_set and value is not None:
        return value
    if operator[0].endswith("?"):
        raise _error(whole, f"the variable {name[0]} is not given: {word}", f"give {name[0]} in variables")
    return interpolate(word, variables)


def _given(name: str, whole: str, variables: Mapping[str, str]) -> str:
    if name not in variables:
        raise _error(whole, f"the variable {name} is not given and has no default", f"give {name} in variables")
    return variables[name]


def _error(text: str, cause: str, hint: str) -> InputError:
    return InputError(subject=f"the image {quoted(text)}", cause=cause, hint=hint)
