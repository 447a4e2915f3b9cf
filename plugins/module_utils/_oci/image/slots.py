# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataclasses without a dictionary for each object: of some kinds a run has hundreds of thousands."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar, cast

_T = TypeVar("_T")


def slotted(cls: type[_T]) -> type[_T]:
    """Give a dataclass ``__slots__`` (a class decorator, written above ``@dataclass``).

    What ``dataclass(slots=True)`` does from Python 3.10 on: ``__slots__`` beside a class variable is refused, so the
    class is made once more without the defaults, which ``__init__`` has taken over by then. Methods must not call
    ``super()`` bare.
    """
    names = tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
    members: dict[str, Any] = {
        name: value for name, value in vars(cls).items() if name not in (*names, "__dict__", "__weakref__")
    }
    members["__slots__"] = names
    return cast("type[_T]", type(cls.__name__, cls.__bases__, members))
