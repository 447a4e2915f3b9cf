# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which repositories a registry has: the interface, and what the distribution's own catalog says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn, Protocol

from .answers import Purpose
from .client import Client
from .errors import InputError, RegistryError
from .listing import Pages
from .reference import parse_repository
from .transport import Answer

_INSTEAD = "give a login that may list everything, or write one rule a repository"


class Catalog(Protocol):
    """Lists repositories. Whole lists only: one that may be shorter than what is there is an error, or is said."""

    def repositories(self, prefix: str) -> Iterator[str]:
        """Yield the path of every repository that begins with the prefix, such as ``library/``, each once.

        :raises ImageOpsError: when they cannot be listed, or not by this login
        """


class RegistryCatalog(Pages):
    """The list at ``/v2/_catalog``, which the specification does not have and many registries do.

    :param prefix: the beginning of the paths that are wanted, which says whose login is used
    """

    def __init__(self, client: Client, prefix: str) -> None:
        purpose = Purpose("list the repositories of", client.host, client.host)
        path = prefix.rstrip("/")
        super().__init__(client, purpose, ("registry:catalog:*",), path, "/v2/_catalog", "repositories")

    def _refuse(self, answer: Answer) -> NoReturn:
        error = self._client.error(self._call(""), answer)
        anonymous = self._client.auth.is_anonymous(self._repository)
        said = f"(HTTP {answer.status}{': ' if error.words else ''}{error.words})"
        if answer.status in (401, 403):
            whom = "anybody without a login" if anonymous else "this login"
            code, cause = "no_credentials" if anonymous else "pull_denied", f"it does not list them to {whom} {said}"
        elif answer.status in (400, 404, 405, 501):
            code, cause = "unsupported", f"this registry has no catalog {said}"
        else:
            raise error
        raise RegistryError(
            code=code,
            action=error.action,
            subject=error.subject,
            cause=cause,
            hint=_INSTEAD if code != "unsupported" else "write one rule a repository",
            status=answer.status,
            words=error.words,
        )


def is_repository_path(registry: str, text: str) -> bool:
    """Whether what a registry lists is a repository's path, and not something that would change a URL."""
    try:
        return parse_repository(f"{registry}/{text}") == (registry, text)
    except InputError:
        return False
