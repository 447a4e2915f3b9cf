# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of RAM (users, policies, keys), version 2015-05-01."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any, Callable

from . import resources_of_calls, rights
from .replies import ApiFault
from .world import Countdown, Key, Policy, User, World

Answer = dict[str, Any]
Parameters = Mapping[str, Any]

_DATE = "2026-01-02T03:04:05Z"
_VERSIONS_AT_MOST = 5
_KEYS_AT_MOST = 2


class AccessManagement:
    """Serves the calls that schema.RAM lists."""

    def __init__(self, world: World) -> None:
        self._world = world

    def serve(self, action: str, parameters: Parameters, key: Key) -> Answer:
        """The answer's fields without RequestId.

        :raises ApiFault: when the call is refused
        """
        for right, resource in resources_of_calls.of_ram(action, self._world.account_id, parameters):
            rights.demand(self._world, key, right, resource, "NoPermission")
        name = re.sub(r"(?<!^)([A-Z])", r"_\1", action).lower()
        method: Callable[[Parameters], Answer] = getattr(self, f"_{name}")
        return method(parameters)

    # Users

    def _create_user(self, parameters: Parameters) -> Answer:
        name = parameters["UserName"]
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
            raise ApiFault(400, "InvalidParameter.UserName.InvalidChars", "letters, digits, . _ -")
        if name in self._world.users:
            raise ApiFault(409, "EntityAlreadyExists.User", f"The user {name} already exists.")
        user = User(name, str(20000000000000000 + secrets.randbelow(10**15)))
        user.display_name = parameters.get("DisplayName", name)
        user.comments = parameters.get("Comments", "")
        user.shows = Countdown(self._world.looks.user_shows)
        self._world.users[name] = user
        return {"User": _user_fields(user)}

    def _get_user(self, parameters: Parameters) -> Answer:
        user = self._user(parameters)
        if not user.shows.look():
            raise ApiFault(404, "EntityNotExist.User", f"The user does not exist: {user.name}")
        return {"User": _user_fields(user) | {"UpdateDate": _DATE}}

    def _update_user(self, parameters: Parameters) -> Answer:
        user = self._user(parameters)
        user.display_name = parameters.get("NewDisplayName", user.display_name)
        user.comments = parameters.get("NewComments", user.comments)
        return {"User": _user_fields(user) | {"UpdateDate": _DATE}}

    def _delete_user(self, parameters: Parameters) -> Answer:
        user = self._user(parameters)
        if user.attached:
            raise ApiFault(409, "DeleteConflict.User.Policy", "The user has policies.")
        if self._keys_of(user.name):
            raise ApiFault(409, "DeleteConflict.User.AccessKey", "The user has access keys.")
        del self._world.users[user.name]
        return {}

    def _user(self, parameters: Parameters) -> User:
        user = self._world.users.get(parameters["UserName"])
        if user is None:
            raise ApiFault(404, "EntityNotExist.User", f"The user does not exist: {parameters['UserName']}")
        return user

    # Policies

    def _create_policy(self, parameters: Parameters) -> Answer:
        name = parameters["PolicyName"]
        if not re.fullmatch(r"[A-Za-z0-9-]{1,128}", name):
            raise ApiFault(400, "InvalidParameter.PolicyName.InvalidChars", "letters, digits, -")
        if name in self._world.policies:
            raise ApiFault(409, "EntityAlreadyExists.Policy", f"The policy {name} already exists.")
        policy = Policy(name, parameters.get("Description", ""))
        policy.versions["v1"] = _checked_document(parameters["PolicyDocument"])
        self._world.policies[name] = policy
        return {"Policy": _policy_fields(policy)}

    def _get_policy(self, parameters: Parameters) -> Answer:
        if parameters["PolicyType"] == "System":
            raise ApiFault(404, "EntityNotExist.Policy", "The simulator describes no system policies.")
        policy = self._policy(parameters)
        attached = sum(("Custom", policy.name) in user.attached for user in self._world.users.values())
        fields = _policy_fields(policy) | {"AttachmentCount": attached, "UpdateDate": _DATE}
        return {"Policy": fields, "DefaultPolicyVersion": _version_fields(policy, policy.default)}

    def _create_policy_version(self, parameters: Parameters) -> Answer:
        policy = self._policy(parameters)
        document = _checked_document(parameters["PolicyDocument"])
        if len(policy.versions) >= _VERSIONS_AT_MOST:
            if parameters.get("RotateStrategy") != "DeleteOldestNonDefaultVersionWhenLimitExceeded":
                raise ApiFault(409, "LimitExceeded.Policy.Version", "The policy has 5 versions.")
            del policy.versions[next(version for version in policy.versions if version != policy.default)]
        version = f"v{policy.next_version}"
        policy.next_version += 1
        policy.versions[version] = document
        if parameters.get("SetAsDefault"):
            policy.default = version
        return {"PolicyVersion": _version_fields(policy, version)}

    def _list_policy_versions(self, parameters: Parameters) -> Answer:
        policy = self._policy(parameters)
        return {"PolicyVersions": {"PolicyVersion": [_version_fields(policy, each) for each in policy.versions]}}

    def _delete_policy_version(self, parameters: Parameters) -> Answer:
        policy, version = self._policy(parameters), parameters["VersionId"]
        if version not in policy.versions:
            raise ApiFault(404, "EntityNotExist.Policy.Version", f"The version does not exist: {version}")
        if version == policy.default:
            raise ApiFault(409, "DeleteConflict.PolicyVersion.Default", "It is the default version.")
        del policy.versions[version]
        return {}

    def _delete_policy(self, parameters: Parameters) -> Answer:
        policy = self._policy(parameters)
        if any(("Custom", policy.name) in user.attached for user in self._world.users.values()):
            raise ApiFault(409, "DeleteConflict.Policy.User", "The policy is attached to users.")
        if len(policy.versions) > 1:
            raise ApiFault(409, "DeleteConflict.Policy.Version", "The policy has more than one version.")
        del self._world.policies[policy.name]
        return {}

    def _policy(self, parameters: Parameters) -> Policy:
        policy = self._world.policies.get(parameters["PolicyName"])
        if policy is None:
            raise ApiFault(404, "EntityNotExist.Policy", f"The policy does not exist: {parameters['PolicyName']}")
        return policy

    # Attachments

    def _attach_policy_to_user(self, parameters: Parameters) -> Answer:
        user, attachment = self._user(parameters), self._attachment(parameters)
        if attachment in user.attached:
            raise ApiFault(409, "EntityAlreadyExists.User.Policy", "The policy is attached to the user.")
        user.attached.append(attachment)
        return {}

    def _detach_policy_from_user(self, parameters: Parameters) -> Answer:
        user, attachment = self._user(parameters), self._attachment(parameters)
        if attachment not in user.attached:
            raise ApiFault(404, "EntityNotExist.User.Policy", "The policy is not attached to the user.")
        user.attached.remove(attachment)
        return {}

    def _attachment(self, parameters: Parameters) -> tuple[str, str]:
        if parameters["PolicyType"] == "Custom":
            self._policy(parameters)
        return parameters["PolicyType"], parameters["PolicyName"]

    def _list_policies_for_user(self, parameters: Parameters) -> Answer:
        rows = [
            {"PolicyType": kind, "PolicyName": name, "Description": "", "DefaultVersion": "v1", "AttachDate": _DATE}
            for kind, name in self._user(parameters).attached
        ]
        return {"Policies": {"Policy": rows}}

    # Access keys

    def _create_access_key(self, parameters: Parameters) -> Answer:
        user = self._user(parameters)
        if len(self._keys_of(user.name)) >= _KEYS_AT_MOST:
            raise ApiFault(409, "LimitExceeded.User.AccessKey", "The user has 2 access keys.")
        key = self._world.add_key(user.name)
        return {"AccessKey": _key_fields(key) | {"AccessKeySecret": key.secret}}

    def _list_access_keys(self, parameters: Parameters) -> Answer:
        rows = [_key_fields(key) for key in self._keys_of(self._user(parameters).name)]
        return {"AccessKeys": {"AccessKey": rows}}

    def _delete_access_key(self, parameters: Parameters) -> Answer:
        key = self._world.keys.get(parameters["UserAccessKeyId"])
        if key is None or key.user != self._user(parameters).name:
            raise ApiFault(404, "EntityNotExist.User.AccessKey", "The access key does not exist.")
        del self._world.keys[key.key_id]
        return {}

    def _keys_of(self, user: str) -> list[Key]:
        return [key for key in self._world.keys.values() if key.user == user]


