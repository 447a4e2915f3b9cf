# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repositories of a Harbor, by its API: whole projects, or all that the login sees, and then that is said."""

from __future__ import annotations

from collections.abc import Iterator

from .._oci.catalog import is_repository_path
from .._oci.credentials import Credential
from .._oci.errors import RegistryError
from .._oci.registry import Registry
from .api import HarborApi

_MOST_NAMED = 10
_NEEDED = "give the account the right to list repositories there: a robot needs it by name, a user has it as guest"


class HarborCatalog:
    """A catalog of :mod:`.._oci.catalog`. A project is listed whole or not at all.

    :param registry: Harbor's registry; told of what a user should know of the list
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._host = registry.host

    def repositories(self, prefix: str) -> Iterator[str]:
        """Yield the repository paths that begin with the prefix, project after project.

        Of the whole host these are the projects that the login sees; who is no administrator is warned of that.

        :raises RegistryError: when the project is not there or the login may not list it
        """
        project = prefix.partition("/")[0]
        api = HarborApi(self._registry, self._login(project))
        api.check_login()
        found = self._project(api, project) if project else self._all(api)
        for path in found:
            if not is_repository_path(self._host, path):
                self._registry.warn(f"{self._host} lists {path!r}, which is no repository's path; it is left out")
            elif path.startswith(prefix):
                yield path

    def _login(self, project: str) -> Credential | None:
        login = self._registry.login(project)
        if login is not None and not login.password:
            raise RegistryError(
                code="no_credentials",
                action="list the repositories of",
                subject=self._host,
                cause="Harbor's API takes a user name and a password, and there is only a token",
                hint="give a user's or a robot's name and password, or write one rule a repository",
            )
        return login

    def _all(self, api: HarborApi) -> Iterator[str]:
        projects = api.projects()
        self._say_what_is_seen(api, len(projects))
        refused: list[str] = []
        for project in projects:
            try:
                yield from api.repositories(project)
            except RegistryError as error:
                if error.status not in (401, 403):
                    raise
                refused.append(project)
        if refused:
            self._registry.warn(
                f"{self._host} does not list the repositories of {_some(refused)} to {api.account or 'anybody'}; "
                f"they are left out ({_NEEDED})"
            )

    def _say_what_is_seen(self, api: HarborApi, count: int) -> None:
        if not api.account:
            self._registry.warn(
                f"{self._host} is asked without a login and shows its public projects alone, {count} of them; "
                "projects that are not public are left out"
            )
        elif not api.is_admin():
            self._registry.warn(
                f"{self._host} shows {api.account} the {count} projects that are public or that it belongs to; "
                "if there are others they are left out. An administrator sees all, and so does a robot of all projects"
            )

    def _project(self, api: HarborApi, project: str) -> list[str]:
        try:
            return api.repositories(project)
        except RegistryError as error:
            raise self._refused(error, api, project) from error

    def _refused(self, error: RegistryError, api: HarborApi, project: str) -> RegistryError:
        """The error in the words of projects. Harbor does not tell everybody whether there is one."""
        if error.status == 401 and not api.account:
            code, cause = "no_credentials", f"the project {project} is not public, or there is none"
            hint = f"add {self._host} to registries, with a user or a robot"
        elif error.status in (401, 403):
            code, cause = "pull_denied", f"{api.account} may not list the project {project}, or there is none"
            hint = _NEEDED
        elif error.status == 404:
            code, cause, hint = "repository_not_found", f"there is no project {project}", "check the spelling"
        else:
            return error
        return RegistryError(
            code=code,
            action=error.action,
            subject=error.subject,
            cause=f"{cause} (HTTP {error.status})",
            hint=hint,
            status=error.status,
            words=error.words,
        )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else shown
