# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, tags and digests: the grammar as tables, then what holds for any text."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import (
    Digest,
    Reference,
    check_tag,
    parse_prefix,
    parse_registry,
    parse_repository,
    quoted,
)
from hypothesis import given
from hypothesis import strategies as st

SHA256 = "sha256:" + "0123456789abcdef" * 4
SHA512 = "sha512:" + "0123456789abcdef" * 8

PARSERS: tuple[Callable[[Any], object], ...] = (
    Reference.parse,
    Digest.parse,
    check_tag,
    parse_registry,
    parse_repository,
    parse_prefix,
)


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("nginx", "docker.io", "library/nginx", None, None),
        ("nginx:1.25", "docker.io", "library/nginx", "1.25", None),
        ("acme/app", "docker.io", "acme/app", None, None),
        ("harbor/acme/app", "docker.io", "harbor/acme/app", None, None),
        ("docker.io/nginx", "docker.io", "library/nginx", None, None),
        ("index.docker.io/nginx", "docker.io", "library/nginx", None, None),
        ("registry-1.docker.io/acme/app:x", "docker.io", "acme/app", "x", None),
        ("registry.hub.docker.com/library/nginx:1", "docker.io", "library/nginx", "1", None),
        ("hub.docker.com/acme/app", "docker.io", "acme/app", None, None),
        ("docker:24", "docker.io", "library/docker", "24", None),
        ("localhost/app", "localhost", "app", None, None),
        ("localhost:5000/app:5000", "localhost:5000", "app", "5000", None),
        ("harbor:32080/library/nginx", "harbor:32080", "library/nginx", None, None),
        ("harbor.example.com/a/b/c/d:T_1.x-y", "harbor.example.com", "a/b/c/d", "T_1.x-y", None),
        ("Harbor.Example.COM:8443/a", "harbor.example.com:8443", "a", None, None),
        ("192.0.2.7/a:b", "192.0.2.7", "a", "b", None),
        ("[::1]:5000/a", "[::1]:5000", "a", None, None),
        ("[2001:DB8::1]/a/b:c", "[2001:db8::1]", "a/b", "c", None),
        (f"quay.io/a/b@{SHA256}", "quay.io", "a/b", None, SHA256),
        (f"quay.io/a/b:t@{SHA512}", "quay.io", "a/b", "t", SHA512),
        ("quay.io/a_b/c__d/e--f.g", "quay.io", "a_b/c__d/e--f.g", None, None),
        ("oci:/srv/my@bundle//library/nginx:1.27", "oci:/srv/my@bundle/", "library/nginx", "1.27", None),
        ("oci-archive:/srv/a b.tar//nginx", "oci-archive:/srv/a b.tar/", "nginx", None, None),
    ],
)
def test_parses(text: str, registry: str, repository: str, tag: str | None, digest: str | None) -> None:
    ref = Reference.parse(text)
    assert (ref.registry, ref.repository, ref.tag) == (registry, repository, tag)
    assert ref.digest == (None if digest is None else Digest.parse(digest))
    assert ref.name == f"{registry}/{repository}"
    assert Reference.parse(str(ref)) == ref


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty image"),
        ("https://quay.io/a/b", "scheme"),
        ("docker://quay.io/a/b", "scheme"),
        ("quay.io/a/b/", "ends with '/'"),
        ("quay.io/a/*", "'*'"),
        ("quay.io/A/b", "upper-case"),
        ("Acme/app", "upper-case"),
        ("quay.io//b", "empty component"),
        ("/a/b", "it is a path"),
        ("oci:layout", "does not begin with '/'"),
        ("oci:/srv/bundle", "one repository is wanted"),
        ("oci:/srv/bundle:v1", "write oci:/srv/bundle//bundle:v1"),
        ("oci:/srv/bundle//Nginx", "upper-case"),
        ("quay.io/../b", '".."'),
        ("quay.io/./b", '"."'),
        ("quay.io/a%2fb/c", '"a%2fb"'),
        ("quay.io/a___b/c", '"a___b"'),
        ("quay.io/-a/c", '"-a"'),
        ("quay.io/a/b c", '"b c"'),
        ("quay.io/a/b\n", r'"b\n"'),
        (" quay.io/a/b", "not a host name"),
        ("quay.io", "without a repository"),
        ("localhost", "without a repository"),
        ("localhost:5000", "without a repository"),
        ("[::1]:5000", "without a repository"),
        ("quay.io:0/a", "not a port"),
        ("quay.io:65536/a", "not a port"),
        ("quay.io:/a", "not a port"),
        ("quay.io:x/a", "not a port"),
        ("[::g]/a", "not a host name"),
        ("[1::2::3]/a", "IPv6"),
        ("a..b/c", "not a host name"),
        ("bücher.example/c", "not a host name"),
        ("quay.io/a/b:", "empty tag"),
        ("quay.io/a/b:.x", "not a tag"),
        ("quay.io/a/b:" + "x" * 129, "not a tag"),
        ("quay.io/a/b:x:y", '"b:x"'),
        ("quay.io/a/b@", "empty digest"),
        ("quay.io/a/b@latest", "begin with sha256:"),
        ("quay.io/a/b@md5:" + "0" * 32, "begin with sha256:"),
        ("quay.io/a/b@sha256:" + "0" * 63, "64 digits, here are 63"),
        ("quay.io/a/b@sha256:" + "A" * 64, "other characters"),
        (f"quay.io/a/b@{SHA256}@{SHA256}", "64 digits"),
        ("quay.io/" + "a" * 256, "longer than 255"),
        ("quay.io/" + "a/" * 1000 + "a", "longer than 1024"),
    ],
)
def test_refuses_and_says_why(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        Reference.parse(text)
    assert says in str(caught.value)
    assert caught.value.code == "invalid_input"
    assert caught.value.hint


@pytest.mark.parametrize("value", [None, 1.1, True, [], {"a": "b"}, b"nginx"])
def test_refuses_what_is_no_text(value: object) -> None:
    for parse in PARSERS:
        with pytest.raises(InputError, match="not a string"):
            parse(value)


def test_with_tag_replaces_tag_and_digest() -> None:
    assert str(Reference.parse(f"quay.io/a/b:t@{SHA256}").with_tag("u")) == "quay.io/a/b:u"


def test_digest_of_bytes_and_its_hasher() -> None:
    for algorithm in ("sha256", "sha512"):
        digest = Digest.of(b"abc", algorithm)
        assert str(digest) == f"{algorithm}:{hashlib.new(algorithm, b'abc').hexdigest()}"
        hasher = digest.hasher()
        hasher.update(b"abc")
        assert hasher.hexdigest() == digest.encoded
    with pytest.raises(InputError, match="not known"):
        Digest.of(b"abc", "md5")


def test_references_and_digests_are_keys() -> None:
    assert len({Digest.parse(SHA256), Digest.parse(SHA256)}) == 1
    assert len({Reference.parse("nginx"), Reference.parse("docker.io/library/nginx")}) == 1
    with pytest.raises(AttributeError):
        Digest.parse(SHA256).value = b""  # type: ignore[misc]


def test_references_and_digests_are_small() -> None:
    ref = Reference.parse(f"quay.io/a/b:t@{SHA256}")
    assert not hasattr(ref, "__dict__")
    assert not hasattr(ref.digest, "__dict__")


@pytest.mark.parametrize(
    ("text", "registry", "path"),
    [
        ("quay.io", "quay.io", ""),
        ("quay.io:443/coreos", "quay.io:443", "coreos"),
        ("Harbor:80/a/b/c", "harbor:80", "a/b/c"),
        ("index.docker.io/acme", "docker.io", "acme"),
        ("localhost", "localhost", ""),
    ],
)
def test_prefixes(text: str, registry: str, path: str) -> None:
    assert parse_prefix(text) == (registry, path)


def test_a_prefix_has_no_scheme() -> None:
    with pytest.raises(InputError, match="it has a scheme"):
        parse_prefix("https://quay.io/acme")


def test_a_slash_at_the_end_of_a_prefix_says_nothing() -> None:
    assert parse_prefix("quay.io/") == ("quay.io", "")
    assert parse_prefix("quay.io/acme/") == ("quay.io", "acme")


@pytest.mark.parametrize(
    "text", ["", "https://quay.io", "quay.io//", "quay.io/a//", "/", "quay.io/A", "quay.io:x", "a b"]
)
def test_refused_prefixes(text: str) -> None:
    with pytest.raises(InputError):
        parse_prefix(text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", '"a"'),
        ("https://user:secret@quay.io/a", '"https://***@quay.io/a"'),
        (r"^v\d", r'"^v\d"'),
        ("a\x1b[31m\n", r'"a\u001b[31m\n"'),
        ("x" * 300, '"' + "x" * 200 + '..."'),
        (None, "null"),
        (True, "true"),
        (1.1, "1.1"),
        (12, "12"),
        pytest.param(10**5000, "a very long number", id="very-long-number"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        ({"password": "secret"}, "a mapping"),
        (["secret"], "a list"),
    ],
)
def test_quoted_is_short_and_tells_no_secret(value: object, shown: str) -> None:
    assert quoted(value) == shown


_PART = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}", fullmatch=True)
_REGISTRY = st.one_of(
    st.just("docker.io"),
    st.just("localhost"),
    st.from_regex(r"[a-z][a-z0-9]{0,5}(\.[a-z0-9]{1,5}){1,3}(:[1-9][0-9]{0,3})?", fullmatch=True),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]:5000"),
)
_TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True)
_DIGEST = st.binary(max_size=4).flatmap(
    lambda data: st.sampled_from(["sha256", "sha512"]).map(lambda name: Digest.of(data, name))
)


@given(
    registry=_REGISTRY,
    parts=st.lists(_PART, min_size=2, max_size=5),
    tag=st.none() | _TAG,
    digest=st.none() | _DIGEST,
)
def test_what_is_formatted_is_parsed_to_the_same(
    registry: str, parts: list[str], tag: str | None, digest: Digest | None
) -> None:
    ref = Reference(registry, "/".join(parts), tag, digest)
    assert Reference.parse(str(ref)) == ref


_PIECES = st.sampled_from(
    ["a", "quay.io", ":", "/", "@", "[", "]", "::1", SHA256, "*", "\n", ".", "_", "-", "5000", "A", "é"]
)


@given(st.text() | st.lists(_PIECES, max_size=12).map("".join))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for parse in PARSERS:
        try:
            parsed = parse(text)
        except InputError as error:
            assert str(error).isprintable()
        else:
            if isinstance(parsed, Reference):
                assert Reference.parse(str(parsed)) == parsed
