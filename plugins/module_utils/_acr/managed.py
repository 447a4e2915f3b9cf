# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry whose instance's API a sync may ask, with the access key that an entry of ``registries`` has for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from .._oci.credentials import Credential
from .catalog import AcrCatalog
from .credentials import TemporaryLogins
from .openapi import OpenApi
from .room import Room, look_for_room


class ManagedRegistry:
    """The registry of an instance: its catalog, its logins, and its room. Threads may share it; close it when done.

    :param host: the registry, as references name it
    :param api: closed with this
    :param on_secret: told every password before it is used
    :param warn: told of what a user should know of a list
    """

    def __init__(
        self,
        host: str,
        api: OpenApi,
        instance_id: str,
        *,
        on_secret: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self.host = host
        self.instance_id = instance_id
        self._api = api
        self._catalog = AcrCatalog(api, instance_id, warn=warn)
        self._logins = TemporaryLogins(api, instance_id, host, on_secret=on_secret)

    def repositories(self, prefix: str) -> Iterator[str]:
        """See :meth:`.AcrCatalog.repositories`."""
        return self._catalog.repositories(prefix)

    def get(self, registry: str, repository: str) -> Credential | None:
        """See :meth:`.TemporaryLogins.get`."""
        return self._logins.get(registry, repository)

    def refused(self, registry: str, credential: Credential) -> None:
        """See :meth:`.TemporaryLogins.refused`."""
        self._logins.refused(registry, credential)

    def room(self, wanted: Collection[str]) -> Room:
        """See :func:`.look_for_room`."""
        return look_for_room(self._api, self.instance_id, self.host, wanted)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()
