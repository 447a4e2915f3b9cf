# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's own SDK as a second client: it can do all of it, and its models lose nothing of what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.schema import CR, RAM
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance, Tag

models = pytest.importorskip("alibabacloud_tea_openapi.models")
cr_client = pytest.importorskip("alibabacloud_cr20181201.client")
cr_models = pytest.importorskip("alibabacloud_cr20181201.models")
ram_client = pytest.importorskip("alibabacloud_ram20150501.client")
ram_models = pytest.importorskip("alibabacloud_ram20150501.models")

DOCUMENT = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"cr:*","Resource":"*"}]}'
CHANGED = DOCUMENT.replace("cr:*", "cr:Get*")
PLACE = {"InstanceId": "cri-acme0123456789"}
PUBLIC = {**PLACE, "EndpointType": "internet"}
TEAM = {**PLACE, "NamespaceName": "team"}
NGINX = {**PLACE, "RepoNamespaceName": "team", "RepoName": "nginx"}
USER = {"UserName": "pusher"}
POLICY = {"PolicyName": "push", "PolicyType": "Custom"}

IMMUTABLE = cr_models.RepoConfiguration(tag_immutability=True)

CR_SCRIPT: list[tuple[str, dict[str, Any]]] = [
    ("ListInstance", {"PageNo": 1, "PageSize": 30}),
    ("GetInstance", PLACE),
    ("GetInstanceUsage", PLACE),
    ("CreateNamespace", {**TEAM, "AutoCreateRepo": True, "DefaultRepoType": "PRIVATE"}),
    ("UpdateNamespace", {**TEAM, "AutoCreateRepo": False, "DefaultRepoConfiguration": IMMUTABLE}),
    ("ListNamespace", {**PLACE, "PageNo": 1, "PageSize": 100}),
    ("GetNamespace", TEAM),
    ("GetNamespace", TEAM),
    ("CreateRepository", {**NGINX, "RepoType": "PRIVATE", "Summary": "web"}),
    ("UpdateRepository", {**NGINX, "RepoType": "PUBLIC", "Summary": "web", "Detail": "long", "TagImmutability": True}),
    ("GetRepository", NGINX),
    ("ListRepository", {**PLACE, "RepoNamespaceName": "team"}),
    ("ListRepoTag", {**PLACE, "RepoId": "<id>"}),
    ("DeleteRepoTag", {**PLACE, "RepoId": "<id>", "Tag": "1.25"}),
    ("DeleteRepository", NGINX),
    ("DeleteNamespace", TEAM),
    ("UpdateInstanceEndpointStatus", {**PUBLIC, "Enable": True}),
    *[("GetInstanceEndpoint", PUBLIC)] * 5,
    ("CreateInstanceEndpointAclPolicy", {**PUBLIC, "Entry": "192.0.2.0/24", "Comment": "office"}),
    *[("GetInstanceEndpoint", PUBLIC)] * 3,
    ("ListInstanceEndpoint", {**PLACE, "ModuleName": "Registry"}),
    ("DeleteInstanceEndpointAclPolicy", {**PUBLIC, "Entry": "192.0.2.0/24"}),
    ("CreateInstanceVpcEndpointLinkedVpc", {**PLACE, "VpcId": "vpc-1", "VswitchId": "vsw-1"}),
    ("GetInstanceVpcEndpoint", PLACE),
    ("DeleteInstanceVpcEndpointLinkedVpc", {**PLACE, "VpcId": "vpc-1", "VswitchId": "vsw-1"}),
    ("GetAuthorizationToken", PLACE),
    ("ResetLoginPassword", {**PLACE, "Password": "correct7horse"}),
]
RAM_SCRIPT: list[tuple[str, dict[str, Any]]] = [
    ("CreateUser", {**USER, "DisplayName": "Pusher", "Comments": "pushes images"}),
    ("UpdateUser", {**USER, "NewComments": "pushes"}),
    ("CreatePolicy", {"PolicyName": "push", "PolicyDocument": DOCUMENT, "Description": "may push"}),
    ("CreatePolicyVersion", {"PolicyName": "push", "PolicyDocument": CHANGED, "SetAsDefault": True}),
    ("GetPolicy", POLICY),
    ("ListPolicyVersions", POLICY),
    ("AttachPolicyToUser", {**POLICY, **USER}),
    ("ListPoliciesForUser", USER),
    ("DetachPolicyFromUser", {**POLICY, **USER}),
    ("DeletePolicyVersion", {"PolicyName": "push", "VersionId": "v1"}),
    ("DeletePolicy", {"PolicyName": "push"}),
    ("CreateAccessKey", USER),
    ("ListAccessKeys", USER),
    ("DeleteAccessKey", {**USER, "UserAccessKeyId": "<id>"}),
    ("DeleteUser", USER),
]


