# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain list of references, one a line, as scripts around ``docker pull`` read it. No I/O.

A ``#`` at the beginning of a line or behind a blank begins a comment. ``--platform=linux/arm64`` before a reference
takes that platform of it alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...._oci.errors import InputError
from ...._oci.image.reference import quoted

_COMMENT = re.compile(r"(?:^|\s)#.*")
_OTHER_BEGINNING = re.compile(r"[{}\[\]\"'?&!|>%@`:,*]|-(?!-[a-z])|\$ANSIBLE_VAULT;|/[/*]")
_PLATFORM = re.compile(r"--platform(?:=|\s+)(\S+)\s+")
_FORM = "write one reference a line, with --platform=os/architecture before it if needed"


@dataclass(frozen=True)
class ListEntry:
    """A line of a list.

    :ivar origin: the words that say where it stands
    :ivar platforms: those that it asks for; all without any
    """

    origin: str
    source: str
    platforms: tuple[str, ...] = ()


def is_reference_list(text: str) -> bool:
    """Return whether a file's first line that says something is a reference, which begins neither YAML nor JSON."""
    for _number, line in _lines(text):
        return not (_OTHER_BEGINNING.match(line) or line.endswith(":") or re.search(r":\s", line))
    return False


def parse_reference_list(text: str, path: str) -> list[ListEntry]:
    """Return what every line asks for.

    :param path: the file's name, for messages
    :raises InputError: naming the line that is no reference
    """
    name = os.path.basename(path)
    return [_entry(line, f"line {number} of {name}") for number, line in _lines(text)]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Return what is left of each line without comment and blanks around it, with the line's number."""
    for number, line in enumerate(text.splitlines(), start=1):
        said = _COMMENT.sub("", line).strip()
        if said:
            yield number, said


def _entry(line: str, origin: str) -> ListEntry:
    platform = _PLATFORM.match(line)
    source = line[platform.end() :] if platform else line
    if source.startswith("-") or re.search(r"\s", source):
        cause = "it is not known" if source.startswith("-") else "there is more than one reference"
        raise InputError(action="read", subject=f"{quoted(line)} in {origin}", cause=cause, hint=_FORM)
    return ListEntry(origin, source, tuple(platform.group(1).split(",")) if platform else ())
