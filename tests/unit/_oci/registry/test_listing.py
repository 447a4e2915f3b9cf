# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of tags and repositories, page by page."""

from __future__ import annotations

import itertools
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import (
    RegistryError,
)
from helpers.handlers import with_basic
from helpers.raw_server import Received, client, raw_server


@pytest.mark.parametrize("size", [1, 5000])
def test_a_list_without_an_end(size: int) -> None:
    numbers = itertools.count()

    def handle(request: Received) -> None:
        tags = [f"v{next(numbers)}" for _ in range(size)]
        link = f'</v2/a/tags/list?last={tags[-1]}>; rel="next"'
        request.answer(200, json.dumps({"tags": tags}).encode(), Link=link)

    with raw_server(handle) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").tags()
        assert caught.value.code == "too_large"
        assert len(server.requests) < 200


@pytest.mark.parametrize("more", [0, 1])
def test_half_a_million_tags_are_read_to_the_last_page_and_not_one_more(more: int) -> None:
    numbers = itertools.count()

    def handle(request: Received) -> None:
        page = next(numbers)
        tags = [f"v{page}.{number}" for number in range(2000 if page < 250 else more)]
        link = {"Link": f'</v2/a/tags/list?last={tags[-1]}>; rel="next"'} if page < 249 + more else {}
        request.answer(200, json.dumps({"tags": tags}).encode(), **link)

    with raw_server(handle) as server, client(server.host) as registry:
        if more:
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").tags()
            assert caught.value.code == "too_large"
        else:
            found = registry.repository("a").tags()
            assert (len(found), found[-1]) == (500_000, "v249.1999")


@pytest.mark.parametrize("link", ["/v2/a/tags/list?n=1000", "/v2/a/tags/list?other={}", "?page={}"])
def test_pages_in_a_circle(link: str) -> None:
    numbers = itertools.count()

    def handle(request: Received) -> None:
        request.answer(200, b'{"tags": ["a", "b"]}', Link=f'<{link.format(next(numbers))}>; rel="next"')

    with raw_server(handle) as server, client(server.host) as registry:
        assert registry.repository("a").tags() == ["a", "b"]
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:1/v2/a/tags/list", "https://elsewhere.example.com/x", "http://169.254.169.254/"]
)
def test_a_next_page_elsewhere_is_refused(link: str) -> None:
    def handle(request: Received) -> None:
        if with_basic(request):
            request.answer(200, b'{"tags": ["a"]}', Link=f'<{link}>; rel="next"')

    with raw_server(handle) as server, client(server.host, credential=Credential("user", "password")) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").tags()
        assert caught.value.code == "protocol_error"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"tags": 5}', b"<html>", b'{"tags": ' + b"[" * 100_000, b"\xff"]
)
def test_lists_that_are_none(body: bytes) -> None:
    with raw_server(lambda request: request.answer(200, body)) as server, client(server.host) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.repository("a").tags()
        assert caught.value.code == "protocol_error"


def test_only_tags_are_taken_from_a_list() -> None:
    body = json.dumps({"tags": ["ok", "../x", "a b", "x\r\ny: z", "", "-a", None, 1, ["a"], "x" * 129, "ok"]}).encode()
    with raw_server(lambda request: request.answer(200, body)) as server, client(server.host) as registry:
        assert registry.repository("a").tags() == ["ok"]


@pytest.mark.parametrize("body", [b"{}", b'{"tags": null}', b'{"tags": []}'])
def test_no_tags(body: bytes) -> None:
    with raw_server(lambda request: request.answer(200, body)) as server, client(server.host) as registry:
        assert registry.repository("a").tags() == []


def test_a_catalog_names_repositories_and_nothing_else() -> None:
    listed = ["a", "a/b", "b", "a/../b", "a?x=y", "a\r\nX: y", "A", "a//b", "/a", "a/b/", 5, "a/%2e%2e", "a"]

    def handle(request: Received) -> None:
        request.answer(200, json.dumps({"repositories": listed}).encode())

    with raw_server(handle) as server, client(server.host) as registry:
        assert list(registry.catalog("")) == ["a", "a/b", "b"]
        assert list(registry.catalog("a/")) == ["a/b"]


@pytest.mark.parametrize("last_status", [200, 403])
def test_every_page_of_a_catalog_is_read_or_none(last_status: int) -> None:
    pages = {"": ["a/1", "a/2"], "a/2": ["a/3", "b/1"], "b/1": ["b/2"]}

    def handle(request: Received) -> None:
        (last,) = parse_qs(urlsplit(request.target).query).get("last", [""])
        names, following = pages[last], {"": "a/2", "a/2": "b/1"}.get(last)
        link = {"Link": f'</v2/_catalog?n=2&last={following}>; rel="next"'} if following else {}
        request.answer(200 if following else last_status, json.dumps({"repositories": names}).encode(), **link)

    with raw_server(handle) as server, client(server.host) as registry:
        if last_status == 200:
            assert list(registry.catalog("")) == ["a/1", "a/2", "a/3", "b/1", "b/2"]
            assert list(registry.catalog("b/")) == ["b/1", "b/2"]
        else:
            with pytest.raises(RegistryError) as caught:
                sorted(registry.catalog(""))
            assert caught.value.code == "pull_denied"


@pytest.mark.parametrize(("link", "found"), [("", ["a", "b"]), ('</v2/a/tags/list?last=b>; rel="next"', None)])
def test_few_tags_are_those_of_one_page_and_no_second_page_is_read(link: str, found: list[str] | None) -> None:
    def handle(request: Received) -> None:
        request.answer(200, b'{"tags": ["a", "b", "../x", "a"]}', **({"Link": link} if link else {}))

    with raw_server(handle) as server, client(server.host) as registry:
        assert registry.repository("a").few_tags() == found
        assert len(server.requests) == 1


def test_a_repository_that_is_not_there_has_few_tags() -> None:
    def handle(request: Received) -> None:
        request.answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}')

    with raw_server(handle) as server, client(server.host) as registry:
        assert registry.repository("a").few_tags() == []


LINK = '</v2/a/tags/list?last=1>; rel="next"'


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize(
    ("status", "body", "is_whole"),
    [
        (200, b'{"tags": ["1", "2"]}', True),
        (200, b'{"tags": null}', True),
        (404, b'{"errors": [{"code": "NAME_UNKNOWN"}]}', True),
        (200, b'{"tags": ["1", 2]}', False),
        (200, b'{"tags": ["1", "not a tag"]}', False),
    ],
)
def test_a_list_says_whether_all_of_it_was_read(few: bool, status: int, body: bytes, is_whole: bool) -> None:
    with raw_server(lambda request: request.answer(status, body)) as server, client(server.host) as registry:
        repository = registry.repository("a")
        repository.few_tags() if few else repository.tags()
        assert repository.tags_are_whole == is_whole


@pytest.mark.parametrize(("second", "is_whole"), [("2", True), ("1", False)])
def test_a_list_that_leads_back_to_itself_is_not_whole(second: str, is_whole: bool) -> None:
    def handle(request: Received) -> None:
        if "last=" in request.target:
            more = {} if is_whole else {"Link": '</v2/a/tags/list?last=other>; rel="next"'}
            request.answer(200, json.dumps({"tags": [second]}).encode(), **more)
        else:
            request.answer(200, b'{"tags": ["1"]}', Link=LINK)

    with raw_server(handle) as server, client(server.host) as registry:
        repository = registry.repository("a")
        repository.tags()
        assert repository.tags_are_whole == is_whole
