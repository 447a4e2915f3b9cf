# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Better hints for errors of registries whose kind is known, and with it the module or option that helps."""

from __future__ import annotations

from collections.abc import Container

from .._acr.api.names import is_enterprise_registry, is_enterprise_service
from .._acr.registry.advice import advice
from .._oci.errors import ImageOpsError, RegistryError
from .._oci.registry.registry import Registry
from .work.stores import Stores


class Adviser:
    """Knows the registries of a run.

    :param managed: the hosts of instances of ACR whose API is used
    """

    def __init__(self, stores: Stores, managed: Container[str]) -> None:
        self._stores = stores
        self._managed = managed

    def advise(self, error: ImageOpsError) -> None:
        """Give the error the better hint, where there is one."""
        if isinstance(error, RegistryError) and error.registry and self._is_instance(error.registry):
            error.hint = advice(error, managed=error.registry in self._managed) or error.hint

    def _is_instance(self, host: str) -> bool:
        if host in self._managed or is_enterprise_registry(host):
            return True
        store = self._stores.store(host)
        return isinstance(store, Registry) and is_enterprise_service(store.known_service)