def lost(sent: Any, read: Any, path: str = "") -> Iterable[str]:
    """Where what was sent is not what the model read."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            if not isinstance(read, dict) or name not in read:
                yield f"{path}/{name}"
            else:
                yield from lost(value, read[name], f"{path}/{name}")
    elif isinstance(sent, list):
        if not isinstance(read, list) or len(read) != len(sent):
            yield path
        else:
            for number, value in enumerate(sent):
                yield from lost(value, read[number], f"{path}[{number}]")
    elif sent != read or type(sent) is not type(read):
        yield f"{path}: {sent!r} became {read!r}"


def odd_types(model: Any, path: str) -> Iterable[str]:
    """Where a value is not of the type that the model declares for it."""
    declared = type(model).__init__.__annotations__
    for name, value in vars(model).items():
        if name.startswith("_") or value is None or name not in declared:
            continue
        wanted = declared[name]
        for simple, kind in (("str", str), ("int", int), ("bool", bool)):
            if wanted == simple and type(value) is not kind:
                yield f"{path}.{name}: {value!r} is no {simple}"
        for each in value if isinstance(value, list) else [value]:
            if hasattr(each, "to_map"):
                yield from odd_types(each, f"{path}.{name}")


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def sdk(simulator: Simulator, package: Any) -> Any:
    key = simulator.world.add_key()
    config = models.Config(
        access_key_id=key.key_id,
        access_key_secret=key.secret,
        endpoint=simulator.url.removeprefix("http://"),
        protocol="http",
        region_id="cn-shanghai",
    )
    return package.Client(config)


def drive(simulator: Simulator, client: Any, package_models: Any, script: list[tuple[str, dict[str, Any]]]) -> None:
    known_id = ""
    for action, parameters in script:
        filled = {name: known_id if value == "<id>" else value for name, value in parameters.items()}
        request = getattr(package_models, f"{action}Request")(**{snake(name): value for name, value in filled.items()})
        body = getattr(client, snake(action))(request).body
        sent = simulator.calls[-1].answer
        assert simulator.calls[-1].action == action
        if sent.get("IsSuccess", True):
            assert not list(lost(sent, body.to_map())), action
            assert not list(odd_types(body, action))
        found = sent.get("RepoId") or sent.get("AccessKey", {})
        known_id = found if isinstance(found, str) else found.get("AccessKeyId", known_id)
        if action == "CreateRepository":
            simulator.world.instances[PLACE["InstanceId"]].namespaces["team"].repositories["nginx"].tags.append(
                Tag("1.25", "sha256:" + "0" * 64, 1234)
            )


@pytest.mark.parametrize("forms", ["http", "body"])
def test_container_registry(simulator: Simulator, instance: Instance, forms: str) -> None:
    simulator.forms = forms
    simulator.world.looks.namespace_shows = 0
    drive(simulator, sdk(simulator, cr_client), cr_models, CR_SCRIPT)
    assert {action for action, _ in CR_SCRIPT} == set(CR)


def test_access_management(simulator: Simulator) -> None:
    simulator.world.looks.user_shows = 0
    script = [*RAM_SCRIPT[:2], ("GetUser", USER), *RAM_SCRIPT[2:]]
    drive(simulator, sdk(simulator, ram_client), ram_models, script)
    assert {action for action, _ in script} == set(RAM)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda config: setattr(config, "access_key_secret", "wrong"),
        lambda config: setattr(config, "access_key_id", "LTAInobody"),
        lambda config: setattr(config, "security_token", "stray"),
    ],
    ids=["secret", "id", "token"],
)
def test_a_wrong_key_is_refused(simulator: Simulator, instance: Instance, spoil: Callable[[Any], None]) -> None:
    key = simulator.world.add_key()
    config = models.Config(
        access_key_id=key.key_id,
        access_key_secret=key.secret,
        endpoint=simulator.url.removeprefix("http://"),
        protocol="http",
    )
    spoil(config)
    client = cr_client.Client(config)
    with pytest.raises(Exception, match=r"InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSecurityToken|does not"):
        client.get_instance(cr_models.GetInstanceRequest(instance_id=instance.instance_id))


def test_the_sdk_sees_throttling(simulator: Simulator, instance: Instance) -> None:
    simulator.faults.add("GetInstance", Kind.THROTTLED)
    client = sdk(simulator, cr_client)
    with pytest.raises(Exception) as caught:
        client.get_instance(cr_models.GetInstanceRequest(instance_id=instance.instance_id))
    assert getattr(caught.value, "retry_after", None) == 20
