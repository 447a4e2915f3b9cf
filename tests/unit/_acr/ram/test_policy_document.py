# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy documents: which are the same, and the one that lets somebody push."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.ram.policy_document import (
    LONGEST,
    PUSH_ACTIONS,
    canonical,
    compact,
    complete,
    push_document,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

ID = "cri-acme0123456789"
ALLOW = {"Effect": "Allow", "Action": ["cr:Get*", "cr:List*"], "Resource": "*"}
DENY = {"Effect": "Deny", "Action": "cr:GetNamespace", "Resource": ["*"]}


def document(*statements: Any, version: str = "1") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


names = st.sampled_from(["cr:Get*", "cr:List*", "cr:Push", "ram:*"])
values = names | st.lists(names, min_size=1, max_size=3)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": values, "Resource": values},
    optional={"Condition": st.fixed_dictionaries({"IpAddress": st.fixed_dictionaries({"acs:SourceIp": values})})},
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (document(ALLOW, DENY), document(DENY, ALLOW)),
        (document(ALLOW), document({**ALLOW, "Action": ["cr:List*", "cr:Get*"]})),
        (document(ALLOW), document({**ALLOW, "Resource": ["*"]})),
        (document(DENY), document({**DENY, "Action": ["cr:GetNamespace", "cr:GetNamespace"]})),
        (document(ALLOW), document(ALLOW, ALLOW)),
        (document(ALLOW), {"Version": "1", "Statement": ALLOW}),
    ],
)
def test_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    "other",
    [
        document(DENY),
        document(ALLOW, DENY),
        document({**ALLOW, "Action": ["cr:Get*"]}),
        document({**ALLOW, "Effect": "Deny"}),
        document({**ALLOW, "Condition": {"Bool": {"acs:MFAPresent": "true"}}}),
        document(ALLOW, version="2"),
        document({"Effect": "Allow", "NotAction": ALLOW["Action"], "Resource": "*"}),
    ],
)
def test_not_the_same(other: dict[str, Any]) -> None:
    assert canonical(document(ALLOW)) != canonical(other)


@given(st.lists(statements, max_size=4), st.randoms())
def test_order_never_matters(found: list[dict[str, Any]], random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return random.sample(value, len(value))
        return {name: shuffled(each) for name, each in value.items()} if isinstance(value, dict) else value

    other = [shuffled(each) for each in found]
    random.shuffle(other)
    assert canonical(document(*found)) == canonical(document(*other))
    assert canonical(json.loads(compact(document(*found)))) == canonical(document(*found))


@pytest.mark.parametrize("broken", [{}, {"Statement": "Allow"}, {"Statement": ["Allow"]}, {"Statement": 7}])
def test_no_document(broken: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        canonical(broken)


def test_the_version_is_a_text() -> None:
    assert complete({"Version": 1, "Statement": []})["Version"] == "1"
    assert complete({"Statement": []})["Version"] == "1"


def test_too_long() -> None:
    with pytest.raises(InputError, match=str(LONGEST)):
        compact(document({**ALLOW, "Resource": ["x" * LONGEST]}))


def test_who_pushes_gets_no_more_than_that() -> None:
    assert push_document(ID, ["image-syncer"], PUSH_ACTIONS) == document(
        {
            "Effect": "Allow",
            "Action": ["cr:CreateRepository"],
            "Resource": [f"acs:cr:*:*:repository/{ID}/image-syncer", f"acs:cr:*:*:repository/{ID}/image-syncer/*"],
        },
        {
            "Effect": "Allow",
            "Action": ["cr:UpdateRepository", "cr:PushRepository", "cr:PullRepository"],
            "Resource": [f"acs:cr:*:*:repository/{ID}/image-syncer/*"],
        },
    )


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ListNamespace", "*"),
        ("ListInstance", "*"),
        ("GetInstanceUsage", f"acs:cr:*:*:instance/{ID}"),
        ("ListInstanceEndpoint", f"acs:cr:*:*:instance/{ID}"),
        ("UpdateInstance", f"acs:cr:*:*:instance/{ID}"),
        ("GetNamespace", f"acs:cr:*:*:repository/{ID}/team"),
        ("ListRepository", f"acs:cr:*:*:repository/{ID}/team/*"),
    ],
)
def test_each_action_gets_the_resource_that_the_vendor_gives_for_it(action: str, resource: str) -> None:
    assert push_document(ID, ["team"], [action])["Statement"][0]["Resource"] == [resource]


def test_what_is_said_twice_is_there_once() -> None:
    document = push_document(ID, ["a1", "a1"], ["PushRepository", "cr:PushRepository"])
    assert document == push_document(ID, ["a1"], ["PushRepository"])


def test_a_login_is_allowed_on_everything() -> None:
    actions = ["cr:PushRepository", "GetAuthorizationToken"]
    assert push_document(ID, ["a1", "b2"], actions)["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["cr:PushRepository"],
            "Resource": [f"acs:cr:*:*:repository/{ID}/a1/*", f"acs:cr:*:*:repository/{ID}/b2/*"],
        },
        {"Effect": "Allow", "Action": ["cr:GetAuthorizationToken"], "Resource": ["*"]},
    ]
    assert len(push_document(ID, [], ["ResetLoginPassword"])["Statement"]) == 1


@pytest.mark.parametrize(
    ("instance_id", "namespaces", "actions"),
    [
        ("acme", ["team"], PUSH_ACTIONS),
        ("cri-*", ["team"], PUSH_ACTIONS),
        (ID, ["*"], PUSH_ACTIONS),
        (ID, ["team/*"], PUSH_ACTIONS),
        (ID, [], PUSH_ACTIONS),
        (ID, ["team"], []),
        (ID, ["team"], ["*"]),
        (ID, ["team"], ["cr:*"]),
        (ID, ["team"], ["ram:CreateUser"]),
    ],
)
def test_what_it_will_not_write(instance_id: str, namespaces: list[str], actions: list[str]) -> None:
    with pytest.raises(InputError):
        push_document(instance_id, namespaces, actions)
