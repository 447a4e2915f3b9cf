# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry in the test process that does what the specification says, except where a test says otherwise.

with scripted_registry() as registry:
    registry.answer = lambda request: Reply(403) if request.method == "HEAD" else None
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Union
from urllib.parse import parse_qsl, urlsplit

from ..clients.endpoint import Endpoint
from ..scenes.images import Image
from .certificates import Certificate
from .http_server import Handler, Server, serving

Headers = Mapping[str, str]
_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
_BLOB = re.compile(r"/v2/(.+)/blobs/([^/]+)")
_UPLOADS = re.compile(r"/v2/(.+)/blobs/uploads/([^/]*)")
_TAGS = re.compile(r"/v2/(.+)/tags/list")


@dataclass
class Request:
    """A request as it came. A test may change the body before it is looked at.

    :ivar query: the parameters, the last of each name
    :ivar status: of the answer, once there is one
    """

    method: str
    path: str
    query: dict[str, str]
    headers: Headers
    body: bytes
    status: int = 0

    @property
    def kind(self) -> str:
        """What it is about: manifest, blob, upload, tags or nothing of these."""
        kinds = (("upload", _UPLOADS), ("blob", _BLOB), ("manifest", _MANIFEST), ("tags", _TAGS))
        return next((name for name, pattern in kinds if pattern.fullmatch(self.path)), "")


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int = 200
    body: bytes = b""
    headers: Headers = field(default_factory=dict)


Answer = Callable[[Request], Union[Reply, None]]


def refusal(status: int, code: str, message: str = "a test says so", detail: object = None) -> Reply:
    """An error as the specification words it."""
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": detail}]}).encode()
    return Reply(status, body, {"Content-Type": "application/json"})


