# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Location and Link headers, and where they may lead."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.faults import Fault
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.urls import (
    Origin,
    is_forbidden,
    origin_of,
    parse_links,
    resolve,
    with_query,
)
from hypothesis import given
from hypothesis import strategies as st

BASE = "https://registry.example.com:5000/v2/a/b/blobs/uploads/"
ODD = st.text(st.sampled_from("htps:/.@[]?#%&=<>;,\"' ax0169254\\\x00\t\u00e9"), max_size=40)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (
            "https://registry.example.com:5000/v2/u/1?_state=a%3D%3D",
            "https://registry.example.com:5000/v2/u/1?_state=a%3D%3D",
        ),
        ("/v2/a/b/blobs/uploads/1?x=%2f&y", "https://registry.example.com:5000/v2/a/b/blobs/uploads/1?x=%2f&y"),
        ("1", "https://registry.example.com:5000/v2/a/b/blobs/uploads/1"),
        ("?only=query", "https://registry.example.com:5000/v2/a/b/blobs/uploads/?only=query"),
        ("//registry.example.com:5000/x", "https://registry.example.com:5000/x"),
        ("https://REGISTRY.example.com:5000/x", "https://REGISTRY.example.com:5000/x"),
        ("/x#fragment", "https://registry.example.com:5000/x"),
    ],
)
def test_locations_at_home(location: str, url: str) -> None:
    target = resolve(BASE, location)
    assert (target.url, target.same_origin, target.corrected) == (url, True, False)


@pytest.mark.parametrize(
    "location",
    [
        "https://storage.example.com/blob?sig=1",
        "https://registry.example.com/blob",
        "https://registry.example.com:5001/blob",
        "//registry.example.com/blob",
    ],
)
def test_locations_elsewhere(location: str) -> None:
    assert not resolve(BASE, location).same_origin


def test_http_where_https_is_meant_is_corrected() -> None:
    target = resolve(BASE, "http://registry.example.com:5000/v2/u/1?q")
    assert target == ("https://registry.example.com:5000/v2/u/1?q", True, True)
    assert resolve("https://example.com/v2/", "http://example.com:443/x").corrected
    assert resolve("https://example.com/v2/", "http://example.com/x") == ("https://example.com/x", True, True)


def test_plain_http_stays_as_it_is() -> None:
    assert resolve("http://example.com/v2/", "http://example.com/x") == ("http://example.com/x", True, False)
    assert not resolve("http://example.com/v2/", "https://example.com/x").same_origin


@pytest.mark.parametrize(
    "location",
    [
        None,
        "",
        "http://storage.example.com/blob",
        "http://registry.example.com/blob",
        "ftp://registry.example.com/",
        "file:///etc/passwd",
        "https://user:secret@registry.example.com:5000/",
        "https://registry.example.com:port/",
        "https://[::1/",
        "/a b",
        "/a\r\nHost: b",
        "/\x00",
        "\\\\elsewhere.example.com\\x",
        "/x" * 20_000,
        "https://169.254.169.254/latest/meta-data",
        "https://2852039166/",
        "https://0xa9fea9fe/",
        "https://169.254.43518/",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://100.100.100.200/latest/meta-data",
    ],
)
def test_locations_that_lead_nowhere_good(location: str | None) -> None:
    with pytest.raises(Fault) as caught:
        resolve(BASE, location)
    assert (caught.value.code, caught.value.transient) == ("protocol_error", False)


def test_a_registry_at_a_link_local_address_may_name_itself() -> None:
    assert resolve("http://169.254.1.2:5000/v2/", "http://169.254.1.2:5000/x").same_origin


@given(ODD)
def test_locations_raise_nothing_but_faults(location: str) -> None:
    try:
        target = resolve(BASE, location)
    except Fault:
        return
    assert origin_of(target.url).scheme == "https"
    assert target.same_origin == (origin_of(target.url) == origin_of(BASE))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://example.com/", ("https", "example.com", 443)),
        ("http://EXAMPLE.com", ("http", "example.com", 80)),
        ("http://[::1]:5000/v2/", ("http", "::1", 5000)),
    ],
)
def test_origins(url: str, origin: tuple[str, str, int]) -> None:
    assert origin_of(url) == Origin(*origin)


def test_a_query_is_kept() -> None:
    assert with_query("https://a/u?_state=x%3D", "digest=sha256:0") == "https://a/u?_state=x%3D&digest=sha256:0"
    assert with_query("https://a/u", "digest=sha256:0") == "https://a/u?digest=sha256:0"


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ("", []),
        (" , ", []),
        ('</v2/a/tags/list?last=b&n=1>; rel="next"', [("/v2/a/tags/list?last=b&n=1", {"next"})]),
        ("<https://r/v2/a/tags/list?last=b>; rel=next", [("https://r/v2/a/tags/list?last=b", {"next"})]),
        ('<a>;rel="prev", <b>; title="x, <y>; z"; REL="Next"', [("a", {"prev"}), ("b", {"next"})]),
        ('<a>; rel="prev next"; rel="last"', [("a", {"prev", "next"})]),
        ("<a,b;c>", [("a,b;c", None)]),
        ('a?last=b; rel="next"', [("a?last=b", {"next"})]),
        ("<a>; rel", [("a", set())]),
    ],
)
def test_links(header: str, links: list[tuple[str, set[str] | None]]) -> None:
    assert parse_links(header) == links


@pytest.mark.parametrize("header", ['<a; rel="next"', '<a>; rel="next', "<" * 20_000, "a" * 20_000])
def test_links_that_make_no_sense(header: str) -> None:
    with pytest.raises(ValueError):
        parse_links(header)


@given(ODD)
def test_links_raise_nothing_else(header: str) -> None:
    try:
        found = parse_links(header)
    except ValueError:
        return
    assert all(link.target in header for link in found)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.0.1",
        "169.254.169.254",
        "[fe80::1%eth0]",
        "100.100.100.200",
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
        "168.63.129.16",
    ],
)
def test_forbidden_addresses(host: str) -> None:
    assert is_forbidden(host)


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1", "10.0.0.1", "100.100.100.201", "::1", "169.255.0.1", ""])
def test_other_addresses(host: str) -> None:
    assert not is_forbidden(host)
