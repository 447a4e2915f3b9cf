# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance's public endpoint: on or off, and waiting for what that takes (one to five minutes)."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..api.client import OpenApi, Parameter
from ..api.errors import ApiError
from .resource import Change, Wait

RUNNING = "RUNNING"
Network = Any  # an IPv4Network or an IPv6Network; collapse_addresses takes one kind at a time


@dataclass(frozen=True)
class AclEntry:
    """One entry of an allow list.

    :param entry: a network, such as ``192.0.2.0/24``
    """

    entry: str
    comment: str = ""


def lets_all_in(entries: Iterable[AclEntry]) -> bool:
    """Return whether a list has no entry, or its entries together cover all addresses (``0.0.0.0/1``, ``128.0.0.0/1``).

    An entry that is no network covers nothing.
    """
    networks: dict[int, list[Network]] = {4: [], 6: []}
    empty = True
    for each in entries:
        empty = False
        with contextlib.suppress(ValueError):
            found = ipaddress.ip_network(each.entry.strip(), strict=False)
            networks[found.version].append(found)
    return empty or any(_covers_all(each) for each in networks.values())


def _covers_all(networks: list[Network]) -> bool:
    collapsed: Iterator[Network] = ipaddress.collapse_addresses(networks)
    return any(network.prefixlen == 0 for network in collapsed)


@dataclass(frozen=True)
class Endpoint:
    """The public endpoint of an instance's images or charts.

    :param status: ``RUNNING``, something passing such as ``CREATING``, or empty when it is off
    :param entries: the allow list; an empty one lets every address in
    :param domains: the vendor's host names; the API need not name any while it is off
    :param custom_domains: the user's own host names, which are never chosen by themselves
    """

    module: str
    enabled: bool
    status: str = field(default="", compare=False)
    entries: tuple[AclEntry, ...] = field(default=(), compare=False)
    domains: tuple[str, ...] = field(default=(), compare=False)
    custom_domains: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_settled(self) -> bool:
        """Return whether nothing is being made or taken down."""
        return self.status == RUNNING if self.enabled else self.status in ("", RUNNING)

    @property
    def is_unrestricted(self) -> bool:
        """Return whether every address gets in."""
        return self.enabled and lets_all_in(self.entries)


class PublicEndpoint:
    """The switch of one public endpoint.

    :param module: ``Registry`` or ``Chart``
    """

    def __init__(self, api: OpenApi, instance_id: str, module: str, *, wait: Wait, check_mode: bool) -> None:
        self._api = api
        self._module = module
        self._parameters: dict[str, Parameter] = {
            "InstanceId": instance_id,
            "EndpointType": "internet",
            "ModuleName": module,
        }
        self.wait = wait
        self.check_mode = check_mode
        self.subject = f"{module} of {instance_id}"

    def read(self) -> Endpoint:
        """Return what it is now."""
        try:
            answer = self.call("GetInstanceEndpoint", {}, action="read the public endpoint")
        except ApiError as error:
            if error.api_code == "INSTANCE_ACCESS_NOT_EXIST":
                return Endpoint(self._module, enabled=False)
            raise
        return _parse(self._module, answer)

    def switch(self, enabled: bool) -> Change[Endpoint]:
        """Turn it on or off, and wait until it is.

        :raises ApiError: ``acr_state`` when it is on its way elsewhere and must not be waited for
        """
        before = self.read()
        target = replace(before, enabled=enabled)
        if self.check_mode or (before == target and not self.wait.enabled):
            return Change(before, target)
        if before != target:
            if not before.is_settled:
                self.settled(before, lambda seen: True, action=_doing(enabled))
            self.call("UpdateInstanceEndpointStatus", {"Enable": enabled}, action=_doing(enabled))
        if not self.wait.enabled:
            return Change(before, target)
        return Change(before, self.settled(target, lambda seen: seen.enabled == enabled, action=_doing(enabled)))

    def settled(self, found: Endpoint, good: Callable[[Endpoint], bool], *, action: str) -> Endpoint:
        """Wait until nothing is being made or taken down, and it is as it should be.

        :param found: what was seen last
        :raises ApiError: ``acr_state`` when waiting is off, or when the vendor failed
        """
        if not self.wait.enabled:
            raise self.wrong_state(f"it is {found.status}", "set wait: true, or run it again later", action=action)

        def look() -> Endpoint | None:
            seen = self.read()
            if "FAIL" in seen.status.upper():
                raise self.wrong_state(f"its state is {seen.status}", "see the vendor's console", action=action)
            return seen if seen.is_settled and good(seen) else None

        return self.wait.until(look, action=action, subject=self.subject, lacking="it is not ready")

    def call(self, api_action: str, extra: Mapping[str, Parameter], *, action: str) -> Mapping[str, Any]:
        """Make a call about this endpoint."""
        return self._api.call(api_action, {**self._parameters, **extra}, action=action, subject=self.subject)

    def wrong_state(self, cause: str, hint: str, *, action: str) -> ApiError:
        """Return the error for a state in which this cannot be done."""
        return ApiError(code="acr_state", action=action, subject=self.subject, cause=cause, hint=hint)


def _doing(enabled: bool) -> str:
    return f"turn {'on' if enabled else 'off'} the public endpoint"


def _parse(module: str, answer: Mapping[str, Any]) -> Endpoint:
    own, custom = parse_domains(answer)
    entries = [
        AclEntry(str(each.get("Entry", "")), str(each.get("Comment") or "")) for each in answer.get("AclEntries") or []
    ]
    return Endpoint(
        module=module,
        enabled=bool(answer.get("Enable")),
        status=str(answer.get("Status") or ""),
        entries=tuple(sorted(entries, key=lambda each: each.entry)),
        domains=own,
        custom_domains=custom,
    )


def parse_domains(row: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the vendor's host names of an endpoint, and the user's own."""
    found = row.get("Domains") or []
    own = tuple(str(each.get("Domain", "")) for each in found if each.get("Type") != "USER")
    custom = tuple(str(each.get("Domain", "")) for each in found if each.get("Type") == "USER")
    return own, custom
