# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destinations that are not ACR: image-syncer's command line, and the role in a playbook of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.clients.plain_client import PlainClient
from support.scenes.images import image, multi_arch
from support.servers.certificates import CertificateAuthority
from support.servers.docker_registry import DockerRegistry, docker_registry
from support.servers.ports import dead_host

from playbooks import Ansible, PlaybookRun

COPY = "Copy what is not there"
ASK = "Ask the destination's registry who it is"


@dataclass
class Pair:
    """A registry to copy from and one to copy to."""

    source: DockerRegistry
    destination: DockerRegistry

    def tags(self, path: str) -> list[str]:
        """What has arrived."""
        with PlainClient(self.destination.endpoint) as client:
            return sorted(client.tags(path))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    directory = tmp_path_factory.mktemp("pair")
    with (
        docker_registry(directory / "source", users={"admin": "Harbor12345"}) as source,
        docker_registry(directory / "destination", users={"sync": "correct7horse"}) as destination,
    ):
        with PlainClient(source.endpoint) as client:
            for tag in ("1.0", "1.1"):
                client.push("library/nginx", image(tag), tag)
            client.push("team/app", image("app"), "1.0")
        yield Pair(source, destination)


def test_the_command_line_of_image_syncer(ansible: Ansible, pair: Pair) -> None:
    """Relative paths begin where the command was started, not in the collection that has the playbook."""
    logins = {
        end.host: {"username": end.endpoint.username, "password": end.endpoint.password, "insecure": True}
        for end in (pair.source, pair.destination)
    }
    images = {f"{pair.source.host}/{path}": "" for path in ("library/nginx", "team/*")}
    ansible.write("harbor-to-acr.json", {"auth": logins, "images": images})
    command_line = {
        "sync_config": "./harbor-to-acr.json",
        "sync_registry": pair.destination.host,
        "sync_namespace": "image-syncer",
        "sync_proc": "10",
        "sync_retries": "10",
        "sync_log": "./log",
    }
    options = [text for name, value in command_line.items() for text in ("-e", f"{name}={value}")]

    nothing = ansible.run("imageops.registry.sync", *options[2:])
    assert nothing.code == 2, nothing.text
    assert "sync_config" in nothing.failed()[0].result["msg"]

    first = ansible.run("imageops.registry.sync", *options)
    assert (first.code, first.changed(), first.warnings()) == (0, [COPY], []), first.text
    assert pair.tags("image-syncer/nginx") == ["1.0", "1.1"]
    assert pair.tags("image-syncer/app") == ["1.0"]
    assert "3/3" in (ansible.directory / "log").read_text()

    second = ansible.run("imageops.registry.sync", *options)
    assert (second.code, second.changed()) == (0, []), second.text

    with PlainClient(pair.source.endpoint) as client:
        client.push("library/nginx", image("1.2"), "1.2")
        client.push("library/nginx", image("a signature"), image("1.1").digest.replace(":", "-") + ".sig")
    compared = ansible.run("imageops.registry.verify", *options)
    assert compared.code == 2, compared.text
    assert "1 of 4 tags are missing, 0 differ, 1 lack what refers to them" in compared.text
    assert f"lacks what refers to it: {pair.destination.host}/image-syncer/nginx:1.1" in compared.text
    assert pair.tags("image-syncer/nginx") == ["1.0", "1.1"]


