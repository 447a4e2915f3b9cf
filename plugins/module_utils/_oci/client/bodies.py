# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the body of an error says, and what may be shown of it; also of an error that comes as a success."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ..http.transport import Answer
from .run import Mask, unmasked

_LONGEST_WORDS = 300
_READ_OF_WORDS = 4096
_MOST_ERRORS = 5
_TAGS = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_SECRETS = re.compile(
    r"(?i)\b(bearer|basic)(\s+)[^\s\",;&]+"
    r"|\b(token|password|secret|signature)(\s*[=:]\s*\"?)[^\s\",;&]+"
    r"|\beyJ[\w-]+\.[\w.-]+"  # a JSON web token
    r"|(?<=://)[^/\s@]+@"  # user and password in a URL
    r"|(?<=[\w/])\?[^\s\"'<>?=&]*[=&][^\s\"'<>]*"  # a URL's query: signed ones are keys
)


class Said(NamedTuple):
    """The content of an error's body.

    :param codes: the specification's error codes, or what stands in their place, in upper case
    :param words: for people: shortened, one line, without secrets
    """

    codes: frozenset[str]
    words: str


def read_error(body: bytes, mask: Mask = unmasked) -> Said:
    """Read an error's body: the specification's JSON, some other JSON, HTML, or anything at all. Never raises."""
    text = body[: 64 * 1024].decode("utf-8", "replace").strip()
    codes: list[str] = []
    said: list[str] = []
    try:
        parsed = json.loads(text) if text[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        parsed = None
    if parsed is None:
        said.append(_TAGS.sub(" ", text[:8192]))
    else:
        _collect(parsed, codes, said)
    return Said(frozenset(codes), clean(": ".join(part for part in said if part), mask))


def instead_of_json(answer: Answer, mask: Mask = unmasked) -> str:
    """Return what came, with HTTP 200, in the place of what was asked for; empty where it is nothing of this kind.

    A web page, such as that of a login or of a proxy, or an error as the specification words it.
    """
    body = answer.plain()
    text = body[:8192].lstrip()
    if text[:1] == b"<" or "html" in answer.headers.get("Content-Type", "").lower():
        words = read_error(body, mask).words
        return f"{answer.host} sent a web page in its place{': ' + words if words else ''}"
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if isinstance(parsed, dict) and isinstance(parsed.get("errors"), list) and parsed["errors"]:
        return f"{answer.host} sent an error in its place: {read_error(body, mask).words}"
    return ""


def clean(text: str, mask: Mask = unmasked) -> str:
    """Return one short line of printable characters, with what looks like a secret taken out.

    :param mask: takes out those that are known; before anything is cut off, since half a secret is one too
    """
    head = mask(text)[:_READ_OF_WORDS]
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in head).split())
    line = _SECRETS.sub(_hide, line)
    return line if len(line) <= _LONGEST_WORDS else line[:_LONGEST_WORDS] + "…"


def _hide(match: re.Match[str]) -> str:
    name, separator = match.group(1) or match.group(3), match.group(2) or match.group(4)
    return f"{name}{separator}***" if name else "***"


def _collect(parsed: Any, codes: list[str], said: list[str]) -> None:
    errors = parsed.get("errors") if isinstance(parsed, dict) else parsed
    entries = errors if isinstance(errors, list) and errors else [parsed]
    for entry in entries[:_MOST_ERRORS]:
        if isinstance(entry, str):
            said.append(entry)
        if not isinstance(entry, dict):
            continue
        code = entry.get("code", entry.get("error"))
        if isinstance(code, (str, int)):
            codes.append(str(code)[:100].upper())
        for name in ("message", "error_description", "details", "title"):
            if isinstance(entry.get(name), str):
                said.append(entry[name])
                break
        else:
            said.append(str(code or ""))
        detail = entry.get("detail")
        if isinstance(detail, str):
            said.append(detail)
        elif isinstance(detail, dict):
            said.extend(str(value) for value in list(detail.values())[:3] if isinstance(value, (str, int)))
