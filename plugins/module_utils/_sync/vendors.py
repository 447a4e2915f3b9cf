# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The products behind registries: everything that a run needs of Harbor, ACR and others beside the registry API.

A product is one class. It says how its repositories are listed, which names it takes, what stands in the way of new
repositories, and what to do about its errors. A registry of no known product is Generic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from .._acr.api.names import is_enterprise_registry, is_enterprise_service, path_doubt, path_fault
from .._hosted.services import Service, service_of
from .._oci.errors import ImageOpsError, RegistryError
from .._oci.image.manifest import Descriptor
from .._oci.late_imports import IMPORTING
from .._oci.registry.registry import Registry
from .._oci.store.store import Store
from .product import DigestLists, Generic, Obstacles
from .work.stores import Stores

if TYPE_CHECKING:
    from .._acr.registry.managed_registry import ManagedRegistry

    ManagedRegistries = Mapping[str, ManagedRegistry]

_HARBOR_SERVICE = "harbor-registry"  # every Harbor's challenge names it
_ACR_SERVICES = "registry.aliyuncs.com:"
_PATIENCE = 5.0


class Harbor(Generic):
    """Harbor, whose API lists whole projects.

    :param registry: whose connections and logins the API shares
    """

    product = "Harbor"
    digest_lists = DigestLists(100)

    def __init__(self, host: str, stores: Stores, registry: Registry) -> None:
        super().__init__(host, stores)
        self._registry = registry

    def repositories(self, beginning: str) -> Iterable[str]:
        """Return what Harbor's API lists to the login of the project."""
        with IMPORTING:
            from .._harbor.catalog import HarborCatalog  # for whole projects alone

        return HarborCatalog(self._registry).repositories(beginning)

    def digests(self, path: str) -> Mapping[str, Descriptor] | None:
        """Return what Harbor's API lists to the login of the project."""
        with IMPORTING:
            from .._harbor.artifacts import tagged_artifacts  # for what the registry does not show

        return tagged_artifacts(self._registry, path)

    def listed_digests(self, path: str) -> Mapping[str, Descriptor]:
        """Return what Harbor's API lists."""
        with IMPORTING:
            from .._harbor.artifacts import listed_digests

        return listed_digests(self._registry, path, patience=_PATIENCE)

    def delete_tag(self, path: str, tag: str) -> bool:
        """Remove a tag by Harbor's API; False where the registry has no login for that."""
        with IMPORTING:
            from .._harbor.deletion import delete_tag  # for runs that delete

        return delete_tag(self._registry, path, tag)

    def complete_repositories(self, namespace: str) -> list[str]:
        """Return what Harbor lists to an administrator of the project."""
        with IMPORTING:
            from .._harbor.deletion import complete_repositories

        return complete_repositories(self._registry, namespace)

    def delete_repository(self, path: str) -> None:
        """Remove a repository by Harbor's API."""
        with IMPORTING:
            from .._harbor.deletion import delete_repository

        delete_repository(self._registry, path)

    def is_public(self, namespace: str) -> bool | None:
        """Return whether the project is public (``metadata.public``); None where the login may not look at it."""
        with IMPORTING:
            from .._harbor.catalog import HarborCatalog

        return HarborCatalog(self._registry).is_public(namespace)


class HostedRegistry(Generic):
    """A registry of Google, Azure, Quay or Docker Hub, which list digests with tags.

    :param registry: the registry itself
    """

    def __init__(self, host: str, stores: Stores, registry: Registry, service: Service) -> None:
        super().__init__(host, stores)
        self._registry = registry
        self._service = service
        self.product = service.name
        self.digest_lists = DigestLists(service.page, elsewhere=bool(service.api_host))

    def listed_digests(self, path: str) -> Mapping[str, Descriptor]:
        """Return what the service lists; where that is another host, without a login."""
        with IMPORTING:
            from .._hosted.tag_lists import read_tags  # for these services alone

        other = self._stores.store(self._service.api_host) if self._service.api_host else None
        asked = other if isinstance(other, Registry) else self._registry
        return read_tags(self._service, asked, path, patience=_PATIENCE)


