# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy documents: how two are the same, and the smallest one that allows some actions. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..._oci.errors import InputError
from ..api.names import check_namespace, is_instance_id
from .action_resources import Scope, scope_of

Document = Mapping[str, Any]

LONGEST = 6144
PUSH_ACTIONS = ("CreateRepository", "UpdateRepository", "PushRepository", "PullRepository")
_LISTS = ("Action", "NotAction", "Resource", "NotResource")
_ACTION = re.compile(r"(?:cr:)?([A-Z][A-Za-z]+)")


def canonical(document: Document) -> str:
    """Return one text for all documents that mean the same: a single value is a list of one, and no order matters.

    :raises InputError: when it is no policy document
    """
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, Sequence) or isinstance(statements, str):
        raise InputError(subject="the policy document", cause="it has no list of statements (Statement)")
    forms = sorted(json.dumps(_statement(each), sort_keys=True) for each in statements)
    rest = {name: value for name, value in document.items() if name != "Statement"}
    return json.dumps({**rest, "Statement": list(dict.fromkeys(forms))}, sort_keys=True)


def complete(document: Document) -> dict[str, Any]:
    """Return the document with its version as RAM wants it: the text "1", which YAML easily makes a number."""
    return {**document, "Version": str(document.get("Version", "1"))}


def compact(document: Document) -> str:
    """Return the document as it is sent.

    :raises InputError: when it is longer than RAM takes
    """
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    if len(text) > LONGEST:
        raise InputError(
            subject="the policy document",
            cause=f"it has {len(text)} characters, and {LONGEST} is the most that RAM takes",
        )
    return text


def push_document(instance_id: str, namespaces: Sequence[str], actions: Sequence[str]) -> dict[str, Any]:
    """Return the document that allows these actions in these namespaces of an instance, and nothing else.

    Each action is allowed on the resource that the vendor authorises it on: everything, the instance, a namespace, or
    the repositories of a namespace (:mod:`.action_resources`).

    :param actions: such as ``PushRepository`` or ``cr:PushRepository``
    :raises InputError: for names that the vendor has not
    """
    if not is_instance_id(instance_id):
        raise InputError(subject=f"instance_id {instance_id!r}", cause="it is not of the form cri-...")
    names = list(dict.fromkeys(_action(text) for text in actions))
    if not names:
        raise InputError(subject="actions", cause="none is given", hint="leave it out for those that a push needs")
    by_scope: dict[Scope, list[str]] = {}
    for name in names:
        by_scope.setdefault(scope_of(name), []).append(f"cr:{name}")
    if not namespaces and any(scope.needs_namespaces for scope in by_scope):
        raise InputError(subject="namespaces", cause="none is given", hint="name those that may be pushed to")
    spaces = list(dict.fromkeys(check_namespace(name) for name in namespaces))
    return {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": allowed, "Resource": scope.resources(instance_id, spaces)}
            for scope, allowed in by_scope.items()
        ],
    }


def _action(text: str) -> str:
    match = _ACTION.fullmatch(text)
    if match is None:
        raise InputError(
            subject=f"action {text!r}",
            cause="it is no action of the container registry",
            hint="write PushRepository, or give a whole document for more than that",
        )
    return match.group(1)


def _statement(statement: object) -> object:
    if not isinstance(statement, Mapping):
        raise InputError(subject="the policy document", cause="a statement in it is not a mapping")
    form = dict(statement)
    for name in _LISTS:
        if name in form:
            form[name] = _list(form[name])
    condition = form.get("Condition")
    if isinstance(condition, Mapping):
        form["Condition"] = {
            operator: {key: _list(value) for key, value in keys.items()} if isinstance(keys, Mapping) else keys
            for operator, keys in condition.items()
        }
    return form


def _list(value: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    return sorted({json.dumps(each, sort_keys=True) for each in values})
