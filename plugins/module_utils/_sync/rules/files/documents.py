# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON and YAML files, read so that nothing is lost on the way.

A key that is there twice is an error rather than the last one's victory, and a number, a date or ``yes`` stays as it
was written (NotText): what 1.10 or 0123 was meant to be is not guessed. No object is ever constructed from a tag.
Errors name the file and the line, never a value that is written there: these files have passwords.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from typing import Any, Protocol

from ...._oci.errors import InputError
from ...._oci.image.reference import quoted
from ..user_input import NotText, as_bool

_MAX_BYTES = 8 * 1024 * 1024
_MAX_DEPTH = 16
_MAX_VALUES = 500_000

_VAULT = "$ANSIBLE_VAULT;"
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_TEXTS = frozenset([f"{_TAG}str", f"{_TAG}value", _MERGE])
_BOOL = f"{_TAG}bool"
_NOT_TEXTS = {
    f"{_TAG}int": "a number",
    f"{_TAG}float": "a number",
    f"{_TAG}timestamp": "a date",
    _BOOL: "true or false",
}
_JSON_BEGINNINGS = ("{", "//", "/*")  # comments are refused as what they are
_COMMENT = re.compile(r"[\s,]*(?://|/\*|#)")
_TOO_MANY_COMMAS = re.compile(r",\s*[}\]]")
_CUT_OFF = "quote the source when it has a comma"
_TWICE = "write a source once, with a list of destinations behind it"


class _ProblemError(ValueError):
    """What is wrong with a document: a cause, to be put in an error that names the file."""


def read_document(path: str) -> Any:
    """Read a file of at most 8 MiB as JSON (``.json``) or YAML (``.yaml``, ``.yml``), under another name as what it is.

    Gives mappings with text as keys, lists, text, None, NotText, and of JSON booleans. InputError names the file.
    """
    return parse_document(read_text(path), path)


def read_text(path: str) -> str:
    """Read a file of at most 8 MiB in UTF-8. InputError names it."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise _error(path, "it is not a file")
        with open(path, "rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _error(path, (error.strerror or str(error)).lower(), "it is read where the task runs") from None
    except ValueError:
        raise _error(path, "this is not the name of a file") from None
    if len(raw) > _MAX_BYTES:
        raise _error(path, f"it is larger than {_MAX_BYTES // 1024 // 1024} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _error(path, f"it is not UTF-8 text (byte {error.start})") from None


def parse_document(text: str, path: str) -> Any:
    """Parse text as :func:`read_document` does.

    :param path: the file's name, by which its format is known and errors name it
    """
    if text.startswith(_VAULT):
        raise _error(
            path, "it is encrypted by ansible-vault", "decrypt it first: ansible.builtin.copy does that on its way"
        )
    if not text.strip():
        raise _error(path, "it is empty")
    extension = os.path.splitext(path)[1].lower()
    try:
        if extension == ".json" or (extension not in (".yaml", ".yml") and text.lstrip().startswith(_JSON_BEGINNINGS)):
            return _parse_json(text)
        return _parse_yaml(text)
    except _ProblemError as problem:
        raise _error(path, str(problem)) from None
    except RecursionError:
        raise _error(path, "it is nested too deeply") from None
    except ImportError:
        raise _error(
            path, f"{sys.executable} has no PyYAML", "install it there, or write the file as JSON with the ending .json"
        ) from None


def _error(path: str, cause: str, hint: str = "") -> InputError:
    return InputError(action="read", subject=f"the file {quoted(path)}", cause=cause, hint=hint)


# -- JSON


def _parse_json(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_int=_number, parse_float=_number, parse_constant=_number
        )
    except json.JSONDecodeError as error:
        position = f"line {error.lineno}, column {error.colno}"
        raise _ProblemError(f"it is not JSON: {position}: {_json_fault(text, error)}") from None


def _json_fault(text: str, error: json.JSONDecodeError) -> str:
    """Say what is wrong where JSON ends; what people often write there has words of its own."""
    # Python names the position behind a comma, or the comma itself.
    before = max(len(text[: error.pos].rstrip()) - 1, 0)
    if _COMMENT.match(text, before if text[before : before + 1] == "," else error.pos):
        return "JSON has no comments; YAML has: give the file a name that ends with .yaml and begin them with #"
    if _TOO_MANY_COMMAS.match(text, before) or _TOO_MANY_COMMAS.match(text, error.pos):
        return "there is a comma behind the last item"
    return error.msg


def _number(text: str) -> NotText:
    return NotText("a number", text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _ProblemError(f"the key {quoted(key)} is there twice: {_TWICE}")
        found[key] = value
    return found


# -- YAML


def _parse_yaml(text: str) -> Any:
    import yaml

    try:
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _ProblemError(f"it is not YAML: {position}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise _ProblemError(f"it is not YAML: {getattr(error, 'reason', 'it cannot be read')}") from None
    return _NodeReader().value(node, 0)


class _Node(Protocol):
    """What is used of PyYAML's nodes, which may not be there to import."""

    id: str
    tag: str
    value: Any
    start_mark: Any
    end_mark: Any