class AcrPersonal(Generic):
    """A registry of ACR that belongs to no instance of the Enterprise Edition."""

    product = "ACR"
    _way_out = "write one rule a repository"

    def repositories(self, beginning: str) -> Iterable[str]:
        """Raise that such a registry lists nothing."""
        raise RegistryError(
            code="unsupported",
            action="list the repositories of",
            subject=self.host,
            cause="ACR's registries do not list them",
            hint=self._way_out,
        )


class AcrInstance(AcrPersonal):
    """The registry of an ACR Enterprise Edition instance, whose API is not configured."""

    def __init__(self, host: str, stores: Stores) -> None:
        super().__init__(host, stores)
        self._way_out = (
            f"give the entry of {host} in registries its acr: {{instance_id: ..., region: ...}}, whose API lists them"
        )

    def path_fault(self, path: str) -> str:
        """Return why ACR does not take the path."""
        return path_fault(path)

    def path_doubt(self, path: str) -> str:
        """Return why ACR may not take the path."""
        return path_doubt(path)

    def advice(self, error: RegistryError) -> str:
        """Return the module or the option that helps."""
        with IMPORTING:
            from .._acr.registry.advice import advice  # for errors alone

        return advice(error, managed=self.has_api)


class ManagedAcrInstance(AcrInstance):
    """The registry of an ACR Enterprise Edition instance whose API is configured.

    :param managed: asks that API
    """

    has_api = True
    digest_lists = DigestLists(100, before=1)

    def __init__(self, host: str, stores: Stores, managed: ManagedRegistry) -> None:
        super().__init__(host, stores)
        self._managed = managed

    def repositories(self, beginning: str) -> Iterable[str]:
        """Return what the instance's API lists."""
        return self._managed.repositories(beginning)

    def obstacles(self, paths: Collection[str]) -> Obstacles:
        """Return which namespaces are missing or closed to pushes, and where the quota is too small."""
        found = self._managed.obstacles(paths)
        return Obstacles(found.faults, found.unknown, found.absent)

    def listed_digests(self, path: str) -> Mapping[str, Descriptor]:
        """Return what the instance's API lists."""
        return self._managed.listed_digests(path, patience=_PATIENCE)

    def delete_tag(self, path: str, tag: str) -> bool:
        """Remove a tag by the instance's API."""
        self._managed.delete_tag(path, tag)
        return True

    def complete_repositories(self, namespace: str) -> list[str]:
        """Return what the instance's API lists and counts."""
        return self._managed.complete_repositories(namespace)

    def delete_repository(self, path: str) -> None:
        """Remove a repository by the instance's API."""
        self._managed.delete_repository(path)


class Vendors:
    """Says which product is behind each registry of a run.

    :param managed: registries whose instance of ACR can be asked by its API, by host; they are closed with this
    """

    def __init__(self, stores: Stores, managed: ManagedRegistries) -> None:
        self._stores = stores
        self._managed = managed

    def known(self, host: str) -> Generic:
        """Return the product as far as it is known so far. Nothing is asked."""
        store = dict(self._stores.opened()).get(host)
        return self._of(host, store, store.known_service if isinstance(store, Registry) else "")

    def ask(self, host: str) -> Generic:
        """Return the product, for which the registry is asked unless the task says it.

        :raises RegistryError: when the registry does not answer
        """
        if host in self._managed:
            return self._of(host, None, "")
        store = self._stores.store(host)
        return self._of(host, store, store.service() if isinstance(store, Registry) else "")

    def _of(self, host: str, store: Store | None, service: str) -> Generic:
        if host in self._managed:
            return ManagedAcrInstance(host, self._stores, self._managed[host])
        if is_enterprise_registry(host) or is_enterprise_service(service):
            return AcrInstance(host, self._stores)
        if service.startswith(_ACR_SERVICES):
            return AcrPersonal(host, self._stores)
        if isinstance(store, Registry) and service == _HARBOR_SERVICE:
            return Harbor(host, self._stores, store)
        hosted = service_of(host, service)
        if isinstance(store, Registry) and hosted is not None:
            return HostedRegistry(host, self._stores, store, hosted)
        return Generic(host, self._stores)

    def advise(self, error: ImageOpsError) -> None:
        """Put into an error of a registry the hint of its product, where there is a better one."""
        if isinstance(error, RegistryError) and error.registry:
            error.hint = self.known(error.registry).advice(error) or error.hint

    def close(self) -> None:
        """Close the connections to the products' APIs."""
        for registry in self._managed.values():
            registry.close()
