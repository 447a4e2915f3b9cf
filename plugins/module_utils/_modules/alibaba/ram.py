# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for RAM do, from their options to their results."""

from __future__ import annotations

from typing import Any, NoReturn

from ..._acr.ram.access_key import KeyState, SecretFile, UserKey
from ..._acr.ram.identities import Attachment, AttachmentResource, Policy, PolicyResource, UserResource
from ..._acr.ram.policy_document import complete, push_document
from ..task import Task
from .acr_clients import Clients, Result, result_of, run_module

_USER_SETTINGS = ("display_name", "comments")


def keep_user(task: Task) -> NoReturn:
    """Run the module ``ram_user`` and end it with its result."""

    def work(clients: Clients) -> Result:
        params = task.params
        one = UserResource(clients.ram, params["name"], wait=clients.wait, check_mode=task.check_mode)
        if params["state"] == "absent":
            return result_of(task, "user", one.absent())
        settings = {name: params[name] for name in _USER_SETTINGS}
        return result_of(task, "user", one.present(lambda found: one.wanted(settings, found)))

    run_module(task, work)


def keep_policy(task: Task) -> NoReturn:
    """Run the module ``ram_policy`` and end it with its result."""

    def work(clients: Clients) -> Result:
        params = task.params
        one = PolicyResource(
            clients.ram,
            params["name"],
            description=params["description"],
            wait=clients.wait,
            check_mode=task.check_mode,
        )
        if params["state"] == "absent":
            return result_of(task, "policy", one.absent(), _described_policy)
        document = _document(params)
        return result_of(task, "policy", one.present(lambda found: one.wanted(document, found)), _described_policy)

    run_module(task, work)


def keep_attachment(task: Task) -> NoReturn:
    """Run the module ``ram_user_policy`` and end it with its result."""

    def work(clients: Clients) -> Result:
        params = task.params
        attachment = Attachment(params["user"], params["policy"], params["policy_type"])
        one = AttachmentResource(clients.ram, attachment, wait=clients.wait, check_mode=task.check_mode)
        if params["state"] == "absent":
            return result_of(task, "attachment", one.absent())
        return result_of(task, "attachment", one.present(lambda found: attachment))

    run_module(task, work)


def keep_access_key(task: Task) -> NoReturn:
    """Run the module ``ram_access_key`` and end it with its result."""

    def work(clients: Clients) -> Result:
        params = task.params
        file = SecretFile(params["secret_file"])
        one = UserKey(
            clients.ram,
            params["user"],
            file,
            rotate=params["rotate"],
            check_mode=task.check_mode,
            on_secret=task.secrets.add,
        )

        def describe(key: KeyState) -> Result:
            return {
                "user": key.user,
                "access_key_id": key.access_key_id,
                "secret_file": file.path,
                "private": key.private,
            }

        change = one.absent() if params["state"] == "absent" else one.present()
        return result_of(task, "access_key", change, describe)

    run_module(task, work)


def _document(params: dict[str, Any]) -> dict[str, Any]:
    if params["document"] is not None:
        return complete(params["document"])
    push = params["acr"]
    return push_document(push["instance_id"], push["namespaces"], push["actions"])


def _described_policy(policy: Policy) -> Result:
    return {"name": policy.name, "document": policy.document, "description": policy.description}
