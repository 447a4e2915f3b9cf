# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances, and logins at their registries."""

from __future__ import annotations

import re
import secrets

from .cr_part import Answer, Parameters, Part, page_of
from .replies import ApiFault
from .world import Countdown, Instance, Key, TemporaryLogin


class Instances(Part):
    """Which there are, and how much room they have."""

    def list_instance(self, parameters: Parameters, _: Key) -> Answer:
        here = [
            _instance_fields(instance) | {"RegionId": instance.region, "CreateTime": "1606361600000"}
            for instance in self._world.instances.values()
            if instance.region == self._world.region
            and instance.name == parameters.get("InstanceName", instance.name)
            and instance.status == parameters.get("InstanceStatus", instance.status)
        ]
        page = page_of(here, parameters, default_size=30)
        return {"Instances": page.pop("rows"), **page, "TotalCount": len(here)}

    def get_instance(self, parameters: Parameters, _: Key) -> Answer:
        return _instance_fields(self._instance(parameters)) | {"CreateTime": 1606361600000}

    def get_instance_usage(self, parameters: Parameters, _: Key) -> Answer:
        instance = self._instance(parameters)
        repositories = sum(len(namespace.repositories) for namespace in instance.namespaces.values())
        return {
            "NamespaceQuota": str(instance.namespace_quota),
            "NamespaceUsage": str(len(instance.namespaces)),
            "RepoQuota": str(instance.repository_quota),
            "RepoUsage": str(repositories),
            "ChartNamespaceQuota": "25",
            "ChartNamespaceUsage": "0",
            "ChartRepoQuota": "1000",
            "ChartRepoUsage": "0",
            "VpcQuota": "3",
            "VpcUsage": str(len(instance.linked_vpcs)),
        }


class Logins(Part):
    """Passwords of the identity that signs."""

    def get_authorization_token(self, parameters: Parameters, key: Key) -> Answer:
        hours = parameters.get("ExpiresInHours", 1)
        if not 1 <= hours <= 24:
            raise ApiFault(400, "InvalidExpiresInHours", "1 to 24")
        end = self._world.now() + hours * self._world.login_seconds
        login = TemporaryLogin(key.user, secrets.token_urlsafe(40), end)
        self._instance(parameters).temporary.append(login)
        return {
            "TempUsername": "cr_temp_user",
            "AuthorizationToken": login.password,
            "ExpireTime": int(login.expires_at * 1000),
        }

    def reset_login_password(self, parameters: Parameters, key: Key) -> Answer:
        password = parameters["Password"]
        classes = [re.search(kind, password) for kind in (r"[A-Za-z]", r"[0-9]", r"[^A-Za-z0-9]")]
        if not 8 <= len(password) <= 32 or sum(map(bool, classes)) < 2:
            raise ApiFault(400, "PASSWORD_INVALID", "8 to 32 characters, two of letter, digit, symbol")
        works = Countdown(self._world.looks.password_works)
        self._instance(parameters).new_passwords[self._world.login_name(key.user)] = (password, works)
        return {}


def _instance_fields(instance: Instance) -> Answer:
    return {
        "InstanceId": instance.instance_id,
        "InstanceName": instance.name,
        "InstanceSpecification": instance.specification,
        "InstanceStatus": instance.status,
    }
