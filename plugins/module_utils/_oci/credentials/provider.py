# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credentials are for which repository.

A key is a registry, or a registry and the beginning of a path in it; the longest that is a prefix on whole path
components wins. No I/O: what reads files and runs programs is in :mod:`docker_config`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote, quote_plus

from ..errors import InputError
from ..image.reference import parse_prefix, quoted
from ..image.strict_json import JsonFault, loads

_KEY_USERS = frozenset(("_oauth2_", "_json_key", "_json_key_base64"))


def is_google(registry: str) -> bool:
    """Return whether a host belongs to Google's Container Registry or Artifact Registry."""
    return registry == "gcr.io" or registry.endswith((".gcr.io", ".pkg.dev"))


def service_account_key(username: str, password: str, subject: str) -> tuple[str, str]:
    """Turn a user that stands for a service account key, and the key as JSON or base64, into a user and a password.

    Other users, ``oauth2accesstoken`` among them, are given back as they are.

    :param subject: what an error is about
    :raises InputError: when the password is no service account key
    """
    if username not in _KEY_USERS:
        return username, password
    key = password.strip()
    if not key.startswith("{"):
        try:
            key = base64.b64decode("".join(key.split()), validate=True).decode("utf-8").strip()
        except (binascii.Error, ValueError):
            raise _no_key(username, subject, "its password is neither JSON nor base64") from None
    try:
        content = loads(key.encode("utf-8"))
    except (JsonFault, UnicodeEncodeError):
        raise _no_key(username, subject, "its password is not a key in JSON") from None
    if not isinstance(content, dict) or not isinstance(content.get("private_key"), str):
        raise _no_key(username, subject, "its password is JSON without a private_key")
    return "_json_key", key


def _no_key(username: str, subject: str, cause: str) -> InputError:
    return InputError(
        subject=subject,
        cause=f"for the user {username} {cause}",
        hint="give the service account's key file, as it is or base64-encoded",
    )


_T = TypeVar("_T")
_TOKEN_USER = "<token>"  # docker's sign for "the password is an identity token"


@dataclass(frozen=True)
class Credential:
    """What a registry accepts as a login.

    :param identity_token: given to the token server for access tokens, instead of a password
    :param registry_token: sent to the registry as its Bearer token as it is, with no token server asked
    :param expires_at: when to ask the provider again, in seconds since the epoch; None: good for the whole run
    """

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    expires_at: float | None = field(default=None, compare=False)

    @classmethod
    def of(cls, username: str, secret: str, *, expires_at: float | None = None) -> Credential:
        """Return the credential of a user and a secret; for docker's user ``<token>`` it is an identity token."""
        if username == _TOKEN_USER:
            return cls(identity_token=secret, expires_at=expires_at)
        return cls(username=username, password=secret, expires_at=expires_at)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to log in with."""
        return not (self.username or self.password or self.identity_token or self.registry_token)

    def secret_forms(self) -> list[str]:
        """Return every text that shows this credential: its secrets as they are, URL-encoded, and in Basic form."""
        secrets = [secret for secret in (self.password, self.identity_token, self.registry_token) if secret]
        forms = dict.fromkeys(secrets)
        for secret in secrets:
            forms[quote(secret, safe="", errors="surrogatepass")] = None
            forms[quote_plus(secret, errors="surrogatepass")] = None
        if self.password:
            basic = f"{self.username}:{self.password}".encode("utf-8", "surrogatepass")
            forms[base64.b64encode(basic).decode("ascii")] = None
        return list(forms)


def announce(credential: Credential, on_secret: Callable[[str], None] | None) -> None:
    """Call ``on_secret`` with every secret form of a credential, before anything can show one."""
    if on_secret is not None:
        for form in credential.secret_forms():
            on_secret(form)


class CredentialProvider(Protocol):
    """A source of credentials. Several threads ask it, and ask again when a credential expires."""

    def get(self, registry: str, repository: str) -> Credential | None:
        """Return the credential for a repository (``registry.example.com``, ``library/nginx``); None: there is none."""

    def refused(self, registry: str, credential: Credential) -> None:
        """Note that a registry has refused a credential, so that ``get`` returns another one where the provider can."""


class PrefixTable(Generic[_T]):
    """Values under keys such as ``quay.io/coreos``, found by the longest key that begins a name."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], _T] = {}

    def put(self, registry: str, path: str, value: _T) -> _T:
        """Keep a value unless the key has one. Return the value that is kept."""
        return self._values.setdefault(_parts(registry, path), value)

    def values(self) -> list[_T]:
        """Return all values, in the order in which they were put."""
        return list(self._values.values())

    def find(self, registry: str, repository: str) -> tuple[int, _T] | None:
        """Return how many components the longest key for a repository has, and its value; None when no key matches."""
        parts = _parts(registry, repository)
        for length in range(len(parts), 0, -1):
            value = self._values.get(parts[:length])
            if value is not None:
                return length, value
        return None


