# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redirects: who is followed, and what they are told."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    RegistryError,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import MOST_REDIRECTS
from helpers.handlers import blob, fails, resolved, with_basic
from helpers.raw_server import QUICK, RawServer, Received, client, raw_server

SECRET = base64.b64encode(b"user:password").decode()


def test_a_redirect_is_followed_without_the_password_and_not_shown_it_on_the_way_back() -> None:
    def storage(request: Received) -> None:
        request.answer(307, b"", Location=f"{home.url}/elsewhere")

    def registry_side(request: Received) -> None:
        if request.target == "/elsewhere":
            resolved(request)
        elif with_basic(request):
            request.answer(307, b"", Location=f"{away.url}/storage?signature=1")

    with raw_server(registry_side) as home, raw_server(storage) as away:
        with client(home.host, credential=Credential("user", "password")) as registry:
            assert registry.repository("a").resolve("1") is not None
        assert [("authorization" in r.headers, r.target) for r in away.requests] == [(False, "/storage?signature=1")]
        assert [("authorization" in r.headers, r.target[-1:]) for r in home.requests] == [
            (False, "1"),
            (True, "1"),
            (False, "e"),
        ]


class Bytes:
    """Reads from memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __iter__(self) -> Iterator[bytes]:
        yield self.data

    def close(self) -> None:
        """There is nothing to let go of."""


def test_a_name_that_begins_alike_is_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a redirect nor an upload to registry.test.example.com shows it what registry.test may see."""

    def registry_side(request: Received) -> None:
        if with_basic(request):
            place = "http://registry.test.example.com/away"
            request.answer(202 if request.method == "POST" else 307, b"", Location=place)

    def away_side(request: Received) -> None:
        request.body()
        if request.method == "PUT":
            request.answer(201)
        else:
            resolved(request)

    with raw_server(registry_side) as home, raw_server(away_side) as away:
        hosts = {"registry.test": home.host, "registry.test.example.com": away.host}

        def resolve(host: str, *arguments: object, **options: object) -> object:
            address = ("127.0.0.1", int(hosts[host].rpartition(":")[2]))
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with client("registry.test", credential=Credential("user", "password")) as registry:
            assert registry.repository("a").resolve("1") is not None
            registry.repository("a").put_blob(blob(b"data"), lambda offset: Bytes(b"data"[offset:]))
        assert [request.method for request in away.requests] == ["HEAD", "PUT"]
        assert not [request for request in away.requests if "authorization" in request.headers]


def test_a_redirect_at_home_keeps_the_password() -> None:
    def handle(request: Received) -> None:
        if with_basic(request):
            if request.target == "/moved":
                resolved(request)
            else:
                request.answer(302, b"", Location="/moved")

    with raw_server(handle) as server, client(server.host, credential=Credential("user", "password")) as registry:
        assert registry.repository("a").resolve("1") is not None
        assert server.requests[-1].headers["authorization"] == f"Basic {SECRET}"


def test_redirects_come_to_an_end() -> None:
    with raw_server(lambda request: request.answer(302, b"", Location=request.target + "x")) as server:
        with client(server.host) as registry, pytest.raises(RegistryError) as caught:
            registry.repository("a").resolve("1")
        assert caught.value.code == "protocol_error"
        assert len(server.requests) == MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/", "http://0xa9fea9fe/", "ftp://a/", "http://[fe80::1]/", ""]
)
def test_redirects_to_nowhere_good(location: str) -> None:
    error = fails(lambda request: request.answer(302, b"", **({"Location": location} if location else {})), QUICK)
    assert (error.code, error.transient) == ("protocol_error", False)


def test_a_name_that_leads_to_a_metadata_address_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: object, **options: object) -> object:
        if host == "inviting.example.com":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
        return real(host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = fails(lambda request: request.answer(302, b"", Location="http://inviting.example.com/"), QUICK)
    assert (error.code, error.transient) == ("protocol_error", False)
    assert "metadata" in error.cause


def test_a_place_that_was_redirected_to_and_is_gone_does_not_count_against_the_registry() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        gone = f"http://127.0.0.1:{free.getsockname()[1]}/"

    def handle(request: Received) -> None:
        if request.target.endswith("moved"):
            request.answer(307, b"", Location=gone)
        else:
            resolved(request)

    with raw_server(handle) as server, client(server.host) as registry:
        for _ in range(2):
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").resolve("moved")
            assert caught.value.code == "connection_failed"
        assert registry.repository("a").resolve("1") is not None
        assert server.requests


def redirecting_to(away: RawServer) -> AbstractContextManager[RawServer]:
    return raw_server(lambda request: request.answer(307, b"", Location=away.url + "/x"))


def test_what_a_redirects_target_refuses_is_asked_of_the_registry_again() -> None:
    data = b"blob"

    def storage(request: Received) -> None:
        if len(away.requests) == 1:
            request.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        else:
            request.answer(200, data)

    with raw_server(storage) as away, redirecting_to(away) as home, client(home.host) as registry:
        assert b"".join(registry.repository("a").open_blob(blob(data))) == data
        assert (len(home.requests), len(away.requests)) == (2, 2)


def test_a_strangers_challenge_changes_nothing() -> None:
    def storage(request: Received) -> None:
        request.answer(401, b"", WWW_Authenticate='Basic realm="give it to me"')

    with raw_server(storage) as away, redirecting_to(away) as home:
        with client(home.host, credential=Credential("user", "password")) as registry, pytest.raises(RegistryError):
            registry.repository("a").resolve("1")
        assert not [r for r in home.requests + away.requests if "authorization" in r.headers]
