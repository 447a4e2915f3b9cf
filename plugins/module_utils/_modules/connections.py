# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the action group → clients of registries, for modules and for plugins on the controller alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .._oci.client.run import Run
from .._oci.credentials.docker_credentials import DockerConfig
from .._oci.credentials.provider import Chain, CredentialProvider, Given
from .._oci.image.places import place_of
from .._oci.late_imports import IMPORTING
from . import options as task_options
from .registry_entries import RegistryEntry, managed_registries

if TYPE_CHECKING:
    from .._acr.registry.managed_registry import ManagedRegistry
    from .._oci.http.transport import Access
    from .._oci.layout.inventory import Bases
    from .._oci.store.store import Store
    from .task import Secrets

Connect = Callable[[str], "Store"]


class Caller(Protocol):
    """What gave the options: a task, or a plugin that is evaluated."""

    params: dict[str, Any]
    secrets: Secrets

    def warn(self, text: str) -> None:
        """Show a warning."""

    def run(self, argv: list[str], stdin: str) -> tuple[int, str, str]:
        """Run a program. Return its exit status and what it wrote to standard output and standard error."""


class Connections(NamedTuple):
    """The registries that options describe.

    :ivar connect: makes the client of a registry host
    :ivar managed: registries whose instance can be asked, by host
    :ivar run: the context that the clients have
    """

    connect: Connect
    managed: Mapping[str, ManagedRegistry]
    run: Run


def connections(caller: Caller) -> Connections:
    """Return how registries are reached by the options of the action group alone.

    :raises ImageOpsError: for what cannot be meant
    """
    entries = task_options.registry_entries(caller.params["registries"], caller.secrets.add)
    run = context(caller)
    managed = managed_registries(entries, run)
    credentials = Chain([given_credentials(entries, caller), *managed.values(), *docker_config(caller)])
    return Connections(connector(task_options.accesses(entries), credentials, run), managed, run)


def given_credentials(entries: Sequence[RegistryEntry], caller: Caller) -> Given:
    """Return the credentials in the option ``registries``."""
    pairs = [(entry.key, entry.credential) for entry in entries if entry.credential is not None]
    return Given(pairs, on_secret=caller.secrets.add)


def context(caller: Caller) -> Run:
    """Return what all parts of a run share."""
    return Run(
        settings=task_options.settings(caller.params),
        on_secret=caller.secrets.add,
        mask=caller.secrets.mask,
        warn=caller.warn,
    )


def docker_config(caller: Caller) -> Sequence[CredentialProvider]:
    """Return the credentials in docker's configuration; nothing where the options want none of them."""
    path = caller.params["docker_config"]
    if path == "":
        return []
    return [DockerConfig(path, run=caller.run, on_secret=caller.secrets.add, warn=caller.warn)]


def connector(
    accesses: Mapping[str, Access],
    credentials: CredentialProvider,
    run: Run,
    bases: Bases | None = None,
    part_sizes: Mapping[str, int] = MappingProxyType({}),
) -> Connect:
    """Return a function that makes the client of a registry host, or opens a place on disk.

    :param bases: earlier bundles, whose blobs layouts need not have
    :param part_sizes: how many bytes a part of an archive has at most, by place, for those that are written in parts
    """
    plain_http = {host for host, access in accesses.items() if access.plain_http}

    def connect(host: str) -> Store:
        place = place_of(host)
        if place is not None:
            with IMPORTING:
                from .._oci.layout.opening import open_layout  # only tasks with such a place pay for it

            return open_layout(host, place, run, bases, part_sizes.get(host))
        with IMPORTING:
            from .._oci.http.transport import Access
            from .._oci.registry.registry import Registry

        access = accesses.get(host) or Access(host)
        return Registry(host, access=access, credentials=credentials, run=run, plain_http=plain_http)

    return connect
