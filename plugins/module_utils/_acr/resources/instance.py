# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances: which there are, their quotas, and the hosts that they are reached by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._oci.errors import ImageOpsError
from ..api.client import OpenApi, Parameter, rows
from .endpoint import parse_domains


@dataclass(frozen=True)
class Instance:
    """An Enterprise Edition instance.

    :param status: ``RUNNING`` when it can be used
    :param region: empty when the API did not say it
    """

    instance_id: str
    name: str
    status: str
    specification: str
    region: str


@dataclass(frozen=True)
class Quota:
    """How many there may be and how many there are."""

    limit: int
    used: int


@dataclass(frozen=True)
class Usage:
    """The quotas that a migration runs into."""

    namespaces: Quota
    repositories: Quota


@dataclass(frozen=True)
class EndpointSummary:
    """One way to reach an instance's registry.

    :param endpoint_type: ``internet`` or ``vpc``
    :param domains: the vendor's host names
    :param custom_domains: the user's own host names
    """

    endpoint_type: str
    enabled: bool
    status: str
    domains: tuple[str, ...]
    custom_domains: tuple[str, ...]
    vpcs: tuple[str, ...]


def list_instances(api: OpenApi, region: str, name: str | None = None) -> list[Instance]:
    """Return the instances of the client's region, all pages.

    :param region: the region's name, for what the API leaves out
    :param name: only the one of exactly this name
    """
    asked: dict[str, Parameter] = {"InstanceName": name}
    found = rows(api, "ListInstance", asked, "Instances", action="list the instances of", subject=region)
    return [_parse(row, region) for row in found if name in (None, row.get("InstanceName"))]


def find_instance(api: OpenApi, region: str, name: str) -> Instance:
    """Return the one instance of that name.

    :raises ImageOpsError: ``acr_not_found`` with the names that there are
    """
    found = list_instances(api, region, name)
    if found:
        return found[0]
    there = ", ".join(sorted(instance.name for instance in list_instances(api, region))) or "none"
    raise ImageOpsError(
        code="acr_not_found",
        action="find the instance",
        subject=name,
        cause=f"{region} has no instance of that name",
        hint=f"there are: {there}; check region too",
    )


def get_instance(api: OpenApi, region: str, instance_id: str) -> Instance:
    """Return the instance of that id.

    :raises ApiError: ``acr_not_found``
    """
    return _parse(_get(api, "GetInstance", instance_id, "read the instance"), region)


def usage(api: OpenApi, instance_id: str) -> Usage:
    """Return what the instance may hold and does hold."""
    answer = _get(api, "GetInstanceUsage", instance_id, "read the quotas of")
    return Usage(
        namespaces=_quota(answer, "Namespace"),
        repositories=_quota(answer, "Repo"),
    )


def endpoint_summaries(api: OpenApi, instance_id: str) -> list[EndpointSummary]:
    """By which endpoints the instance's registry is reached, with their domains as the API gives them."""
    asked = {"InstanceId": instance_id, "ModuleName": "Registry"}
    answer = api.call("ListInstanceEndpoint", asked, action="list the endpoints of", subject=instance_id)
    return [_parse_endpoint(row) for row in answer.get("Endpoints") or []]


def _get(api: OpenApi, api_action: str, instance_id: str, action: str) -> Mapping[str, Any]:
    return api.call(api_action, {"InstanceId": instance_id}, action=action, subject=instance_id)


def _quota(answer: Mapping[str, Any], kind: str) -> Quota:
    return Quota(limit=int(answer.get(f"{kind}Quota") or 0), used=int(answer.get(f"{kind}Usage") or 0))


def _parse(row: Mapping[str, Any], region: str) -> Instance:
    return Instance(
        instance_id=str(row.get("InstanceId", "")),
        name=str(row.get("InstanceName", "")),
        status=str(row.get("InstanceStatus", "")),
        specification=str(row.get("InstanceSpecification", "")),
        region=str(row.get("RegionId") or region),
    )


def _parse_endpoint(row: Mapping[str, Any]) -> EndpointSummary:
    own, custom = parse_domains(row)
    return EndpointSummary(
        endpoint_type=str(row.get("EndpointType", "")),
        enabled=bool(row.get("Enable")),
        status=str(row.get("Status") or ""),
        domains=own,
        custom_domains=custom,
        vpcs=tuple(str(each.get("VpcId", "")) for each in row.get("LinkedVpcs") or []),
    )
