# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is fuzzed: every parser of what a server, a file or a user writes, and what has to hold of what it gives.

A target takes a text and may raise what it says, and nothing else. Bytes are text in Latin-1 here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.authorization.tokens import (
    find_realm,
    parse_challenges,
    parse_token,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.bodies import read_error
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import parse_retry_after
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.docker_config import parse_docker_file
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.faults import Fault
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.message import Response
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.sockets import Watch
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.urls import origin_of, parse_links, resolve
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import parse_manifest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.platform import (
    Platform,
    platform_from_config,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import (
    Digest,
    Reference,
    parse_prefix,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.blob_download import content_range
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.files.documents import parse_document
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.files.image_syncer import (
    Entry,
    _auth,
    _images,
)
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.re2.syntax import TagPattern
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import (
    check_rules,
    parse_entries,
    parse_rules,
)

from .layout_targets import BLANK, layout_index, layout_name, place, tar_headers

HOME = "https://registry.example.com:5000/v2/a/b/tags/list?n=10"


@dataclass(frozen=True)
class Target:
    """One parser.

    :ivar parse: takes an input, checks what it gives, and gives something to tell inputs apart by
    :ivar raises: what it may raise
    :ivar words: what its inputs are made of, beside what is in the corpus
    :ivar halves: whether its inputs may hold half a character
    """

    name: str
    parse: Callable[[str], object]
    raises: tuple[type[BaseException], ...]
    words: Sequence[str]
    halves: bool = False


def _reference(text: str) -> object:
    found = Reference.parse(text)
    assert Reference.parse(str(found)) == found
    assert found.name.isascii() and "//" not in str(found) and ".." not in found.repository.split("/")
    return (found.tag is None, found.digest is None, found.registry == "docker.io")


def _prefix(text: str) -> object:
    registry, path = parse_prefix(text)
    assert registry and not path.startswith("/")
    return bool(path)


def _digest(text: str) -> object:
    found = Digest.parse(text)
    assert str(found) == text
    return found.algorithm


def _platform(text: str) -> object:
    found = Platform.parse(text)
    assert Platform.parse(str(found)) == found and found.matches(found)
    return (bool(found.variant), bool(found.os_version))


def _rule(text: str) -> object:
    """A source, a destination and tags, one a line."""
    source, destination, tags, *_rest = (*text.split("\n"), "", "", "")
    item: dict[str, Any] = {"source": source}
    if destination:
        item["destination"] = destination.split(" ") if " " in destination else destination
    if tags:
        try:
            item["tags"] = json.loads(tags)
        except (ValueError, RecursionError):
            item["tags"] = tags
    rules = parse_rules([item], default_registry="example.com", default_namespace="a/b")
    check_rules(rules)
    listed = ["v1", "1.10", "latest", "a" * 128]
    return (len(rules), [bool(rule.select(listed)) for rule in rules if rule.source.selects_by_listing])


def _pattern(text: str) -> object:
    pattern = TagPattern.parse(text)
    found = [pattern.search(tag) for tag in ("", "v1.2.3", "a" * 128, "latest-amd64")]
    whole = [pattern.fullmatch(tag) for tag in ("", "v1.2.3", "a" * 128, "latest-amd64")]
    assert all(search for search, full in zip(found, whole) if full)
    return tuple(found + whole)


def _document(extension: str) -> Callable[[str], object]:
    def parse(text: str) -> object:
        name = f"file.{extension}"
        document = parse_document(text, name)
        if not isinstance(document, dict):
            return type(document).__name__
        warned: list[str] = []
        environment = {"HOME": "/root", "A": "b"}
        entries: list[Entry] = []
        if "auth" in document or "images" in document:
            _auth(document.get("auth") or {}, name, None, warned.append)
            entries = _images(document.get("images") or {}, name, None)
        else:
            entries = _images(document, name, environment)
        check_rules(parse_entries(entries, default_registry=None, default_namespace=None))
        return (len(entries), len(warned))

    return parse


def _docker(text: str) -> object:
    found = parse_docker_file(_raw(text), "config.json")
    found.in_store("registry.example.com", "a/b")
    return type(found).__name__


def _manifest(text: str) -> object:
    raw = _raw(text)
    found = parse_manifest(raw, "")
    assert found.raw == raw and found.digest == Digest.of(raw)
    again = parse_manifest(raw, found.media_type, found.digest)
    assert again.blobs == found.blobs and again.children == found.children
    assert all(0 <= blob.size < 2**63 for blob in found.blobs)
    return (found.is_index, found.media_type, len(found.blobs) > 2, found.subject is None)


def _config(text: str) -> object:
    return platform_from_config(_raw(text)) is None


def _challenge(text: str) -> object:
    found = parse_challenges(text)
    for challenge in found:
        assert challenge.scheme == challenge.scheme.lower()
        find_realm(challenge.parameters.get("realm", ""), HOME)
    return tuple(sorted({challenge.scheme for challenge in found} & {"bearer", "basic"}))


def _link(text: str) -> object:
    try:
        found = parse_links(text)
    except ValueError:
        return None
    assert all(link.target in text for link in found)
    return [_location(link.target) for link in found[:3]]


def _location(text: str) -> object:
    target = resolve(HOME, text)
    origin = origin_of(target.url)
    assert origin.scheme == "https" and "\n" not in target.url and " " not in target.url and target.url.isascii()
    assert target.same_origin == (origin == origin_of(HOME))
    return (target.same_origin, target.corrected)


def _token(text: str) -> object:
    token = parse_token(_raw(text), 0.0)
    if token is None:
        return None
    assert token.value.isascii() and token.value.isprintable() and 0 < token.life <= 24 * 3600
    return token.life == 60


def _retry_after(text: str) -> object:
    seconds = parse_retry_after(text, time.time())
    assert seconds is None or seconds >= 0
    return None if seconds is None else seconds > 600


def _range(text: str) -> object:
    first, last = content_range(text)
    assert (first, last) == (-1, -1) or min(first, last) >= 0
    return first < 0


def _error(text: str) -> object:
    said = read_error(_raw(text))
    assert len(said.words) <= 301 and said.words.isprintable()
    return (len(said.codes), bool(said.words))


class _Socket:
    """Gives an answer in pieces of a few bytes, then nothing more."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._size = 1 + len(data) % 7 * 40 + len(data) // 20

    def recv(self, size: int) -> bytes:
        size = min(size, self._size)
        block, self._data = self._data[:size], self._data[size:]
        return block


def _answer(text: str) -> object:
    ended: list[bool] = []
    method = ("GET", "HEAD", "PUT")[len(text) % 3]
    socket: Any = _Socket(_raw(text))
    response = Response(socket, method, Watch(), used=False, give_back=ended.append)
    assert 200 <= response.status < 1000 and (response.length is None or response.length >= 0)
    body = sum(len(block) for block in _blocks(response))
    assert body <= len(text) and len(ended) <= 1
    return (response.status // 100, body > 0, ended, response.length is None)


def _blocks(response: Response) -> Iterator[bytes]:
    while True:
        block = response.read(100)
        if not block:
            return
        yield block


def _raw(text: str) -> bytes:
    return text.encode("latin-1", "replace")


_JSON_WORDS = (
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    "{}",
    "[]",
    "null",
    "true",
    "1",
    "-1",
    "1e400",
    '"a"',
    '"\\ud800"',
    "[" * 300,
)
_MEDIA = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")

TARGETS = {
    target.name: target
    for target in (
        Target(
            "reference", _reference, (InputError,), ("docker.io/", "@sha256:", "[::1]:5000", ":latest"), halves=True
        ),
        Target("prefix", _prefix, (InputError,), ("https://", "/v1/", "[::1]"), halves=True),
        Target("digest", _digest, (InputError,), ("sha256:", "sha512:", "0" * 64, "f" * 128)),
        Target("platform", _platform, (InputError,), ("linux", "/", "arm64", "v8", ":10.0")),
        Target("rule", _rule, (InputError,), ("\n", ":/", "/*", "/**", "{repository}", "@sha256:", " "), halves=True),
        Target(
            "pattern",
            _pattern,
            (InputError,),
            ("(?i)", "\\d", "[[:alpha:]]", "{2,3}", "*?", "(?P<a>", "\\pL"),
            halves=True,
        ),
        Target(
            "json_file", _document("json"), (InputError,), (*_JSON_WORDS, '"auth"', '"images"', "${A}"), halves=True
        ),
        Target(
            "yaml_file",
            _document("yaml"),
            (InputError,),
            ("- ", ": ", "&a ", "*a", "!!str ", "|\n", "<<", "? "),
            halves=True,
        ),
        Target("docker_file", _docker, (InputError,), (*_JSON_WORDS, '"auths"', '"credHelpers"', '"auth"', "dTpw")),
        Target("manifest", _manifest, (ImageOpsError,), (*_JSON_WORDS, *_MEDIA, '"layers"', '"manifests"', '"size"')),
        Target("config", _config, (ImageOpsError,), (*_JSON_WORDS, '"os"', '"architecture"', '"variant"')),
        Target("challenge", _challenge, (), ("Bearer ", "Basic ", 'realm="', 'scope="', ",", '\\"')),
        Target("link", _link, (Fault,), ("<", ">", "; rel=", '"next"', ",", "/v2/")),
        Target(
            "location", _location, (Fault,), ("http://", "https://", "//", "@", "[", "]", "?", "#", "169.254.169.254")
        ),
        Target("token", _token, (), (*_JSON_WORDS, '"token"', '"access_token"', '"expires_in"')),
        Target("retry_after", _retry_after, (), ("Mon, ", " GMT", "00:00:00", "2026", "-0000"), halves=True),
        Target("content_range", _range, (), ("bytes ", "-", "/", "*"), halves=True),
        Target("error", _error, (), (*_JSON_WORDS, '"errors"', '"code"', '"message"', "<script>", "Bearer ")),
        Target(
            "answer",
            _answer,
            (Fault,),
            (
                "HTTP/1.1 200 OK\r\n",
                "\r\n\r\n",
                "Content-Length: ",
                "Transfer-Encoding: chunked\r\n",
                "\r\n0\r\n",
                "ffffffff",
            ),
        ),
        Target("layout_index", layout_index, (ImageOpsError,), (*_JSON_WORDS, *_MEDIA, '"manifests"', '"annotations"')),
        Target("layout_name", layout_name, (), ("docker.io/", ":5000/", "library/", ":", "\n", "@sha256:", "../")),
        Target("tar_headers", tar_headers, (ImageOpsError,), (BLANK, "ustar", "blobs/sha256/", "../", "\0", "x", "L")),
        Target("place", place, (), ("oci:", "oci-archive:/", "//", "/", ":", "..", ".tar.gz", "*")),
    )
}
