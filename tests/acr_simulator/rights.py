# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: the account itself everything, a RAM user what its policies say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from .replies import ApiFault
from .world import Key, World


def allowed(world: World, user: str, action: str, resource: str) -> bool:
    """Whether the identity has the right, by every policy attached to it; a Deny wins."""
    if user == World.ROOT:
        return True
    effects = [
        statement["Effect"]
        for document in _documents(world, user)
        for statement in _listed(document["Statement"])
        if _applies(statement, "Action", action, ignore_case=True) and _applies(statement, "Resource", resource)
    ]
    return "Allow" in effects and "Deny" not in effects


def demand(world: World, key: Key, action: str, resource: str, code: str) -> None:
    """Refuse with the given code what the key's identity may not do."""
    if allowed(world, key.user, action, resource):
        return
    raise ApiFault(
        403,
        code,
        "You are not authorized to do this operation.",
        in_body=False,
        denied={
            "AuthAction": action,
            "AuthPrincipalDisplayName": key.user,
            "AuthPrincipalOwnerId": world.account_id,
            "AuthPrincipalType": "SubUser",
            "NoPermissionType": "ImplicitDeny",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
        },
    )


def _documents(world: World, user: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for policy_type, name in world.users[user].attached if user in world.users else []:
        if policy_type == "System":
            service = name[len("Aliyun") :].split("Full")[0].lower()
            actions = "cr:*" if "containerregistry" in service else f"{service}:*"
            found.append({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
        else:
            policy = world.policies[name]
            found.append(json.loads(policy.versions[policy.default]))
    return found


def _applies(statement: Mapping[str, Any], name: str, text: str, *, ignore_case: bool = False) -> bool:
    """Return whether a statement is about an action or a resource, which it names or (``Not…``) leaves out."""
    if f"Not{name}" in statement:
        return not _matches(statement[f"Not{name}"], text, ignore_case=ignore_case)
    return _matches(statement.get(name), text, ignore_case=ignore_case)


def _matches(patterns: object, text: str, *, ignore_case: bool = False) -> bool:
    fold = str.lower if ignore_case else str
    return any(fnmatchcase(fold(text), fold(str(pattern))) for pattern in _listed(patterns))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
