# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's configuration file: the format.

``auths`` holds credentials, ``credHelpers`` names a program for some registries and ``credsStore`` one for all others.
The old ``.dockercfg``, which Kubernetes' secrets of the type ``kubernetes.io/dockercfg`` have, is ``auths`` alone.
Pure: the programs are run by :mod:`docker_credentials`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import InputError
from ..image.reference import DOCKER_HUB, parse_prefix, quoted
from ..image.strict_json import JsonFault, loads
from .provider import Credential, PrefixTable

HUB_SERVER = "https://index.docker.io/v1/"
"""The name under which docker keeps Docker Hub's credentials, in the file and with helpers."""

_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_LOGIN_KEYS = frozenset(("auth", "username", "identitytoken"))
_API_PATHS = frozenset(("v1", "v2"))


@dataclass(frozen=True)
class Helper:
    """A program that has credentials, and the name by which it is asked for one.

    With an empty name it is no program: what the file itself has counts, and the store is not asked.
    """

    name: str
    server: str


@dataclass(frozen=True)
class DockerLogins:
    """What a configuration file says about credentials.

    :param inline: credentials in the file itself, or what is wrong with an entry
    :param helpers: programs for a registry or a path in it, or what is wrong with their names
    :param stored: the names of entries without credentials: what the store is asked for
    :param store: the program that is asked for everything else; empty when there is none
    """

    inline: PrefixTable[Credential | InputError]
    helpers: PrefixTable[Helper | InputError]
    stored: PrefixTable[str]
    store: str | InputError

    @property
    def is_empty(self) -> bool:
        """Whether it can give no credential at all."""
        programs = any(isinstance(helper, Helper) and helper.name for helper in self.helpers.values())
        return not (self.store or programs or any(isinstance(found, Credential) for found in self.inline.values()))

    def in_store(self, registry: str, repository: str) -> Helper | None:
        """Return the store, with the name to ask it for; None when there is no store.

        :raises InputError: when the store has a name that no program has
        """
        if isinstance(self.store, InputError):
            raise self.store
        if not self.store:
            return None
        found = self.stored.find(registry, repository)
        default = HUB_SERVER if registry == DOCKER_HUB else registry
        return Helper(self.store, found[1] if found else default)


def parse_docker_file(raw: bytes, path: str) -> DockerLogins:
    """Read the bytes of a ``config.json``; keys that are no registry are left out, as docker never finds them.

    An entry that is wrong is kept as the error that it makes, so that it does no harm to registries beside it.

    :param path: the name of the file, for messages
    :raises InputError: when the file as a whole is not what it should be; names no value of it
    """
    return _Parser(path).parse(raw)


class _Parser:
    def __init__(self, path: str) -> None:
        self._path = path

    def parse(self, raw: bytes) -> DockerLogins:
        try:
            document = loads(raw)
        except JsonFault as fault:
            self._fail(str(fault))
        if not isinstance(document, dict):
            self._fail("it is not a JSON object")
        inline, stored = self._entries(_old_form(document) or self._mapping(document, "auths"))
        helpers = self._helpers(self._mapping(document, "credHelpers"))
        return DockerLogins(inline, helpers, stored, self._store(document.get("credsStore") or ""))

    def _store(self, name: object) -> str | InputError:
        """Return the name of the store, or what is wrong with it: that matters only where the store would be asked."""
        try:
            return self._name(name, "credsStore") if name else ""
        except InputError as fault:
            return fault

    def _entries(self, auths: dict[str, Any]) -> tuple[PrefixTable[Credential | InputError], PrefixTable[str]]:
        """Return the credentials, and the names of the entries without any."""
        inline: PrefixTable[Credential | InputError] = PrefixTable()
        stored: PrefixTable[str] = PrefixTable()
        faults: list[tuple[tuple[str, str], InputError]] = []
        for key, entry in auths.items():
            prefix = _prefix_of(key)
            if prefix is None:
                continue
            try:
                credential = self._credential(key, entry)
            except InputError as fault:
                faults.append((prefix, fault))
                continue
            if credential.is_empty:
                stored.put(*prefix, key)
            else:
                inline.put(*prefix, credential)
        for prefix, wrong in faults:
            inline.put(*prefix, wrong)  # unless another entry for it is right
        return inline, stored

    def _helpers(self, named: dict[str, Any]) -> PrefixTable[Helper | InputError]:
        helpers: PrefixTable[Helper | InputError] = PrefixTable()
        for key, name in named.items():
            prefix = _prefix_of(key)
            if prefix is None:
                continue
            try:
                program = self._name(name, "credHelpers") if name else ""
            except InputError as fault:
                helpers.put(*prefix, fault)
            else:
                helpers.put(*prefix, Helper(program, HUB_SERVER if prefix == (DOCKER_HUB, "") else key))
        return helpers

    def _mapping(self, document: dict[str, Any], key: str) -> dict[str, Any]:
        found = document.get(key)
        if found is None:
            return {}
        if not isinstance(found, dict):
            self._fail(f"its {key} is not an object")
        return found

    def _name(self, name: object, key: str) -> str:
        if not isinstance(name, str) or not _HELPER_NAME.fullmatch(name):
            self._fail(f"{quoted(name)} in {key} is not the name of a credential helper")
        return name

    def _credential(self, key: str, entry: object) -> Credential:
        if entry is None:
            return Credential()
        if not isinstance(entry, dict):
            self._fail(f"the entry for {quoted(key)} is not an object")
        texts = {
            name: entry.get(name) or "" for name in ("auth", "username", "password", "identitytoken", "registrytoken")
        }
        for name, text in texts.items():
            if not isinstance(text, str):
                self._fail(f"the {name} of the entry for {quoted(key)} is not a string")
        username, password = texts["username"], texts["password"]
        if texts["auth"]:
            username, password = self._decoded(key, texts["auth"])
        plain = Credential.of(username, password)
        return Credential(
            username=plain.username,
            password=plain.password,
            identity_token=texts["identitytoken"] or plain.identity_token,
            registry_token=texts["registrytoken"],
        )

    def _decoded(self, key: str, auth: str) -> tuple[str, str]:
        try:
            username, colon, password = base64.b64decode(auth.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            username, colon, password = "", "", ""
        if not colon:
            self._fail(f"the auth of the entry for {quoted(key)} is not the base64 form of username:password")
        return username, password.rstrip("\x00")

    def _fail(self, cause: str) -> NoReturn:
        raise InputError(
            action="read",
            subject=f"docker's configuration {quoted(self._path)}",
            cause=cause,
            hint="repair it, name another file, or set docker_config to an empty string",
        )


def _old_form(document: dict[str, Any]) -> dict[str, Any]:
    """Return the entries of a ``.dockercfg``, which is what ``auths`` is now; empty for another document."""
    if "auths" in document:
        return {}
    return {key: entry for key, entry in document.items() if isinstance(entry, dict) and _LOGIN_KEYS & entry.keys()}


def _prefix_of(key: str) -> tuple[str, str] | None:
    """Return the registry and the path that a key means; None when it means none.

    A key is a host, a host with a path, or a URL that may end in an API version.
    """
    host, _slash, path = _SCHEME.sub("", key, count=1).strip("/").partition("/")
    first = path.partition("/")[0]
    try:
        return parse_prefix(host if not path or first in _API_PATHS else f"{host}/{path}")
    except InputError:
        return None
