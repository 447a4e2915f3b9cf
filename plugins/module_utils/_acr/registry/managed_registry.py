# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry whose instance's API a sync may ask, with the access key that an entry of ``registries`` has for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from ..._oci.client.run import Run
from ..._oci.credentials.provider import Credential
from ..._oci.errors import Code, ImageOpsError
from ..._oci.image.manifest import Descriptor
from ..api.client import OpenApi, Parameter, count, rows
from ..credentials.chain import Origin
from ..resources.instance import usage
from ..resources.namespace import list_namespaces
from ..resources.repository import list_repositories
from . import deletion
from .logins import TemporaryLogins
from .tag_digests import listed_digests

_CALL = "ListRepository"
_ACTION = "list the repositories of"


class AcrCatalog:
    """The repositories of one instance, by its API.

    :param api: signed by an identity that may list repositories
    :param warn: told when a list is shorter than the API's own count
    """

    def __init__(self, api: OpenApi, instance_id: str, *, warn: Callable[[str], None]) -> None:
        self._api = api
        self._instance_id = instance_id
        self._warn = warn

    def repositories(self, prefix: str) -> Iterator[str]:
        """Yield the paths, namespace first, of the repositories that begin with the prefix.

        :raises ApiError: when the identity may not list them
        """
        namespace = prefix.partition("/")[0] or None
        asked: dict[str, Parameter] = {
            "InstanceId": self._instance_id,
            "RepoNamespaceName": namespace,
            "RepoStatus": "NORMAL",
        }
        listed = list(rows(self._api, _CALL, asked, "Repositories", action=_ACTION, subject=self._instance_id))
        counted = count(self._api, _CALL, asked, action=_ACTION, subject=self._instance_id)
        if len(listed) < counted:
            self._warn(
                f"the API counts {counted} repositories in {namespace or self._instance_id} and lists {len(listed)}: "
                "the list changed while it was read, or this access key does not see all of them"
            )
        for row in listed:
            path = f"{row.get('RepoNamespaceName', '')}/{row.get('RepoName', '')}"
            if path.startswith(prefix) and row.get("RepoStatus") != "DELETING":
                yield path


T = TypeVar("T")


@dataclass
class RepositoryObstacles:
    """What is known of repositories that a push would have to create.

    :ivar faults: why one of them cannot come to be, by path
    :ivar absent: the paths of those that are surely not there
    :ivar unknown: what could not be asked, in sentences; a push may work all the same
    """

    faults: dict[str, ImageOpsError] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def find_obstacles(api: OpenApi, instance_id: str, host: str, wanted: Collection[str]) -> RepositoryObstacles:
    """Find what stands in the way of new repositories, before anything is written.

    :param host: the instance's registry, for messages
    :param wanted: the paths of repositories that seem not to be there
    """
    return _Search(api, instance_id, host).run(wanted)