def _user_fields(user: User) -> Answer:
    return {
        "UserId": user.user_id,
        "UserName": user.name,
        "DisplayName": user.display_name,
        "Comments": user.comments,
        "CreateDate": _DATE,
    }


def _policy_fields(policy: Policy) -> Answer:
    return {
        "PolicyName": policy.name,
        "PolicyType": "Custom",
        "Description": policy.description,
        "DefaultVersion": policy.default,
        "CreateDate": _DATE,
    }


def _version_fields(policy: Policy, version: str) -> Answer:
    return {
        "VersionId": version,
        "IsDefaultVersion": version == policy.default,
        "PolicyDocument": policy.versions[version],
        "CreateDate": _DATE,
    }


def _key_fields(key: Key) -> Answer:
    return {"AccessKeyId": key.key_id, "Status": key.status, "CreateDate": f"2026-01-02T03:04:{key.created % 60:02}Z"}


def _checked_document(text: str) -> str:
    if len(text) > 6144:
        raise ApiFault(400, "InvalidParameter.PolicyDocument.Length", "at most 6144 characters")
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not isinstance(statements, list) or document.get("Version") != "1":
        raise ApiFault(400, "MalformedPolicyDocument", "not a policy document of version 1")
    for statement in statements:
        if not {"Effect", "Action", "Resource"} <= set(statement):
            raise ApiFault(400, "MalformedPolicyDocument", f"incomplete statement: {statement}")
    return text
