# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Harbor's API v2.0 as a server answers it, by its published swagger and its source: forms, pages, errors, rights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from .harbor_world import PROJECT_ADMIN, VERSION, Account, HarborWorld, Project

_TIME = "2024-05-06T07:08:09.123Z"
_MOST = 100

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Reply:
    """One answer of the API."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return (json.dumps(self.content) + "\n").encode()


class Refusal(Exception):
    """The API's error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.reply = Reply(status, {"errors": [{"code": code, "message": message}]})


class HarborApi:
    """Answers GET below ``/api/v2.0``, and DELETE of a tag."""

    def __init__(self, world: HarborWorld, host: str) -> None:
        self._world = world
        self._host = host

    def answer(self, target: str, headers: Mapping[str, str], method: str = "GET") -> Reply:
        """Answer one request.

        :param target: path and query as they came, with every escape
        :param headers: by name in lower case
        """
        parts = urlsplit(target)
        segments = [unquote(segment) for segment in parts.path.removeprefix("/api/v2.0/").split("/")]
        account = self._account(segments, headers.get("authorization", ""))
        query = parse_qs(parts.query, keep_blank_values=True)
        try:
            if method == "DELETE":
                return self._delete(segments, account)
            return self._route(segments, query, headers, account, parts.path)
        except Refusal as refusal:
            return refusal.reply

    def _account(self, segments: Sequence[str], authorization: str) -> Account | None:
        account = self._world.login(authorization) if authorization else None
        if account is not None and account.cli_secret:
            listed = segments in (["systeminfo"], ["projects"]) or segments[2:] == ["repositories"]
            return account if listed else None
        return account

    def _route(
        self, segments: list[str], query: Query, headers: Mapping[str, str], account: Account | None, path: str
    ) -> Reply:
        if segments == ["systeminfo"]:
            return self._system_info(account)
        if segments == ["users", "current"]:
            return _user(account)
        if segments == ["projects"]:
            return self._projects(query, account, path)
        if segments == ["repositories"]:
            found = [name for project in self._world.visible(account) for name in self._world.repositories(project)]
            return self._listed([_repository(name, 1) for name in found], query, path)
        if len(segments) == 2 and segments[0] == "projects":
            return self._project(segments[1], headers, account)
        if len(segments) == 3 and segments[::2] == ["projects", "repositories"]:
            project = self._accessible(segments[1], account)
            rows = [_repository(name, self._world.id_of(project)) for name in self._world.repositories(project)]
            return self._listed(rows, query, path)
        if len(segments) == 4 and segments[::2] == ["projects", "repositories"]:
            return self._repository(segments[1], unquote(segments[3]), account)
        if len(segments) == 5 and segments[::2] == ["projects", "repositories", "artifacts"]:
            return self._artifacts(segments[1], unquote(segments[3]), query, account, path)
        raise Refusal(404, "NOT_FOUND", f"path {path} was not found")

    def _delete(self, segments: Sequence[str], account: Account | None) -> Reply:
        """Remove a repository, or one tag of an artifact; who may delete in the project may, but for protected tags."""
        if len(segments) == 4 and segments[::2] == ["projects", "repositories"]:
            self._repository(segments[1], unquote(segments[3]), account)
            if not self._world.may(account, "delete", segments[1]):
                raise Refusal(403, "FORBIDDEN", "forbidden")
            self._world.delete_repository(f"{segments[1]}/{unquote(segments[3])}")
            return Reply(200, None)
        if len(segments) != 8 or segments[::2] != ["projects", "repositories", "artifacts", "tags"]:
            raise Refusal(404, "NOT_FOUND", "path was not found")
        project, name, reference, tag = segments[1], unquote(segments[3]), segments[5], segments[7]
        self._accessible(project, account)
        if not self._world.may(account, "delete", project):
            raise Refusal(403, "FORBIDDEN", "forbidden")
        tags = self._world.tags(f"{project}/{name}")
        if tag not in tags or reference not in (tag, tags[tag]):
            raise Refusal(404, "NOT_FOUND", f"tag {tag} not found")
        if tag in self._world.immutable:
            raise Refusal(412, "PRECONDITION", f"the tag {tag} configured as immutable tag cannot be deleted")
        self._world.delete_tag(f"{project}/{name}", tag)
        return Reply(200, None)

    def _system_info(self, account: Account | None) -> Reply:
        info: dict[str, Any] = {
            "auth_mode": "db_auth",
            "primary_auth_mode": False,
            "self_registration": False,
            "banner_message": "",
            "oidc_provider_name": "",
        }
        if account is not None or self._world.tells_version:
            info["harbor_version"] = VERSION
        if account is not None:
            info.update(
                external_url=f"https://{self._host}",
                registry_url=self._host,
                has_ca_root=False,
                project_creation_restriction="everyone",
                read_only=False,
                registry_storage_provider_name="filesystem",
                notification_enable=True,
                current_time=_TIME,
            )
        return Reply(200, info)

    def _projects(self, query: Query, account: Account | None, path: str) -> Reply:
        rows = [self._project_row(project, account) for project in self._world.visible(account)]
        return self._listed(rows, query, path)

    def _project_row(self, project: Project, account: Account | None) -> dict[str, Any]:
        is_member = account is not None and not account.is_robot and project.name in account.rights
        row: dict[str, Any] = {
            "creation_time": _TIME,
            "current_user_role_id": _role(account, project.name) if is_member else 0,
            **({"registry_id": 7} if project.proxy_cache else {}),
            "cve_allowlist": {"creation_time": "0001-01-01T00:00:00.000Z", "items": []},
            "metadata": {"public": "true" if project.public else "false"},
            "name": project.name,
            "owner_id": 1,
            "owner_name": "admin",
            "project_id": self._world.id_of(project),
            "update_time": _TIME,
        }
        count = len(self._world.repositories(project))
        return {**row, "repo_count": count} if count else row

    def _project(self, name_or_id: str, headers: Mapping[str, str], account: Account | None) -> Reply:
        """A number is an id, unless the request says that it is a name."""
        name = name_or_id
        if name_or_id.isdigit() and headers.get("x-is-resource-name", "").lower() != "true":
            known = {str(self._world.id_of(project)): project.name for project in self._world.projects.values()}
            name = known.get(name_or_id, "")
        return Reply(200, self._project_row(self._accessible(name, account), account))

    def _accessible(self, name: str, account: Account | None) -> Project:
        if not self._world.may(account, "list", name):
            if account is None:
                raise Refusal(401, "UNAUTHORIZED", "unauthorized")
            raise Refusal(403, "FORBIDDEN", "forbidden")
        if name not in self._world.projects:
            raise Refusal(404, "NOT_FOUND", f"project {name} not found")
        return self._world.projects[name]

    def _repository(self, project_name: str, name: str, account: Account | None) -> Reply:
        """One repository; the slashes in its name arrive escaped twice, for a server before this one undoes the first.

        A slash escaped once has become one more part of the path by then, and leads nowhere.
        """
        project = self._accessible(project_name, account)
        whole = f"{project_name}/{name}"
        if whole not in self._world.repositories(project):
            raise Refusal(404, "NOT_FOUND", f"repository {whole} not found")
        return Reply(200, _repository(whole, self._world.id_of(project)))

    def _artifacts(self, project_name: str, name: str, query: Query, account: Account | None, path: str) -> Reply:
        """Artifacts with tags, whether all are asked for or only those (``q=tags=*``)."""
        self._repository(project_name, name, account)
        tags: dict[str, list[str]] = {}
        for tag, digest in sorted(self._world.listed(self._world.tags(f"{project_name}/{name}")).items()):
            tags.setdefault(digest, []).append(tag)
        if query.get("q", ["tags=*"]) != ["tags=*"]:
            raise Refusal(400, "BAD_REQUEST", f"invalid query: {query['q'][0]}")
        shows_tags = query.get("with_tag", ["true"])[0] == "true"
        rows = [{"digest": digest, "tags": names if shows_tags else []} for digest, names in tags.items()]
        return self._listed(rows, query, path, self._artifact)

    def _artifact(self, row: dict[str, Any]) -> dict[str, Any]:
        media_type = str(self._world.manifest(row["digest"]).get("mediaType"))
        return _artifact(row["digest"], row["tags"], media_type)

    def _listed(
        self,
        rows: list[dict[str, Any]],
        query: Query,
        path: str,
        describe: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> Reply:
        """One page; its links are not escaped, as Harbor's are not.

        :param describe: makes what is shown of a row
        """
        page, size = _number(query, "page", 1, 2**31), _number(query, "page_size", 10, _MOST)
        shown = rows[(page - 1) * size : page * size]
        if self._world.lost_rows and shown:
            self._world.lost_rows -= 1
            shown = shown[1:]
        links = []
        for number, name, there in ((page - 1, "prev", page > 1), (page + 1, "next", page * size < len(rows))):
            if there:
                changed = {**query, "page": [str(number)], "page_size": [str(size)]}
                links.append(f'<{path}?{unquote(urlencode(changed, doseq=True))}>; rel="{name}"')
        headers = {"X-Total-Count": str(len(rows)), **({"Link": " , ".join(links)} if links else {})}
        return Reply(200, list(map(describe, shown)) or (None if not rows else []), headers)


def _role(account: Account | None, project: str) -> int:
    """Return 1 for an administrator of a project, 5 for any other member."""
    return 1 if account is not None and account.rights.get(project) == PROJECT_ADMIN else 5


def _user(account: Account | None) -> Reply:
    if account is None:
        raise Refusal(401, "UNAUTHORIZED", "unauthorized")
    if account.is_robot:
        raise Refusal(412, "PRECONDITION", "get current user not available for security context: robot")
    content = {
        "admin_role_in_auth": False,
        "creation_time": _TIME,
        "email": f"{account.name}@example.com",
        "realname": account.name,
        "sysadmin_flag": account.admin,
        "update_time": _TIME,
        "user_id": 3,
        "username": account.name,
    }
    return Reply(200, content)


def _repository(name: str, project_id: int) -> dict[str, Any]:
    return {
        "artifact_count": 1,
        "creation_time": _TIME,
        "id": sum(name.encode()),
        "name": name,
        "project_id": project_id,
        "pull_count": 0,
        "update_time": _TIME,
    }


def _artifact(digest: str, tags: Sequence[str], media_type: str) -> dict[str, Any]:
    named = [
        {"artifact_id": 1, "id": number, "immutable": False, "name": name, "push_time": _TIME, "repository_id": 1}
        for number, name in enumerate(tags, 1)
    ]
    return {
        "accessories": None,
        "digest": digest,
        "id": 1,
        "manifest_media_type": media_type,
        "media_type": "application/vnd.oci.image.config.v1+json",
        "project_id": 1,
        "push_time": _TIME,
        "repository_id": 1,
        "size": 1234,
        "tags": named or None,
        "type": "IMAGE",
    }


def _number(query: Query, name: str, default: int, most: int) -> int:
    text = query.get(name, [str(default)])[0]
    if not text.isdigit() or not text.isascii():
        raise Refusal(422, "UNPROCESSABLE_ENTITY", f'{name} in query must be of type int64: "{text}"')
    if int(text) > most:
        raise Refusal(422, "UNPROCESSABLE_ENTITY", f"{name} in query should be less than or equal to {most}")
    return max(1, int(text))
