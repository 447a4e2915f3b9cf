# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``acr`` of an entry of ``registries``: the instance that a registry belongs to, and the key that signs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._oci.credentials.provider import Credential
from .._oci.errors import InputError
from .alibaba.key_options import credential_spec, key_options, signing_keys

if TYPE_CHECKING:
    from .._acr.api.client import OpenApi
    from .._acr.credentials.chain import Origin
    from .._acr.registry.managed_registry import ManagedRegistry
    from .._oci.client.run import Run


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


OnSecret = Callable[[str], None]

_HOST = re.compile(r"[a-z0-9-]+\.([a-z0-9-]+)\.cr\.aliyuncs\.com(?::[0-9]+)?")


def instance_spec() -> dict[str, Any]:
    """Return the options of ``registries[].acr``; those of the modules for ACR that a sync needs."""
    return {
        "instance_id": {"type": "str", "required": True},
        "region": {"type": "str"},
        "network": {"type": "str", "choices": ["public", "vpc"], "default": "public"},
        "endpoint": {"type": "str"},
        "settle": {"type": "float", "default": 0.0},
        **credential_spec(),
    }


def check_instance(entry: RegistryEntry, on_secret: OnSecret) -> None:
    """Check what an entry says of an instance, if anything.

    :raises InputError: for what cannot be meant
    """
    if entry.acr is None:
        return
    subject = f"acr of {entry.origin}"
    for option in ("access_key_secret", "security_token"):
        on_secret(entry.acr[option] or "")
    if entry.acr["settle"] < 0:
        raise InputError(subject=subject, cause="settle is less than 0", hint="it is a number of seconds")
    if entry.path:
        raise InputError(
            subject=subject,
            cause=f"{entry.key} is a path in a registry, and an instance has the whole of one",
            hint=f"give it in an entry for {entry.registry}",
        )
    if entry.credential is not None:
        raise InputError(
            subject=subject,
            cause="the entry has credentials, and acr stands for those that are fetched and renewed",
            hint="leave one of the two out",
        )


def managed_registries(
    entries: Iterable[RegistryEntry],
    run: Run,
) -> dict[str, ManagedRegistry]:
    """Return the registries whose instance is known, by host. Nothing is asked yet.

    :raises ImageOpsError: when two entries say it differently, and when there is no region or no access key
    """
    chosen: dict[str, RegistryEntry] = {}
    for entry in entries:
        if entry.acr is not None and chosen.setdefault(entry.registry, entry).acr != entry.acr:
            raise InputError(
                subject=f"acr of {entry.origin}",
                cause=f"{chosen[entry.registry].origin} says otherwise for the same host {entry.registry}",
                hint="give it once",
            )
    if not chosen:
        return {}
    from .._acr.registry.managed_registry import ManagedRegistry  # needs requests, and time to load

    found: dict[str, ManagedRegistry] = {}
    for host, entry in chosen.items():
        if entry.acr is not None:
            api, origin = _api(entry, entry.acr, run)
            found[host] = ManagedRegistry(host, api, entry.acr["instance_id"], run, origin=origin)
    return found


def _api(
    entry: RegistryEntry,
    given: Mapping[str, Any],
    run: Run,
) -> tuple[OpenApi, Origin]:
    """Return the API's client, and where its key comes from.

    The API is reached as the registry itself is, but never without a check of certificates.
    """
    from .._acr.api.client import OpenApi
    from .._acr.api.service import ServerAccess
    from .alibaba import acr_options

    host = _HOST.fullmatch(entry.registry)
    region = given["region"] or (host.group(1) if host else acr_options.region(given, os.environ))
    access = ServerAccess(
        ca_path=entry.connection.get("ca_path"), ca=entry.connection.get("ca"), proxy=entry.connection.get("proxy")
    )
    try:
        key_options(given)  # half a key is said before a region that is missing
        service = acr_options.registry_api(given, region)
        keys = signing_keys(given, os.environ, region=region, access=access, run=run)
    except InputError as error:
        raise InputError(subject=f"acr of {entry.origin}", cause=error.cause, hint=error.hint) from None
    return OpenApi(service, keys.source, access=access, run=run), keys.origin