class _NodeReader:
    """Makes plain values of YAML's nodes, so many of them at most, whatever aliases stand for."""

    def __init__(self) -> None:
        self._left = _MAX_VALUES

    def value(self, node: _Node | None, depth: int) -> Any:
        if node is None:
            return None
        self._left -= 1
        if self._left < 0:
            raise _ProblemError(f"its aliases stand for too much {_line(node)}")
        if depth > _MAX_DEPTH:
            raise _ProblemError(f"it is nested too deeply {_line(node)}")
        if node.id == "scalar":
            return _scalar(node)
        if node.id == "sequence" and node.tag == f"{_TAG}seq":
            return [self.value(item, depth + 1) for item in node.value]
        if node.id == "mapping" and node.tag == f"{_TAG}map":
            return self._mapping(node, depth)
        raise _unknown_tag(node)

    def _mapping(self, node: _Node, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            value = self.value(value_node, depth + 1)
            if key_node.tag == _MERGE:
                for mapping in value if isinstance(value, list) else [value]:
                    if not isinstance(mapping, dict):
                        raise _ProblemError(f"what << merges is not a mapping {_line(key_node)}")
                    merged = {**mapping, **merged}
                continue
            key = _key(key_node)
            if key in found:
                raise _ProblemError(f"the key {quoted(key)} is there twice, again {_line(key_node)}: {_TWICE}")
            if value is None and value_node.start_mark.index == key_node.end_mark.index:
                # Nothing is written, not even a colon: "{registry/app:1,2: ...}" has two keys for YAML.
                raise _ProblemError(f"there is no ':' behind the key {quoted(key)} {_line(key_node)}: {_CUT_OFF}")
            found[key] = value
        return {**merged, **found}


def _line(node: _Node) -> str:
    return f"in line {node.start_mark.line + 1}"


def _unknown_tag(node: _Node) -> _ProblemError:
    return _ProblemError(f"the tag {quoted(node.tag)} has no meaning here, {_line(node)}")


def _scalar(node: _Node) -> Any:
    if node.tag in _TEXTS:
        return node.value
    if node.tag == f"{_TAG}null":
        return None
    if node.tag in _NOT_TEXTS and (node.tag != _BOOL or as_bool(node.value) is not None):
        return NotText(_NOT_TEXTS[node.tag], node.value)
    raise _unknown_tag(node)


def _key(node: _Node) -> str:
    key = _scalar(node) if node.id == "scalar" else None
    if isinstance(key, str):
        return key
    hint = f": write {quoted(node.value)} in quotes" if node.id == "scalar" else ""
    raise _ProblemError(f"a key is not a string {_line(node)}{hint}")
