# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RAM: users, custom policies, and which policies a user has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..api.client import OpenApi, Parameter
from ..api.errors import ApiError
from ..api.names import check_policy, check_user
from ..resources.resource import Resource, Wait
from .policy_document import Document, canonical, compact


@dataclass(frozen=True)
class User:
    """A user of the account."""

    name: str
    display_name: str
    comments: str = ""
    user_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class Policy:
    """A custom policy with its default version.

    :param form: the document in its canonical form, which is what counts
    :param attachments: to how many users, groups and roles it is attached
    """

    name: str
    form: str
    document: Document = field(compare=False)
    description: str = field(default="", compare=False)
    version: str = field(default="", compare=False)
    attachments: int = field(default=0, compare=False)

    @classmethod
    def of(cls, name: str, document: Document, **fields: Any) -> Policy:
        """Return the policy with this document.

        :raises InputError: when it is no policy document
        """
        return cls(name, canonical(document), document, **fields)


@dataclass(frozen=True)
class Attachment:
    """One policy that a user has; ``policy_type`` is ``Custom`` or ``System``."""

    user: str
    policy: str
    policy_type: str


class UserResource(Resource[User]):
    """One user."""

    def __init__(self, api: OpenApi, name: str, *, wait: Wait, check_mode: bool) -> None:
        super().__init__("user", name, wait=wait, check_mode=check_mode)
        self._api = api
        self._name = check_user(name)

    def wanted(self, settings: Mapping[str, Any], present: User | None) -> User:
        """Return the user with these settings; None leaves one as it is. A new user's display name is the name."""
        given = {name: value for name, value in settings.items() if value is not None}
        return replace(present or User(self._name, display_name=self._name), **given)

    def read(self) -> User | None:
        answer = _read(self._api, "GetUser", {"UserName": self._name}, "read the user", self.subject)
        if answer is None:
            return None
        row = answer.get("User") or {}
        return User(
            name=str(row.get("UserName", "")),
            display_name=str(row.get("DisplayName") or ""),
            comments=str(row.get("Comments") or ""),
            user_id=str(row.get("UserId", "")),
        )

    def create(self, target: User) -> None:
        self._call("CreateUser", {"DisplayName": target.display_name, "Comments": target.comments or None}, "create")

    def update(self, found: User, target: User) -> None:
        self._call("UpdateUser", {"NewDisplayName": target.display_name, "NewComments": target.comments}, "update")

    def delete(self, found: User) -> None:
        self._call("DeleteUser", {}, "delete")

    def _call(self, api_action: str, extra: Mapping[str, Parameter], verb: str) -> None:
        self._api.call(api_action, {"UserName": self._name, **extra}, action=f"{verb} the user", subject=self.subject)


