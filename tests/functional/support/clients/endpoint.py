# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a registry under test, for the collection's client and for independent ones alike."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..servers.certificates import Certificate


@dataclass(frozen=True)
class Endpoint:
    """A registry's address and who may use it.

    :param host: ``127.0.0.1:PORT``
    :param ca_path: the private CA of a TLS registry; None means plain HTTP
    :param username: empty for anonymous use
    :param client: shown to a registry that asks for client certificates
    """

    host: str
    ca_path: Path | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    client: Certificate | None = None

    @property
    def scheme(self) -> str:
        return "http" if self.ca_path is None else "https"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """What an independent client needs for TLS; None for plain HTTP."""
        if self.ca_path is None:
            return None
        context = ssl.create_default_context(cafile=str(self.ca_path))
        if self.client:
            context.load_cert_chain(self.client.certificate, self.client.key)
        return context

    def anonymous(self) -> Endpoint:
        return replace(self, username="", password="")

    def as_user(self, username: str, password: str) -> Endpoint:
        return replace(self, username=username, password=password)
