# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""image-syncer's files, as the same rules and credentials that a task's options make.

Combined, ``{auth: {KEY: {username, password, insecure}}, images: {SOURCE: DESTINATION}}``, or the two mappings in a
file each. In the split files ``${NAME}`` stands for an environment variable, and so does ``$NAME`` when it is the whole
value; ``$$`` at the start is a literal ``$`` and any other ``$`` is itself. Combined files are taken as they are. In
place of the mapping of images there may be a list of sources, in YAML, in JSON, or one a line; or, in YAML or JSON, of
items as the option ``images`` takes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...._oci.errors import InputError
from ...._oci.image.reference import parse_prefix, quoted
from ..user_input import Field, NotText, as_bool, nearest
from .documents import parse_document, read_document, read_text
from .reference_list import ListEntry, is_reference_list, parse_reference_list

Entry = tuple[str, dict[str, object]]
"""An item in the form that the option ``images`` takes, behind the words that say where it stands."""

_ENTRY_KEYS = ("username", "password", "insecure")
_FILE_KEYS = ("auth", "images")
_DESTINATION_FORM = "write a destination or a list of destinations"
_NO_TEXTS = ("newest", "referrers", "unchanged")
"""Keys of items whose values are no text."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WHOLE_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True)
class AuthEntry:
    """How to reach the repositories under a key.

    :ivar key: a registry, or a registry and the beginning of a path in it
    :ivar insecure: https without verification, then plain http
    :ivar fault: why its login cannot be used, when that is for the environment; it matters if an image needs the login
    """

    key: str
    username: str = ""
    password: str = field(default="", repr=False)
    insecure: bool = False
    fault: InputError | None = field(default=None, compare=False, repr=False)


def load_combined(path: str, *, warn: Callable[[str], None]) -> tuple[list[AuthEntry], list[Entry]]:
    """Read a file with both mappings. InputError names the file, the entry and the form that is right.

    :param warn: is told of keys that have no meaning, which image-syncer ignores in silence
    """
    name = os.path.basename(path)
    document = _mapping(read_document(path), f"the file {quoted(path)}", "write {auth: {...}, images: {...}}")
    if not any(key in document for key in _FILE_KEYS):
        raise InputError(
            action="read",
            subject=f"the file {quoted(path)}",
            cause="it has neither auth nor images",
            hint="give a file with only one of the two mappings as auth_file or images_file",
        )
    _warn_of_keys(document, _FILE_KEYS, name, warn)
    auth, images = (document[key] if document.get(key) is not None else {} for key in _FILE_KEYS)
    return _auth(auth, name, None, warn), _images(images, name, None)


def load_auth(path: str, *, env: Mapping[str, str], warn: Callable[[str], None]) -> list[AuthEntry]:
    """Read a file with the mapping of credentials only.

    A login whose variables are not set has a ``fault``: the file may serve many jobs, and this one not need it.

    :param env: the environment variables that values may name
    :param warn: is told of keys that have no meaning
    """
    document = read_document(path)
    _refuse_combined(document, path, "auth_file")
    return _auth(document, os.path.basename(path), env, warn)


def load_images(path: str, *, env: Mapping[str, str]) -> list[Entry]:
    """Read a file with the mapping of images only, or with a list: of sources for the default destination, or of items.

    :param env: the environment variables that destinations may name
    """
    text = read_text(path)
    if is_reference_list(text) and not path.lower().endswith(".json"):
        return [_of_line(entry) for entry in parse_reference_list(text, path)]
    document = parse_document(text, path)
    if isinstance(document, list):
        return [_listed(item, f"{os.path.basename(path)}[{position}]") for position, item in enumerate(document)]
    _refuse_combined(document, path, "images_file")
    return _images(document, os.path.basename(path), env)


def _of_line(entry: ListEntry) -> Entry:
    item: dict[str, object] = {"source": entry.source, "destination": ""}
    return entry.origin, {**item, "platforms": list(entry.platforms)} if entry.platforms else item


def _listed(item: Any, origin: str) -> Entry:
    if isinstance(item, dict) and "source" in item:
        return origin, {key: _as_given(key, value) for key, value in item.items()}
    form = "write a list of references, of items such as {source: ..., destination: ...}, or {source: destination}"
    return origin, {"source": Field("source", origin).text(item, form), "destination": ""}


def _as_given(key: str, value: Any) -> Any:
    """Return what a file has under the key of an item as the option ``images`` would have it."""
    if isinstance(value, dict):
        return {inner: _as_given(inner, each) for inner, each in value.items()}
    if isinstance(value, NotText) and key in _NO_TEXTS:
        meant = as_bool(value.text)
        return value.text if meant is None else meant
    return value


def _mapping(value: Any, subject: str, form: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(action="read", subject=subject, cause="it is not a mapping", hint=form)
    return value


def _refuse_combined(document: Any, path: str, option: str) -> None:
    """Refuse a combined file where one of the split ones is wanted."""
    for key in _FILE_KEYS:
        inner = document.get(key) if isinstance(document, dict) else None
        if isinstance(inner, dict) and inner and not any(known in inner for known in _ENTRY_KEYS):
            raise InputError(
                action="read",
                subject=f"the file {quoted(path)}",
                cause=f"its {key} is a mapping inside, as in a combined file, and it is given as {option}",
                hint="give it as config",
            )


def _warn_of_keys(found: Mapping[str, Any], known: tuple[str, ...], where: str, warn: Callable[[str], None]) -> None:
    for key in found:
        if key not in known:
            warn(
                f"The key {quoted(key)} of {where} has no meaning and is ignored; {nearest(key, known, 'it may have')}"
            )


# -- credentials


def _auth(value: Any, name: str, env: Mapping[str, str] | None, warn: Callable[[str], None]) -> list[AuthEntry]:
    entries = _mapping(value, f"the credentials of {name}", "write {registry: {username: ..., password: ...}}")
    return [_auth_entry(key, entry, name, env, warn) for key, entry in entries.items()]


def _auth_entry(
    key: str, value: Any, name: str, env: Mapping[str, str] | None, warn: Callable[[str], None]
) -> AuthEntry:
    origin = f"{name}: {quoted(key)}"
    try:
        prefix = "/".join(part for part in parse_prefix(key) if part)
    except InputError as fault:
        raise Field("key", name).wrapped(key, fault) from None
    entry = _mapping(value, f"the credentials of {origin}", "write {username: ..., password: ...}")
    _warn_of_keys(entry, _ENTRY_KEYS, origin, warn)
    insecure = _flag(entry.get("insecure"), Field("insecure", origin))
    written = [_written(entry.get(what), f"the {what} of {origin}") for what in ("username", "password")]
    try:
        username, password = _login(written, origin, env)
    except InputError as fault:
        if env is None or not any(_names_variable(text) for text in written):
            raise
        return AuthEntry(prefix, insecure=insecure, fault=fault)
    return AuthEntry(prefix, username, password, insecure)


def _flag(value: object, written: Field) -> bool:
    if value is None:
        return False
    found = as_bool(value.text) if isinstance(value, NotText) else value
    if not isinstance(found, bool):
        raise written.refusal(value, "it is neither true nor false", "write true or false")
    return found


def _written(value: object, subject: str) -> str:
    """Return a user name or a password as it is written; a number is its own text. No error here shows it."""
    if isinstance(value, NotText):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        return value or ""
    raise InputError(subject=subject, cause="it is not a string", hint="write it in quotes")


def _login(written: list[str], origin: str, env: Mapping[str, str] | None) -> tuple[str, str]:
    """Return user name and password, both or none."""
    username, password = (
        _secret(text, f"the {what} of {origin}", env) for what, text in zip(("username", "password"), written)
    )
    if bool(username) != bool(password):
        given, missing = ("username", "password") if username else ("password", "username")
        raise InputError(
            subject=f"the credentials of {origin}",
            cause=f"there is a {given} and no {missing}",
            hint=f"give a {missing}, or leave the entry out to use docker's configuration",
        )
    return username, password


def _secret(written: str, subject: str, env: Mapping[str, str] | None) -> str:
    """Put variables in their places. No error here shows the text."""
    text = written if env is None else _expanded(written, subject, env)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(subject=subject, cause="it has half of a character that takes two") from None
    return text


# -- images


def _images(value: Any, name: str, env: Mapping[str, str] | None) -> list[Entry]:
    images = _mapping(value, f"the images of {name}", "write {source: destination}")
    return [
        (f"{name}: {quoted(source)}", {"source": source, "destination": _destinations(destination, name, source, env)})
        for source, destination in images.items()
    ]


def _destinations(value: Any, name: str, source: str, env: Mapping[str, str] | None) -> list[str]:
    """Return the destinations; nothing behind a source, or in an item of its list, is the empty one."""
    written = Field("destination", f"{name}: {quoted(source)}")
    items = value if isinstance(value, list) else [value]
    texts = written.texts(["" if item is None else item for item in items], _DESTINATION_FORM)
    if env is None:
        return texts
    return [_expanded(text, f"the destination {quoted(text)} of {written.origin}", env) for text in texts]


# -- environment variables


def _names_variable(text: str) -> bool:
    return bool(_WHOLE_VARIABLE.fullmatch(text) or _VARIABLE.search(text))


def _expanded(text: str, subject: str, env: Mapping[str, str]) -> str:
    """Put environment variables in their places."""

    def value_of(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in env:
            raise InputError(
                subject=subject,
                cause=f"the environment variable {name} is not set",
                hint="set it where the task runs; $$ at the start of a value is a literal $",
            )
        return env[name]

    if text.startswith("$$"):
        return "$" + _VARIABLE.sub(value_of, text[2:])
    whole = _WHOLE_VARIABLE.fullmatch(text)
    return value_of(whole) if whole else _VARIABLE.sub(value_of, text)
