# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repositories of a Harbor, by its API: whole projects, or all that the login sees, and then that is said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .._oci.client.call import Purpose
from .._oci.credentials.provider import Credential
from .._oci.errors import Code, RegistryError
from .._oci.http.transport import Answer
from .._oci.registry.listing import is_repository_path
from .._oci.registry.registry import Registry

BASE = "/api/v2.0"
_PAGE_SIZE = 100  # the most that Harbor gives
_MOST_PAGES = 10_000
_LIMIT = 8 * 1024 * 1024
_FOR_USERS = ("registry_url", "external_url")
_ADMIN = ("sysadmin_flag", "admin_role_in_auth")
_NO_USER = 412  # what Harbor answers a robot that asks who it is


@dataclass(frozen=True)
class Project:
    """One of Harbor's projects.

    :param public: whether everybody may pull from it (``metadata.public``)
    :param proxy_cache: whether it holds what was pulled through it from another registry
    :param has_role: whether the user who asks has a role in it; a robot never has
    """

    name: str
    public: bool = False
    proxy_cache: bool = False
    has_role: bool = False


class HarborApi:
    """Asks one Harbor, with the login of one of its projects or of the whole host.

    :param registry: its registry, whose connections, pace and retries are used
    :param login: a user or a robot; None asks anonymously
    :param patience: seconds to wait for an answer, each asked for once; None for the time-out and retries of the run
    """

    def __init__(self, registry: Registry, login: Credential | None, *, patience: float | None = None) -> None:
        self.host = registry.host
        self._registry = registry
        self._login = login
        self._patience = patience

    @property
    def account(self) -> str:
        """The name that is logged in with; empty for anonymous requests."""
        return self._login.username if self._login is not None else ""

    def check_login(self) -> None:
        """See that this is a Harbor with this API, and that it knows the login.

        Harbor takes a request with a wrong password for an anonymous one, and answers with what is public, without an
        error. It tells its address (since 2.2) only to logins that it knows.

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
        """Return the error for a login that Harbor does not know."""
        return _error(
            purpose,
            "bad_credentials",
            f"Harbor does not know the user {self.account} with this password",
            "a robot's name is written with its prefix, as in robot$name or robot$project+name; with OIDC a user's "
            "password is the CLI secret",
            answer,
        )

    def sees_everything(self, projects: Collection[Project]) -> bool:
        """Return whether the login sees every project, as far as Harbor tells.

        Harbor describes users alone: not robots, and with OIDC not those who log in with a CLI secret. A robot without
        a project in its name may be one of all projects, whose list is whole. A user who sees private projects without
        a role in them is an administrator.

        :param projects: what the login sees
        """
        purpose = Purpose("ask Harbor for the rights of", f"{self.account} at {self.host}", self.host)
        answer = self._ask("users/current", purpose)
        if answer.status == 200:
            user = self._parse(answer, purpose)
            return isinstance(user, dict) and any(user.get(flag) is True for flag in _ADMIN)
        if answer.status == _NO_USER or "$" in self.account:
            return "+" not in self.account
        return any(not project.public and not project.has_role for project in projects)

    def projects(self) -> list[Project]:
        """Return all projects that the login sees."""
        purpose = Purpose("list the projects of", self.host, self.host)
        return [_project_of(row) for row in self._rows("projects?with_detail=false&", purpose)]

    def project(self, name: str) -> Project | None:
        """Return one project; None when the login may not look at it or there is none."""
        purpose = Purpose("read the project", f"{self.host}/{name}", self.host)
        answer = self._ask(f"projects/{quote(name, safe='')}", purpose, {"X-Is-Resource-Name": "true"})
        row = self._parse(answer, purpose) if answer.status == 200 else None
        return _project_of(row) if isinstance(row, dict) and _is_text(row.get("name")) else None

    def repositories(self, project: str) -> list[str]:
        """Return the paths of all repositories of a project, the project's name first.

        :raises RegistryError: when the project is not there, or this login may not list it
        """
        purpose = Purpose("list the repositories of", f"{self.host}/{project}", self.host)
        return [str(row["name"]) for row in self._rows(f"projects/{quote(project, safe='')}/repositories?", purpose)]

    def artifacts(self, project: str, repository: str) -> list[Mapping[str, Any]]:
        """Return all artifacts of a repository as Harbor describes them, with their tags.

        :raises RegistryError: with status 404 when the repository does not exist
        """
        purpose = Purpose("list the artifacts of", f"{self.host}/{project}/{repository}", self.host)
        return self._rows(f"{artifacts_path(project, repository)}?with_tag=true&", purpose, key="digest")

    def tagged(self, project: str, repository: str) -> list[Mapping[str, Any]]:
        """Return the artifacts that have tags. Those that move while the pages are read may lack.

        :raises RegistryError: with status 404 when the repository does not exist
        """
        purpose = Purpose("list the tags and digests of", f"{self.host}/{project}/{repository}", self.host)
        return self._read(f"{artifacts_path(project, repository)}?with_tag=true&q=tags%3D*&", purpose, "digest")[0]

    def _rows(self, path: str, purpose: Purpose, key: str = "name") -> list[Mapping[str, Any]]:
        """Read a list; once more when it changed in the meantime, for then pages have moved and something may lack."""
        for _look in range(2):
            rows, total = self._read(path, purpose, key)
            if len(rows) >= total:
                return rows
        raise RegistryError(
            code="protocol_error",
            action=purpose.action,
            subject=purpose.subject,
            cause=f"Harbor counts {total} and lists {len(rows)} of them",
            hint="the list changed while it was read; run again",
            transient=True,
        )

    def _read(self, path: str, purpose: Purpose, key: str) -> tuple[list[Mapping[str, Any]], int]:
        """Return the rows of all pages and how many Harbor counts. Its links are not escaped and not to be followed."""
        found: dict[str, Mapping[str, Any]] = {}
        for page in range(1, _MOST_PAGES + 1):
            answer = self._good(purpose, self._ask(f"{path}page={page}&page_size={_PAGE_SIZE}", purpose))
            rows = self._parse(answer, purpose) or []
            if not isinstance(rows, list):
                raise _error(purpose, "protocol_error", "Harbor's list is none", "", answer)
            found.update((row[key], row) for row in rows if isinstance(row, dict) and _is_text(row.get(key)))
            total = _count(answer)
            if not rows or (total is not None and len(found) >= total):
                return list(found.values()), total or 0
        raise _error(purpose, "too_large", f"the list has more than {_MOST_PAGES} pages", "", answer)

    def _ask(self, path: str, purpose: Purpose, headers: Mapping[str, str] | None = None) -> Answer:
        return self._registry.ask(
            f"{BASE}/{path}", purpose, login=self._login, limit=_LIMIT, headers=headers, patience=self._patience
        )

    def _good(self, purpose: Purpose, answer: Answer) -> Answer:
        if answer.status == 200:
            return answer
        raise self._registry.error(purpose, answer)

    def _parse(self, answer: Answer, purpose: Purpose) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise _error(purpose, "protocol_error", "what answers there is not Harbor's API", "", answer) from None


def artifacts_path(project: str, repository: str) -> str:
    """Return where the artifacts of a repository are. A slash in its name is escaped twice, by the API's own rule."""
    return f"projects/{quote(project, safe='')}/repositories/{quote(quote(repository, safe=''), safe='')}/artifacts"


