# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a refusal means: error codes, words, hints, and no secrets."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client import bodies
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.bodies import clean, read_error
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.refusals import (
    MissingContent,
    Purpose,
    error_of,
    error_of_fault,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.faults import Fault
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import Answer, Stats
from hypothesis import given
from hypothesis import strategies as st

READ_TAG = Purpose("read the manifest", "r.example.com/a:1", "r.example.com", kind="tag")
READ_BLOB = Purpose("read", "r.example.com/a@sha256:0", "r.example.com", kind="blob")
LIST = Purpose("list the tags of", "r.example.com/a", "r.example.com")
UPLOAD = Purpose("upload", "r.example.com/a@sha256:0", "r.example.com", write=True)
PUT_TAG = Purpose("write the manifest", "r.example.com/a:1", "r.example.com", write=True, kind="manifest")


def answer(
    status: int, body: bytes = b"", *, foreign: bool = False, url: str = "https://r.example.com/", **headers: str
) -> Answer:
    raw: Any = SimpleNamespace(status=status, headers=headers, length=None)
    made = Answer(raw, url=url, foreign=foreign, stats=Stats())
    made.body = body
    return made


def errors(code: str, message: str = "", detail: object = None) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message, "detail": detail}]}).encode()


@pytest.mark.parametrize(
    ("status", "body", "purpose", "code"),
    [
        (401, b"", READ_TAG, "pull_denied"),
        (401, errors("UNAUTHORIZED"), UPLOAD, "push_denied"),
        (403, b"", READ_BLOB, "pull_denied"),
        (403, errors("DENIED", "requested access to the resource is denied"), PUT_TAG, "push_denied"),
        (404, errors("NAME_UNKNOWN"), LIST, "repository_not_found"),
        (404, errors("NAME_UNKNOWN"), READ_TAG, "repository_not_found"),
        (404, errors("NOT_FOUND", "repository library/x not found"), READ_TAG, "repository_not_found"),
        (404, errors("NOT_FOUND", "artifact library/x:1 not found"), READ_TAG, "tag_not_found"),
        (404, errors("MANIFEST_UNKNOWN", "manifest unknown"), READ_TAG, "tag_not_found"),
        (404, b"", READ_TAG, "tag_not_found"),
        (404, errors("BLOB_UNKNOWN"), READ_BLOB, "source_incomplete"),
        (404, errors("NAME_UNKNOWN"), UPLOAD, "destination_missing"),
        (404, errors("NOT_FOUND", "project x not found"), UPLOAD, "destination_missing"),
        (404, errors("BLOB_UPLOAD_UNKNOWN"), UPLOAD, "server_error"),
        (400, errors("DIGEST_INVALID"), UPLOAD, "digest_mismatch"),
        (400, errors("NAME_INVALID"), UPLOAD, "invalid_input"),
        (400, errors("TAG_INVALID"), PUT_TAG, "invalid_input"),
        (400, errors("MANIFEST_INVALID"), PUT_TAG, "unsupported_manifest"),
        (415, b"", PUT_TAG, "unsupported_manifest"),
        (415, errors("UNSUPPORTED", "media type"), PUT_TAG, "unsupported_manifest"),
        (403, errors("DENIED", "unknown manifest class for application/x"), PUT_TAG, "unsupported_manifest"),
        (412, errors("PRECONDITION", "configured as immutable"), PUT_TAG, "immutable_tag"),
        (400, errors("TAG_INVALID", "tag already exists and cannot be overwritten"), PUT_TAG, "immutable_tag"),
        (409, errors("TAG_IMMUTABLE"), PUT_TAG, "immutable_tag"),
        (412, errors("PROJECTPOLICYVIOLATION", "vulnerabilities"), READ_TAG, "source_policy"),
        (403, errors("DENIED", "Quota exceeded when processing the request"), UPLOAD, "quota_exceeded"),
        (403, errors("DENIED", "it will exceed the configured upper limit of 10 GiB."), PUT_TAG, "quota_exceeded"),
        (507, b"", UPLOAD, "quota_exceeded"),
        (405, errors("UNSUPPORTED"), UPLOAD, "unsupported"),
        (501, b"", LIST, "unsupported"),
        (413, b"<html>413</html>", UPLOAD, "unsupported"),
        (409, b"", UPLOAD, "conflict"),
        (429, b"", LIST, "rate_limited"),
        (403, errors("TOOMANYREQUESTS"), LIST, "rate_limited"),
        (408, b"", LIST, "timeout"),
        (500, b"", LIST, "server_error"),
        (503, b"<html>busy</html>", PUT_TAG, "server_error"),
        (301, b"", UPLOAD, "protocol_error"),
        (418, b"", LIST, "protocol_error"),
        (407, b"", LIST, "connection_failed"),
        (400, b"Client sent an HTTP request to an HTTPS server.\n", LIST, "plain_http"),
        (400, b"<html>The plain HTTP request was sent to HTTPS port</html>", LIST, "plain_http"),
    ],
)
def test_codes(status: int, body: bytes, purpose: Purpose, code: str) -> None:
    error = error_of(answer(status, body), purpose, anonymous=False)
    assert (error.code, error.status) == (code, status)
    assert str(error).startswith(f"cannot {purpose.action} {purpose.subject}: ")


