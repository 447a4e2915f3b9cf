# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry client of the tests' own, on http.client alone, to put things in place and to look at what arrived.

It shares no code with the collection: one request after the other, no retries, whole bodies in memory.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from ..scenes.images import Blob, Image
from .endpoint import Endpoint

ACCEPT = (
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.v1+prettyjws"
)


class Refused(Exception):
    """The registry did not do what the test needs."""


class Answer:
    """A whole answer."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def digest(self) -> str:
        """The digest of the bytes themselves, whatever a header says."""
        return digest_of(self.body)


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class PlainClient:
    """Talks to one endpoint; Basic or Bearer as it is challenged. A context manager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._connection: http.client.HTTPConnection | None = None
        self._tokens: dict[str, str] = {}

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        scope: str = "",
    ) -> Answer:
        """One request, repeated once with an Authorization when it is challenged."""
        sent = {"Content-Length": str(len(body)), **(headers or {})} if body or method != "GET" else dict(headers or {})
        if scope in self._tokens:
            sent["Authorization"] = self._tokens[scope]
        answer = self._once(method, path, body, sent)
        if answer.status == 401 and "www-authenticate" in answer.headers:
            self._tokens[scope] = self._authorization(answer.headers["www-authenticate"], scope)
            sent["Authorization"] = self._tokens[scope]
            answer = self._once(method, path, body, sent)
        return answer

    def _once(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self._connection is None:
            self._connection = _connect(self.endpoint.url, self.endpoint.ssl_context())
        try:
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
            answer = Answer(response.status, dict(response.getheaders()), response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if response.will_close:
            self.close()
        return answer

    def _authorization(self, challenge: str, scope: str) -> str:
        basic = "Basic " + base64.b64encode(f"{self.endpoint.username}:{self.endpoint.password}".encode()).decode()
        if challenge.lower().startswith("basic"):
            return basic
        parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = [("scope", scope)] if scope else []
        if "service" in parameters:
            query.append(("service", parameters["service"]))
        parts = urlsplit(parameters["realm"])
        context = ssl.create_default_context(cafile=str(self.endpoint.ca_path)) if parts.scheme == "https" else None
        connection = _connect(parameters["realm"], context)
        try:
            headers = {"Authorization": basic} if self.endpoint.username else {}
            connection.request("GET", f"{parts.path}?{urlencode(query)}", headers=headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise Refused(f"the token server answered {response.status}: {body[:300]!r}")
        answer = json.loads(body)
        return f"Bearer {answer.get('token') or answer['access_token']}"

    # What is in a repository

    def manifest(self, repository: str, reference: str) -> Answer:
        """GET a manifest; its bytes are the answer's body."""
        path = f"/v2/{repository}/manifests/{quote(reference, safe=':')}"
        return self.request("GET", path, headers={"Accept": ACCEPT}, scope=_scope(repository, "pull"))

    def blob(self, repository: str, digest: str) -> Answer:
        """GET a blob whole."""
        return self.request("GET", f"/v2/{repository}/blobs/{digest}", scope=_scope(repository, "pull"))

    def has_blob(self, repository: str, digest: str) -> bool:
        answer = self.request("HEAD", f"/v2/{repository}/blobs/{digest}", scope=_scope(repository, "pull"))
        return answer.status == 200

    def tags(self, repository: str) -> list[str]:
        """Every tag as the registry lists them; empty when it says 404."""
        answer = self.request("GET", f"/v2/{repository}/tags/list", scope=_scope(repository, "pull"))
        if answer.status == 404:
            return []
        _want(answer, 200)
        return list(answer.json()["tags"] or [])

    # Putting things there

    def push_blob(self, repository: str, blob: Blob) -> None:
        """Upload a blob in one PUT, unless it is there."""
        if not self.has_blob(repository, blob.digest):
            scope = _scope(repository, "pull,push")
            started = self.request("POST", f"/v2/{repository}/blobs/uploads/", scope=scope)
            _want(started, 202)
            location = urlsplit(urljoin(self.endpoint.url, started.headers["location"]))
            query = f"{location.query}&" if location.query else ""
            path = f"{location.path}?{query}digest={quote(blob.digest, safe='')}"
            sent = self.request(
                "PUT", path, body=blob.data, headers={"Content-Type": "application/octet-stream"}, scope=scope
            )
            _want(sent, 201)

    def push_manifest(self, repository: str, reference: str, body: bytes, media_type: str) -> Answer:
        """PUT a manifest's bytes under a tag or its digest."""
        path = f"/v2/{repository}/manifests/{reference}"
        answer = self.request(
            "PUT", path, body=body, headers={"Content-Type": media_type}, scope=_scope(repository, "pull,push")
        )
        _want(answer, 201)
        return answer

    def push(self, repository: str, image: Image, *tags: str) -> str:
        """Push an image with all that it names, children first, and put it under the tags. Gives its digest."""
        for child in image.children:
            self.push(repository, child)
        for blob in image.blobs:
            self.push_blob(repository, blob)
        for reference in tags or (image.digest,):
            self.push_manifest(repository, reference, image.manifest, image.media_type)
        return image.digest

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest with all its tags."""
        _want(self.request("DELETE", f"/v2/{repository}/manifests/{digest}", scope=_scope(repository, "delete")), 202)

    # Ending

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> PlainClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _connect(url: str, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.netloc, timeout=60, context=context)
    return http.client.HTTPConnection(parts.netloc, timeout=60)


def _scope(repository: str, actions: str) -> str:
    return f"repository:{repository}:{actions}"


def _want(answer: Answer, status: int) -> None:
    if answer.status != status:
        raise Refused(f"the registry answered {answer.status}: {answer.body[:500]!r}")
