# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an instance has room for repositories that are not there yet: their namespaces, and the quota."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from .._oci.errors import ImageOpsError
from .instance import usage
from .namespace import list_namespaces
from .openapi import OpenApi
from .repository import list_repositories

T = TypeVar("T")


@dataclass
class Room:
    """What is known of repositories that a push would have to create.

    :ivar faults: why one of them cannot come to be, by path
    :ivar unknown: what could not be asked, in sentences; a push may work all the same
    """

    faults: dict[str, ImageOpsError] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def look_for_room(api: OpenApi, instance_id: str, host: str, wanted: Collection[str]) -> Room:
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
        self._room = Room()

    def run(self, wanted: Collection[str]) -> Room:
        namespaces = self._ask("its namespaces", self._namespaces)
        if namespaces is not None:
            new = [path for path in self._absent(wanted, namespaces) if self._is_made(path, namespaces)]
            self._count(new)
        return self._room

    def _namespaces(self) -> dict[str, bool]:
        """Whether a push to a namespace creates the repository, by the namespace's name."""
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

    def _refuse(self, paths: Iterable[str], code: str, cause: str, hint: str) -> None:
        for path in paths:
            self._room.faults[path] = ImageOpsError(
                code=code, action="create the repository", subject=f"{self._host}/{path}", cause=cause, hint=hint
            )

    def _ask(self, what: str, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except ImageOpsError as error:
            self._room.unknown.append(f"{self._host} was not checked for {what} before copying: {error}")
            return None


def _namespace(path: str) -> str:
    return path.partition("/")[0]
