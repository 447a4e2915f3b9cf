# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same for Alibaba Cloud: no secret in what modules return, but for the keys that exist to return one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable
from urllib.parse import quote

import pytest
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.modules import Modules
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from support.faults.fault_proxy import Action, FaultProxy, Request, Response
from support.scenes.planted import Planted

MODULES = Path(__file__).resolve().parents[3] / "plugins" / "modules"
PLACE = {"instance_id": "cri-acme0123456789"}
TEAM = {**PLACE, "name": "team"}
ALLOW = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "cr:Get*", "Resource": "*"}]}
FIRST = ("acr_namespace", "ram_user", "ram_policy", "acr_endpoint")
"""What others need, in this order."""
RETURNED = {"acr_authorization_token": "password"}
"""The keys whose purpose is to return a secret."""


class EchoApi(Action):
    """An API that refuses, and says all that it was told and every secret there is."""

    def __init__(self, planted: Planted) -> None:
        self.planted = planted

    def answer(self, request: Request) -> Response:
        body = b"".join(request.body).decode("utf-8", "replace")
        named = [value for name, value in request.headers.items() if "token" in name.lower()]
        told = " ".join([*named, *self.planted.some(), *request.headers.values(), request.target, body])
        words = json.dumps({"Code": "Forbidden", "Message": told, "RequestId": "1"}).encode()
        return Response(403, [("Content-Type", "application/json"), ("Content-Length", str(len(words)))], iter([words]))


@pytest.fixture
def planted() -> Planted:
    return Planted()


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(tmp_path) as running:
        running.world.add_instance()
        yield running


@pytest.fixture
def modules(simulator: Simulator, planted: Planted) -> Modules:
    """Modules run with a key of which everything is secret that can be."""
    token = planted.add("security token", "CAIS/+=%41&<q7w8e9>")  # it goes into a header
    key = simulator.world.add_key(security_token=token)
    key.secret = planted.make("access key secret")
    signed = Modules(simulator, key)
    run = signed.run
    signed.run = lambda name, /, **options: run(  # type: ignore[method-assign]
        name, **{"security_token": token, "_ansible_inject_invocation": True, **options}
    )
    return signed


def options_of(simulator: Simulator, planted: Planted, directory: Path) -> dict[str, dict[str, Any]]:
    """What makes each module succeed."""
    instance = simulator.world.instances[PLACE["instance_id"]]
    simulator.front(instance.instance_id)
    password = planted.add("login password", "Aa1/#%&+<x9>")
    return {
        "acr_instance_info": {**PLACE, "namespaces": True},
        "acr_namespace": TEAM,
        "acr_repository": {**PLACE, "namespace": "team", "name": "nginx", "summary": "web"},
        "acr_endpoint": PLACE,
        "acr_endpoint_acl": {**PLACE, "entries": [{"entry": "192.0.2.0/24"}]},
        "acr_login_password": {
            **PLACE,
            "username": "acme",
            "password": password,
            "ca_path": str(simulator.identity.certificate_path),
        },
        "acr_authorization_token": PLACE,
        "ram_user": {"name": "pusher"},
        "ram_policy": {"name": "read", "document": ALLOW},
        "ram_user_policy": {"user": "pusher", "policy": "read"},
        "ram_access_key": {"user": "pusher", "secret_file": str(directory / "key.json")},
    }


def test_every_module_is_looked_at(simulator: Simulator, planted: Planted, tmp_path: Path) -> None:
    there = {path.stem for path in MODULES.glob("*.py")}
    here = {
        *options_of(simulator, planted, tmp_path),
        "registry_image_sync",
        "registry_image_sync_start",  # runs that one
        "registry_image_info",
        "registry_destination_info",
        "registry_image_tag",
        "registry_report_merge",  # is given no secret
    }
    assert there == here, "give a new module its options here, or a stage of its own"


