# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WWW-Authenticate header (RFC 9110 section 11.6.1). No I/O; whatever a server writes, nothing is raised."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 16 * 1024
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PARAMETER = re.compile(
    r"[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]*))", re.DOTALL
)
_BETWEEN = re.compile(r"[ \t,]*")


class Challenge(NamedTuple):
    """One way to authenticate.

    :param scheme: in lower case
    :param parameters: by name in lower case; of one given twice (scope) the values are joined with a space
    """

    scheme: str
    parameters: dict[str, str]


def parse_challenges(header: str | None) -> list[Challenge]:
    """Read every challenge in a WWW-Authenticate header; several headers may be joined with commas.

    >>> parse_challenges('Bearer realm="https://auth.example.com/token",service="registry", Basic realm="r"')[1].scheme
    'basic'
    """
    challenges: list[Challenge] = []
    if not header or len(header) > LONGEST:
        return challenges
    position = 0
    while position < len(header):
        position = _end(_BETWEEN.match(header, position), position)
        parameter = _PARAMETER.match(header, position)
        if parameter and challenges:
            _add(challenges[-1].parameters, parameter)
            position = parameter.end()
            continue
        scheme = _TOKEN.match(header, position)
        if not scheme:
            position += 1  # a character that belongs nowhere
            continue
        challenges.append(Challenge(scheme.group().lower(), {}))
        position = scheme.end()
    return challenges


def _add(parameters: dict[str, str], match: re.Match[str]) -> None:
    name = match.group(1).lower()
    quoted = match.group(2)
    value = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else match.group(3)
    parameters[name] = f"{parameters[name]} {value}" if name == "scope" and name in parameters else value


def _end(match: re.Match[str] | None, position: int) -> int:
    return match.end() if match else position
