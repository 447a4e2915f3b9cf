# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking for tokens and reading them."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.authorization.tokens import (
    Challenge,
    Token,
    basic,
    find_realm,
    parse_token,
    token_call,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.call import Call, Purpose, Scopes
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from hypothesis import given
from hypothesis import strategies as st

SCOPES = ("repository:a/b:pull,push", "repository:c:pull")


REALM = "https://auth.example.com/token"
PURPOSE = Purpose("get a token for", "r/a", "r")


def ask(challenge: Challenge, scopes: Scopes, credential: Credential | None) -> Call:
    return token_call(challenge, challenge.parameters["realm"], scopes, credential, PURPOSE)


def bearer(**parameters: str) -> Challenge:
    return Challenge("bearer", {"realm": REALM, **parameters})


def test_a_get_repeats_the_scope() -> None:
    asked = ask(bearer(service="registry.example.com"), SCOPES, Credential("u", "p"))
    assert (asked.method, asked.body, asked.authorization) == ("GET", None, "Basic dTpw")
    assert parse_qsl(urlsplit(asked.path).query) == [
        ("service", "registry.example.com"),
        *(("scope", s) for s in SCOPES),
    ]


def test_nobody_asks_without_authorization() -> None:
    asked = ask(bearer(), SCOPES, None)
    assert asked.authorization is None
    assert "service" not in asked.path


def test_a_realms_own_query_stays() -> None:
    challenge = Challenge("bearer", {"realm": "https://a/token?account=x%2Fy#z", "service": "s"})
    assert ask(challenge, (), None).path == "https://a/token?account=x%2Fy&service=s"
    assert ask(Challenge("bearer", {"realm": "https://a/token"}), (), None).path == "https://a/token"


def test_an_identity_token_is_posted() -> None:
    asked = ask(bearer(service="s"), SCOPES, Credential(identity_token="refresh me&more"))
    assert (asked.method, asked.path, asked.authorization) == ("POST", "https://auth.example.com/token", None)
    assert isinstance(asked.body, bytes)
    form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    assert form.pop("client_id")
    assert form == {
        "grant_type": "refresh_token",
        "service": "s",
        "scope": " ".join(SCOPES),
        "refresh_token": "refresh me&more",
    }


def test_odd_passwords_are_encoded() -> None:
    assert basic(Credential("ü", "pä:ß")) == "Basic w7w6cMOkOsOf"


@pytest.mark.parametrize(
    ("answer", "value", "life"),
    [
        ({"token": "t"}, "t", 60.0),
        ({"access_token": "t", "expires_in": 300}, "t", 300.0),
        ({"token": "t", "access_token": "other", "expires_in": 12.5}, "t", 12.5),
        ({"token": "", "access_token": "t", "expires_in": None}, "t", 60.0),
        ({"token": "t", "expires_in": 0}, "t", 60.0),
        ({"token": "t", "expires_in": -5}, "t", 60.0),
        ({"token": "t", "expires_in": "300"}, "t", 60.0),
        ({"token": "t", "expires_in": True}, "t", 60.0),
        ({"token": "t", "expires_in": 1e300}, "t", 86400.0),
        ({"token": "t", "expires_in": 10**400}, "t", 86400.0),
        ({"token": "t", "expires_in": float("nan")}, "t", 60.0),
    ],
)
def test_tokens(answer: dict[str, object], value: str, life: float) -> None:
    assert parse_token(json.dumps(answer).encode(), 5.0) == Token(value, 5.0, life)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"token": 5}',
        b'{"token": "a b"}',
        b'{"token": "a\\r\\nX: y"}',
        '{"token": "é"}'.encode(),
        b"[" * 100_000,
        b"\xff",
        b"<html>",
    ],
)
def test_no_tokens(body: bytes) -> None:
    assert parse_token(body, 0.0) is None


@given(st.binary(max_size=80))
def test_tokens_raise_nothing(body: bytes) -> None:
    assert parse_token(body, 0.0) is None or body


def test_a_token_is_renewed_early() -> None:
    now = time.monotonic()
    assert Token("t", now, 300).is_good_for(60)
    assert not Token("t", now - 245, 300).is_good_for(60)
    assert Token("t", now - 245, 300).is_good_for(30)
    assert Token("t", now, 20).is_good_for(60)  # a quarter of its life is enough for one that never has 60 seconds
    assert not Token("t", now - 16, 20).is_good_for(60)


@pytest.mark.parametrize(
    ("realm", "base"),
    [
        ("https://auth.example.com/token", "https://registry.example.com"),
        ("https://auth.example.com/token", "http://registry.example.com"),
        ("http://auth.example.com/token", "http://registry.example.com"),
        ("http://169.254.1.2:5001/token", "http://169.254.1.2:5000"),
    ],
)
def test_realms(realm: str, base: str) -> None:
    assert find_realm(realm, base) == (realm, False, "")


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example.com/token",
        "http://registry.example.com:8080/token",
        "/token",
        "ftp://auth.example.com/token",
        "https://169.254.169.254/token",
        "https://user:password@auth.example.com/token",
        "https://[::1/",
        "Registry Realm",
    ],
)
def test_realms_that_get_no_password(realm: str) -> None:
    assert find_realm(realm, "https://registry.example.com").problem


@pytest.mark.parametrize(
    ("realm", "base", "url"),
    [
        ("http://r.example.com/token?a=b%20c", "https://r.example.com", "https://r.example.com/token?a=b%20c"),
        ("http://R.example.com:80/token", "https://r.example.com", "https://r.example.com/token"),
        ("http://r.example.com:443/token", "https://r.example.com", "https://r.example.com/token"),
        ("http://r.example.com:8443/token", "https://r.example.com:8443", "https://r.example.com:8443/token"),
        ("http://[::1]:8443/token", "https://[::1]:8443", "https://[::1]:8443/token"),
        ("http://r.example.com", "https://r.example.com", "https://r.example.com"),
    ],
)
def test_an_http_realm_of_the_registrys_own_host_is_reached_by_https(realm: str, base: str, url: str) -> None:
    assert find_realm(realm, base) == (url, True, "")