def test_nothing_shows_when_all_goes_well(
    modules: Modules, simulator: Simulator, planted: Planted, tmp_path: Path
) -> None:
    options = options_of(simulator, planted, tmp_path)
    lasting = simulator.world.add_key()  # a temporary one sets no password
    options["acr_login_password"].update(
        access_key_id=lasting.key_id, access_key_secret=lasting.secret, security_token=""
    )
    for name in sorted(options, key=lambda name: (name not in FIRST, FIRST.index(name) if name in FIRST else 0)):
        result = modules.run(name, **options[name])
        assert not result.get("failed"), (name, result["msg"])
        for key in simulator.world.keys.values():
            planted.add("made access key", key.secret)
        for login in simulator.world.instances[PLACE["instance_id"]].temporary:
            planted.add("temporary password", login.password)
        if name in RETURNED:
            assert result.pop(RETURNED[name])
        assert not planted.found_in([json.dumps(result, ensure_ascii=False)]), name
    assert json.loads((tmp_path / "key.json").read_text())
    assert (tmp_path / "key.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("fault", [Kind.UNAVAILABLE, Kind.HTML])
def test_nothing_shows_when_the_api_fails(
    modules: Modules, simulator: Simulator, planted: Planted, tmp_path: Path, fault: Kind
) -> None:
    for name, options in options_of(simulator, planted, tmp_path).items():
        simulator.faults.add("*", fault, times=100)
        result = modules.run(name, **options)
        assert result.get("failed"), name
        assert not planted.found_in([json.dumps(result, ensure_ascii=False)]), name


def test_nothing_shows_when_the_api_says_all_it_knows(
    modules: Modules, simulator: Simulator, planted: Planted, tmp_path: Path, faulty: Callable[..., FaultProxy]
) -> None:
    made = options_of(simulator, planted, tmp_path)
    echo = faulty()
    echo.add(EchoApi(planted), times=None)
    given = {planted.add("login password", "Aa1/#%&+<x9>")}
    assert given
    for name, options in made.items():
        result = modules.run(name, **{**options, "endpoint": echo.endpoint.url, "ram_endpoint": echo.endpoint.url})
        assert result.get("failed"), name
        text = json.dumps(result, ensure_ascii=False)
        own = planted.found_in([text]) if name == "acr_login_password" else _without(planted, "login password", text)
        assert not own, name


def test_nothing_shows_of_a_key_of_the_environment(
    simulator: Simulator,
    planted: Planted,
    tmp_path: Path,
    faulty: Callable[..., FaultProxy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token, secret = planted.add("security token", "CAIS/+=%41&<q7w8e9>"), planted.make("access key secret")
    key = simulator.world.add_key(security_token=token)
    for name, value in (("ACCESS_KEY_ID", key.key_id), ("ACCESS_KEY_SECRET", secret), ("SECURITY_TOKEN", token)):
        monkeypatch.setenv(f"ALIBABA_CLOUD_{name}", value)
    modules, echo = Modules(simulator, None), faulty()
    echo.add(EchoApi(planted), times=None)
    made = options_of(simulator, planted, tmp_path)
    for name in ("acr_instance_info", "acr_namespace", "ram_user"):
        options = {**made[name], "endpoint": echo.endpoint.url, "ram_endpoint": echo.endpoint.url}
        result = modules.run(name, **options, _ansible_inject_invocation=True)
        assert result.get("failed"), name
        assert not _without(planted, "login password", json.dumps(result, ensure_ascii=False)), name
    assert [record for record in echo.records() if key.key_id in str(record.headers)]


def test_nothing_shows_of_a_proxy(modules: Modules, simulator: Simulator, planted: Planted, tmp_path: Path) -> None:
    secret = planted.make("proxy's password", "me")
    for name, options in options_of(simulator, planted, tmp_path).items():
        for proxy in (f"http://me:{quote(secret, safe='')}@127.0.0.1:1", f"ftp://me:{quote(secret, safe='')}@x"):
            result = modules.run(name, **{**options, "proxy": proxy})
            assert result.get("failed"), name
            assert not planted.found_in([json.dumps(result, ensure_ascii=False)]), name


def _without(planted: Planted, name: str, text: str) -> list[str]:
    """What a module that was not told one of the secrets cannot keep back."""
    return [hit for hit in planted.found_in([text]) if not hit.startswith(name)]
