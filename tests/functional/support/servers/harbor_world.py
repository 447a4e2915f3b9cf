# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Harbor under test holds: its projects, and who may do what in them.

The repositories are those of the docker-registry behind it, and as many more as a test gives names to.
"""

from __future__ import annotations

import base64
import binascii
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

GUEST = frozenset(("list", "pull"))
DEVELOPER = frozenset(("list", "pull", "push"))
MAINTAINER = DEVELOPER | {"delete"}
PROJECT_ADMIN = MAINTAINER | {"administer"}
PULL_ONLY = frozenset(("pull",))
"""A robot that is given no right to list repositories."""

VERSION = "v2.13.1-5ea7b8c2"
_PUBLIC = GUEST


@dataclass
class Project:
    """A project.

    :ivar named_only: repositories that it lists and the registry does not have, without the project's name
    :ivar proxy_cache: whether it is a proxy cache of another registry
    """

    name: str
    public: bool = False
    named_only: list[str] = field(default_factory=list)
    proxy_cache: bool = False


@dataclass(frozen=True)
class Account:
    """A user or, with a ``$`` in its name, a robot.

    :ivar rights: what it may do, by project; a robot's ``*`` stands for all projects
    :ivar cli_secret: an OIDC user, whose secret is good for the registry and for little of the API
    """

    name: str
    password: str = field(repr=False)
    admin: bool = False
    rights: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cli_secret: bool = False

    @property
    def is_robot(self) -> bool:
        return self.name.startswith("robot$")


class HarborWorld:
    """The state behind the servers; tests may change it while they run.

    :ivar root: the registry's storage
    :ivar tells_version: whether anybody is told the version, as before Harbor 2.13
    :ivar immutable: tags that a rule protects
    :ivar lost_rows: how many rows the next lists leave out, as when pages move while they are read
    :ivar listed: what becomes of the digests of tags before artifacts are listed, for lists that are not right
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.projects: dict[str, Project] = {}
        self.accounts: dict[str, Account] = {}
        self.tells_version = False
        self.lost_rows = 0
        self.immutable: set[str] = set()
        self.listed: Callable[[dict[str, str]], dict[str, str]] = dict

    def add_project(self, name: str, *, public: bool = False, named_only: int = 0) -> Project:
        """A new project, with so many repositories ``repo-0000`` that are names alone."""
        project = Project(name, public, [f"repo-{number:04}" for number in range(named_only)])
        self.projects[name] = project
        return project

    def add_account(
        self,
        name: str,
        password: str,
        *,
        admin: bool = False,
        rights: Mapping[str, frozenset[str]] | None = None,
        cli_secret: bool = False,
    ) -> Account:
        """A new user or robot."""
        account = Account(name, password, admin, rights or {}, cli_secret)
        self.accounts[name] = account
        return account

    def login(self, authorization: str) -> Account | None:
        """Who a Basic Authorization header is from; a wrong one is from nobody, and that is no error."""
        try:
            name, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        account = self.accounts.get(name)
        return account if account is not None and account.password == password else None

    def may(self, account: Account | None, action: str, project_name: str) -> bool:
        """Whether somebody may list, pull or push in a project; nobody is None."""
        project = self.projects.get(project_name)
        if account is not None and account.admin:
            return True
        if project is None:
            return False
        if project.public and action in _PUBLIC:
            return True
        rights = account.rights if account is not None else {}
        return action in rights.get(project_name, ()) or action in rights.get("*", ())

    def visible(self, account: Account | None) -> list[Project]:
        """The projects that a list shows to somebody: without an error, and without a word on those left out."""
        projects = sorted(self.projects.values(), key=lambda project: project.name)
        if account is not None and (account.admin or "*" in account.rights):
            return projects
        mine = account.rights if account is not None else {}
        return [project for project in projects if project.public or project.name in mine]

    def repositories(self, project: Project) -> list[str]:
        """The whole paths of a project's repositories, the newest first as Harbor has them; with no tags, too."""
        base = self.root / "docker/registry/v2/repositories"
        found = sorted(path.relative_to(base).as_posix() for path in _repositories(base / project.name))
        names = [*found, *(f"{project.name}/{name}" for name in project.named_only)]
        return names[::-1]

    def tags(self, repository: str) -> dict[str, str]:
        """The digest of every tag of a repository, by its whole path."""
        base = self.root / "docker/registry/v2/repositories" / repository / "_manifests/tags"
        tags = base.iterdir() if base.exists() else ()
        return {tag.name: (tag / "current/link").read_text() for tag in tags if (tag / "current/link").exists()}

    def delete_tag(self, repository: str, tag: str) -> None:
        """Remove a tag and leave what it names."""
        shutil.rmtree(self.root / "docker/registry/v2/repositories" / repository / "_manifests/tags" / tag)

    def delete_repository(self, repository: str) -> None:
        """Remove a repository."""
        shutil.rmtree(self.root / "docker/registry/v2/repositories" / repository)

    def manifest(self, digest: str) -> dict[str, Any]:
        """A manifest out of the registry's storage."""
        algorithm, _, value = digest.partition(":")
        blob = self.root / "docker/registry/v2/blobs" / algorithm / value[:2] / value / "data"
        return cast(dict[str, Any], json.loads(blob.read_bytes()))

    def id_of(self, project: Project) -> int:
        return list(self.projects).index(project.name) + 1


def _repositories(directory: Path) -> Iterator[Path]:
    """What is a repository at a directory or below it; nothing is looked for among its tags."""
    names = {each.name: each for each in directory.iterdir()} if directory.is_dir() else {}
    if "_manifests" in names:
        yield directory
    for name, each in names.items():
        if not name.startswith("_"):
            yield from _repositories(each)
