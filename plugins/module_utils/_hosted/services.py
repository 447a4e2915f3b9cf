# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that keep registries for everybody and list digests with tags: how each is known. No I/O."""

from __future__ import annotations

import re
from typing import NamedTuple


class Service(NamedTuple):
    """One service.

    :ivar name: as messages say it
    :ivar page: tags on one page of its list
    :ivar pattern: what its registries' hosts look like, and the services that their challenges name
    :ivar api_host: the host of the list where that is not the registry's own; empty where it is
    """

    name: str
    page: int
    pattern: re.Pattern[str]
    api_host: str = ""


GOOGLE = Service("Google", 1_000_000, re.compile(r"(?:[a-z]+\.)?gcr\.io|[a-z0-9-]+\.pkg\.dev"))
AZURE = Service("Azure", 1000, re.compile(r"[a-z0-9-]+\.azurecr\.(?:io|cn|us)"))
QUAY = Service("Quay", 100, re.compile(r"quay\.io"))
DOCKER_HUB = Service("Docker Hub", 100, re.compile(r"docker\.io"), api_host="hub.docker.com")


def service_of(host: str, challenge: str) -> Service | None:
    """Return the service that a registry belongs to; None for another registry.

    :param host: the registry, as references name it
    :param challenge: the service that its challenge names; empty when that is not known
    """
    known = (GOOGLE, AZURE, QUAY, DOCKER_HUB)
    return next((each for each in known if each.pattern.fullmatch(host) or each.pattern.fullmatch(challenge)), None)
