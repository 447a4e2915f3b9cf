# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repositories of an instance by ListRepository: its registry has no catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .openapi import OpenApi, Parameter
from .pages import count, rows

_CALL = "ListRepository"
_ACTION = "list the repositories of"


class AcrCatalog:
    """A catalog of :mod:`.._oci.catalog`.

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
        asked: dict[str, Parameter] = {"InstanceId": self._instance_id, "RepoNamespaceName": namespace}
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
