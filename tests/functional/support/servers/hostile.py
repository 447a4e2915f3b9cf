# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that means ill: each of its repositories in another way.

    with hostile_server({"endless-pages": Endless(...)}) as server: ...

A repository is a function of the request's path behind the repository's name, such as ``tags/list``.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Callable, Union
from urllib.parse import urlsplit

from ..clients.endpoint import Endpoint
from ..scenes.images import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from .http_server import Handler, Server, serving

Body = Union[bytes, Iterator[bytes]]
MEBI = b"x" * 2**20
_PATH = re.compile(r"/v2/(?P<name>.+?)/(?P<rest>tags/list|manifests/.+|blobs/.+|referrers/.+)$")


@dataclass(frozen=True)
class Said:
    """An answer. A body that is an iterator is sent without a length unless the headers have one."""

    status: int = 200
    body: Body = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Repository = Callable[[str], Said]
ABSENT = Said(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')


@contextmanager
def hostile_server(
    repositories: Mapping[str, Repository], everything: Callable[[str], Said | None] | None = None
) -> Iterator[Endpoint]:
    """Run it.

    :param everything: asked first, with the whole path and query; None leaves it to the repository
    """

    class Hostile(Handler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            said = everything(self.path) if everything else None
            match = _PATH.match(urlsplit(self.path).path)
            if said is None:
                known = repositories.get(match["name"]) if match else None
                said = known(match["rest"] + ("?" + urlsplit(self.path).query)) if known and match else ABSENT
            self._say(said)

        do_HEAD = do_POST = do_PUT = do_PATCH = do_GET

        def _say(self, said: Said) -> None:
            self.send_response_only(said.status)
            for name, value in said.headers.items():
                self.wfile.flush()
                self.send_header(name, value)
            if isinstance(said.body, bytes) and "Content-Length" not in said.headers:
                self.send_header("Content-Length", str(len(said.body)))
            elif "Content-Length" not in said.headers:
                self.close_connection = True
                self.send_header("Connection", "close")
            self.close_connection = self.close_connection or said.headers.get("Connection") == "close"
            self.end_headers()
            if self.command != "HEAD":
                for block in [said.body] if isinstance(said.body, bytes) else said.body:
                    self.wfile.write(block)
                    self.wfile.flush()
            self.wfile.flush()

    server = Server(Hostile)
    with serving(server):
        yield Endpoint(server.host)


def digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def endless() -> Iterator[bytes]:
    """No end of bytes."""
    return itertools.repeat(MEBI)


def a_gibibyte() -> Iterator[bytes]:
    return itertools.repeat(MEBI, 1024)


def tags(*names: str) -> Said:
    return Said(200, json.dumps({"name": "x", "tags": names}).encode())


def with_manifest(
    *bodies: bytes, media_type: str = OCI_MANIFEST, blobs: Mapping[str, bytes] | None = None
) -> Repository:
    """A repository whose tag v1 is the first of some manifests, all of which it has."""
    known = {f"manifests/{digest(body)}": body for body in bodies}
    known["manifests/v1"] = bodies[0]

    def answer(path: str) -> Said:
        path = path.partition("?")[0]
        if path == "tags/list":
            return tags("v1")
        if path in known:
            body = known[path]
            kind = json_type(body) or media_type
            return Said(200, body, {"Content-Type": kind, "Docker-Content-Digest": digest(body)})
        blob = (blobs or {}).get(path.partition("/")[2])
        return ABSENT if blob is None else Said(200, blob)

    return answer


def json_type(body: bytes) -> str:
    try:
        found = json.loads(body)
        return str(found.get("mediaType", "")) if isinstance(found, dict) else ""
    except (ValueError, RecursionError):
        return ""


def manifest(**changes: Any) -> bytes:
    """An image manifest whose blobs exist nowhere, with changes."""
    return json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob(), "layers": [blob(1)], **changes}
    ).encode()


def blob(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A descriptor of a blob that exists nowhere."""
    kind = OCI_LAYER if number else OCI_CONFIG
    return {"mediaType": kind, "digest": f"sha256:{number:064x}", "size": 1000 + number, **changes}


def index(children: Sequence[bytes], **changes: Any) -> bytes:
    entries = [{"mediaType": json_type(child), "digest": digest(child), "size": len(child)} for child in children]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, **changes}).encode()


def nested(depth: int) -> list[bytes]:
    """Indexes in each other, the outermost first."""
    made = [manifest()]
    for _ in range(depth):
        made.insert(0, index([made[0]]))
    return made


def cycle() -> Repository:
    """Two indexes that name each other: a digest can only be a lie then."""
    first, second = "sha256:" + "a" * 64, "sha256:" + "b" * 64

    def answer(path: str) -> Said:
        path = path.partition("?")[0]
        if path == "tags/list":
            return tags("v1")
        if not path.startswith("manifests/"):
            return ABSENT
        mine, other = (second, first) if path.endswith(second) else (first, second)
        body = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [{"mediaType": OCI_INDEX, "digest": other, "size": 300}],
            }
        ).encode()
        return Said(200, body, {"Content-Type": OCI_INDEX, "Docker-Content-Digest": mine})

    return answer


class Pages:
    """A list whose pages never end.

    :param size: entries a page
    :param fresh: whether each page has new entries
    :param length: of each entry
    """

    def __init__(self, size: int, *, fresh: bool = True, length: int = 10) -> None:
        self.size, self.fresh, self.length = size, fresh, length
        self.asked = 0

    def __call__(self, path: str) -> Said:
        if not path.startswith("tags/list"):
            return ABSENT
        self.asked += 1
        start = self.asked * self.size if self.fresh else 0
        names = [f"{number:0{self.length}d}" for number in range(start, start + self.size)]
        link = {"Link": f'<?page={self.asked}>; rel="next"'}
        return Said(200, json.dumps({"name": "x", "tags": names}).encode(), link)


@cache
def gzipped_bomb() -> bytes:
    """A gibibyte of nothing, in a megabyte."""
    return gzip.compress(bytes(64 * 2**20)) * 16


def only_list(said: Callable[[], Said]) -> Repository:
    return lambda path: said() if path.startswith("tags/list") else ABSENT


def listing_v1(said: Callable[[], Said]) -> Repository:
    """A repository with one tag, of which every manifest is answered so."""
    return lambda path: tags("v1") if path.startswith("tags/list") else said()
