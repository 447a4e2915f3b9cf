# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One entry of the option ``registries``, as its checks leave it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._oci.credentials import Credential


@dataclass(frozen=True)
class RegistryEntry:
    """One entry of ``registries``.

    :param origin: where it stands, as messages say it: ``registries[0]``
    :param registry: the host that it is for
    :param path: the beginning of the repositories that its credentials are for; empty for all of the host's
    :param connection: those of the connection options that are given
    :param acr: the ACR instance that the registry belongs to, as it was written; None when nothing is said of one
    """

    origin: str
    registry: str
    path: str
    credential: Credential | None
    connection: Mapping[str, Any]
    acr: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """Host and path, as credentials are looked up by."""
        return f"{self.registry}/{self.path}" if self.path else self.registry
