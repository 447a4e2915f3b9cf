# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repositories of a Harbor, by its API: whole projects, or all that the login sees, and then that is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from .._oci.client.call import Purpose
from .._oci.credentials.provider import Credential
from .._oci.errors import Code, RegistryError
from .._oci.http.transport import Answer
from .._oci.registry.listing import is_repository_path
from .._oci.registry.registry import Registry

_BASE = "/api/v2.0"
_PAGE_SIZE = 100  # the most that Harbor gives
_MOST_PAGES = 10_000
_LIMIT = 8 * 1024 * 1024
_FOR_USERS = ("registry_url", "external_url")
_ADMIN = ("sysadmin_flag", "admin_role_in_auth")


class HarborApi:
    """Asks one Harbor, with the login of one of its projects or of the whole host.

    :param registry: its registry, whose connections, pace and retries are used
    :param login: a user or a robot; None asks anonymously
    """

    def __init__(self, registry: Registry, login: Credential | None) -> None:
        self.host = registry.host
        self._registry = registry
        self._login = login

    @property
    def account(self) -> str:
        """The name that is logged in with; empty when nobody is."""
        return self._login.username if self._login is not None else ""

    def check_login(self) -> None:
        """See that this is a Harbor with this API, and that it knows the login.

        Harbor takes whoever gives a wrong password for nobody, and answers with what everybody may see, without an
        error. It tells its address (since 2.2) only to those whom it knows.

        :raises RegistryError: unsupported for a Harbor before 2.0, bad_credentials for a login that it does not know
        """
        purpose = Purpose("reach Harbor's API at", self.host, self.host)
        answer = self._ask("systeminfo", purpose)
        if answer.status == 404:
            raise _error(purpose, "unsupported", "it has no API v2.0", "Harbor 2.0 or newer is needed", answer)
        if answer.status == 401 and self._login is not None:
            raise self.unknown_login(purpose, answer)
        info = self._parse(self._good(purpose, answer), purpose)
        if not isinstance(info, dict) or "auth_mode" not in info:
            raise _error(purpose, "protocol_error", "what answers there is not Harbor's API", "", answer)
        if self._login is not None and not any(name in info for name in _FOR_USERS):
            raise self.unknown_login(purpose, answer)

    def unknown_login(self, purpose: Purpose, answer: Answer) -> RegistryError:
        """The error for a login that Harbor does not know."""
        return _error(
            purpose,
            "bad_credentials",
            f"Harbor does not know the user {self.account} with this password",
            "a robot's name is written with its prefix, as in robot$name or robot$project+name; with OIDC a user's "
            "password is the CLI secret",
            answer,
        )

    def is_admin(self) -> bool:
        """Whether the login is surely that of an administrator, who sees every project."""
        purpose = Purpose("ask Harbor for the rights of", f"{self.account} at {self.host}", self.host)
        answer = self._ask("users/current", purpose)
        if answer.status != 200:  # a robot is no user, and with OIDC nobody but a browser is
            return False
        user = self._parse(answer, purpose)
        return isinstance(user, dict) and any(user.get(flag) is True for flag in _ADMIN)

    def projects(self) -> list[str]:
        """The names of all projects that the login sees."""
        purpose = Purpose("list the projects of", self.host, self.host)
        return self._names("projects?with_detail=false&", purpose)

    def repositories(self, project: str) -> list[str]:
        """The paths of all repositories of a project, the project's name first.

        :raises RegistryError: when the project is not there, or this login may not list it
        """
        purpose = Purpose("list the repositories of", f"{self.host}/{project}", self.host)
        return self._names(f"projects/{quote(project, safe='')}/repositories?", purpose)

    def _names(self, path: str, purpose: Purpose) -> list[str]:
        """Read a list; once more when it changed in the meantime, for then pages have moved and something may lack."""
        for _look in range(2):
            names, total = self._read(path, purpose)
            if len(names) >= total:
                return names
        raise RegistryError(
            code="protocol_error",
            action=purpose.action,
            subject=purpose.subject,
            cause=f"Harbor counts {total} and lists {len(names)} of them",
            hint="the list changed while it was read; run again",
            transient=True,
        )

    def _read(self, path: str, purpose: Purpose) -> tuple[list[str], int]:
        """All pages by number: the links between them are not escaped and not to be followed."""
        names: dict[str, None] = {}
        for page in range(1, _MOST_PAGES + 1):
            answer = self._good(purpose, self._ask(f"{path}page={page}&page_size={_PAGE_SIZE}", purpose))
            rows = self._parse(answer, purpose) or []
            if not isinstance(rows, list):
                raise _error(purpose, "protocol_error", "Harbor's list is none", "", answer)
            names.update((row["name"], None) for row in rows if isinstance(row, dict) and _is_text(row.get("name")))
            total = _count(answer)
            if not rows or (total is not None and len(names) >= total):
                return list(names), total or 0
        raise _error(purpose, "too_large", f"the list has more than {_MOST_PAGES} pages", "", answer)

    def _ask(self, path: str, purpose: Purpose) -> Answer:
        return self._registry.ask(f"{_BASE}/{path}", purpose, login=self._login, limit=_LIMIT)

    def _good(self, purpose: Purpose, answer: Answer) -> Answer:
        if answer.status == 200:
            return answer
        raise self._registry.error(purpose, answer)

    def _parse(self, answer: Answer, purpose: Purpose) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise _error(purpose, "protocol_error", "what answers there is not Harbor's API", "", answer) from None


def _error(purpose: Purpose, code: Code, cause: str, hint: str, answer: Answer) -> RegistryError:
    return RegistryError(
        code=code, action=purpose.action, subject=purpose.subject, cause=cause, hint=hint, status=answer.status
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _count(answer: Answer) -> int | None:
    text = answer.headers.get("X-Total-Count", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


_MOST_NAMED = 10
_NEEDED = "give the account the right to list repositories there: a robot needs it by name, a user has it as guest"


class HarborCatalog:
    """The repositories of one Harbor. A project is listed whole or not at all.

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
        code: Code
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