@dataclass
class Kept:
    """What one repository has."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class ScriptedRegistry:
    """The registry as a test sees it.

    :ivar answer: asked first; None leaves a request to the ordinary answers
    :ivar requests: every request so far, with the status of its answer
    """

    def __init__(self) -> None:
        self.answer: Answer = lambda request: None
        self.requests: list[Request] = []
        self.repositories: dict[str, Kept] = {}
        self.endpoint: Endpoint
        self._uploads: dict[str, bytes] = {}
        self._lock = threading.RLock()

    @property
    def host(self) -> str:
        return self.endpoint.host

    def repository(self, path: str) -> Kept:
        with self._lock:
            return self.repositories.setdefault(path, Kept())

    def push(self, path: str, image: Image, *tags: str) -> None:
        """Put an image there without a request."""
        kept = self.repository(path)
        for child in image.children:
            self.push(path, child)
        kept.blobs.update((blob.digest, blob.data) for blob in image.blobs)
        kept.manifests[image.digest] = (image.manifest, image.media_type)
        kept.tags.update(dict.fromkeys(tags, image.digest))

    def counts(self) -> dict[tuple[str, str, int], int]:
        """How many requests there were of each method, kind and status."""
        keys = [(request.method, request.kind, request.status) for request in self.requests]
        return {key: keys.count(key) for key in sorted(set(keys))}

    def reply(self, request: Request) -> Reply:
        """The answer to one request, which is recorded."""
        with self._lock:
            self.requests.append(request)
            found = self.answer(request) or self.ordinary(request)
            request.status = found.status
            return found

    def ordinary(self, request: Request) -> Reply:
        """What a registry says that has no habits of its own."""
        for pattern, answer in (
            (_UPLOADS, self._upload),
            (_BLOB, self._blob),
            (_MANIFEST, self._manifest),
        ):
            match = pattern.fullmatch(request.path)
            if match:
                return answer(request, match[1], match[2])
        match = _TAGS.fullmatch(request.path)
        if match:
            if match[1] not in self.repositories:
                return refusal(404, "NAME_UNKNOWN")
            return Reply(body=json.dumps({"name": match[1], "tags": list(self.repository(match[1]).tags)}).encode())
        return Reply(200 if request.path in ("/v2", "/v2/") else 404)

    def _manifest(self, request: Request, path: str, ref: str) -> Reply:
        kept = self.repositories.get(path, Kept())
        if request.method == "PUT":
            return self._put_manifest(request, self.repository(path), ref)
        digest = ref if ":" in ref else kept.tags.get(ref, "")
        if digest not in kept.manifests:
            return refusal(404, "MANIFEST_UNKNOWN")
        if request.method == "DELETE":
            return self._delete(kept, ref)
        raw, media_type = kept.manifests[digest]
        return Reply(200, raw, {"Content-Type": media_type, "Docker-Content-Digest": digest})

    def _delete(self, kept: Kept, ref: str) -> Reply:
        """Remove a tag alone, or a manifest with all its tags."""
        if ":" in ref:
            del kept.manifests[ref]
        for tag in [tag for tag, digest in kept.tags.items() if ref in (tag, digest)]:
            del kept.tags[tag]
        return Reply(202)

    def _put_manifest(self, request: Request, kept: Kept, ref: str) -> Reply:
        document = json.loads(request.body)
        named = [document.get("config"), *document.get("layers", []), *document.get("manifests", [])]
        for entry in named:
            there = entry is None or entry.get("urls") or entry["digest"] in {**kept.blobs, **kept.manifests}
            if not there:
                return refusal(400, "MANIFEST_BLOB_UNKNOWN", detail={"digest": entry["digest"]})
        digest = _digest(request.body)
        kept.manifests[digest] = (request.body, request.headers.get("Content-Type", ""))
        if ":" not in ref:
            kept.tags[ref] = digest
        return Reply(201, headers={"Docker-Content-Digest": digest})

    def _blob(self, request: Request, path: str, digest: str) -> Reply:
        data = self.repositories.get(path, Kept()).blobs.get(digest)
        if data is None:
            return refusal(404, "BLOB_UNKNOWN")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if not wanted or request.method != "GET":
            return Reply(200, data, {"Docker-Content-Digest": digest})
        first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
        return Reply(206, data[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(data)}"})

    def _upload(self, request: Request, path: str, session: str) -> Reply:
        if request.method == "POST":
            return self._begin(request, path)
        if session not in self._uploads:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN")
        here = f"/v2/{path}/blobs/uploads/{session}"
        if request.method == "DELETE":
            del self._uploads[session]
            return Reply(204)
        self._uploads[session] += request.body
        if request.method != "PUT":
            had = max(0, len(self._uploads[session]) - 1)
            return Reply(202 if request.method == "PATCH" else 204, headers={"Location": here, "Range": f"0-{had}"})
        data, digest = self._uploads.pop(session), request.query["digest"]
        if _digest(data) != digest:
            return refusal(400, "DIGEST_INVALID")
        self.repository(path).blobs[digest] = data
        return Reply(201, headers={"Docker-Content-Digest": digest, "Location": f"/v2/{path}/blobs/{digest}"})

    def _begin(self, request: Request, path: str) -> Reply:
        digest, origin = request.query.get("mount", ""), request.query.get("from", "")
        data = self.repositories.get(origin, Kept()).blobs.get(digest)
        if data is not None:
            self.repository(path).blobs[digest] = data
            return Reply(201, headers={"Docker-Content-Digest": digest})
        session = uuid.uuid4().hex
        self._uploads[session] = b""
        return Reply(202, headers={"Location": f"/v2/{path}/blobs/uploads/{session}", "Range": "0-0"})


@contextmanager
def scripted_registry(
    answer: Answer | None = None,
    *,
    certificate: Certificate | None = None,
    ca_path: Path | None = None,
    address: str = "127.0.0.1",
) -> Iterator[ScriptedRegistry]:
    """Run one until the block is left, at a loopback address, over TLS when there is a certificate."""
    registry = ScriptedRegistry()
    if answer is not None:
        registry.answer = answer

    class Scripted(Handler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            url = urlsplit(self.path)
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            found = registry.reply(Request(self.command, url.path, query, self.headers, body))
            self.send(found.status, found.body, dict(found.headers))

        do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = do_GET

    with serving(Server(Scripted, certificate, address)) as server:
        registry.endpoint = Endpoint(server.host, ca_path=ca_path)
        yield registry


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
