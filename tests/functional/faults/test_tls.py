# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS as a user of the module meets it: checked unless he says otherwise, whatever the environment says."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any, Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import Redirect
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.scenes.modules import Ended, module
from support.servers.certificates import Certificate, CertificateAuthority, private_pem
from support.servers.docker_registry import docker_registry
from support.servers.shared import Servers

Faulty = Callable[..., FaultProxy]
ENVIRONMENT = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture
def source(servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str) -> str:
    plain(servers.open.endpoint).push(repository, images.image(repository), "v1")
    return repository


def look(host: str, path: str, home: Path, environment: dict[str, str] | None = None, **option: Any) -> Ended:
    options = {"images": [f"{host}/{path}:v1"], "registries": [{"registry": host, **option}], "retry_delay": 0.01}
    with module("registry_image_info", options, home=home, environment=environment) as running:
        return running.end()


def test_whom_not_to_trust(servers: Servers, faulty: Faulty, source: str, tmp_path: Path) -> None:
    upstream, authority = servers.open.endpoint, servers.authority
    ours = {"ca_path": str(authority.ca_path)}
    other = CertificateAuthority(tmp_path, "another CA")
    good = faulty(upstream, certificate=servers.certificate).host
    elsewhere = faulty(upstream, certificate=authority.issue("other-name", ("elsewhere.example.com",))).host
    expired = faulty(upstream, certificate=authority.issue("expired", expired=True)).host
    trusting = {name: str(authority.ca_path) for name in ENVIRONMENT}
    lax = {"PYTHONHTTPSVERIFY": "0", "SSL_CERT_DIR": str(authority.ca_path.parent), **trusting}
    cases: list[tuple[str, dict[str, Any], dict[str, str], str, str]] = [
        (good, {}, {}, "tls_untrusted", f"set ca_path for {good}"),
        (good, {}, lax, "tls_untrusted", "certificate is not trusted"),
        (good, {"ca_path": str(other.ca_path)}, lax, "tls_untrusted", "certificate is not trusted"),
        (elsewhere, ours, {}, "tls_untrusted", "127.0.0.1"),
        (expired, ours, {}, "tls_untrusted", "expired"),
        (upstream.host, {}, {}, "plain_http", "set plain_http: true"),
    ]
    for host, option, environment, code, words in cases:
        ended = look(host, source, tmp_path, environment, **option)
        assert ended.result.get("error_codes") == [code], ended.text
        assert words in ended.result["msg"]


def test_whom_to_trust(servers: Servers, faulty: Faulty, source: str, tmp_path: Path) -> None:
    upstream, authority = servers.open.endpoint, servers.authority
    good = faulty(upstream, certificate=servers.certificate).host
    bare = faulty(upstream, certificate=bare_authority(tmp_path)).host
    wrong = dict.fromkeys(ENVIRONMENT, "/dev/null")
    text = f"# theirs\n{authority.ca_path.read_text(encoding='utf-8')}"
    for host, option, environment in (
        (good, {"ca_path": str(authority.ca_path)}, {}),
        (good, {"ca_path": str(authority.ca_path)}, wrong),
        (good, {"ca": text}, {}),
        (good, {"ca": text, "ca_path": str(tmp_path / "bare-ca.pem")}, wrong),
        (good, {"ca": (tmp_path / "bare-ca.pem").read_text(), "ca_path": str(authority.ca_path)}, {}),
        (good, {"validate_certs": False}, {}),
        # Python 3.13's stricter flags would refuse it; many private authorities lack what they want.
        (bare, {"ca_path": str(tmp_path / "bare-ca.pem")}, {}),
    ):
        ended = look(host, source, tmp_path, environment, **option)
        assert ended.code == 0, ended.text


def test_who_we_are(servers: Servers, tmp_path: Path) -> None:
    ours = servers.authority.issue("faults-client", client=True)
    stranger = CertificateAuthority(tmp_path, "another CA").issue("stranger", client=True)
    option = {"ca_path": str(servers.authority.ca_path)}
    with docker_registry(tmp_path / "registry", certificate=servers.certificate, client=ours) as registry:
        with PlainClient(registry.endpoint) as client:
            client.push("tests/tls", images.image("tls"), "v1")
        known = {**option, "client_cert": str(ours.certificate), "client_key": str(ours.key)}
        unknown = {**option, "client_cert": str(stranger.certificate), "client_key": str(stranger.key)}
        mixed = {**known, "client_key": str(stranger.key)}
        assert look(registry.host, "tests/tls", tmp_path, **known).code == 0
        nobody = look(registry.host, "tests/tls", tmp_path, **option)
        assert nobody.result["error_codes"] in (["tls_untrusted"], ["connection_failed"], ["registry_down"])
        refused = look(registry.host, "tests/tls", tmp_path, **unknown)
        assert refused.code
        unfit = look(registry.host, "tests/tls", tmp_path, **mixed)
        assert unfit.result["error_codes"] == ["invalid_input"]
        assert "do not belong together" in unfit.result["msg"]


def test_who_we_are_is_shown_to_the_registry_alone(
    servers: Servers, faulty: Faulty, source: str, tmp_path: Path
) -> None:
    """A storage that wants to know it, and that a registry redirects to, is not told."""
    ours = servers.authority.issue("faults-curious", client=True)
    option = {
        "ca_path": str(servers.authority.ca_path),
        "client_cert": str(ours.certificate),
        "client_key": str(ours.key),
    }
    with docker_registry(tmp_path / "registry", certificate=servers.certificate, client=ours) as storage:
        with PlainClient(storage.endpoint) as client:
            client.push(source, images.image(source), "v1")
        registry = faulty(servers.open.endpoint, certificate=servers.certificate)
        registry.add(Redirect(storage.endpoint.url), method="GET|HEAD", target="/manifests/", times=None)
        assert look(storage.host, source, tmp_path, **option).code == 0
        ended = look(registry.host, source, tmp_path, **option)
    assert ended.code and ended.result["error_codes"], ended.text


def bare_authority(directory: Path) -> Certificate:
    """A server's certificate of an authority whose own certificate says nothing but that it is one."""
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a bare CA")])
    now = datetime.datetime.now(datetime.timezone.utc)

    def builder(subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
        )

    root = builder(name, authority.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
    leaf = builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")]), server.public_key())
    leaf = leaf.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
    )
    made = Certificate(directory / "bare.pem", directory / "bare.key", directory / "bare-ca.pem")
    for certificate, path in ((root, made.ca_path), (leaf, made.certificate)):
        signed = certificate.sign(authority, hashes.SHA256())
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(private_pem(server))
    return made
