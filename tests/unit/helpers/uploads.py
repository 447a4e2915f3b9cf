# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enough of a registry to take blobs, and sources of blobs that remember from where they were read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Callable
from urllib.parse import parse_qs, urlsplit

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import (
    Descriptor,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from helpers.raw_server import QUICK, Received, Told, client, raw_server

DATA = bytes(range(256)) * 4000  # about 1 MB
BLOCK = 65536


def blob(data: bytes = DATA) -> Descriptor:
    return Descriptor("application/octet-stream", Digest.of(data), len(data))


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), BLOCK):
            yield self.data[start : start + BLOCK]

    def close(self) -> None:
        self.closed = True


class Source:
    """Gives readers and remembers from where."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.offsets: list[int] = []
        self.readers: list[Reader] = []

    def open_at(self, offset: int) -> Reader:
        self.offsets.append(offset)
        self.readers.append(Reader(self.data[offset:]))
        return self.readers[-1]


class Uploads:
    """Enough of a registry to take blobs. ``on_put`` and ``on_patch`` may answer in its stead.

    :ivar largest: refuse larger bodies with 413, before they are read
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.sessions: dict[str, bytes] = {}
        self.on_put: Callable[[Received], object] = lambda request: None
        self.on_patch: Callable[[Received], object] = lambda request: None
        self.location = "/upload/{}?_state=a%3D"
        self.largest = 10**12
        self.can_mount = True
        self.log: list[str] = []

    def __call__(self, request: Received) -> object:
        path = urlsplit(request.target).path
        query = parse_qs(urlsplit(request.target).query)
        self.log.append(request.method)
        if request.method == "HEAD":
            return request.answer(200 if path.rpartition("/")[2] in self.blobs else 404)
        if request.method == "POST":
            return self.begin(request, query)
        if request.length > self.largest:
            request.answer(413, b"<html>Request Entity Too Large</html>")
            return "close"
        hook = {"PUT": self.on_put, "PATCH": self.on_patch}.get(request.method)
        done = hook(request) if hook else None
        if done:
            return done
        return self.take(request, path.rpartition("/")[2], query)

    def begin(self, request: Received, query: dict[str, list[str]]) -> None:
        if "mount" in query:
            if not self.can_mount:
                return request.answer(404)
            if query["mount"][0] in self.blobs:
                return request.answer(201)
        name = str(len(self.sessions))
        self.sessions[name] = b""
        return request.answer(202, Location=self.location.format(name))

    def take(self, request: Received, name: str, query: dict[str, list[str]]) -> None:
        if name not in self.sessions:
            return request.answer(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
        if request.method == "GET":
            end = max(0, len(self.sessions[name]) - 1)
            return request.answer(204, Range=f"0-{end}", Location=self.location.format(name))
        assert request.headers["content-length"]
        assert "_state" in query
        self.sessions[name] += request.body()
        if request.method == "PATCH":
            return request.answer(202, Location=self.location.format(name))
        data = self.sessions.pop(name)
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if query["digest"] != [digest]:
            return request.answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
        self.blobs[digest] = data
        return request.answer(201, Docker_Content_Digest=digest)


def upload(
    server: Uploads, source: Source, *, settings: Settings = QUICK, told: Told | None = None, data: bytes = DATA
) -> None:
    with raw_server(server) as running, client(running.host, settings=settings, told=told) as registry:
        registry.repository("a").put_blob(blob(data), source.open_at)