def test_the_role_without_acr(ansible: Ansible, pair: Pair) -> None:
    registries = [
        {"registry": key, "username": end.endpoint.username, "password": end.endpoint.password, "plain_http": True}
        for key, end in ((pair.source.host, pair.source), (f"{pair.destination.host}/own", pair.destination))
    ]
    variables = {
        "registry_sync_registry": pair.destination.host,
        "registry_sync_registries": registries,
        "registry_sync_docker_config": "",
        "registry_sync_images": [
            {
                "source": f"{pair.source.host}/library/nginx:1.0",
                "destination": "{{ registry_sync_destination }}/own/nginx",
            }
        ],
    }
    play = {"hosts": "localhost", "gather_facts": False, "roles": ["imageops.registry.registry_sync"]}
    site = ansible.write("site.yml", [{**play, "vars": variables}])

    run = ansible.run(site)
    assert (run.code, run.changed(), run.warnings()) == (0, [COPY], []), run.text
    assert pair.tags("own/nginx") == ["1.0"]
    modules = [task.action for task in run.tasks if task.status != "skipped" and "imageops" in task.action]
    assert modules == ["imageops.registry.registry_image_sync"]
    assert run.named(ASK).result["status"] == 401

    with dead_host() as nobody:
        refused = ansible.run(site, "-e", f"registry_sync_registry={nobody}")
    assert refused.code == 2, refused.text
    assert f"{nobody} does not answer as a registry" in refused.failed()[0].result["msg"]


def test_the_platforms_of_image_syncers_command_line(ansible: Ansible, pair: Pair) -> None:
    """Every OS with every architecture, as --os and --arch are, and --force writes again."""
    with PlainClient(pair.source.endpoint) as client:
        everything = ["linux/amd64", "linux/arm/v7", "linux/arm64/v8", "windows/amd64"]
        client.push("library/multi", multi_arch("multi", everything), "1.0")
    logins = {
        end.host: {"username": end.endpoint.username, "password": end.endpoint.password, "insecure": True}
        for end in (pair.source, pair.destination)
    }
    ansible.write("auth.json", logins)
    (ansible.directory / "list.txt").write_text(f"# one a line\n{pair.source.host}/library/multi:1.0\n")

    def run(playbook: str, namespace: str, **more: str) -> PlaybookRun:
        given = {"sync_auth": "auth.json", "sync_images": "list.txt", "sync_registry": pair.destination.host}
        variables = {**given, "sync_namespace": namespace, **more}
        options = [text for name, value in variables.items() for text in ("-e", f"{name}={value}")]
        return ansible.run(f"imageops.registry.{playbook}", *options)

    def arrived(namespace: str) -> list[str]:
        with PlainClient(pair.destination.endpoint) as client:
            entries = client.manifest(f"{namespace}/multi", "1.0").json()["manifests"]
        return ["/".join(entry["platform"][key] for key in ("os", "architecture")) for entry in entries]

    wanted = {
        "all": ({}, ["linux/amd64", "linux/arm", "linux/arm64", "windows/amd64"]),
        "arch": ({"sync_arch": "amd64"}, ["linux/amd64", "windows/amd64"]),
        "both": ({"sync_os": "linux", "sync_arch": "amd64,arm:v7"}, ["linux/amd64", "linux/arm"]),
        "platforms": ({"sync_platforms": "linux/arm64,windows/amd64"}, ["linux/arm64", "windows/amd64"]),
    }
    for namespace, (flags, platforms) in wanted.items():
        first = run("sync", namespace, **flags)
        assert (first.code, arrived(namespace)) == (0, platforms), first.text
    compared = run("verify", "both", **wanted["both"][0])
    assert compared.code == 0, compared.text
    assert run("verify", "both").code == 2
    assert run("sync", "all").changed() == []
    assert run("sync", "all", sync_force="true").changed() == [COPY]


