# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which product is behind a registry, and what each does otherwise than a registry of no known product."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry
from ansible_collections.imageops.registry.plugins.module_utils._sync import vendors
from ansible_collections.imageops.registry.plugins.module_utils._sync.work.stores import Stores
from helpers.handlers import DIGEST
from helpers.raw_server import Received, client, raw_server

ACR = "acme-registry.cn-shanghai.cr.aliyuncs.com"
INSTANCE = "registry.aliyuncs.com:cn-shanghai:26842:cri-abc"
PERSONAL = "registry.aliyuncs.com:cn-shanghai:26842"


class Told(Registry):
    """A registry that is not reached: it tells a service, and warns into a list."""

    def __init__(self, tells: str, known: str, warnings: list[str]) -> None:
        self.tells = tells
        self.known = known
        self.warn = warnings.append  # type: ignore[method-assign]

    @property
    def known_service(self) -> str:
        return self.known

    def service(self) -> str:
        return self.tells

    def catalog(self, beginning: str) -> list[str]:
        return [f"{beginning}nginx"]

    def login(self, path: str) -> None:
        return None


class Managed(SimpleNamespace):
    """An instance of ACR whose API answers from attributes."""

    def repositories(self, beginning: str) -> list[str]:
        return [f"{beginning}by-api"]

    def obstacles(self, paths: list[str]) -> Any:
        return SimpleNamespace(faults={paths[0]: "no namespace"}, unknown=["quota"], absent=["ns/app"])

    def close(self) -> None:
        self.closed = True


def world(tells: str = "", known: str = "", managed: Any = None) -> tuple[vendors.Vendors, list[str]]:
    """The vendors of a run in which every host is the same registry, and its warnings."""
    warnings: list[str] = []
    stores = Stores(lambda host: Told(tells, known, warnings))
    if known:
        stores.store("any.example.com")
    return vendors.Vendors(stores, managed or {}), warnings


@pytest.mark.parametrize(
    ("host", "known", "kind"),
    [
        ("any.example.com", "", vendors.Generic),
        ("any.example.com", "registry.docker.io", vendors.Generic),
        ("any.example.com", "harbor-registry", vendors.Harbor),
        ("any.example.com", INSTANCE, vendors.AcrInstance),
        ("any.example.com", PERSONAL, vendors.AcrPersonal),
        (ACR, "", vendors.AcrInstance),
        ("any.example.com", "acme.azurecr.io", vendors.HostedRegistry),
        ("any.example.com", "quay.io", vendors.HostedRegistry),
    ],
)
def test_a_product_is_known_by_the_host_or_by_what_the_registry_has_told(
    host: str, known: str, kind: type[vendors.Generic]
) -> None:
    assert type(world(known=known)[0].known(host)) is kind


@pytest.mark.parametrize(
    ("tells", "kind"),
    [
        ("", vendors.Generic),
        ("harbor-registry", vendors.Harbor),
        (INSTANCE, vendors.AcrInstance),
        (PERSONAL, vendors.AcrPersonal),
    ],
)
def test_a_registry_is_asked_where_its_product_is_not_known(tells: str, kind: type[vendors.Generic]) -> None:
    found, _warnings = world(tells=tells)
    assert type(found.known("any.example.com")) is vendors.Generic
    assert type(found.ask("any.example.com")) is kind


def test_an_instance_that_the_task_names_is_asked_by_its_api_alone() -> None:
    managed = Managed()
    found = vendors.Vendors(Stores(pytest.fail), {"any.example.com": managed})  # type: ignore[dict-item]

    vendor = found.ask("any.example.com")

    assert vendor.has_api
    assert list(vendor.repositories("library/")) == ["library/by-api"]
    assert vendor.obstacles(["ns/app"]) == vendors.Obstacles({"ns/app": "no namespace"}, ["quota"], ["ns/app"])  # type: ignore[dict-item]
    found.close()
    assert managed.closed


def test_nothing_stands_in_the_way_at_a_registry_of_no_known_product() -> None:
    vendor = world()[0].known("any.example.com")
    assert (vendor.product, vendor.has_api, vendor.path_fault("x"), vendor.obstacles(["x"])) == (
        "",
        False,
        "",
        vendors.Obstacles(),
    )


@pytest.mark.parametrize(("known", "warned"), [("registry.docker.io", True), ("", False)])
def test_a_list_without_a_login_is_warned_of_where_logins_are_wanted(known: str, warned: bool) -> None:
    found, warnings = world(known=known)
    assert list(found.known("any.example.com").repositories("library/")) == ["library/nginx"]
    assert bool(warnings) is warned


@pytest.mark.parametrize(("tells", "hint"), [(INSTANCE, "acr: {instance_id: ..."), (PERSONAL, "one rule a repository")])
def test_what_acr_does_not_list_has_a_way_out(tells: str, hint: str) -> None:
    with pytest.raises(RegistryError) as caught:
        list(world(tells=tells)[0].ask("any.example.com").repositories(""))
    assert caught.value.code == "unsupported"
    assert hint in caught.value.hint


def fault(host: str, code: str = "push_denied") -> RegistryError:
    return RegistryError(code=code, action="push", subject="x", cause="no", hint="its own", registry=host)


def test_an_error_gets_the_hint_of_its_product() -> None:
    found, _warnings = world()
    ours, other = fault(ACR), fault("any.example.com")
    for error in (ours, other, ImageOpsError(code="unexpected", action="a", subject="b", cause="c")):
        found.advise(error)
    assert "imageops.registry.acr_namespace" in ours.hint
    assert other.hint == "its own"


def test_docker_hub_is_asked_for_lists_at_its_other_host_without_a_login() -> None:
    row = {"name": "1", "digest": DIGEST}

    def handle(request: Received) -> None:
        assert "authorization" not in request.headers
        request.answer(200, json.dumps({"results": [row], "next": None}).encode())

    with raw_server(handle) as server:
        login = Credential(username="user", password="secret")
        hosts = {"hub.docker.com": client(server.host, credential=login), "docker.io": Told("", "", [])}
        stores = Stores(hosts.__getitem__)
        stores.store("docker.io")
        hub = vendors.Vendors(stores, {}).known("docker.io")

        assert hub.digest_lists is not None and hub.digest_lists.elsewhere
        assert {tag: str(found.digest) for tag, found in hub.listed_digests("library/nginx").items()} == {"1": DIGEST}


@pytest.mark.parametrize(("tags", "requests"), [(0, 2), (1, 2), (100, 2), (101, 3), (1000, 11)])
def test_what_a_list_costs_is_known_before(tags: int, requests: int) -> None:
    assert vendors.DigestLists(100, before=1).requests(tags) == requests


def test_a_registry_of_no_known_product_lists_no_digests() -> None:
    assert world()[0].known("any.example.com").digest_lists is None
