# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the synthetic source and sink: a registry of made-up blobs, and one that forgets what it takes.

    python synthetic_program.py source DESCRIPTION.json
    python synthetic_program.py series TAGS MANIFEST
    python synthetic_program.py sink

The series has the tags v0 and so on; their manifests are the one that is given, with the number beside it.
It says its port on stderr and runs until it is ended. It imports nothing of the test suite, so that it starts at once.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

BLOCK = 1024 * 1024
_BLOB = re.compile(r"^/v2/(.+)/blobs/(sha256:[0-9a-f]{64})$")
_UPLOADS = re.compile(r"^/v2/(.+)/blobs/uploads/(\?.*)?$")
_UPLOAD = re.compile(r"^/v2/(.+)/blobs/uploads/(\d+)(\?.*)?$")
_MANIFEST = re.compile(r"^/v2/(.+)/manifests/([^/?]+)$")
_RANGE = re.compile(r"^bytes=(\d+)-(\d*)$")


class Counting(BaseHTTPRequestHandler):
    """What source and sink have in common: whole connections, counted requests and bytes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    lock = threading.Lock()
    requests: ClassVar[Counter[str]] = Counter()
    moved = 0

    def log_message(self, format: str, *args: object) -> None:
        """The counters say it."""

    def parse_request(self) -> bool:
        good = super().parse_request()
        if good and self.path != "/stats":
            with self.lock:
                self.requests[self.command] += 1
        return good

    def count_bytes(self, number: int) -> None:
        with self.lock:
            type(self).moved += number

    def say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def say_stats(self) -> None:
        with self.lock:
            body = json.dumps({"bytes": self.moved, "requests": dict(self.requests)}).encode()
        self.say(200, body=body)

    def say_manifest(self, media_type: str, body: bytes) -> None:
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest, "Content-Length": str(len(body))}
        self.say(200, headers, body)


class Source(Counting):
    """Serves what a description names: manifests as they are, blobs of one repeated byte, other blobs as they are."""

    manifests: ClassVar[dict[str, tuple[str, bytes]]] = {}
    blobs: ClassVar[dict[str, tuple[int, int]]] = {}
    small: ClassVar[dict[str, bytes]] = {}
    tags: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.path == "/stats":
            self.say_stats()
            return
        manifest, blob = _MANIFEST.match(self.path), _BLOB.match(self.path)
        if self.path == "/v2/":
            self.say(200)
        elif manifest and manifest[2] in self.manifests:
            self.say_manifest(*self.manifests[manifest[2]])
        elif blob and blob[2] in self.small:
            self.say(200, body=self.small[blob[2]])
        elif blob and blob[2] in self.blobs:
            self._give(*self.blobs[blob[2]])
        elif "/tags/list" in self.path:
            self.say_tags()
        else:
            self.say(404)

    def say_tags(self) -> None:
        self.say(200, body=json.dumps({"name": "synthetic", "tags": self.tags}).encode())

    def _give(self, byte: int, size: int) -> None:
        wanted = _RANGE.match(self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        end = min(int(wanted[2]) + 1, size) if wanted and wanted[2] else size
        headers = {"Content-Length": str(end - start), "Content-Type": "application/octet-stream"}
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self.say(206 if wanted else 200, headers)
        if self.command == "HEAD":
            return
        block = memoryview(bytes([byte]) * BLOCK)
        left = end - start
        while left:
            part = block[: min(left, BLOCK)]
            self.connection.sendall(part)
            self.count_bytes(len(part))
            left -= len(part)


class Series(Source):
    """Has many tags, which come in pages and whose manifests are made as they are asked for."""

    manifest: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        found = _MANIFEST.match(self.path)
        if found and found[2].startswith("v"):
            body = json.dumps({**self.manifest, "annotations": {"number": found[2]}}).encode()
            self.say_manifest(self.manifest["mediaType"], body)
        else:
            super().do_GET()

    def say_tags(self) -> None:
        wanted = dict(re.findall(r"[?&](n|last)=([^&]+)", self.path))
        begin = self.tags.index(wanted["last"]) + 1 if "last" in wanted else 0
        page = self.tags[begin : begin + int(wanted.get("n", len(self.tags)))]
        more = begin + len(page) < len(self.tags)
        path = self.path.partition("?")[0]
        links = {"Link": f'<{path}?n={len(page)}&last={page[-1]}>; rel="next"'} if more else {}
        self.say(200, links, json.dumps({"name": "synthetic", "tags": page}).encode())


class Sink(Counting):
    """Takes uploads and forgets the bytes. It believes digests; it remembers sizes, and refuses a manifest whose blobs
    it was not given in the sizes that the manifest says."""

    manifests: ClassVar[dict[tuple[str, str], tuple[str, bytes]]] = {}
    blobs: ClassVar[dict[tuple[str, str], int]] = {}
    sessions: ClassVar[dict[str, int]] = {}
    names: ClassVar[Iterator[int]] = itertools.count()
    buffers = threading.local()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        manifest, blob, upload = _MANIFEST.match(self.path), _BLOB.match(self.path), _UPLOAD.match(self.path)
        if self.path == "/stats":
            self.say_stats()
        elif self.path == "/v2/":
            self.say(200)
        elif manifest and manifest.groups() in self.manifests:
            self.say_manifest(*self.manifests[manifest[1], manifest[2]])
        elif blob and blob.groups() in self.blobs:
            size = str(self.blobs[blob[1], blob[2]])
            self.say(200 if self.command == "HEAD" else 501, {"Content-Length": size} if self.command == "HEAD" else {})
        elif upload and upload[2] in self.sessions:
            self.say(204, {"Range": f"0-{max(0, self.sessions[upload[2]] - 1)}"})
        else:
            self.say(404)

    def do_POST(self) -> None:
        self._take()
        uploads = _UPLOADS.match(self.path)
        if not uploads:
            self.say(404)
            return
        mount = re.search(r"[?&]mount=(sha256:[0-9a-f]{64})", self.path.replace("%3A", ":").replace("%3a", ":"))
        if mount and (uploads[1], mount[1]) in self.blobs:
            self.say(201, {"Location": f"/v2/{uploads[1]}/blobs/{mount[1]}"})
            return
        with self.lock:
            name = str(next(self.names))  # never that of one that is still open
            self.sessions[name] = 0
        self.say(202, {"Location": f"/v2/{uploads[1]}/blobs/uploads/{name}", "Range": "0-0"})

    def do_PATCH(self) -> None:
        upload = _UPLOAD.match(self.path)
        if not upload or upload[2] not in self.sessions:
            self.say(404)
            return
        self.sessions[upload[2]] += self._take()
        self.say(202, {"Location": self.path, "Range": f"0-{max(0, self.sessions[upload[2]] - 1)}"})

    def do_PUT(self) -> None:
        upload, manifest = _UPLOAD.match(self.path), _MANIFEST.match(self.path)
        if upload and upload[2] in self.sessions:
            digest = re.search(r"digest=(sha256(?::|%3A)[0-9a-f]{64})", self.path, re.IGNORECASE)
            size = self.sessions.pop(upload[2]) + self._take()
            if digest:
                self.blobs[upload[1], re.sub("%3A", ":", digest[1], flags=re.IGNORECASE)] = size
            self.say(201 if digest else 400)
        elif manifest:
            self._keep_manifest(manifest[1], manifest[2], self.rfile.read(int(self.headers["Content-Length"])))
        else:
            self.say(404)

    def _keep_manifest(self, repository: str, reference: str, body: bytes) -> None:
        content = json.loads(body)
        named = [*content.get("layers", []), *([content["config"]] if "config" in content else [])]
        if any(self.blobs.get((repository, item["digest"])) != item["size"] for item in named):
            self.say(404, body=b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}')
            return
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        for name in (reference, digest):
            self.manifests[repository, name] = (self.headers["Content-Type"], body)
        self.say(201, {"Docker-Content-Digest": digest, "Location": f"/v2/{repository}/manifests/{digest}"})

    def _take(self) -> int:
        """Read the body into a buffer of this thread's, again and again, and say how long it was."""
        if not hasattr(self.buffers, "view"):
            self.buffers.view = memoryview(bytearray(BLOCK))
        view: memoryview = self.buffers.view
        size = left = int(self.headers.get("Content-Length", "0"))
        while left:
            number = self.rfile.readinto1(view[: min(left, BLOCK)])
            if not number:
                raise ConnectionError("the client broke off")
            left -= number
            self.count_bytes(number)
        return size


class Program(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is nothing to write about."""


def main(arguments: list[str]) -> None:
    handler: type[Counting] = Sink
    if arguments[0] == "series":
        handler = Series
        Series.tags = [f"v{number}" for number in range(int(arguments[1]))]
        Series.manifest = json.loads(arguments[2])
    if arguments[0] == "source":
        handler = Source
        description = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
        for item in description["manifests"]:
            for name in item["names"]:
                Source.manifests[name] = (item["media_type"], item["body"].encode())
        Source.blobs = {item["digest"]: (item["byte"], item["size"]) for item in description["blobs"]}
        Source.small = {item["digest"]: item["body"].encode() for item in description["small"]}
        Source.tags = description["tags"]
    server = Program(("127.0.0.1", 0), handler)
    sys.stderr.write(f"listening on {server.server_address[1]}\n")
    sys.stderr.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