def _error(purpose: Purpose, code: Code, cause: str, hint: str, answer: Answer) -> RegistryError:
    return RegistryError(
        code=code, action=purpose.action, subject=purpose.subject, cause=cause, hint=hint, status=answer.status
    )


def _project_of(row: Mapping[str, Any]) -> Project:
    metadata = row.get("metadata")
    public = metadata.get("public") if isinstance(metadata, Mapping) else None
    return Project(
        str(row["name"]),
        public=str(public).lower() == "true",
        proxy_cache=bool(row.get("registry_id")),
        has_role=bool(row.get("current_user_role_id") or row.get("current_user_role_ids")),
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

    def is_public(self, project: str) -> bool | None:
        """Return whether everybody may pull from a project; None where the login may not look at it."""
        found = HarborApi(self._registry, self._login(project)).project(project)
        return found.public if found is not None else None

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
        self._say_what_is_seen(api, projects)
        self._say_what_is_a_cache(project for project in projects if project.proxy_cache)
        refused: list[str] = []
        for project in (each.name for each in projects):
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

    def _say_what_is_seen(self, api: HarborApi, projects: Collection[Project]) -> None:
        if not api.account:
            self._registry.warn(
                f"{self._host} is asked without a login and shows its public projects alone, {len(projects)} of them; "
                "projects that are not public are left out"
            )
        elif not api.sees_everything(projects):
            self._registry.warn(
                f"{self._host} shows {api.account} the {len(projects)} projects that are public or that it belongs to; "
                "if there are others they are left out. An administrator sees all, and so does a robot of all projects"
            )

    def _say_what_is_a_cache(self, projects: Iterable[Project]) -> None:
        names = [project.name for project in projects]
        if names:
            self._registry.warn(
                f"{self._host}/{_some(names)}: a proxy cache of another registry. It lists what was pulled through it "
                "and loses that again; take the images from that registry itself, or leave the project out"
            )

    def _project(self, api: HarborApi, project: str) -> list[str]:
        try:
            found = api.repositories(project)
        except RegistryError as error:
            raise self._refused(error, api, project) from error
        seen = api.project(project)
        self._say_what_is_a_cache([seen] if seen is not None and seen.proxy_cache else [])
        return found

    def _refused(self, error: RegistryError, api: HarborApi, project: str) -> RegistryError:
        """Return the error in the words of projects. Harbor does not tell everybody whether there is one."""
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
