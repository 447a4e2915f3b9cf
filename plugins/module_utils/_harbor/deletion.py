# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes single tags and whole repositories by Harbor's API; its registry API deletes whole artifacts alone."""

from __future__ import annotations

from urllib.parse import quote

from .._oci.client.call import Purpose
from .._oci.credentials.provider import Credential
from .._oci.errors import RegistryError
from .._oci.registry.registry import Registry
from .catalog import BASE, HarborApi, artifacts_path

_LIMIT = 64 * 1024
_IMMUTABLE = 412
_ADMIN_ROLE = 1


def delete_tag(registry: Registry, path: str, tag: str) -> bool:
    """Remove a tag alone; one that is not there is removed already. The artifact stays, until Harbor collects it.

    :param path: project and repository
    Return False where Harbor has no such API, or the registry has no user and password for it.
    :raises RegistryError: when Harbor refuses, as it does for a tag that its rules make immutable
    """
    login = registry.login(path)
    if login is None or not login.password:
        return False
    try:
        HarborApi(registry, login).check_login()
    except RegistryError as error:
        if error.code == "unsupported":
            return False
        raise
    project, _slash, repository = path.partition("/")
    name = quote(tag, safe="")
    purpose = Purpose("delete", f"{registry.host}/{path}:{tag}", registry.host, write=True, kind="tag")
    address = f"{BASE}/{artifacts_path(project, repository)}/{name}/tags/{name}"
    answer = registry.ask(address, purpose, login=login, limit=_LIMIT, method="DELETE")
    if answer.status == _IMMUTABLE:
        raise RegistryError(
            code="immutable_tag",
            action=purpose.action,
            subject=purpose.subject,
            cause="a rule of its project makes the tag immutable",
            hint="change the project's rules for immutable tags, or name the tag in keep",
            status=answer.status,
        )
    if answer.status not in (200, 404):
        raise registry.error(purpose, answer)
    return True


def complete_repositories(registry: Registry, project: str) -> list[str]:
    """Return the paths of all repositories of a project, as many as Harbor counts (``X-Total-Count``).

    :raises RegistryError: when the login is no administrator of the project, or Harbor does not show the
        project and its whole list
    """
    purpose = Purpose("list all repositories of", f"{registry.host}/{project}", registry.host)
    login = _login(registry, project, purpose)
    api = HarborApi(registry, login)
    api.check_login()
    if not _is_administrator(registry, project, login, purpose):
        raise _refused(purpose, f"the user {login.username} is no administrator of it")
    listed = api.repositories(project)
    one = f"{BASE}/projects/{quote(project, safe='')}/repositories?page=1&page_size=1"
    answer = registry.ask(one, purpose, login=login, limit=_LIMIT)
    if answer.status != 200:
        raise registry.error(purpose, answer)
    if answer.headers.get("X-Total-Count", "") != str(len(listed)):
        raise _refused(purpose, f"Harbor counts {answer.headers.get('X-Total-Count')} and lists {len(listed)} of them")
    return listed


def delete_repository(registry: Registry, path: str) -> None:
    """Remove a repository with everything in it; one that is not there is removed already.

    :raises RegistryError: when Harbor refuses
    """
    purpose = Purpose("delete the repository", f"{registry.host}/{path}", registry.host, write=True)
    login = _login(registry, path, purpose)
    project, _slash, repository = path.partition("/")
    address = f"{BASE}/{artifacts_path(project, repository)}".rpartition("/")[0]
    answer = registry.ask(address, purpose, login=login, limit=_LIMIT, method="DELETE")
    if answer.status not in (200, 404):
        raise registry.error(purpose, answer)


def _is_administrator(registry: Registry, project: str, login: Credential, purpose: Purpose) -> bool:
    """Return whether a user is an administrator of a project, or of Harbor; a robot never is.

    :raises RegistryError: when Harbor does not show the project
    """
    me = registry.ask(f"{BASE}/users/current", purpose, login=login, limit=_LIMIT)
    if me.status == 200 and any(me.json().get(flag) is True for flag in ("sysadmin_flag", "admin_role_in_auth")):
        return True
    address = f"{BASE}/projects/{quote(project, safe='')}"
    found = registry.ask(address, purpose, login=login, limit=_LIMIT, headers={"X-Is-Resource-Name": "true"})
    if found.status != 200:
        raise registry.error(purpose, found)
    row = found.json()
    return me.status == 200 and _ADMIN_ROLE in (row.get("current_user_role_ids") or [row.get("current_user_role_id")])


def _login(registry: Registry, path: str, purpose: Purpose) -> Credential:
    login = registry.login(path)
    if login is None or not login.password:
        raise _refused(purpose, "there is no user and password for it")
    return login


def _refused(purpose: Purpose, cause: str) -> RegistryError:
    return RegistryError(
        code="pull_denied",
        action=purpose.action,
        subject=purpose.subject,
        cause=cause,
        hint="give the login of an administrator of the project, or leave repositories out of prune",
    )
