# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options → types: what belongs to a host, what to a path, and what is refused before any contact."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.imageops.registry.plugins.module_utils._modules import options, specs
from ansible_collections.imageops.registry.plugins.module_utils._modules.registry_entries import RegistryEntry
from ansible_collections.imageops.registry.plugins.module_utils._modules.sync.sync_options import sync_options
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
ENTRY = specs.registry_spec()["registries"]["options"]


def entry(registry: str, **given: Any) -> dict[str, Any]:
    """An item of ``registries`` as Ansible hands it over: every key is there."""
    return {**dict.fromkeys(ENTRY), "registry": registry, **given}


def entries(*items: dict[str, Any]) -> list[RegistryEntry]:
    return options.registry_entries(items, lambda _secret: None)


def documented(path: Path, name: str = "DOCUMENTATION") -> dict[str, Any]:
    """The options that a module or a fragment documents."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            found = yaml.safe_load(ast.literal_eval(node.value))
            return dict(found.get("options", {}))
    raise AssertionError(f"no {name} in {path}")


def test_credentials_belong_to_the_path_and_the_rest_to_the_host() -> None:
    found = entries(
        entry("quay.io/acme", username="u", password="p", ca_path=None),
        entry("quay.io", proxy="http://proxy.example.com:3128", concurrency=3),
    )
    assert [(item.key, item.credential is not None) for item in found] == [("quay.io/acme", True), ("quay.io", False)]
    access = options.accesses(found)["quay.io"]
    assert (access.proxy, access.concurrency, access.validate_certs) == ("http://proxy.example.com:3128", 3, True)


def test_docker_hub_has_one_name() -> None:
    assert [item.key for item in entries(entry("index.docker.io/acme"), entry("docker.io"))] == [
        "docker.io/acme",
        "docker.io",
    ]


def test_two_entries_of_a_host_may_agree() -> None:
    found = entries(entry("a.example.com/x", plain_http=True), entry("a.example.com/y", plain_http=True))
    assert options.accesses(found)["a.example.com"].plain_http


def test_two_entries_of_a_host_must_not_contradict_each_other() -> None:
    found = entries(entry("a.example.com/x", plain_http=True), entry("a.example.com", plain_http=False))
    with pytest.raises(
        InputError, match=r"plain_http of registries\[1\].*registries\[0\] says otherwise.*a\.example\.com"
    ):
        options.accesses(found)


@pytest.mark.parametrize(
    ("given", "insecure"),
    [
        ({}, True),
        ({"username": "u", "password": "p"}, True),
        ({"concurrency": 2}, True),
        ({"validate_certs": True}, False),
        ({"plain_http": False}, False),
    ],
)
def test_insecure_of_a_file_counts_unless_the_task_speaks_of_security(given: dict[str, Any], insecure: bool) -> None:
    found = options.accesses(entries(entry("harbor.example.com", **given)), ["harbor.example.com/library"])
    assert found["harbor.example.com"].insecure is insecure


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (entry("https://quay.io"), r"https://quay\.io"),
        (entry("quay.io/Acme", username="u", password="p"), r"upper-case"),
        (
            entry("quay.io", password="p", identity_token="t", username="u"),
            r"registries\[0\].*password and an identity_token",
        ),
        (entry("quay.io", concurrency=0), r"concurrency of registries\[0\] 0.*from 1 to"),
        (entry("quay.io", requests_per_second=0.0), r"requests_per_second"),
        (entry("quay.io", requests_per_second=float("nan")), r"requests_per_second"),
        (entry("quay.io", client_key="/nowhere/key.pem"), r"client_key without a client_cert"),
        (entry("quay.io", proxy="gopher://user:hunter2@example.com"), r"the proxy"),
    ],
)
def test_refuses(item: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        entries(item)
    assert "hunter2" not in str(caught.value)


def test_certificates_are_read_before_any_contact(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ca_path"):
        options.accesses(entries(entry("quay.io", ca_path=str(tmp_path / "nowhere.pem"))))
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate", encoding="utf-8")
    with pytest.raises(InputError, match="ca_path"):
        options.accesses(entries(entry("quay.io", ca_path=str(empty))))


@pytest.mark.parametrize("text", ["/etc/pki/ca.pem", "Ünlesbar", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERT"])
def test_certificates_that_are_text_are_in_pem_form(text: str) -> None:
    with pytest.raises(InputError, match=r"ca: it holds no certificates in PEM form .*BEGIN CERTIFICATE.*ca_path"):
        options.accesses(entries(entry("quay.io", ca=text)))
    assert options.accesses(entries(entry("quay.io", ca="")))["quay.io"].ca == ""


def test_every_secret_is_told() -> None:
    told: list[str] = []
    items = [
        entry("quay.io", username="user", password="s3cret", proxy="http://me:p%40ss@proxy.example.com:3128"),
        entry("ghcr.io", identity_token="refresh"),
        entry(
            "a.example.com",
            acr={"instance_id": "cri-1", "access_key_secret": "s1gner", "security_token": "t0ken", "settle": 0},
        ),
    ]
    options.registry_entries(items, told.append)
    assert {"s3cret", "p@ss", "refresh", "s1gner", "t0ken"} <= set(told)
    assert "user" not in told


@pytest.mark.parametrize(
    ("option", "value"), [("timeout", 0), ("timeout", float("nan")), ("timeout", float("inf")), ("retry_delay", -1)]
)
def test_refuses_times_that_are_none(option: str, value: float) -> None:
    with pytest.raises(InputError, match=option):
        options.settings({"timeout": 60.0, "retry_delay": 1.0, option: value})


@pytest.mark.parametrize(("option", "value"), [("concurrency", 0), ("retries", -1)])
def test_refuses_numbers_that_cannot_be_meant(option: str, value: int) -> None:
    params = {name: spec.get("default") for name, spec in specs.sync_spec().items()}
    with pytest.raises(InputError, match=f"{option} {value}"):
        sync_options({**params, option: value}, check_mode=False)


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        (specs.registry_spec(), documented(PLUGINS / "doc_fragments" / "registry.py")),
        (
            specs.supervised_sync_spec(),
            {
                **documented(PLUGINS / "doc_fragments" / "registry.py"),
                **documented(PLUGINS / "modules" / "registry_image_sync.py"),
            },
        ),
        (
            specs.destination_info_spec(),
            {
                **documented(PLUGINS / "doc_fragments" / "registry.py"),
                **documented(PLUGINS / "modules" / "registry_destination_info.py"),
            },
        ),
        (
            specs.info_spec(),
            {
                **documented(PLUGINS / "doc_fragments" / "registry.py"),
                **documented(PLUGINS / "modules" / "registry_image_info.py"),
            },
        ),
        (
            specs.tag_spec(),
            {
                **documented(PLUGINS / "doc_fragments" / "registry.py"),
                **documented(PLUGINS / "modules" / "registry_image_tag.py"),
            },
        ),
    ],
    ids=["registry", "sync", "destinations", "info", "tag"],
)
def test_documentation_mirrors_the_specification(spec: dict[str, Any], options: dict[str, Any]) -> None:
    assert set(spec) == set(options)
    for name, wanted in spec.items():
        for key in ("type", "elements", "default", "choices"):
            assert options[name].get(key) == wanted.get(key), f"{name}.{key}"
        for suboption, inner in wanted.get("options", {}).items():
            assert options[name]["suboptions"][suboption]["type"] == inner["type"], f"{name}.{suboption}"


def test_all_modules_of_the_group_take_the_shared_options() -> None:
    shared = specs.registry_spec()
    for spec in (specs.sync_spec(), specs.info_spec(), specs.destination_info_spec(), specs.tag_spec()):
        assert {name: spec[name] for name in shared} == shared