def _parts(registry: str, path: str) -> tuple[str, ...]:
    return (registry, *path.split("/")) if path else (registry,)


class Given:
    """Credentials that the user wrote down, in a task or in a file of its own."""

    def __init__(
        self,
        entries: Sequence[tuple[str, Credential]],
        *,
        on_secret: Callable[[str], None] | None = None,
    ) -> None:
        """Check the entries and keep them.

        :param entries: keys as in ``quay.io`` or ``quay.io/coreos``, with their credentials; empty ones are left out
        :param on_secret: told every secret in every form, before anything can show it
        :raises InputError: for a key of the wrong form, a key that is there twice with different credentials, a user
            without a password and a password without a user
        """
        self._table: PrefixTable[tuple[str, Credential]] = PrefixTable()
        self._keys: list[str] = []
        for key, written in entries:
            registry, path = parse_prefix(key)
            if written.is_empty:
                continue
            announce(written, on_secret)
            credential = _usable(key, registry, written)
            announce(credential, on_secret)
            kept = self._table.put(registry, path, (key, credential))
            if kept[1] != credential:
                raise InputError(
                    subject=f"the credentials for {quoted(key)}",
                    cause=f"{quoted(kept[0])} has others" if kept[0] != key else "they are given twice and differ",
                    hint="give one pair for a registry or a path in it",
                )
            self._keys.append(key)

    def get(self, registry: str, repository: str) -> Credential | None:
        """Return the credential with the longest key that begins this name."""
        found = self._table.find(registry, repository)
        return found[1][1] if found else None

    def refused(self, registry: str, credential: Credential) -> None:
        """Do nothing: there is no other credential to return."""

    def unused(self, names: Iterable[tuple[str, str]]) -> list[str]:
        """Return the keys, sorted, that begin none of these names (registry, repository)."""
        begun = {parts[:length] for parts in (_parts(*name) for name in names) for length in range(1, len(parts) + 1)}
        return sorted({key for key in self._keys if _parts(*parse_prefix(key)) not in begun})


class Chain:
    """Several providers; the first that has anything for a repository decides."""

    def __init__(self, providers: Sequence[CredentialProvider]) -> None:
        self._providers = tuple(providers)

    def get(self, registry: str, repository: str) -> Credential | None:
        """Return the credential of the first provider that has one."""
        for provider in self._providers:
            credential = provider.get(registry, repository)
            if credential is not None:
                return credential
        return None

    def refused(self, registry: str, credential: Credential) -> None:
        """Call ``refused`` of every provider."""
        for provider in self._providers:
            provider.refused(registry, credential)


def without_credentials(provider: CredentialProvider, names: Iterable[tuple[str, str]]) -> list[str]:
    """Return the registries, sorted, of those names (registry, repository) for which the provider has nothing."""
    return sorted({registry for registry, repository in names if provider.get(registry, repository) is None})


def _usable(key: str, registry: str, credential: Credential) -> Credential:
    """Check that an entry is complete, and turn what Google's registries do not take into what they do."""
    subject = f"the credentials for {quoted(key)}"
    if credential.username and not (credential.password or credential.identity_token or credential.registry_token):
        raise InputError(subject=subject, cause="there is a username without a password", hint="give both")
    if credential.password and not credential.username:
        raise InputError(subject=subject, cause="there is a password without a username", hint="give both")
    if credential.username == _TOKEN_USER and credential.password:
        return Credential.of(_TOKEN_USER, credential.password, expires_at=credential.expires_at)
    if is_google(registry):
        username, password = service_account_key(credential.username, credential.password, subject)
        return replace(credential, username=username, password=password)
    return credential