@pytest.mark.parametrize("code", ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"])
@pytest.mark.parametrize("status", [400, 404])
def test_missing_content_is_told_apart(status: int, code: str) -> None:
    error = error_of(answer(status, errors(code)), PUT_TAG, anonymous=False)
    assert (type(error), error.code) == (MissingContent, "server_error")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass(status: int) -> None:
    assert error_of(answer(status), LIST, anonymous=False).transient


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 412, 501])
def test_what_does_not_pass(status: int) -> None:
    assert not error_of(answer(status), LIST, anonymous=False).transient


def test_without_credentials_they_are_asked_for() -> None:
    error = error_of(answer(401), READ_TAG, anonymous=True)
    assert error.code == "no_credentials"
    assert "r.example.com" in error.hint


def test_what_a_redirects_target_refuses_may_pass() -> None:
    error = error_of(answer(403, b"<Error>expired</Error>", foreign=True), READ_BLOB, anonymous=False)
    assert (error.code, error.transient, error.status) == ("server_error", True, 403)


def test_hints_for_connections_that_cannot_be_made() -> None:
    untrusted = error_of_fault(Fault("tls_untrusted", "self-signed", transient=False), LIST)
    assert "ca_path" in untrusted.hint
    plain = error_of_fault(Fault("plain_http", "no TLS", transient=False), LIST)
    assert "plain_http" in plain.hint
    assert isinstance(plain, RegistryError)
    for code in ("connection_failed", "timeout"):
        assert "be reached" in error_of_fault(Fault(code, "refused", connecting=True), LIST).hint
        assert not error_of_fault(Fault(code, "cut off"), LIST).hint


@pytest.mark.parametrize(("url", "hinted"), [("http://r.example.com/", True), ("https://r.example.com/", False)])
def test_a_refusal_without_words_may_come_from_an_https_port(url: str, hinted: bool) -> None:
    error = error_of(answer(400, url=url), READ_TAG, anonymous=False)
    assert (error.code, "plain_http" in error.hint) == ("protocol_error", hinted)


@pytest.mark.parametrize(
    ("body", "codes", "words"),
    [
        (b"", set(), ""),
        (errors("DENIED", "no"), {"DENIED"}, "no"),
        (errors("denied", "no", {"a": "b"}), {"DENIED"}, "no: b"),
        (errors("DENIED", "no", "because"), {"DENIED"}, "no: because"),
        (b'{"errors":[{"code":"A"},{"code":"B","message":"m"}]}', {"A", "B"}, "A: m"),
        (b'{"errors":["plain words"]}', set(), "plain words"),
        (b'{"error":"invalid_grant","error_description":"token expired"}', {"INVALID_GRANT"}, "token expired"),
        (b'{"message":"Not Found"}', set(), "Not Found"),
        (b'{"code":404,"message":"x"}', {"404"}, "x"),
        (b"<html><head><title>502</title><style>p{}</style></head><p>Bad\n Gateway</p>", set(), "502 Bad Gateway"),
        (b"just text\x00\x1b[31m", set(), "just text [31m"),
        (b"\xff\xfe", set(), "\ufffd\ufffd"),
        (b"{not json", set(), "{not json"),
        (b"[" * 100_000, set(), None),
        (b'{"errors":{}}', set(), ""),
        (b'{"errors":[]}', set(), ""),
        (b"[1, null]", set(), ""),
    ],
)
def test_error_bodies(body: bytes, codes: set[str], words: str | None) -> None:
    said = read_error(body)
    assert said.codes == codes
    if words is not None:
        assert said.words == words


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_error_bodies_raise_nothing(body: bytes) -> None:
    assert read_error(body).words.isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["errors", "code", "message", "detail", "error"]), inner)
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_json_raises_nothing(document: object) -> None:
    assert len(read_error(json.dumps(document).encode()).words) <= 301


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cret-token",
        "basic s3cret-token",
        "token=s3cret-token&x",
        'password: "s3cret-token"',
        "eyJhbGciOiJIUzI1NiJ9.s3cret-token.abc",
        "see https://user:s3cret-token@host/path",
        "https://storage/blob?X-Amz-Signature=s3cret-token&b=c",
        "GET /v2/x?sig=s3cret-token",
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str) -> None:
    assert "s3cret" not in clean(text)


def test_words_are_cut_short() -> None:
    assert len(clean("long " * 1000)) == 301


def test_of_long_words_only_a_part_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a regular expression does to some texts takes a time that grows with the square of their length."""
    seen: list[int] = []

    class Spy:
        def sub(self, _by: object, text: str) -> str:
            seen.append(len(text))
            return text

    monkeypatch.setattr(bodies, "_SECRETS", Spy())
    clean("a?" * 30_000)
    assert 300 < max(seen) < 10_000


@pytest.mark.parametrize("padding", range(280, 302, 3))
def test_a_known_secret_is_not_cut_in_half(padding: int) -> None:
    assert "Mel" not in clean("x" * padding + "Mellon", lambda text: text.replace("Mellon", "***"))
