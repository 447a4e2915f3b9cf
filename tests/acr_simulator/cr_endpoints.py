# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to an instance's registry: public endpoints with their white lists, and VPCs."""

from __future__ import annotations

import ipaddress

from .cr_part import Answer, Parameters, Part
from .replies import ApiFault
from .world import DEFAULT_ENTRY, AclEntry, Countdown, Key, PublicEndpoint


class Endpoints(Part):
    """They come and go slowly, and what is written meanwhile is lost in silence."""

    def get_instance_endpoint(self, parameters: Parameters, _: Key) -> Answer:
        endpoint = self._endpoint(parameters)
        self._look_at(endpoint)
        return _endpoint_fields(endpoint, comments=True)

    def list_instance_endpoint(self, parameters: Parameters, _: Key) -> Answer:
        instance, endpoint = self._instance(parameters), self._endpoint(parameters)
        self._look_at(endpoint)
        vpc = {
            "EndpointType": "vpc",
            "Enable": bool(instance.linked_vpcs),
            "Status": "RUNNING",
            "AclEnable": False,
            "Domains": [{"Domain": domain, "Type": "SYSTEM"} for domain in instance.vpc_domains],
            "LinkedVpcs": [{"VpcId": linked["VpcId"]} for linked in instance.linked_vpcs],
        }
        return {"Endpoints": [_endpoint_fields(endpoint, comments=False) | {"EndpointType": "internet"}, vpc]}

    def update_instance_endpoint_status(self, parameters: Parameters, _: Key) -> Answer:
        endpoint, enable = self._endpoint(parameters), parameters["Enable"]
        if endpoint.status not in ("", "RUNNING"):
            raise ApiFault(400, "INSTANCE_STATUS_NOT_SUPPORT", f"the endpoint is {endpoint.status}")
        if enable == endpoint.enable:
            return {}
        endpoint.enable = enable
        endpoint.status = "CREATING" if enable else "DELETING"
        endpoint.settles = Countdown(self._world.looks.endpoint_on if enable else self._world.looks.endpoint_off)
        endpoint.entries = [AclEntry(DEFAULT_ENTRY, "default")] if enable else []
        return {}

    def create_instance_endpoint_acl_policy(self, parameters: Parameters, _: Key) -> Answer:
        endpoint, entry = self._endpoint(parameters), parameters["Entry"]
        if not endpoint.enable:
            raise ApiFault(400, "INSTANCE_ACCESS_NOT_EXIST", "the endpoint is off")
        if not _is_network(entry) or entry == "0.0.0.0/0":
            raise ApiFault(400, "INSTANCE_ACCESS_ACL_ENTRY_INVALID", "Instance access acl entry is invalid.")
        if endpoint.status != "RUNNING":
            return {}
        if any(entry == present.entry for present in endpoint.entries):
            raise ApiFault(400, "SIMULATED_DUPLICATE_ENTRY", "the real code of a duplicate is not known")
        shows = Countdown(self._world.looks.entry_shows)
        endpoint.entries.append(AclEntry(entry, parameters.get("Comment", ""), shows))
        return {}

    def delete_instance_endpoint_acl_policy(self, parameters: Parameters, _: Key) -> Answer:
        endpoint = self._endpoint(parameters)
        present = next((each for each in endpoint.entries if each.entry == parameters["Entry"]), None)
        if present is None:
            raise ApiFault(400, "SIMULATED_NO_SUCH_ENTRY", "the real code of a missing entry is not known")
        if present.entry == DEFAULT_ENTRY and self._world.default_entry_stays:
            raise ApiFault(400, "SIMULATED_DEFAULT_ENTRY", "whether the real one lets it go is not known")
        if present.goes is None:
            present.goes = Countdown(self._world.looks.entry_goes)
        return {}

    def _endpoint(self, parameters: Parameters) -> PublicEndpoint:
        return self._instance(parameters).endpoints[parameters.get("ModuleName", "Registry")]

    def _look_at(self, endpoint: PublicEndpoint) -> None:
        """One look: what was being made or removed comes one step nearer."""
        if endpoint.status in ("CREATING", "DELETING") and endpoint.settles.look():
            endpoint.status = "RUNNING" if endpoint.enable else ""
        endpoint.entries = [each for each in endpoint.entries if each.goes is None or not each.goes.look()]
        for entry in endpoint.entries:
            entry.shows.look()
        self._world.note_exposure()

    def get_instance_vpc_endpoint(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        for linked in instance.linked_vpcs:
            linked["Status"] = "RUNNING"
        return {
            "Enable": bool(instance.linked_vpcs),
            "ModuleName": parameters.get("ModuleName", "Registry"),
            "Domains": list(instance.vpc_domains),
            "LinkedVpcs": [dict(linked) for linked in instance.linked_vpcs],
        }

    def create_instance_vpc_endpoint_linked_vpc(self, parameters: Parameters, _: Key) -> Answer:
        linked = {"VpcId": parameters["VpcId"], "VswitchId": parameters["VswitchId"]}
        self._instance(parameters).linked_vpcs.append({**linked, "Ip": "192.168.0.7", "Status": "CREATING"})
        return {}

    def delete_instance_vpc_endpoint_linked_vpc(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        instance.linked_vpcs = [row for row in instance.linked_vpcs if row["VpcId"] != parameters["VpcId"]]
        return {}


def _endpoint_fields(endpoint: PublicEndpoint, *, comments: bool) -> Answer:
    shown = [entry for entry in endpoint.entries if entry.shows.left == 0]
    fields: Answer = {
        "Enable": endpoint.enable,
        "AclEnable": endpoint.enable,
        "AclEntries": [
            {"Entry": entry.entry, "Comment": entry.comment} if comments else {"Entry": entry.entry} for entry in shown
        ],
        "Domains": [{"Domain": domain, "Type": kind} for domain, kind in endpoint.domains] if endpoint.enable else [],
    }
    if endpoint.status:
        fields["Status"] = endpoint.status
    return fields


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