class _Search:
    def __init__(self, api: OpenApi, instance_id: str, host: str) -> None:
        self._api = api
        self._instance_id = instance_id
        self._host = host
        self._found = RepositoryObstacles()

    def run(self, wanted: Collection[str]) -> RepositoryObstacles:
        namespaces = self._ask("its namespaces", self._namespaces)
        if namespaces is not None:
            self._found.absent = self._absent(wanted, namespaces)
            new = [path for path in self._found.absent if self._is_made(path, namespaces)]
            self._count(new)
        return self._found

    def _namespaces(self) -> dict[str, bool]:
        """Return whether a push to a namespace creates the repository, by the namespace's name."""
        return {found.name: found.auto_create_repo for found in list_namespaces(self._api, self._instance_id)}

    def _absent(self, wanted: Collection[str], namespaces: Collection[str]) -> list[str]:
        there: set[str] = set()
        for name in dict.fromkeys(_namespace(path) for path in wanted):
            if name in namespaces:
                listed = self._ask(f"the repositories of its namespace {name}", partial(self._paths, name))
                there.update(wanted if listed is None else listed)
        return [path for path in wanted if path not in there]

    def _paths(self, namespace: str) -> list[str]:
        return [f"{row.namespace}/{row.name}" for row in list_repositories(self._api, self._instance_id, namespace)]

    def _is_made(self, path: str, namespaces: dict[str, bool]) -> bool:
        name = _namespace(path)
        if name not in namespaces:
            cause, hint = f"there is no namespace {name}", "create it with imageops.registry.acr_namespace"
        elif not namespaces[name]:
            cause = f"a push to the namespace {name} does not create repositories"
            hint = (
                "create it with imageops.registry.acr_repository, or set auto_create_repo: true with "
                "imageops.registry.acr_namespace"
            )
        else:
            return True
        self._refuse([path], "destination_missing", cause, hint)
        return False

    def _count(self, new: Collection[str]) -> None:
        quota = self._ask("its quotas", lambda: usage(self._api, self._instance_id).repositories) if new else None
        if quota is not None and 0 < quota.limit < quota.used + len(new):
            left = max(0, quota.limit - quota.used)
            cause = f"{len(new)} repositories are to be created, and there is room for {left} (quota {quota.limit})"
            hint = "remove repositories that are not needed, or have the quota of the instance raised"
            self._refuse(new, "quota_exceeded", cause, hint)

    def _refuse(self, paths: Iterable[str], code: Code, cause: str, hint: str) -> None:
        for path in paths:
            self._found.faults[path] = ImageOpsError(
                code=code, action="create the repository", subject=f"{self._host}/{path}", cause=cause, hint=hint
            )

    def _ask(self, what: str, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except ImageOpsError as error:
            self._found.unknown.append(f"{self._host} was not checked for {what} before copying: {error}")
            return None


def _namespace(path: str) -> str:
    return path.partition("/")[0]


class ManagedRegistry:
    """The registry of an instance: its catalog, its logins, and what stands in the way of new repositories.

    Threads may share it. Close it when done.

    :param host: the registry, as references name it
    :param api: closed with this
    :param origin: where the key comes from that signs
    """

    def __init__(self, host: str, api: OpenApi, instance_id: str, run: Run, *, origin: Origin) -> None:
        self.host = host
        self.origin = origin
        self.instance_id = instance_id
        self._api = api
        self._catalog = AcrCatalog(api, instance_id, warn=run.warn)
        self._logins = TemporaryLogins(api, instance_id, host, on_secret=run.on_secret)

    def repositories(self, prefix: str) -> Iterator[str]:
        """See :meth:`.AcrCatalog.repositories`."""
        return self._catalog.repositories(prefix)

    def get(self, registry: str, repository: str) -> Credential | None:
        """See :meth:`.TemporaryLogins.get`."""
        return self._logins.get(registry, repository)

    def refused(self, registry: str, credential: Credential) -> None:
        """See :meth:`.TemporaryLogins.refused`."""
        self._logins.refused(registry, credential)

    def obstacles(self, wanted: Collection[str]) -> RepositoryObstacles:
        """See :func:`.find_obstacles`."""
        return find_obstacles(self._api, self.instance_id, self.host, wanted)

    def listed_digests(self, path: str, *, patience: float) -> Mapping[str, Descriptor]:
        """See :func:`.tag_digests.listed_digests`."""
        return listed_digests(self._api, self.instance_id, path, patience=patience)

    def delete_tag(self, path: str, tag: str) -> None:
        """See :func:`.deletion.delete_tag`."""
        deletion.delete_tag(self._api, self.instance_id, path, tag)

    def complete_repositories(self, namespace: str) -> list[str]:
        """See :func:`.deletion.complete_repositories`."""
        return deletion.complete_repositories(self._api, self.instance_id, namespace)

    def delete_repository(self, path: str) -> None:
        """See :func:`.deletion.delete_repository`."""
        deletion.delete_repository(self._api, self.instance_id, path)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()