def test_verify_reads_all_blobs_where_it_is_asked_to(ansible: Ansible, pair: Pair) -> None:
    registries = [
        {"registry": end.host, "username": end.endpoint.username, "password": end.endpoint.password, "plain_http": True}
        for end in (pair.source, pair.destination)
    ]
    bundle = ansible.directory / "bundle"
    variables = {
        "registry_sync_registry": pair.destination.host,
        "registry_sync_registries": registries,
        "registry_sync_images": [
            {"source": f"{pair.source.host}/library/nginx:1.0", "destination": f"{pair.destination.host}/read/nginx"},
            {"source": f"{pair.source.host}/library/nginx:1.0", "destination": f"oci:{bundle}"},
        ],
        "registry_sync_docker_config": "",
        "registry_sync_verify": "blobs",
    }
    ansible.write("variables.json", variables)
    for playbook in ("harbor_to_acr", "verify"):
        run = ansible.run(f"imageops.registry.{playbook}", "-e", "@variables.json")
        assert run.code == 0, run.text
    assert "nothing is missing or damaged among 2 manifests" in run.text

    digest = max(image("1.0").blobs, key=lambda blob: len(blob.data)).digest
    path = bundle / "blobs" / digest.replace(":", "/")
    path.write_bytes(bytes(reversed(path.read_bytes())))
    damaged = ansible.run("imageops.registry.verify", "-e", "@variables.json")
    assert damaged.code == 2, damaged.text
    (failed,) = damaged.failed()
    assert failed.result["error_codes"] == ["digest_mismatch"]
    assert digest in failed.result["msg"]


@pytest.mark.parametrize("form", ["sources", "mapping", "rules"])
def test_the_role_takes_every_form_of_images(ansible: Ansible, pair: Pair, form: str) -> None:
    source, target = f"{pair.source.host}/library/nginx:1.0", f"{pair.destination.host}/{form}/nginx"
    forms: dict[str, object] = {
        "sources": [source],
        "mapping": {source: target},
        "rules": [{"source": source, "destination": target, "overwrite": "skip"}],
    }
    variables = {
        "registry_sync_registry": pair.destination.host,
        "registry_sync_registries": [
            {"registry": end.host, "username": user, "password": password, "plain_http": True}
            for end in (pair.source, pair.destination)
            for user, password in [(end.endpoint.username, end.endpoint.password)]
        ],
        "registry_sync_docker_config": "",
        "registry_sync_default_namespace": form,
        "registry_sync_images": forms[form],
    }
    ansible.write("variables.json", variables)
    options = ["-e", "@variables.json"]
    for playbook, changed in (("harbor_to_acr", [COPY]), ("verify", [])):
        run = ansible.run(f"imageops.registry.{playbook}", *options)
        assert (run.code, run.changed()) == (0, changed), run.text
        sync = [task for task in run.tasks if task.action.endswith(".registry_image_sync") and task.status == "ok"]
        assert [task.result["summary"]["images"] for task in sync] == [1], run.text
    assert pair.tags(f"{form}/nginx") == ["1.0"]


def test_the_certificates_to_trust_may_be_text(ansible: Ansible, pair: Pair, tmp_path: Path) -> None:
    """Also where the role looks whether the destination answers, by a module that takes files alone."""
    (tmp_path / "theirs").mkdir()
    authority, other = CertificateAuthority(tmp_path), CertificateAuthority(tmp_path / "theirs", "another CA")
    source = {"username": pair.source.endpoint.username, "password": pair.source.endpoint.password, "plain_http": True}
    with docker_registry(tmp_path / "tls", certificate=authority.issue("registry")) as registry:

        def run(*certificates: CertificateAuthority) -> PlaybookRun:
            text = "".join(each.ca_path.read_text(encoding="utf-8") for each in certificates)
            variables = {
                "registry_sync_registry": registry.host,
                "registry_sync_registries": [
                    {"registry": pair.source.host, **source},
                    {"registry": registry.host, "ca": text, "ca_path": str(other.ca_path)},
                ],
                "registry_sync_docker_config": "",
                "registry_sync_images": {f"{pair.source.host}/library/nginx:1.0": f"{registry.host}/own/nginx"},
            }
            ansible.write("certificates.json", variables)
            return ansible.run("imageops.registry.harbor_to_acr", "-e", "@certificates.json")

        trusted, untrusted = run(authority), run(other)
    assert (trusted.code, trusted.changed()) == (0, [COPY]), trusted.text
    assert untrusted.code == 2, untrusted.text
    assert "does not answer as a registry" in untrusted.failed()[0].result["msg"]