class PolicyResource(Resource[Policy]):
    """One custom policy.

    :param description: of a policy that is made; RAM does not change it later
    """

    def __init__(self, api: OpenApi, name: str, *, description: str | None, wait: Wait, check_mode: bool) -> None:
        super().__init__("policy", name, wait=wait, check_mode=check_mode)
        self._api = api
        self._name = check_policy(name)
        self._description = description

    def wanted(self, document: Document, present: Policy | None) -> Policy:
        """Return the policy with this document.

        :raises InputError: when it is no policy document, or too long
        """
        compact(document)
        if present is None:
            return Policy.of(self._name, document, description=self._description or "")
        return replace(present, form=canonical(document), document=document)

    def read(self) -> Policy | None:
        asked = {"PolicyName": self._name, "PolicyType": "Custom"}
        answer = _read(self._api, "GetPolicy", asked, "read the policy", self.subject)
        if answer is None:
            return None
        row, version = answer.get("Policy") or {}, answer.get("DefaultPolicyVersion") or {}
        return Policy.of(
            self._name,
            _parse_document(version.get("PolicyDocument"), self.subject),
            description=str(row.get("Description") or ""),
            version=str(version.get("VersionId", "")),
            attachments=int(row.get("AttachmentCount") or 0),
        )

    def create(self, target: Policy) -> None:
        parameters = {"PolicyDocument": compact(target.document), "Description": self._description}
        self._call("CreatePolicy", parameters, "create")

    def update(self, found: Policy, target: Policy) -> None:
        # A policy has five versions at most; the oldest that is not in use gives way.
        parameters: dict[str, Parameter] = {
            "PolicyDocument": compact(target.document),
            "SetAsDefault": True,
            "RotateStrategy": "DeleteOldestNonDefaultVersionWhenLimitExceeded",
        }
        self._call("CreatePolicyVersion", parameters, "update")

    def check_deletion(self, found: Policy) -> None:
        """Refuse while it is attached.

        :raises ApiError: ``acr_exists``
        """
        if found.attachments:
            raise ApiError(
                code="acr_exists",
                action="delete the policy",
                subject=self.subject,
                cause=f"it is attached in {found.attachments} places",
                hint="take it away with imageops.registry.ram_user_policy first",
            )

    def delete(self, found: Policy) -> None:
        # Only a policy with a single version can be deleted.
        answer = self._call("ListPolicyVersions", {"PolicyType": "Custom"}, "delete")
        for row in (answer.get("PolicyVersions") or {}).get("PolicyVersion") or []:
            if not row.get("IsDefaultVersion"):
                self._call("DeletePolicyVersion", {"VersionId": row["VersionId"]}, "delete")
        self._call("DeletePolicy", {}, "delete")

    def _call(self, api_action: str, extra: Mapping[str, Parameter], verb: str) -> Mapping[str, Any]:
        asked = {"PolicyName": self._name, **extra}
        return self._api.call(api_action, asked, action=f"{verb} the policy", subject=self.subject)


class AttachmentResource(Resource[Attachment]):
    """One policy of one user."""

    def __init__(self, api: OpenApi, attachment: Attachment, *, wait: Wait, check_mode: bool) -> None:
        super().__init__("attachment of", f"{attachment.policy} to {attachment.user}", wait=wait, check_mode=check_mode)
        check_user(attachment.user)
        self._api = api
        self._attachment = attachment

    def read(self) -> Attachment | None:
        """Return what there is now; a user that is not there has no policies."""
        asked = {"UserName": self._attachment.user}
        answer = _read(self._api, "ListPoliciesForUser", asked, "list the policies of", self._attachment.user)
        rows = ((answer or {}).get("Policies") or {}).get("Policy") or []
        found = {(row.get("PolicyName"), row.get("PolicyType")) for row in rows}
        wanted = (self._attachment.policy, self._attachment.policy_type)
        return self._attachment if wanted in found else None

    def create(self, target: Attachment) -> None:
        self._call("AttachPolicyToUser", "attach the policy")

    def update(self, found: Attachment, target: Attachment) -> None:
        """Do nothing: nothing of it can differ."""

    def delete(self, found: Attachment) -> None:
        self._call("DetachPolicyFromUser", "detach the policy")

    def _call(self, api_action: str, action: str) -> None:
        asked = {
            "UserName": self._attachment.user,
            "PolicyName": self._attachment.policy,
            "PolicyType": self._attachment.policy_type,
        }
        self._api.call(api_action, asked, action=action, subject=self.subject)


def _read(
    api: OpenApi, api_action: str, parameters: Mapping[str, Parameter], action: str, subject: str
) -> Mapping[str, Any] | None:
    """Return the answer, or None when what is asked about is not there."""
    try:
        return api.call(api_action, parameters, action=action, subject=subject)
    except ApiError as error:
        if error.code == "acr_not_found":
            return None
        raise


def _parse_document(text: object, subject: str) -> Document:
    try:
        document = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        document = None
    if not isinstance(document, Mapping):
        raise ApiError(
            code="protocol_error", action="read the policy", subject=subject, cause="its document is not JSON"
        )
    return document
